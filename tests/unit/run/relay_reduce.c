/* Reductions on a node: what goes back is the fewest nodes of the tree that its block is made of, however
 * many claims it took, and whatever has died or failed meanwhile. */
#include "run/relay.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "outpost.h"
#include "realm.h"
#include "reduction.h"

static struct outpost post;

static int owned_item(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    atomic_store(&gang_tally->runner[item], getpid());
    return reduction_item(call, in, size);
}

/* Items from..from+items-1 of a reduction of `total`, of which each is a claim. */
static struct wire_message reducing(uint64_t block, uint64_t from, uint32_t items, uint64_t total,
                                    size_t size)
{
    struct wire_message message = outpost_squares(block, items);
    message.block.function = outpost_name(reduction_item);
    message.block.combine = outpost_name((rp_fn *)(void (*)(void))reduction_combine);
    message.block.flags = POST_REDUCE | WIRE_RANGE;
    message.block.first = from;
    message.block.total = total;
    message.block.bytes = 0;
    message.block.chunk = 1;
    message.block.out_size = size;
    return message;
}

static void send(const struct wire_message *message)
{
    struct wire_message copy = *message;
    outpost_send(&post, &copy, NULL, 0);
}

static void start(int workers)
{
    outpost_start(&post, workers, NULL);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
}

/* The largest node of the tree that begins at `from` and does not reach beyond `end`: where it ends. */
static uint64_t node_end(uint64_t from, uint64_t end, uint64_t total)
{
    uint64_t size = 1;
    while (from % (2 * size) == 0 && (from + 2 * size <= end || (end == total && from + size < end)))
        size *= 2;
    return from + size < end ? from + size : end;
}

/* Items from..end-1 of a block whose first item is `first` came as the nodes of the tree: how many. */
static int check_nodes(const struct wire_block *block, uint64_t from, uint64_t end)
{
    static uint64_t wanted[REDUCTION_LONGEST / 8];
    int nodes = 0;
    for (uint64_t next; from < end; from = next, nodes++) {
        next = node_end(from, end, block->total);
        const struct outpost_note *said = outpost_find(&post, block->block, (uint32_t)(from - block->first));
        if (!CHECK(said && said->payload) || !CHECK_UINT(said->note.count, next - from) ||
            !CHECK_UINT(said->note.from, from - block->first))
            return nodes;
        reduction_serially(from, next - from, wanted, block->out_size);
        CHECK_MEM(said->payload, wanted, block->out_size);
    }
    return nodes;
}

/* ---- Combining ---------------------------------------------------------------------------- */

static void reduce_some(int workers, uint64_t from, uint32_t items, uint64_t total, size_t size)
{
    start(workers);
    struct wire_message block = reducing(1, from, items, total, size);
    block.block.function = outpost_name(owned_item);
    send(&block);
    outpost_await_items(&post, items);
    CHECK_INT(post.count, check_nodes(&block.block, from, from + items));
    uint64_t claims = 0, runs[GANG_WORKERS] = {0};
    for (int i = 0; i < post.count; i++)
        claims += (post.said[i].note.flags & NOTE_FIRST) + post.said[i].note.joined;
    CHECK_UINT(claims, items);
    outpost_end(&post);
    for (uint64_t item = from; item < from + items; item++)
        for (int i = 0; i < workers; i++)
            runs[i] += gang_tally->runner[item] == (i ? post.gang.pid[i + 1] : getpid());
    for (int i = 0; i < workers; i++)
        CHECK_UINT(post.done[i], runs[i]);
}

TEST_CASE(a_block_of_a_reduction_comes_back_as_the_fewest_nodes_of_its_tree)
{
    for (int s = 0; s < REDUCTION_SIZES; s++) {
        check_note("%zu bytes", reduction_sizes[s]);
        reduce_some(3, 0, 256, 256, reduction_sizes[s]);
        reduce_some(3, 300, 500, 20000, reduction_sizes[s]);
        reduce_some(3, 64, 101, 165, reduction_sizes[s]);
    }
}

