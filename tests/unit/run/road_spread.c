/* What all nodes are to have goes by a tree of their leaders, and reaches each node once, also where leaders
 * of the tree are lost, or keep silent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "realm.h"
#include "run/holding.h"
#include "run/submit.h"
#include "wire/message.h"
#include "work.h"

/* Seven nodes, of which 0, 1, 3 have it from the manager: 2 has it from 1, 4 and 5 from 3, and 6 from 5. */
enum { NODES = 7, SIZE = 200000 };

/* Of which nobody thinks that they are late before some seconds are over. */
enum { LARGE = 10 << 20, SOON_S = 4 };

static struct realm realm;
static unsigned char goods[LARGE];

/* ---- What the manager sends ---------------------------------------------------------------- */

static struct {
    const struct net_ops *ops; /* the net's own */
    int bodies[NODES];         /* COMMON and SHARE with all bytes, by node */
    void (*at_first)(void);    /* done before the first of them, ... */
    void (*at_block)(void);    /* ... and before a BLOCK, when all nodes have been told */
} sent;

static rp_status count_and_send(struct net *net, int peer, const void *head, size_t head_size,
                                const struct net_segment *segment, int segments, void *token,
                                struct error *error)
{
    int type = *(const unsigned char *)head;
    bool has_bytes = segments && (type == WIRE_COMMON || type == WIRE_SHARE);
    void (**act)(void) = type == WIRE_BLOCK ? &sent.at_block : &sent.at_first;
    if (has_bytes)
        sent.bodies[peer]++;
    if (*act && (has_bytes || type == WIRE_BLOCK)) {
        (*act)();
        *act = NULL;
    }
    return sent.ops->send(net, peer, head, head_size, segment, segments, token, error);
}

static int count_bodies(void)
{
    int count = 0;
    for (int i = 0; i < NODES; i++)
        count += sent.bodies[i];
    return count;
}

static void start(int workers, int each)
{
    static struct net_ops ops;
    for (size_t i = 0; i < LARGE; i++)
        goods[i] = (unsigned char)(i * 2654435761u >> 13);
    realm_start(&realm, workers, NODES, each);
    memset(&sent, 0, sizeof sent);
    sent.ops = realm.net->ops;
    ops = *sent.ops;
    ops.send = count_and_send;
    realm.net->ops = &ops;
    realm_open(&realm, NULL);
}

static void end(void)
{
    realm.net->ops = sent.ops;
    realm_end(&realm);
}

/* As the leader of a node knows that of another one. */
static int peer_of(int node, int other)
{
    return other < node ? other + 1 : other;
}

/* ---- Maps ---------------------------------------------------------------------------------- */

static int compare_common(rp_call *call, const void *in, size_t size)
{
    size_t length;
    const void *common = rp_common(call, &length);
    uint64_t same = common && length <= LARGE && !memcmp(common, goods, length) ? length : 0;
    (void)in, (void)size;
    return rp_return(call, &same, sizeof same);
}

/* Each worker has its part of the items. */
static void map_with_common(size_t size)
{
    enum { ITEMS = 70 };
    uint64_t out[ITEMS] = {0};
    struct error error;
    struct map_work work = {.fn = compare_common,
                            .range = true,
                            .in_size = sizeof(uint64_t),
                            .n = ITEMS,
                            .out = out,
                            .out_size = sizeof *out,
                            .schedule = SCHEDULE_STATIC,
                            .common = goods,
                            .common_size = size};
    if (!CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK))
        CHECK_FAILED("%s", error.text);
    for (size_t i = 0; i < ITEMS; i++)
        CHECK_UINT(out[i], size);
}

static void check_all_have_run(void)
{
    for (int i = 0; i < NODES; i++)
        CHECK(manager_count_done(&realm.gang.manager, realm_first(&realm, i)) > 0);
}

