/* Work of all kinds over several nodes, whose leaders are the library's own: what comes out is what comes out
 * on one. */
#include "run/road.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "realm.h"
#include "reduction.h"
#include "run/holding.h"
#include "run/stream.h"
#include "run/submit.h"
#include "work.h"

static struct realm realm;

static size_t done_there(void)
{
    size_t done = 0;
    for (int i = realm.crew->here; i < realm.crew->count; i++)
        done += manager_count_done(&realm.gang.manager, i);
    return done;
}

static void open_realm(int workers, int nodes, int each)
{
    realm_start(&realm, workers, nodes, each);
    realm_open(&realm, NULL);
}

/* ---- Maps -------------------------------------------------------------------------------- */

TEST_CASE(items_of_a_map_run_on_all_nodes_and_each_once)
{
    open_realm(1, 2, 2);
    work_map(&realm.gang, &(struct map_work){.fn = gang_slow_square}, 2000);
    for (size_t i = 0; i < 2000; i++)
        CHECK_UINT(gang_tally->runs[i], 1);
    for (int i = 0; i < 2; i++)
        CHECK(manager_count_done(&realm.gang.manager, realm_first(&realm, i)) +
                  manager_count_done(&realm.gang.manager, realm_first(&realm, i) + 1) >
              0);
    CHECK_UINT(done_there() + manager_count_done(&realm.gang.manager, 1), 2000);
    realm_end(&realm);
}

TEST_CASE(a_manager_without_workers_of_its_own_has_those_of_other_nodes)
{
    open_realm(0, 1, 3);
    work_map(&realm.gang, &(struct map_work){.fn = gang_square}, GANG_ITEMS);
    CHECK_UINT(done_there(), GANG_ITEMS);
    realm_end(&realm);
}

TEST_CASE(each_schedule_and_order_runs_each_item_once)
{
    static double cost[2000];
    static const struct map_work ways[] = {{.schedule = SCHEDULE_STATIC},
                                           {.schedule = SCHEDULE_DYNAMIC, .chunk = 7},
                                           {.schedule = SCHEDULE_GUIDED},
                                           {.schedule = SCHEDULE_FACTORING},
                                           {.schedule = SCHEDULE_ADAPTIVE},
                                           {.schedule = SCHEDULE_AUTO, .cost = cost},
                                           {.schedule = SCHEDULE_AUTO, .chunk = 100}};
    for (uint64_t i = 0; i < 2000; i++)
        cost[i] = (double)(reduction_mix(i) % 1000);
    open_realm(1, 2, 2);
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        check_note("way %zu", way);
        gang_reset_tally();
        work_map(&realm.gang, &ways[way], 2000);
        for (size_t i = 0; i < 2000; i++)
            CHECK_UINT(gang_tally->runs[i], 1);
    }
    CHECK(done_there() > 0);
    realm_end(&realm);
}

/* Its input, and after that zeros up to 100 KB. */
static int stretch_out(rp_call *call, const void *in, size_t size)
{
    unsigned char *out = rp_reserve(call, 100000);
    if (!out || size != 50000)
        return 1;
    memset(out, 0, 100000);
    memcpy(out, in, size);
    return rp_return(call, out, 100000);
}

TEST_CASE(large_items_go_and_come_as_they_are)
{
    enum { ITEMS = 40 };
    struct error error;
    unsigned char *in = malloc(ITEMS * 50000), *out = calloc(ITEMS, 100000), *zeros = calloc(1, 50000);
    REQUIRE(in && out && zeros);
    for (size_t i = 0; i < (size_t)ITEMS * 50000; i++)
        in[i] = (unsigned char)reduction_mix(i);
    open_realm(0, 2, 2);
    struct map_work work = {
        .fn = stretch_out, .in = in, .in_size = 50000, .n = ITEMS, .out = out, .out_size = 100000};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
    for (size_t i = 0; i < ITEMS; i++) {
        CHECK_MEM(out + i * 100000, in + i * 50000, 50000);
        CHECK_MEM(out + i * 100000 + 50000, zeros, 50000);
    }
    realm_end(&realm);
    free(in);
    free(out);
    free(zeros);
}

