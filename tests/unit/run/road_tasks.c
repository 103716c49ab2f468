/* Submitted tasks and streams over several nodes, whose leaders are the library's own: what comes out is what
 * comes out on one. */
#include "run/road.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "reduction.h"
#include "road_cases.h"
#include "run/agent.h"
#include "run/holding.h"
#include "run/stream.h"
#include "run/submit.h"
#include "work.h"

/* ---- Submitted tasks --------------------------------------------------------------------- */

TEST_CASE(submitted_tasks_run_on_all_nodes)
{
    open_realm(1, 2, 2);
    work_tasks(&realm.gang, gang_slow_square, 500, 500, false);
    CHECK(done_there() > 0);
    work_tasks(&realm.gang, gang_square, 4000, 1000, false);
    realm_end(&realm);
}

static struct task *submit_to(rp_fn *fn, uint64_t item, int owner)
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = fn;
    task->kept = true;
    task->owner = owner;
    REQUIRE_STATUS(submit_task(&realm.gang.manager, task, &item, sizeof item, &error), RP_OK);
    return task;
}

static void await_and_free(struct task *task, uint64_t item)
{
    uint64_t answer = gang_answer(item);
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    if (CHECK_STATUS(task->status, RP_OK))
        CHECK_MEM(task->result, &answer, sizeof answer);
    task->kept = false;
    submit_let_go(&realm.gang.manager, task);
    submit_drop(&realm.gang.manager, task);
}

static int await_the_other(rp_call *call, const void *in, size_t size)
{
    atomic_fetch_add(&gang_tally->waiting, 1);
    gang_await(&gang_tally->waiting, 2);
    return gang_square(call, in, size);
}

/* A node that was measured to take so long for a task leaves those that lie there to the others, who were
 * faster: but not where they do not come. */
TEST_CASE(a_slow_node_runs_what_lies_there_while_the_others_wait_for_it)
{
    static const double task_ns[2] = {1e12, 1e13};
    struct task *tasks[2];
    open_realm(0, 2, 1);
    gang_tally->waiting = 0;
    struct pace *pace = agents_find_pace(realm.gang.manager.agents, &(struct post){.map = 0});
    struct blocks *blocks = pace ? &pace->blocks : NULL;
    REQUIRE(blocks);
    for (uint32_t node = 0; node < (uint32_t)realm.road->nodes; node++) {
        double now = (double)clock_ns();
        blocks_sent(blocks, node, 1, now);
        blocks_ended(blocks, node, 1, now + task_ns[node]);
    }
    for (uint64_t i = 0; i < 2; i++)
        tasks[i] = submit_to(await_the_other, i, 0);
    for (uint64_t i = 0; i < 2; i++)
        await_and_free(tasks[i], i);
    realm_end(&realm);
}

TEST_CASE(a_task_for_one_worker_runs_there)
{
    enum { TASKS = 50 };
    struct task *tasks[TASKS];
    open_realm(1, 2, 2);
    for (int i = 0; i < TASKS; i++)
        tasks[i] = submit_to(gang_square, (uint64_t)i, 1 + i % 5);
    for (int i = 0; i < TASKS; i++) {
        CHECK_STATUS(submit_wait(&realm.gang.manager, tasks[i], CLOCK_NEVER), RP_OK);
        CHECK_INT(tasks[i]->worker, 1 + i % 5);
        await_and_free(tasks[i], (uint64_t)i);
    }
    for (int worker = 1; worker <= 5; worker++)
        CHECK_UINT(manager_count_done(&realm.gang.manager, worker), TASKS / 5);
    realm_end(&realm);
}

static int reverse(rp_call *call, const void *in, size_t size)
{
    const unsigned char *from = in;
    unsigned char *to = rp_reserve(call, size);
    for (size_t i = 0; i < size; i++)
        to[i] = from[size - 1 - i];
    return rp_return(call, to, size);
}

