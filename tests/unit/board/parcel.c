/* Results in a worker's own region. */
#include "board/parcel.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "crowd.h"

TEST_CASE(parcels_lie_in_the_worker_s_own_region_aligned_and_apart)
{
    struct crowd crowd;
    crowd_open_small(&crowd, 3);
    struct board *board = &crowd.board[2];
    struct parcels parcels;
    REQUIRE(parcels_init(&parcels, board) == 0);
    uint64_t begin = board_region(board, 2), end = board_region(board, 3), last = begin;
    for (size_t size = 0; size < 2000; size += 37) {
        uint64_t offset = parcel_take(&parcels, size);
        REQUIRE(offset != ARENA_NONE);
        CHECK_UINT(offset % ARENA_ALIGN, 0);
        CHECK(offset >= last + sizeof(struct parcel) && offset + size <= end);
        memset(board_at(board, offset), 0xff, size);
        last = offset + size;
    }
    parcels_fini(&parcels);
    crowd_close(&crowd);
}

TEST_CASE(the_memory_of_taken_parcels_is_used_again)
{
    struct crowd crowd;
    crowd_open_small(&crowd, 1);
    struct board *board = &crowd.board[1];
    struct parcels parcels;
    REQUIRE(parcels_init(&parcels, board) == 0);
    uint64_t first = parcel_take(&parcels, 1000);
    for (int i = 0; i < 100000; i++) {
        parcel_mark_taken(&crowd.board[0], first);
        uint64_t next = parcel_take(&parcels, 1000);
        REQUIRE(next == first);
    }
    REQUIRE(parcels.room < 1000);
    parcels_fini(&parcels);
    crowd_close(&crowd);
}

TEST_CASE(a_parcel_that_is_kept_keeps_no_others_memory)
{
    enum { SIZE = 8 << 20 };
    struct crowd crowd;
    crowd_open(&crowd, 1);
    struct parcels parcels;
    REQUIRE(parcels_init(&parcels, &crowd.board[1]) == 0);
    uint64_t kept = parcel_take(&parcels, SIZE);
    for (int i = 0; i < 1000; i++) {
        uint64_t offset = parcel_take(&parcels, SIZE);
        REQUIRE(offset != ARENA_NONE);
        parcel_mark_taken(&crowd.board[0], offset);
        REQUIRE(parcels.own.in_use <= UINT64_C(4) * SIZE);
    }
    parcel_mark_taken(&crowd.board[0], kept);
    parcels_fini(&parcels);
    crowd_close(&crowd);
}

TEST_CASE(what_was_not_sent_is_used_again_at_once_whatever_was_sent_before)
{
    enum { LARGE = 64 << 10, SMALL = 100, N = 1000 };
    struct crowd crowd;
    crowd_open_small(&crowd, 1);
    struct board *board = &crowd.board[1];
    struct parcels parcels;
    REQUIRE(parcels_init(&parcels, board) == 0);
    for (int i = 0; i < N; i++) {
        uint64_t large = parcel_take(&parcels, LARGE), small = parcel_take(&parcels, SMALL);
        REQUIRE(large != ARENA_NONE && small != ARENA_NONE);
        parcel_give(&parcels, large); /* the small one is sent, and nobody takes it */
        CHECK(small < board_region(board, 1) + 2 * LARGE + N * (SMALL + 2 * ARENA_ALIGN));
    }
    parcels_fini(&parcels);
    crowd_close(&crowd);
}

TEST_CASE(a_region_that_is_full_refuses_until_something_is_taken)
{
    enum { SIZE = 100000 };
    struct crowd crowd;
    crowd_open_small(&crowd, 1);
    struct parcels parcels;
    uint64_t offsets[64];
    int count = 0;
    REQUIRE(parcels_init(&parcels, &crowd.board[1]) == 0);
    while ((offsets[count] = parcel_take(&parcels, SIZE)) != ARENA_NONE)
        REQUIRE(++count < 64);
    CHECK_INT(count, (2 << 20) / SIZE);
    CHECK_UINT(parcel_take(&parcels, SIZE), ARENA_NONE);
    parcel_mark_taken(&crowd.board[0], offsets[count / 2]);
    CHECK_UINT(parcel_take(&parcels, SIZE), offsets[count / 2]);
    parcel_give(&parcels, offsets[1]); /* never sent */
    CHECK_UINT(parcel_take(&parcels, SIZE), offsets[1]);
    CHECK_UINT(parcel_take(&parcels, (size_t)2 << 20), ARENA_NONE);
    CHECK_UINT(parcel_take(&parcels, SIZE_MAX), ARENA_NONE);
    CHECK_UINT(parcel_take(&parcels, SIZE_MAX - sizeof(struct parcel)), ARENA_NONE);
    parcels_fini(&parcels);
    crowd_close(&crowd);
}

/* What the worker wrote stands there until the manager has taken it. */
TEST_CASE(a_random_traffic_of_parcels_keeps_every_byte)
{
    enum { HELD = 60 };
    struct crowd crowd;
    crowd_open_small(&crowd, 1);
    struct parcels parcels;
    struct {
        uint64_t offset;
        size_t size;
        int byte;
    } held[HELD];
    int count = 0;
    REQUIRE(parcels_init(&parcels, &crowd.board[1]) == 0);
    srand(55);
    for (int step = 0; step < TIMES(20000); step++) {
        size_t size = (size_t)rand() % (rand() % 20 ? 2000 : 200000);
        uint64_t offset = count < HELD ? parcel_take(&parcels, size) : ARENA_NONE;
        if (offset != ARENA_NONE) {
            held[count].offset = offset;
            held[count].size = size;
            held[count].byte = rand() & 255;
            memset(board_at(&crowd.board[1], offset), held[count].byte, size);
            count++;
        }
        if (!count || (offset != ARENA_NONE && rand() % 3))
            continue;
        int i = rand() % count;
        const unsigned char *bytes = board_at(&crowd.board[0], held[i].offset);
        for (size_t k = 0; k < held[i].size; k++)
            REQUIRE(bytes[k] == held[i].byte);
        parcel_mark_taken(&crowd.board[0], held[i].offset);
        held[i] = held[--count];
    }
    parcels_fini(&parcels);
    crowd_close(&crowd);
}