static int answer_shortly(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    (void)size;
    return rp_return(call, "abcdefgh", item % 9);
}

TEST_CASE(results_may_be_shorter_than_their_places_or_dropped)
{
    static size_t sizes[600];
    static char out[600][8];
    struct error error;
    rp_map_report report;
    open_realm(0, 1, 2);
    struct map_work work = {.fn = answer_shortly,
                            .range = true,
                            .in_size = 8,
                            .begin = 5,
                            .n = 600,
                            .out = out,
                            .out_size = 8,
                            .sizes = sizes};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, &report, &error), RP_OK);
    for (size_t i = 0; i < 600; i++) {
        CHECK_UINT(sizes[i], (i + 5) % 9);
        CHECK_MEM(out[i], "abcdefgh", sizes[i]);
    }
    work.out = NULL;
    work.out_size = 0;
    CHECK_STATUS(map_run(&realm.gang.manager, &work, &report, &error), RP_OK);
    CHECK_UINT(report.done, 600);
    realm_end(&realm);
}

static int add_common(rp_call *call, const void *in, size_t size)
{
    size_t bytes;
    const unsigned char *common = rp_common(call, &bytes);
    uint64_t item;
    memcpy(&item, in, sizeof item);
    for (size_t i = 0; i < bytes; i++)
        item += common[i];
    (void)size;
    return rp_return(call, &item, sizeof item);
}

TEST_CASE(what_items_have_in_common_goes_to_each_node)
{
    static unsigned char common[100000];
    static uint64_t out[500];
    struct error error;
    memset(common, 1, sizeof common);
    open_realm(0, 2, 2);
    for (size_t size = 1; size <= sizeof common; size += sizeof common / 3) {
        struct map_work work = {.fn = add_common,
                                .range = true,
                                .in_size = 8,
                                .n = 500,
                                .out = out,
                                .out_size = 8,
                                .common = common,
                                .common_size = size};
        CHECK_STATUS(map_run(&realm.gang.manager, &work, NULL, &error), RP_OK);
        for (size_t i = 0; i < 500; i++)
            CHECK_UINT(out[i], i + size);
    }
    realm_end(&realm);
}

TEST_CASE(reductions_have_the_same_bits_on_any_nodes)
{
    open_realm(1, 2, 2);
    for (int s = 0; s < REDUCTION_SIZES; s++) {
        check_note("%zu bytes", reduction_sizes[s]);
        reduction_check(&realm.gang, &(struct map_work){.schedule = SCHEDULE_AUTO}, 3001, reduction_sizes[s]);
        reduction_check(&realm.gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = 3}, 500,
                        reduction_sizes[s]);
    }
    CHECK(done_there() > 0);
    realm_end(&realm);
}

TEST_CASE(results_that_no_memory_could_hold_fail_their_items_at_other_nodes_too)
{
    struct error error;
    rp_map_report report;
    uint64_t out = 77;
    open_realm(0, 2, 1);
    struct map_work work = {.fn = reduction_item,
                            .combine = reduction_combine,
                            .range = true,
                            .in_size = 8,
                            .n = 20,
                            .out = &out,
                            .out_size = SIZE_MAX / 4};
    CHECK_STATUS(map_run(&realm.gang.manager, &work, &report, &error), RP_NO_MEMORY);
    CHECK_UINT(report.failed, 20);
    CHECK_HAS(report.message, "no memory for a result of");
    CHECK_UINT(out, 77);
    realm_end(&realm);
}

/* ---- Failures ---------------------------------------------------------------------------- */

static int fail_at_300(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    if (item == 300)
        return rp_fail(call, "three hundred is too much");
    return gang_square(call, in, size);
}