TEST_CASE(a_leader_that_works_alone_combines_too)
{
    for (int s = 0; s < REDUCTION_SIZES; s++)
        reduce_some(1, 300, 500, 20000, reduction_sizes[s]);
}

/* Item 31 waits until bit 31 of `gate` is gone. */
static int gated_item(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    while (item == 31 && atomic_load(&gang_tally->gate) >> 31)
        sched_yield();
    return reduction_item(call, in, size);
}

static void await_tallied(uint64_t items)
{
    while (post.tallied < items && !post.lost)
        outpost_poll(&post);
    CHECK_UINT(post.tallied, items);
}

TEST_CASE(what_has_run_is_told_before_its_result_is_there)
{
    start(3);
    gang_tally->gate = UINT32_C(1) << 31;
    struct wire_message block = reducing(1, 0, 64, 64, 8);
    block.block.function = outpost_name(gated_item);
    send(&block);
    await_tallied(63);
    CHECK_INT(post.count, 0);
    gang_tally->gate = 0;
    outpost_await_items(&post, 64);
    CHECK_INT(check_nodes(&block.block, 0, 64), 1);
    outpost_end(&post);
}

static void gated_combine(void *into, const void *from, size_t size)
{
    atomic_fetch_add(&gang_tally->waiting, 1);
    while (atomic_load(&gang_tally->gate))
        sched_yield();
    reduction_combine(into, from, size);
}

TEST_CASE(a_leader_answers_while_its_workers_combine)
{
    start(3);
    gang_tally->gate = 1;
    struct wire_message block = reducing(1, 0, 64, 64, 24);
    block.block.combine = outpost_name((rp_fn *)(void (*)(void))gated_combine);
    send(&block);
    while (!atomic_load(&gang_tally->waiting))
        outpost_poll(&post);
    struct wire_message cancel = {.type = WIRE_CANCEL, .pool = OUTPOST_POOL, .cancel = {77, 0}};
    outpost_send(&post, &cancel, NULL, 0);
    outpost_await(&post, WIRE_ANSWER, 1);
    CHECK_INT(post.count, 0);
    gang_tally->gate = 0;
    outpost_await_items(&post, 64);
    CHECK_INT(check_nodes(&block.block, 0, 64), 1);
    outpost_end(&post);
}

TEST_CASE(items_of_which_each_start_is_told_come_back_as_they_are)
{
    start(2);
    struct wire_message block = reducing(1, 0, 64, 64, 8);
    block.block.flags |= WIRE_TELLING;
    send(&block);
    outpost_await_items(&post, 64);
    CHECK_INT(post.count, 64);
    CHECK_UINT(post.tallied, 0);
    outpost_end(&post);
}

/* ---- Failures ----------------------------------------------------------------------------- */

static int fail_at_150(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    return item == 150 ? rp_fail(call, "no") : reduction_item(call, in, size);
}

TEST_CASE(what_stands_beside_a_failed_item_is_combined_all_the_same)
{
    start(3);
    struct wire_message block = reducing(1, 100, 200, 1000, 104);
    block.block.function = outpost_name(fail_at_150);
    send(&block);
    outpost_await_items(&post, 200);
    const struct outpost_note *failed = outpost_find(&post, 1, 50);
    REQUIRE(failed);
    CHECK_STATUS(failed->note.status, RP_TASK_FAILED);
    CHECK_UINT(failed->note.count, 1);
    CHECK_INT(post.count, 1 + check_nodes(&block.block, 100, 150) + check_nodes(&block.block, 151, 300));
    outpost_end(&post);
}

