/* The allocator against a model: one byte for each ARENA_ALIGN bytes of the range. */
#define _GNU_SOURCE
#include "board/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board/memory.h"
#include "check.h"
#include "crowd.h"

enum { UNITS = 512, START = 4096, BYTES = UNITS * ARENA_ALIGN };

static struct arena arena_of_units(void)
{
    struct arena arena;
    REQUIRE(arena_init(&arena, NULL, START, BYTES) == 0);
    return arena;
}

/* The lowest run of free units that is long enough: first fit. */
static uint64_t first_fit(const bool *used, size_t units)
{
    size_t run = 0;
    for (size_t i = 0; i < UNITS; i++) {
        run = used[i] ? 0 : run + 1;
        if (run == units)
            return START + (i + 1 - units) * ARENA_ALIGN;
    }
    return ARENA_NONE;
}

static size_t count_holes(const bool *used)
{
    size_t holes = 0;
    for (size_t i = 0; i < UNITS; i++)
        holes += !used[i] && (i == 0 || used[i - 1]);
    return holes;
}

static size_t units_of(size_t size)
{
    return size ? (size + ARENA_ALIGN - 1) / ARENA_ALIGN : 1;
}

TEST_CASE(a_random_coming_and_going_is_as_the_model_says)
{
    enum { HELD = 100 };
    struct arena arena = arena_of_units();
    struct {
        uint64_t offset;
        size_t size;
    } held[HELD];
    bool used[UNITS] = {false};
    int count = 0;
    srand(21);
    for (int step = 0; step < TIMES(200000); step++) {
        bool grows = step / 2000 % 2 ? rand() % 3 > 0 : rand() % 3 == 0;
        if (count < HELD && (grows || !count)) {
            size_t size = rand() % 4 ? (size_t)rand() % 300 : (size_t)rand() % 9000;
            uint64_t wanted = first_fit(used, units_of(size)), offset = arena_take(&arena, size);
            REQUIRE(offset == wanted);
            if (offset == ARENA_NONE)
                continue;
            memset(used + (offset - START) / ARENA_ALIGN, true, units_of(size));
            held[count].offset = offset;
            held[count++].size = size;
        } else if (count) {
            int i = rand() % count;
            arena_give(&arena, held[i].offset, held[i].size);
            memset(used + (held[i].offset - START) / ARENA_ALIGN, false, units_of(held[i].size));
            held[i] = held[--count];
        }
        size_t in_use = 0;
        for (size_t i = 0; i < UNITS; i++)
            in_use += used[i] ? ARENA_ALIGN : 0;
        REQUIRE(arena.in_use == in_use);
        REQUIRE(arena.count == count_holes(used)); /* holes that touch have become one */
    }
    arena_fini(&arena);
}

TEST_CASE(what_was_given_back_last_at_the_low_end_is_taken_first)
{
    struct arena arena = arena_of_units();
    uint64_t a = arena_take(&arena, 1000), b = arena_take(&arena, 1000);
    CHECK_UINT(a, START);
    CHECK(b > a);
    arena_give(&arena, a, 1000);
    CHECK_UINT(arena_take(&arena, 1000), a);
    arena_give(&arena, b, 1000);
    CHECK_UINT(arena_take(&arena, 1000), b);
    arena_fini(&arena);
}

TEST_CASE(everything_given_back_is_one_hole_in_any_order_of_giving)
{
    static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 2, 1, 3}, {1, 3, 0, 2}, {2, 0, 3, 1}};
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        struct arena arena = arena_of_units();
        uint64_t offsets[4];
        for (int i = 0; i < 4; i++)
            offsets[i] = arena_take(&arena, BYTES / 4);
        CHECK_UINT(arena_take(&arena, 1), ARENA_NONE);
        for (int i = 0; i < 4; i++)
            arena_give(&arena, offsets[orders[o][i]], BYTES / 4);
        CHECK_UINT(arena.count, 1);
        CHECK_UINT(arena.in_use, 0);
        CHECK_UINT(arena_take(&arena, BYTES), START);
        arena_fini(&arena);
    }
}

TEST_CASE(ranges_are_aligned_and_apart_also_of_no_bytes)
{
    struct arena arena = arena_of_units();
    uint64_t last = 0;
    for (size_t size = 0; size < 130; size++) {
        uint64_t offset = arena_take(&arena, size);
        REQUIRE(offset != ARENA_NONE);
        CHECK_UINT(offset % ARENA_ALIGN, 0);
        CHECK(offset > last);
        last = offset + (size ? size - 1 : 0);
    }
    arena_fini(&arena);
}

TEST_CASE(sizes_that_nothing_holds_are_refused)
{
    static const size_t sizes[] = {
        BYTES + 1, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - ARENA_ALIGN, SIZE_MAX - ARENA_ALIGN + 1, SIZE_MAX / 2};
    struct arena arena = arena_of_units();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_note("%zu bytes", sizes[i]);
        CHECK_UINT(arena_take(&arena, sizes[i]), ARENA_NONE);
    }
    CHECK_UINT(arena.in_use, 0);
    arena_fini(&arena);
}

static size_t resident(void *base, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 0;
    unsigned char *in_core = malloc(size / page);
    REQUIRE(in_core && mincore(base, size, in_core) == 0);
    for (size_t i = 0; i < size / page; i++)
        pages += in_core[i] & 1;
    free(in_core);
    return pages * page;
}

TEST_CASE(large_ranges_give_their_pages_back)
{
    enum { LARGE = 80 << 20 };
    struct error error;
    struct memory memory;
    struct arena arena;
    REQUIRE_STATUS(memory_create(MEMORY_MEMFD, LARGE, &memory, &error), RP_OK);
    REQUIRE(arena_init(&arena, memory.base, 0, LARGE) == 0);
    uint64_t offset = arena_take(&arena, LARGE);
    memset((char *)memory.base + offset, 1, LARGE);
    CHECK_UINT(resident(memory.base, LARGE), LARGE);
    arena_give(&arena, offset, LARGE);
    CHECK_UINT(resident(memory.base, LARGE), 0);
    arena_fini(&arena);
    memory_release(&memory);
}
