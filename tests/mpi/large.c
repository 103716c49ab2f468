/* Single items and arrays beyond 2 GiB and 2^31 elements. */
#define _GNU_SOURCE
#include "suite/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE   ((size_t)2252 << 20)        /* 2.2 GiB */
#define MANY    (((size_t)1 << 31) + 12345) /* 2147495993 */
#define NEEDED  ((size_t)12 << 30)          /* bytes of free memory: inputs, results and their way between */
#define SPACING ((size_t)1 << 20)

/* Bytes that take memory only where they were written. */
static unsigned char *sparse(size_t size)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    return memory;
}

static bool machine_is_large_enough(void)
{
    char line[256];
    size_t available = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %zu kB", &available) == 1)
            break;
    if (file)
        fclose(file);
    return available << 10 >= NEEDED;
}

static rp_pool *open_large(void)
{
    check_seconds(240);
    if (!machine_is_large_enough())
        SKIP_CASE("12 GiB of free memory are needed");
    return suite_open(NULL);
}

/* Marks every SPACING bytes and at the very end. */
static void mark(unsigned char *data, size_t size)
{
    for (size_t at = 0; at < size; at += SPACING)
        data[at] = (unsigned char)data_mix(at);
    data[size - 1] = 0x77;
}

static size_t count_wrong(const unsigned char *data, size_t size)
{
    size_t wrong = data[size - 1] != 0x77;
    for (size_t at = 0; at + 1 < size; at += SPACING)
        wrong += data[at] != (unsigned char)data_mix(at);
    return wrong;
}

/* Checks the marks of its input and answers as many bytes with the same. */
static int inspect_and_produce(rp_call *call, const void *in, size_t size)
{
    if (size != LARGE || count_wrong(in, size))
        return rp_fail(call, "%zu bytes, or wrong marks", size);
    unsigned char *room = rp_reserve(call, LARGE);
    if (!room)
        return rp_fail(call, "no room");
    mark(room, LARGE);
    return 0;
}

static int copy(rp_call *call, const void *in, size_t size)
{
    return rp_return(call, in, size);
}

TEST_CASE(a_task_takes_and_gives_more_than_2_gibibytes)
{
    rp_pool *pool = open_large();
    unsigned char *in = sparse(LARGE);
    mark(in, LARGE);
    rp_future *future;
    rp_view view = {NULL, 0};
    REQUIRE_STATUS(rp_submit(pool, inspect_and_produce, in, LARGE, &future), RP_OK);
    munmap(in, LARGE);
    CHECK_STATUS(rp_result(future, &view), RP_OK);
    CHECK_STR(rp_error(future), "");
    suite_close(pool);
    if (CHECK_UINT(view.size, LARGE))
        CHECK_UINT(count_wrong(view.data, LARGE), 0);
    rp_release(&future);
}

TEST_CASE(a_map_takes_and_gives_items_beyond_2_gibibytes)
{
    rp_pool *pool = open_large();
    unsigned char *in = sparse(LARGE), *out = sparse(LARGE);
    mark(in, LARGE);
    size_t size = 0;
    CHECK_STATUS(rp_map_with(pool, copy, in, LARGE, 1, out, LARGE, RP_MAP_OPTIONS(.sizes = &size), NULL),
                 RP_OK);
    CHECK_UINT(size, LARGE);
    CHECK_UINT(count_wrong(out, LARGE), 0);
    munmap(in, LARGE);
    munmap(out, LARGE);
    suite_close(pool);
}

/* One byte in, one out; it fails where the index does not fit the input. */
static int check_index(rp_call *call, const void *in, size_t size)
{
    unsigned char value = *(const unsigned char *)in, wanted = rp_call_index(call) % SPACING ? 0 : 1;
    if (size != 1 || value != wanted)
        return rp_fail(call, "item %zu is %d", rp_call_index(call), value);
    value += 2;
    return rp_return(call, &value, 1);
}

TEST_CASE(an_array_of_more_than_2_to_the_31_items_is_mapped_and_its_last_but_one_may_fail)
{
    rp_pool *pool = open_large();
    unsigned char *in = sparse(MANY), *out = sparse(MANY), *block = malloc(SPACING);
    REQUIRE(block);
    for (size_t at = 0; at < MANY; at += SPACING)
        in[at] = 1;
    in[MANY - 2] = 9;
    rp_map_report report;
    CHECK_STATUS(rp_map_with(pool, check_index, in, 1, MANY, out, 1, NULL, &report), RP_TASK_FAILED);
    CHECK_UINT(report.done, MANY - 1);
    CHECK_UINT(report.failed, 1);
    CHECK_UINT(report.first_failed, MANY - 2);
    CHECK_HAS(report.message, "2147495991 is 9");
    CHECK_UINT(out[MANY - 2], 0);
    out[MANY - 2] = 2;
    memset(block, 2, SPACING);
    block[0] = 3;
    for (size_t at = 0; at < MANY; at += SPACING)
        if (!CHECK_MEM(out + at, block, MANY - at < SPACING ? MANY - at : SPACING))
            break;
    free(block);
    munmap(in, MANY);
    munmap(out, MANY);
    suite_close(pool);
}