static rp_status map_300(struct map_work work, rp_map_report *report, struct error *error)
{
    static uint64_t in[GANG_ITEMS], out[GANG_ITEMS];
    for (size_t i = 0; i < GANG_ITEMS; i++)
        in[i] = i;
    work.fn = fail_at_300;
    work.in = in;
    work.out = out;
    work.in_size = work.out_size = 8;
    work.n = GANG_ITEMS;
    return map_run(&realm.gang.manager, &work, report, error);
}

TEST_CASE(a_failure_on_another_node_names_item_worker_and_host)
{
    struct error error;
    rp_map_report report;
    open_realm(0, 1, 2);
    CHECK_STATUS(map_300((struct map_work){0}, &report, &error), RP_TASK_FAILED);
    CHECK_HAS(error.text, "item 300 failed with code 1 on worker ");
    CHECK_HAS(error.text, "(there, process ");
    CHECK_HAS(error.text, "three hundred is too much");
    CHECK_UINT(report.first_failed, 300);
    CHECK_UINT(report.done, GANG_ITEMS - 1);
    realm_end(&realm);
}

TEST_CASE(a_failure_stops_the_map_on_all_nodes)
{
    struct error error;
    rp_map_report report;
    open_realm(1, 2, 2);
    CHECK_STATUS(map_300((struct map_work){.stop_at_failure = true}, &report, &error), RP_TASK_FAILED);
    CHECK_UINT(report.done + report.failed + report.cancelled, GANG_ITEMS);
    CHECK_UINT(report.failed, 1);
    work_map(&realm.gang, &(struct map_work){0}, 500);
    realm_end(&realm);
}

static int die_once(rp_call *call, const void *in, size_t size)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    if (item == 300 && gang_tally->runs[item] == 0 && getpid() != gang_tally->waiter) {
        atomic_fetch_add(&gang_tally->struck, 1);
        atomic_fetch_add(&gang_tally->runs[item], 1);
        raise(SIGKILL);
    }
    return gang_square(call, in, size);
}

TEST_CASE(what_a_worker_of_another_node_died_with_is_run_again)
{
    realm_start(&realm, 0, 1, 3);
    atomic_store(&gang_tally->waiter, getpid()); /* which leads, and works, must live */
    realm_open(&realm, NULL);
    work_map(&realm.gang, &(struct map_work){.fn = die_once}, 2000);
    work_map(&realm.gang, &(struct map_work){0}, 1000);
    realm_end(&realm);
}

static int refuse(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_fail(call, "not today");
}

static int count_entry(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    atomic_fetch_add(&gang_tally->hooks[0], 1);
    return 0;
}

static int count_leave(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    atomic_fetch_add(&gang_tally->hooks[1], 1);
    return 0;
}

TEST_CASE(an_initializer_that_fails_on_another_node_breaks_the_pool)
{
    struct error error;
    realm_start(&realm, 0, 1, 2);
    realm_open(&realm, &(struct manager_setup){.memory = MEMORY_MEMFD, .initializer = refuse});
    CHECK_STATUS(map_300((struct map_work){0}, NULL, &error), RP_POOL_BROKEN);
    CHECK_HAS(error.text, "the initializer failed with code 1 on worker ");
    CHECK_HAS(error.text, "not today");
    realm_end(&realm);
}

TEST_CASE(finalizers_have_run_on_all_nodes_when_the_pool_is_closed)
{
    realm_start(&realm, 1, 2, 2);
    realm_open(&realm, &(struct manager_setup){
                           .memory = MEMORY_MEMFD, .initializer = count_entry, .finalizer = count_leave});
    work_map(&realm.gang, &(struct map_work){0}, 2000);
    manager_close(&realm.gang.manager);
    realm.gang.open = false;
    CHECK(gang_tally->hooks[0] > 0);
    CHECK_UINT(gang_tally->hooks[1], gang_tally->hooks[0]);
    realm_end(&realm);
}

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
