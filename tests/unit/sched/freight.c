#include "sched/freight.h"

#include "check.h"

enum { KIB = 1 << 10, MIB = 1 << 20, MS = 1000000 };

/* Items of 64 KiB that come back, a lone leader, and nothing known of it. */
static struct freight usual(uint64_t in_flight)
{
    return (struct freight){
        .each = 128 * KIB, .block = MIB, .workers = 1, .nodes = 1, .in_flight = in_flight};
}

TEST_CASE(a_node_near_by_has_a_few_mib)
{
    struct freight near = usual(0);
    CHECK_UINT(freight_room(&near), FREIGHT_NEAR / near.each);
    near.trip = MS;
    near.speed = 1.0 / MS; /* an item a round trip */
    CHECK_UINT(freight_room(&near), FREIGHT_NEAR / near.each);
}

TEST_CASE(a_node_far_away_has_what_it_does_in_two_round_trips_up_to_a_bound)
{
    struct freight far = usual(0);
    far.trip = 40 * MS;
    far.speed = 3.0 / MS;
    CHECK_UINT(freight_room(&far), 240);
    far.speed = 30.0 / MS;
    CHECK_UINT(freight_room(&far), FREIGHT_FAR / far.each);
}

TEST_CASE(each_worker_has_two_items_however_long_they_are)
{
    struct freight freight = usual(0);
    freight.each = FREIGHT_FAR;
    CHECK_UINT(freight_room(&freight), 4);
    freight.workers = 57;
    freight.in_flight = 57;
    CHECK_UINT(freight_room(&freight), 59);
    freight.in_flight = 200;
    CHECK_UINT(freight_room(&freight), 0);
}

TEST_CASE(a_branch_has_as_much_for_each_of_its_nodes)
{
    struct freight branch = usual(0);
    branch.nodes = 33;
    CHECK_UINT(freight_room(&branch), 33 * FREIGHT_NEAR / branch.each);
    branch.trip = 40 * MS;
    branch.speed = 300.0 / MS;
    CHECK_UINT(freight_room(&branch), 33 * FREIGHT_FAR / branch.each);
}

TEST_CASE(long_items_beside_those_that_run_are_bounded_by_their_bytes_in_a_branch)
{
    struct freight branch = usual(0);
    branch.nodes = 10;
    branch.workers = 500;
    CHECK_UINT(freight_room(&branch), 500 + 502);
    branch.each = MIB;
    CHECK_UINT(freight_room(&branch), 500 + 80);
    branch.each = 16 * MIB;
    CHECK_UINT(freight_room(&branch), 500 + 5);
    branch.in_flight = 505;
    CHECK_UINT(freight_room(&branch), 0);
}

TEST_CASE(room_for_less_than_a_block_waits_for_more)
{
    struct freight freight = usual(64 - 7);
    CHECK_UINT(freight_room(&freight), 0);
    freight.in_flight = 64 - 8;
    CHECK_UINT(freight_room(&freight), 8);
}