TEST_CASE(what_items_have_in_common_reaches_all_nodes_by_a_tree)
{
    start(0, 1);
    for (int round = 1; round <= 3; round++) {
        map_with_common(SIZE - (size_t)round);
        CHECK_INT(count_bodies(), 3 * round);
    }
    CHECK_INT(sent.bodies[0], 3);
    CHECK_INT(sent.bodies[1], 3);
    CHECK_INT(sent.bodies[3], 3);
    check_all_have_run();
    end();
}

TEST_CASE(what_is_short_reaches_all_nodes_from_the_manager)
{
    start(0, 1);
    map_with_common(5000);
    for (int i = 0; i < NODES; i++)
        CHECK_INT(sent.bodies[i], 1);
    check_all_have_run();
    end();
}

/* ---- Shares -------------------------------------------------------------------------------- */

/* What the input names, 0 if there is no such share. */
static int compare_share(rp_call *call, const void *in, size_t size)
{
    rp_share_id id;
    memcpy(&id, in, sizeof id);
    const void *share = rp_shared(call, id, &size);
    uint64_t same = share && size <= SIZE && !memcmp(share, goods, size) ? size : 0;
    return rp_return(call, &same, sizeof same);
}

static uint64_t ask_worker(int worker, rp_share_id id)
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    uint64_t answer = UINT64_MAX;
    REQUIRE(task);
    task->fn = compare_share;
    task->kept = true;
    task->owner = worker;
    REQUIRE_STATUS(submit_task(&realm.gang.manager, task, &id, sizeof id, &error), RP_OK);
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    if (CHECK_STATUS(task->status, RP_OK))
        memcpy(&answer, task->result, sizeof answer);
    task->kept = false;
    submit_let_go(&realm.gang.manager, task);
    submit_drop(&realm.gang.manager, task);
    return answer;
}

static void ask_all(rp_share_id id, uint64_t wanted)
{
    for (int i = 0; i < NODES; i++)
        CHECK_UINT(ask_worker(realm_first(&realm, i), id), wanted);
}

static rp_share_id share_all(void)
{
    struct error error;
    rp_share_id id;
    REQUIRE_STATUS(holding_share(&realm.gang.manager, goods, SIZE, &id, &error), RP_OK);
    return id;
}

TEST_CASE(what_is_shared_reaches_all_nodes_by_a_tree_until_it_is_given_up)
{
    struct error error;
    start(0, 1);
    rp_share_id first = share_all(), second = share_all();
    ask_all(second, SIZE);
    ask_all(first, SIZE);
    CHECK_INT(count_bodies(), 6);
    CHECK_STATUS(holding_unshare(&realm.gang.manager, first, &error), RP_OK);
    ask_all(first, 0);
    ask_all(second, SIZE);
    end();
}

/* Where a pointer points to in memory: the file, and the offset in it. */
static int find_page(rp_call *call, const void *in, size_t size)
{
    uint64_t place[2] = {0};
    rp_share_id id;
    char line[512];
    memcpy(&id, in, sizeof id);
    uintptr_t share = (uintptr_t)rp_shared(call, id, &size);
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps)) {
        uintptr_t from, to;
        uint64_t offset, inode;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %" SCNx64 " %*s %" SCNu64, &from, &to, &offset,
                   &inode) == 4 &&
            share >= from && share < to) {
            place[0] = inode;
            place[1] = share - from + offset;
        }
    }
    if (maps)
        fclose(maps);
    return rp_return(call, place, sizeof place);
}

static void find_page_of(int worker, rp_share_id id, uint64_t place[2])
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = find_page;
    task->kept = true;
    task->owner = worker;
    REQUIRE_STATUS(submit_task(&realm.gang.manager, task, &id, sizeof id, &error), RP_OK);
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    memcpy(place, task->result, 2 * sizeof *place);
    task->kept = false;
    submit_let_go(&realm.gang.manager, task);
    submit_drop(&realm.gang.manager, task);
}

