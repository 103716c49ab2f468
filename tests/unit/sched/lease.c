#include "sched/lease.h"

#include <stdlib.h>

#include "check.h"

TEST_CASE(an_item_s_lease_ends_once)
{
    struct lease lease = {0};
    REQUIRE(lease_begin(&lease, 3, 3) == 0);
    CHECK_UINT(lease.open, 3);
    CHECK(lease_end(&lease, 1));
    CHECK(!lease_end(&lease, 1));
    CHECK(lease_has_ended(&lease, 1));
    CHECK(!lease_has_ended(&lease, 0) && !lease_has_ended(&lease, 2));
    CHECK_UINT(lease.open, 2);
    lease_free(&lease);
}

/* Runs that begin and end in, at and across the borders of the words of 64 bits. */
TEST_CASE(a_run_ends_its_items_and_no_others)
{
    enum { ITEMS = 64 * 4 };
    static const uint32_t edges[] = {0, 1, 31, 63, 64, 65, 127, 128, 129, 191, 192, 255, 256};
    struct lease lease = {0};
    for (size_t a = 0; a < sizeof edges / sizeof *edges; a++)
        for (size_t b = a; b < sizeof edges / sizeof *edges; b++) {
            uint32_t from = edges[a], count = edges[b] - edges[a];
            check_note("%u items from %u", count, from);
            REQUIRE(lease_begin(&lease, ITEMS, ITEMS) == 0);
            lease_end_run(&lease, from, count);
            CHECK_UINT(lease.open, ITEMS - count);
            for (uint32_t i = 0; i < ITEMS; i++)
                REQUIRE(lease_has_ended(&lease, i) == (i >= from && i < from + count));
        }
    lease_free(&lease);
}

TEST_CASE(runs_and_single_items_together_end_everything_once)
{
    enum { ITEMS = 1000 };
    struct lease lease = {0};
    srand(3);
    for (int round = 0; round < 10; round++) {
        bool ended[ITEMS] = {false};
        REQUIRE(lease_begin(&lease, ITEMS, ITEMS) == 0);
        while (lease.open) {
            uint32_t from = (uint32_t)rand() % ITEMS, end = from;
            uint32_t most = rand() % 2 ? 1 : 1 + (uint32_t)rand() % 200;
            while (end < ITEMS && end - from < most && !ended[end])
                ended[end++] = true;
            if (end - from == 1)
                REQUIRE(lease_end(&lease, from));
            else if (end > from)
                lease_end_run(&lease, from, end - from);
            uint32_t open = 0;
            for (uint32_t i = 0; i < ITEMS; i++) {
                REQUIRE(lease_has_ended(&lease, i) == ended[i]);
                open += !ended[i];
            }
            REQUIRE(lease.open == open);
        }
    }
    lease_free(&lease);
}

TEST_CASE(a_lease_grows_up_to_its_room)
{
    enum { ROOM = 1024 };
    struct lease lease = {0};
    REQUIRE(lease_begin(&lease, 0, ROOM) == 0);
    CHECK_UINT(lease.open, 0);
    for (uint32_t items = 1; items <= ROOM; items++) {
        lease_grow(&lease, items);
        REQUIRE(!lease_has_ended(&lease, items - 1));
        if (items % 3 == 0)
            REQUIRE(lease_end(&lease, items - 1));
    }
    CHECK_UINT(lease.items, ROOM);
    CHECK_UINT(lease.open, ROOM - ROOM / 3);
    lease_free(&lease);
}

TEST_CASE(a_lease_begun_anew_remembers_nothing)
{
    struct lease lease = {0};
    REQUIRE(lease_begin(&lease, 100, 100) == 0);
    lease_end_run(&lease, 0, 100);
    for (uint32_t room = 50; room <= 5000; room *= 10) {
        REQUIRE(lease_begin(&lease, room, room) == 0);
        CHECK_UINT(lease.open, room);
        for (uint32_t i = 0; i < room; i++)
            REQUIRE(!lease_has_ended(&lease, i));
        lease_end_run(&lease, 0, room);
    }
    lease_free(&lease);
    lease_free(&lease);
}
