/* What a leader does in a turn, and in which order: the test says what it looks at. */
#include "check.h"
#include "outpost.h"
#include "run/leader_state.h"

#define NEVER (UINT64_MAX / 2)

static struct outpost post;

static void turn(uint64_t looked)
{
    struct leader *leader = post.leader;
    leader->looked = looked;
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        relay_look(relay);
    leader_turn(leader);
}

/* As long as the leader itself does not look for the dead its pools do, in each turn. */
static void *look_late(void *state)
{
    leader_arrive(post.leader, 0);
    while (!gang_is_dead(&post.gang, 2))
        turn(NEVER);
    for (int i = 0; i < 10; i++)
        turn(NEVER);
    atomic_store(&gang_tally->hooks[0], 1);
    gang_await(&gang_tally->hooks[1], 1);
    while (!leader_is_over(post.leader))
        turn(0);
    return state;
}

TEST_CASE(a_death_is_told_before_what_has_become_of_its_items)
{
    outpost_start_visited(&post, 2, look_late);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_squares(1, 1);
    block.block.function = outpost_name(outpost_die_at_thirteen);
    block.block.visit = 1;
    atomic_store(&gang_tally->struck, 1); /* a death is no surprise */
    outpost_send_squares(&post, &block, 13);
    gang_await(&gang_tally->hooks[0], 1);
    outpost_poll(&post);
    CHECK_UINT(post.items, 0);
    CHECK_INT(post.got[WIRE_LOST], 0);
    atomic_store(&gang_tally->hooks[1], 1);
    outpost_await_items(&post, 1);
    CHECK_STATUS(post.said[0].note.status, RP_WORKER_LOST);
    CHECK_INT(post.got[WIRE_LOST], 1);
    CHECK_UINT(post.items_at[WIRE_LOST], 0);
    outpost_end(&post);
}
