/* A node and its leader: how pools open and end there, and what becomes of it when somebody dies or talks
 * nonsense. */
#define _GNU_SOURCE
#include "run/leader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "outpost.h"

static struct outpost post;

static void run_squares(uint64_t number)
{
    struct wire_message block = outpost_squares(number, 200);
    uint64_t before = post.items;
    outpost_send_squares(&post, &block, 0);
    outpost_await_items(&post, before + 200);
    outpost_check_squares(&post, number, 0, 0, 200);
}

/* ---- Hooks ------------------------------------------------------------------------------- */

enum { LONG = 100000 };

static int enter(rp_call *call, const void *in, size_t size)
{
    const unsigned char *bytes = in;
    if (size && (bytes[0] != 9 || bytes[size - 1] != 9))
        return rp_fail(call, "the initarg is not what was sent");
    atomic_fetch_add(&gang_tally->hooks[0], 1);
    return 0;
}

static int leave(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    atomic_fetch_add(&gang_tally->hooks[1], 1);
    return 0;
}

static int stumble(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_fail(call, "the floor is wet");
}

static void open_and_close(const void *initarg, size_t size)
{
    outpost_start(&post, 3, NULL);
    outpost_open_pool(&post, enter, leave, initarg, size);
    gang_await(&gang_tally->hooks[0], 3);
    run_squares(1);
    outpost_end(&post);
    CHECK_UINT(gang_tally->hooks[0], 3);
    CHECK_UINT(gang_tally->hooks[1], 3);
}

TEST_CASE(initializer_and_finalizer_run_once_in_each_process_of_a_node)
{
    open_and_close(NULL, 0);
    open_and_close("\11\11", 2);
}

TEST_CASE(a_long_initarg_is_there_before_anybody_begins)
{
    static unsigned char initarg[LONG];
    memset(initarg, 9, sizeof initarg);
    open_and_close(initarg, sizeof initarg);
}

TEST_CASE(an_initializer_that_fails_is_told_of_with_its_sentence)
{
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, stumble, NULL, NULL, 0);
    outpost_await(&post, WIRE_BROKEN, 1);
    CHECK_HAS(post.text, "initializer failed with code 1 on worker ");
    CHECK_HAS(post.text, "the floor is wet");
    outpost_end(&post);
}

TEST_CASE(a_pool_of_which_a_module_cannot_be_kept_is_refused)
{
    char path[BOARD_PATH + 1];
    struct wire_message module = {.type = WIRE_MODULE, .pool = OUTPOST_POOL, .module = {99}};
    memset(path, 'm', sizeof path);
    outpost_start(&post, 2, NULL);
    outpost_send(&post, &module, path, sizeof path);
    outpost_open_pool(&post, enter, NULL, NULL, 0);
    outpost_await(&post, WIRE_REFUSED, 2);
    CHECK_HAS(post.text, "the path of a module is too long");
    CHECK_UINT(gang_tally->hooks[0], 0);
    outpost_end(&post);
}

/* ---- Nonsense ---------------------------------------------------------------------------- */

TEST_CASE(a_block_of_a_pool_that_is_not_open_goes_back)
{
    outpost_start(&post, 2, NULL);
    struct wire_message block = outpost_squares(1, 100);
    outpost_send_squares(&post, &block, 0);
    outpost_await(&post, WIRE_RECALLED, 1);
    CHECK_UINT(post.last[WIRE_RECALLED].recalled.from, 0);
    outpost_await(&post, WIRE_REFUSED, 2);
    CHECK_HAS(post.text, "pool 7 is not open on this node");
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    run_squares(2);
    outpost_end(&post);
}

/* What is wrong with a block of squares. */
static void be_unknown(struct wire_block *block)
{
    block->flags = 1 << 20;
}

static void be_elsewhere(struct wire_block *block)
{
    block->worker = OUTPOST_FIRST + 7;
}

static void have_nothing_in_common(struct wire_block *block)
{
    block->common = 12;
}

static void have_no_function(struct wire_block *block)
{
    block->function.module = 0;
}

static void have_long_results(struct wire_block *block)
{
    block->out_size = UINT64_MAX / 4;
}

static void reach_too_far(struct wire_block *block)
{
    block->flags = POST_REDUCE;
    block->combine = block->function;
    block->first = UINT64_MAX - 3;
}

TEST_CASE(a_block_that_makes_no_sense_is_refused_and_other_pools_go_on)
{
    static void (*const faults[])(struct wire_block *) = {
        be_unknown, be_elsewhere, have_no_function, have_nothing_in_common, have_long_results, reach_too_far};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        check_note("fault %zu", i);
        outpost_start(&post, 2, NULL);
        outpost_open_pool(&post, NULL, NULL, NULL, 0);
        struct wire_message other = {.type = WIRE_OPEN, .pool = OUTPOST_POOL + 1};
        outpost_send(&post, &other, NULL, 0);
        struct wire_message block = outpost_squares(1, 100);
        block.pool++;
        faults[i](&block.block);
        outpost_send_squares(&post, &block, 0);
        outpost_await(&post, WIRE_REFUSED, 2);
        CHECK_UINT(post.last[WIRE_REFUSED].pool, OUTPOST_POOL + 1);
        CHECK_HAS(post.text, "block 1 of pool 8");
        run_squares(1);
        outpost_end(&post);
    }
}