TEST_CASE(all_workers_of_a_node_read_the_same_memory)
{
    start(0, 3);
    rp_share_id id = share_all();
    for (int i = 0; i < NODES; i++) {
        uint64_t first[2], other[2];
        find_page_of(realm_first(&realm, i) + 1, id, first);
        find_page_of(realm_first(&realm, i) + 2, id, other);
        CHECK(first[0] != 0);
        CHECK_UINT(first[0], other[0]);
        CHECK_UINT(first[1], other[1]);
    }
    end();
}

/* ---- Losses -------------------------------------------------------------------------------- */

/* What the manager says does not reach it, so that it has nothing to hand on. */
static void hold_3(void)
{
    net_loop_hold(realm.end[3], 0, true);
}

static void lose_3(void)
{
    net_loop_cut(realm.end[3], 0);
}

TEST_CASE(nodes_below_one_that_is_lost_have_it_from_the_manager)
{
    start(0, 1);
    realm.may_lose = true;
    sent.at_first = hold_3;
    sent.at_block = lose_3;
    uint64_t deadline = clock_deadline(SOON_S);
    map_with_common(LARGE);
    CHECK(clock_ns() < deadline);
    CHECK(sent.bodies[4] == 1 && sent.bodies[5] == 1);
    CHECK_INT(sent.bodies[2] + sent.bodies[6], 0);
    map_with_common(SIZE - 1); /* by what is left of the tree */
    CHECK_INT(sent.bodies[6], 0);
    rp_share_id id = share_all();
    for (int i = 0; i < NODES; i++)
        if (i != 3)
            CHECK_UINT(ask_worker(realm_first(&realm, i), id), SIZE);
    end();
}

static void hold_3_to_5(void)
{
    net_loop_hold(realm.end[5], peer_of(5, 3), true);
}

static void part_3_and_5(void)
{
    net_loop_cut(realm.end[3], peer_of(3, 5));
}

TEST_CASE(a_node_that_cannot_reach_the_one_above_it_asks_the_manager)
{
    start(0, 1);
    sent.at_first = hold_3_to_5;
    sent.at_block = part_3_and_5;
    uint64_t deadline = clock_deadline(SOON_S);
    map_with_common(LARGE);
    CHECK(clock_ns() < deadline);
    CHECK_INT(sent.bodies[5], 1);
    CHECK_INT(count_bodies(), 4);
    ask_all(share_all(), SIZE);
    CHECK_INT(sent.bodies[5], 2);
    CHECK_INT(count_bodies(), 8);
    end();
}

TEST_CASE(a_node_above_that_keeps_silent_is_not_waited_for_for_long)
{
    start(0, 1);
    sent.at_first = hold_3_to_5;
    map_with_common(SIZE);
    CHECK_INT(sent.bodies[5], 1);
    net_loop_hold(realm.end[5], peer_of(5, 3), false); /* what comes late is not wanted */
    map_with_common(SIZE - 1);
    CHECK_INT(sent.bodies[5], 1);
    end();
}

/* Other nodes do what it would have done; then it is forgotten before it has come. */
TEST_CASE(a_map_that_ends_before_all_nodes_have_it_leaves_nothing_behind)
{
    enum { ITEMS = 40 };
    uint64_t out[ITEMS];
    struct error error;
    struct map_work work = {.fn = compare_common,
                            .range = true,
                            .in_size = sizeof(uint64_t),
                            .n = ITEMS,
                            .out = out,
                            .out_size = sizeof *out,
                            .common = goods,
                            .common_size = SIZE};
    start(2, 1);
    for (int round = 0; round < 3; round++) {
        sent.at_first = hold_3_to_5;
        CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
        for (size_t i = 0; i < ITEMS; i++)
            CHECK_UINT(out[i], SIZE);
        net_loop_hold(realm.end[5], peer_of(5, 3), false);
    }
    ask_all(share_all(), SIZE);
    end();
}