TEST_CASE(tasks_have_inputs_and_results_of_any_size)
{
    static const size_t sizes[] = {0, 1, 24, 25, 1000, 16384, 16385, 32000, 32768, 40000, 300000};
    struct error error;
    open_realm(0, 1, 2);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        check_note("%zu bytes", sizes[s]);
        unsigned char *in = malloc(sizes[s] + 1);
        struct task *task = calloc(1, sizeof *task);
        REQUIRE(in && task);
        for (size_t i = 0; i < sizes[s]; i++)
            in[i] = (unsigned char)reduction_mix(i);
        task->fn = reverse;
        task->kept = true;
        REQUIRE_STATUS(submit_task(&realm.gang.manager, task, in, sizes[s], &error), RP_OK);
        CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
        CHECK_STATUS(task->status, RP_OK);
        if (CHECK_UINT(task->size, sizes[s]))
            for (size_t i = 0; i < sizes[s]; i++)
                if (((unsigned char *)task->result)[i] != in[sizes[s] - 1 - i]) {
                    CHECK_FAILED("byte %zu", i);
                    break;
                }
        task->kept = false;
        submit_let_go(&realm.gang.manager, task);
        submit_drop(&realm.gang.manager, task);
        free(in);
    }
    realm_end(&realm);
}

TEST_CASE(a_task_at_another_node_that_has_not_begun_is_cancelled)
{
    enum { TASKS = 24 };
    struct task *tasks[TASKS];
    realm_start(&realm, 0, 1, 3);
    realm_open(&realm, NULL);
    atomic_store(&gang_tally->gate, UINT32_MAX);
    for (int i = 0; i < TASKS; i++)
        tasks[i] = submit_to(gang_gated_square, (uint64_t)i, 0);
    while (atomic_load(&gang_tally->waiting) < 2)
        submit_look(&realm.gang.manager);
    int cancelled = 0;
    for (int i = 0; i < TASKS; i++) {
        rp_status status = submit_cancel(&realm.gang.manager, tasks[i]);
        CHECK(status == RP_OK || status == RP_BUSY);
        CHECK(status != RP_OK || (tasks[i]->stage == TASK_DONE && tasks[i]->status == RP_CANCELLED));
        cancelled += status == RP_OK;
    }
    CHECK_INT(cancelled, TASKS - (int)atomic_load(&gang_tally->waiting));
    atomic_store(&gang_tally->gate, 0);
    for (int i = 0; i < TASKS; i++) {
        if (tasks[i]->stage != TASK_DONE || tasks[i]->status != RP_CANCELLED) {
            await_and_free(tasks[i], (uint64_t)i);
            continue;
        }
        CHECK_UINT(gang_tally->runs[i], 0);
        tasks[i]->kept = false;
        submit_drop(&realm.gang.manager, tasks[i]);
    }
    realm_end(&realm);
}

TEST_CASE(all_that_has_not_begun_anywhere_is_cancelled_at_once)
{
    realm_start(&realm, 1, 1, 3);
    realm_open(&realm, NULL);
    atomic_store(&gang_tally->gate, UINT32_MAX);
    for (uint64_t i = 0; i < 30; i++)
        work_submit(&realm.gang, gang_gated_square, i);
    while (atomic_load(&gang_tally->waiting) < 3)
        submit_look(&realm.gang.manager);
    size_t cancelled = submit_cancel_all(&realm.gang.manager), ended = 0;
    CHECK_UINT(cancelled, 30 - atomic_load(&gang_tally->waiting));
    atomic_store(&gang_tally->gate, 0);
    for (struct task *task; (task = submit_next(&realm.gang.manager, CLOCK_NEVER));) {
        ended += task->status == RP_CANCELLED;
        realm.gang.manager.setup.dispose(task);
    }
    CHECK_UINT(ended, cancelled);
    realm_end(&realm);
}

TEST_CASE(a_task_that_runs_at_another_node_is_known_to_run)
{
    realm_start(&realm, 0, 1, 3);
    realm_open(&realm, NULL);
    atomic_store(&gang_tally->gate, 1);
    struct task *task = submit_to(gang_gated_square, 0, 3);
    while (!submit_is_running(&realm.gang.manager, task))
        submit_round(&realm.gang.manager, clock_deadline(1e-3));
    CHECK_STATUS(submit_cancel(&realm.gang.manager, task), RP_BUSY);
    atomic_store(&gang_tally->gate, 0);
    await_and_free(task, 0);
    realm_end(&realm);
}