TEST_CASE(bytes_that_are_no_message_are_refused)
{
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    static const char nonsense[100] = "nonsense";
    struct net_segment segment = {.data = nonsense, .size = sizeof nonsense};
    CHECK_STATUS(net_send(post.net, 0, nonsense, sizeof nonsense, &segment, 1, &post, NULL), RP_OK);
    outpost_await(&post, WIRE_REFUSED, 2);
    run_squares(1);
    outpost_end(&post);
}

TEST_CASE(a_table_that_does_not_fit_its_inputs_is_refused)
{
    unsigned char table[2 * WIRE_TASK_SIZE] = {0}, inputs[64] = {0};
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_tasks(1, 2);
    block.block.bytes = sizeof inputs;
    for (int i = 0; i < 2; i++)
        wire_task_pack(
            &(struct wire_task){.function = outpost_name(enter), .in_size = 40 + (uint64_t)i * 5000},
            table + (size_t)i * WIRE_TASK_SIZE);
    outpost_send_apart(&post, &block, table, sizeof table, inputs, sizeof inputs);
    outpost_await(&post, WIRE_REFUSED, 2);
    outpost_await(&post, WIRE_RECALLED, 1);
    outpost_end(&post);
}

/* ---- Deaths ------------------------------------------------------------------------------ */

TEST_CASE(what_a_dead_worker_ran_is_lost_and_what_it_held_runs_elsewhere)
{
    static const struct gang_fate none[] = {{0}};
    outpost_start(&post, 3, none);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message block = outpost_squares(1, 400);
    block.block.function = outpost_name(outpost_die_at_thirteen);
    block.block.schedule = SCHEDULE_DYNAMIC;
    block.block.chunk = 40;
    atomic_store(&gang_tally->struck, 1); /* a death is no surprise */
    outpost_send_squares(&post, &block, 0);
    outpost_await_items(&post, 400);
    const struct outpost_note *lost = outpost_find(&post, 1, 13);
    REQUIRE(lost);
    CHECK_STATUS(lost->note.status, RP_WORKER_LOST);
    CHECK_UINT(lost->note.count, 1);
    outpost_check_squares(&post, 1, 0, 0, 13);
    outpost_check_squares(&post, 1, 0, 14, 386);
    outpost_await(&post, WIRE_LOST, 1);
    CHECK_UINT(post.last[WIRE_LOST].lost.worker, lost->note.worker);
    outpost_end(&post);
}

TEST_CASE(a_leader_whose_workers_have_died_runs_everything_itself)
{
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    run_squares(1);
    gang_kill(&post.gang, 2);
    run_squares(2);
    CHECK_UINT(outpost_find(&post, 2, 0)->note.worker, OUTPOST_FIRST);
    outpost_end(&post);
}

static int wait_at_gate(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    atomic_fetch_add(&gang_tally->waiting, 1);
    gang_await(&gang_tally->gate, 1);
    return 0;
}

TEST_CASE(a_node_whose_manager_is_lost_ends_its_pools_and_its_workers_leave)
{
    outpost_start(&post, 3, NULL);
    outpost_open_pool(&post, NULL, leave, NULL, 0);
    struct wire_message block = outpost_tasks(1, 50);
    outpost_send_tasks(&post, &block, wait_at_gate);
    gang_await(&gang_tally->waiting, 2);
    net_loop_cut(post.net, 0);
    outpost_await_leave(&post);
    CHECK(roster_is_orphaned(&post.gang.roster));
    atomic_store(&gang_tally->gate, 1);
    outpost_forget(&post);
}

TEST_CASE(long_results_for_a_manager_that_is_lost_hold_nobody_up)
{
    static char in[4][LONG];
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    net_loop_hold(post.net, 0, true);
    struct wire_message block = outpost_squares(1, 4);
    block.block.in_size = block.block.out_size = LONG;
    block.block.bytes = sizeof in;
    block.block.function = outpost_name(wait_at_gate);
    outpost_send_apart(&post, &block, NULL, 0, in, sizeof in);
    gang_await(&gang_tally->waiting, 1);
    atomic_store(&gang_tally->gate, 1);
    while (atomic_load(&gang_tally->waiting) < 4)
        usleep(100);
    net_loop_cut(post.net, 0);
    outpost_forget(&post);
}

TEST_CASE(a_node_with_nothing_to_do_sleeps)
{
    outpost_start(&post, 2, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    run_squares(1);
    usleep(1200000);
    struct timespec before, after;
    clockid_t clock;
    REQUIRE(!pthread_getcpuclockid(post.thread, &clock));
    clock_gettime(clock, &before);
    usleep(500000);
    clock_gettime(clock, &after);
    double used = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) * 1e-9;
    CHECK(used < 0.02); /* of half a second */
    outpost_end(&post);
}

static bool look_in_vain(struct net *net, struct net_event *event)
{
    (void)net, (void)event;
    return false;
}

/* A long message has no event before its end. */
TEST_CASE(bytes_that_move_are_seen_to_by_a_leader_that_waits_for_them)
{
    static const struct net_ops silent = {.poll = look_in_vain};
    struct net net = {.ops = &silent, .peers = 1};
    struct leader *leader;
    struct error error;
    outpost_start(&post, 1, NULL);
    struct leader_setup setup = {.net = &net, .roster = &post.gang.roster, .crew = post.crew};
    REQUIRE_STATUS(leader_create(&setup, &leader, &error), RP_OK);
    CHECK(!leader_turn(leader));
    net.pieces++;
    CHECK(leader_turn(leader));
    CHECK(!leader_turn(leader));
    leader_destroy(leader);
    outpost_end(&post);
}