TEST_CASE(what_is_asked_back_of_a_reduction_leaves_the_rest_combined)
{
    start(2);
    gang_tally->gate = UINT32_C(1) << 31;
    struct wire_message block = reducing(1, 0, 64, 64, 20000);
    block.block.function = outpost_name(gated_item);
    send(&block);
    await_tallied(31);
    struct wire_message recall = {.type = WIRE_RECALL, .pool = OUTPOST_POOL, .recall = {1}};
    outpost_send(&post, &recall, NULL, 0);
    outpost_await(&post, WIRE_RECALLED, 1);
    CHECK_UINT(post.last[WIRE_RECALLED].recalled.from, 32);
    gang_tally->gate = 0;
    outpost_await_items(&post, 32);
    CHECK_INT(check_nodes(&block.block, 0, 32), 1);
    outpost_end(&post);
}

/* ---- Deaths ------------------------------------------------------------------------------- */

/* Dies in a combination, once, and spoils what it was to combine. */
static void fatal_combine(void *into, const void *from, size_t size)
{
    if (atomic_exchange(&gang_tally->gate, 0)) {
        memset(into, 0xee, size);
        raise(SIGKILL);
    }
    reduction_combine(into, from, size);
}

TEST_CASE(a_worker_that_dies_over_parts_costs_one_item_a_try_and_no_bit)
{
    for (int s = 0; s < REDUCTION_SIZES; s++) {
        int lost = 0;
        check_note("%zu bytes", reduction_sizes[s]);
        start(4);
        gang_tally->gate = 1;
        struct wire_message block = reducing(1, 0, 256, 256, reduction_sizes[s]);
        block.block.combine = outpost_name((rp_fn *)(void (*)(void))fatal_combine);
        send(&block);
        outpost_await_items(&post, 256);
        for (int i = 0; i < post.count; i++) {
            const struct wire_note *note = &post.said[i].note;
            if (note->status != RP_WORKER_LOST)
                continue;
            CHECK_UINT(note->count, 1);
            CHECK_INT(check_nodes(&block.block, 0, note->from) +
                          check_nodes(&block.block, note->from + 1, 256),
                      post.count - 1);
            lost++;
        }
        CHECK_INT(lost, 1);
        outpost_end(&post);
    }
}

/* As the manager of the pool has it: what was lost runs again. */
TEST_CASE(reductions_over_nodes_lose_no_bit_with_who_dies_over_parts)
{
    struct realm realm;
    realm_start(&realm, 0, 2, 3);
    realm_open(&realm, NULL);
    for (int s = 0; s < REDUCTION_SIZES; s++) {
        gang_tally->gate = s < 2;
        reduction_check(&realm.gang,
                        &(struct map_work){.combine = fatal_combine, .schedule = SCHEDULE_DYNAMIC}, 2000,
                        reduction_sizes[s]);
        CHECK_UINT(gang_tally->gate, 0);
    }
    realm_end(&realm);
}

/* Item 31 waits, until its node is gone. */
static int held_item(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    if (item == 31 && atomic_load(&gang_tally->gate)) {
        atomic_store(&gang_tally->waiter, getpid());
        atomic_store(&gang_tally->waiting, 1);
        gang_await(&gang_tally->hooks[0], 1);
    }
    return reduction_item(call, in, size);
}

static struct realm cut;

static void *cut_its_node(void *state)
{
    gang_await(&gang_tally->waiting, 1);
    int node = cut.node[0].gang.pid[2] == gang_tally->waiter ? 0 : 1;
    CHECK_INT(cut.node[node].gang.pid[2], gang_tally->waiter);
    gang_tally->gate = 0;
    net_loop_cut(cut.end[node], 0);
    gang_tally->hooks[0] = 1;
    return state;
}

TEST_CASE(what_a_lost_node_had_combined_runs_elsewhere)
{
    pthread_t cutter;
    realm_start(&cut, 0, 2, 2);
    cut.may_lose = true;
    realm_open(&cut, NULL);
    gang_tally->gate = 1;
    REQUIRE(!pthread_create(&cutter, NULL, cut_its_node, NULL));
    reduction_check(&cut.gang, &(struct map_work){.fn = held_item, .schedule = SCHEDULE_DYNAMIC, .chunk = 50},
                    2000, 104);
    pthread_join(cutter, NULL);
    CHECK(gang_tally->runs[30] > 1);
    realm_end(&cut);
}
