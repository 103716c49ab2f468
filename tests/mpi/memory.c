/* Shares and memory that is read and written in place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite/suite.h"

struct question {
    rp_share_id share;
    size_t at;
};

static int look_up(rp_call *call, const void *in, size_t in_size)
{
    const struct question *question = in;
    size_t size;
    const unsigned char *shared = rp_shared(call, question->share, &size);
    (void)in_size;
    if (!shared || question->at >= size)
        return rp_fail(call, "nothing is shared there");
    return rp_return(call, shared + question->at, 1);
}

TEST_CASE(tasks_read_what_is_shared_until_it_is_given_up)
{
    enum { SIZE = 3 << 20, N = 200 };
    rp_pool *pool = suite_open(NULL);
    unsigned char *table = malloc(SIZE), out[N];
    struct question questions[N];
    rp_share_id id, other;
    REQUIRE(table);
    for (size_t i = 0; i < SIZE; i++)
        table[i] = (unsigned char)(i * 7 >> 3);
    REQUIRE_STATUS(rp_share(pool, table, SIZE, &id), RP_OK);
    REQUIRE_STATUS(rp_share(pool, "another", 7, &other), RP_OK);
    for (size_t i = 0; i < N; i++)
        questions[i] = (struct question){id, i * 15013};
    CHECK_STATUS(rp_map(pool, look_up, questions, sizeof *questions, N, out, 1), RP_OK);
    for (size_t i = 0; i < N; i++)
        CHECK_UINT(out[i], table[i * 15013]);
    CHECK_STATUS(rp_unshare(pool, id), RP_OK);
    CHECK_STATUS(rp_map(pool, look_up, questions, sizeof *questions, 1, out, 1), RP_TASK_FAILED);
    CHECK_STATUS(rp_unshare(pool, id), RP_INVALID);
    questions[0] = (struct question){other, 6};
    CHECK_STATUS(rp_map(pool, look_up, questions, sizeof *questions, 1, out, 1), RP_OK);
    CHECK_UINT(out[0], 'r');
    questions[0].share = 12345;
    CHECK_STATUS(rp_map(pool, look_up, questions, sizeof *questions, 1, out, 1), RP_TASK_FAILED);
    free(table);
    suite_close(pool);
}

TEST_CASE(the_number_of_a_share_that_was_given_up_never_finds_a_later_one)
{
    rp_pool *pool = suite_open(NULL);
    rp_share_id first, later;
    unsigned char out;
    REQUIRE_STATUS(rp_share(pool, "1", 1, &first), RP_OK);
    CHECK_STATUS(rp_unshare(pool, first), RP_OK);
    for (int i = 0; i < 100; i++) { /* in the same place */
        REQUIRE_STATUS(rp_share(pool, "2", 1, &later), RP_OK);
        CHECK(later != first);
        const struct question questions[] = {{first, 0}, {later, 0}};
        CHECK_STATUS(rp_map(pool, look_up, questions, sizeof *questions, 1, &out, 1), RP_TASK_FAILED);
        CHECK_STATUS(rp_map(pool, look_up, questions + 1, sizeof *questions, 1, &out, 1), RP_OK);
        CHECK_STATUS(rp_unshare(pool, first), RP_INVALID);
        CHECK_STATUS(rp_unshare(pool, later), RP_OK);
    }
    suite_close(pool);
}

/* Resident shared memory of this process, in KiB. */
static long shared_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "RssShmem:", 9))
            kib = atol(line + 9);
    if (file)
        fclose(file);
    return kib;
}

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

TEST_CASE(memory_that_was_given_up_is_used_again_although_tasks_go_on)
{
    enum { SIZE = 4 << 20, ROUNDS = 20 };
    rp_pool *pool = suite_open(NULL);
    char *data = calloc(1, SIZE);
    REQUIRE(data);
    long before = shared_kib();
    for (int i = 0; i < ROUNDS; i++) {
        rp_share_id id;
        rp_future *future;
        REQUIRE_STATUS(rp_share(pool, data, SIZE, &id), RP_OK);
        void *memory = rp_alloc(pool, SIZE);
        REQUIRE(memory);
        memset(memory, 1, SIZE);
        REQUIRE_STATUS(rp_submit(pool, nothing, NULL, 0, &future), RP_OK);
        CHECK_STATUS(rp_result(future, NULL), RP_OK);
        rp_release(&future);
        rp_free(pool, memory);
        CHECK_STATUS(rp_unshare(pool, id), RP_OK);
    }
    CHECK(shared_kib() - before < 4 * 2 * SIZE / 1024);
    free(data);
    suite_close(pool);
}

static int twice(rp_call *call, const void *in, size_t size)
{
    uint64_t value;
    memcpy(&value, in, sizeof value);
    (void)size;
    if (value == 77)
        return rp_fail(call, "not this one");
    value *= 2;
    return rp_return(call, &value, sizeof value);
}

TEST_CASE(maps_over_memory_of_the_pool_equal_the_serial_ones)
{
    enum { N = 100000 };
    rp_pool *pool = suite_open(NULL);
    uint64_t *in = rp_alloc(pool, N * sizeof *in), *out = rp_alloc(pool, N * sizeof *out);
    uint64_t *plain = malloc(N * sizeof *plain);
    REQUIRE(in && out && plain);
    const char *const schedules[] = {"auto", "static", "dynamic"};
    for (int s = 0; s < 3; s++) {
        for (uint64_t i = 0; i < N; i++)
            in[i] = i + 100, out[i] = plain[i] = 0;
        rp_map_options options = RP_MAP_OPTIONS_INIT;
        options.schedule = schedules[s];
        CHECK_STATUS(rp_map_with(pool, twice, in, 8, N, out, 8, &options, NULL), RP_OK);
        CHECK_STATUS(rp_map_with(pool, twice, in, 8, N, plain, 8, &options, NULL), RP_OK);
        for (uint64_t i = 0; i < N; i++)
            REQUIRE(out[i] == 2 * (i + 100) && plain[i] == out[i]);
    }
    in[500] = 77;
    out[500] = 4711;
    CHECK_STATUS(rp_map(pool, twice, in + 1, 8, N - 1, out + 1, 8), RP_TASK_FAILED);
    CHECK_UINT(out[500], 4711);
    CHECK_HAS(rp_last_error(pool), "item 499");
    rp_free(pool, in);
    rp_free(pool, out);
    rp_free(pool, plain);
    CHECK_HAS(rp_last_error(pool), "rp_free");
    free(plain);
    suite_close(pool);
}