static int read_share(rp_call *call, const void *in, size_t size)
{
    rp_share_id id;
    memcpy(&id, in, sizeof id);
    const void *shared = rp_shared(call, id, &size);
    return shared ? rp_return(call, shared, 8) : rp_fail(call, "it is gone");
}

TEST_CASE(what_is_shared_can_be_read_on_all_nodes_until_it_is_not)
{
    static uint64_t data[20000];
    struct error error;
    rp_share_id ids[2];
    uint64_t out[2];
    open_realm(0, 2, 2);
    for (int i = 0; i < 2; i++) {
        data[0] = 77 + (uint64_t)i;
        CHECK_STATUS(holding_share(&realm.gang.manager, data, i ? sizeof data : 8, &ids[i], &error), RP_OK);
    }
    struct map_work work = {.fn = read_share, .in = ids, .in_size = 8, .n = 2, .out = out, .out_size = 8};
    if (!CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK))
        CHECK_STR(error.text, "");
    CHECK_UINT(out[0], 77);
    CHECK_UINT(out[1], 78);
    for (int i = 0; i < 2; i++)
        CHECK_STATUS(holding_unshare(&realm.gang.manager, ids[i], &error), RP_OK);
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_TASK_FAILED);
    CHECK_HAS(error.text, "it is gone");
    realm_end(&realm);
}

/* ---- Streams ----------------------------------------------------------------------------- */

enum { STREAMED = 3000 };

struct flow {
    unsigned char buffer[70000];
    size_t drawn, given, stop_at;
    bool seen[STREAMED];
};

static size_t size_of(size_t item)
{
    return item % 500 == 499 ? 70000 - item % 13 : reduction_mix(item) % 100;
}

static int draw(void *state, rp_view *input)
{
    struct flow *flow = state;
    if (flow->drawn == STREAMED)
        return 0;
    size_t size = size_of(flow->drawn);
    memset(flow->buffer, (int)(flow->drawn % 251), size);
    if (size)
        flow->buffer[0] = 255;
    flow->drawn++;
    *input = (rp_view){flow->buffer, size};
    return 1;
}

static int give(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    const unsigned char *bytes = result.data;
    CHECK_STATUS(status, RP_OK);
    CHECK_STR(error, "");
    REQUIRE(index < STREAMED && !flow->seen[index]);
    flow->seen[index] = true;
    if (CHECK_UINT(result.size, size_of(index)) && result.size > 1) {
        CHECK_UINT(bytes[result.size - 1], 255);
        CHECK_UINT(bytes[0], index % 251);
    }
    return ++flow->given == flow->stop_at;
}

TEST_CASE(a_stream_has_inputs_and_results_of_any_size_from_all_nodes)
{
    static struct flow flow;
    struct error error;
    open_realm(0, 2, 2);
    memset(&flow, 0, sizeof flow);
    struct stream_work work = {.fn = reverse, .source = draw, .sink = give, .state = &flow};
    CHECK_STATUS(stream_run(&realm.gang.manager, &work, &error), RP_OK);
    CHECK_UINT(flow.given, STREAMED);
    CHECK_UINT(done_there(), STREAMED);
    realm_end(&realm);
}

TEST_CASE(a_stream_that_is_stopped_leaves_nothing_at_other_nodes)
{
    static struct flow flow;
    struct error error;
    open_realm(0, 2, 2);
    memset(&flow, 0, sizeof flow);
    flow.stop_at = 500;
    struct stream_work work = {.fn = reverse, .source = draw, .sink = give, .state = &flow};
    CHECK_STATUS(stream_run(&realm.gang.manager, &work, &error), RP_CANCELLED);
    CHECK(!road_is_laden(&realm.gang.manager));
    work_map(&realm.gang, &(struct map_work){0}, 500);
    realm_end(&realm);
}
