/* The journal: what an earlier run has finished does not run again, and arrives all the same. A run is
 * a pool here: to the journal a later pool of one process is a later run that makes the same calls.
 * tests/launch/journal.c does it with processes. */
#define _GNU_SOURCE
#include "suite/resume.h"

/* Fails for each third item while the gate is closed. */
static int fail_some(rp_call *call, const void *in, size_t size)
{
    const struct ticket *ticket = in;
    int code = task_mark(call, in, size);
    struct stage *stage = stage_at(ticket->stage);
    if (!code && ticket->number % 3 == 2 && !atomic_load(&stage->gate))
        return rp_fail(call, "the gate is closed");
    return code;
}

static int answer_other(rp_call *call, const void *in, size_t size)
{
    const struct ticket *ticket = in;
    int code = task_mark(call, in, size);
    size_t answer = ticket->number + 1000000;
    return code ? code : rp_return(call, &answer, sizeof answer);
}

static void check_numbers(const size_t *out, size_t n, size_t more)
{
    for (size_t i = 0; i < n; i++)
        if (!CHECK_UINT(out[i], i + more))
            break;
}

/* ---- Maps -------------------------------------------------------------------------------- */

static void map_once(const rp_map_options *options, size_t n, size_t runs)
{
    static size_t out[N], sizes[N];
    static rp_status statuses[N];
    rp_map_options with = options ? *options : *RP_MAP_OPTIONS(.chunk = 0);
    rp_map_report report;
    rp_pool *pool = open_again();
    memset(out, 0xee, sizeof out);
    memset(sizes, 0xee, sizeof sizes);
    memset(statuses, 0xee, sizeof statuses);
    with.statuses = statuses;
    with.sizes = sizes;
    CHECK_STATUS(
        rp_map_with(pool, task_mark, tickets(n), sizeof(struct ticket), n, out, sizeof *out, &with, &report),
        RP_OK);
    check_numbers(out, n, 0);
    for (size_t i = 0; i < n; i++)
        if (!CHECK_INT(statuses[i], RP_OK) || !CHECK_UINT(sizes[i], sizeof *out))
            break;
    CHECK_UINT(report.done, n);
    CHECK_UINT(report.first_failed, n);
    CHECK_UINT(count_runs(), runs);
    suite_close(pool);
}

TEST_CASE(what_a_map_has_finished_is_not_run_again)
{
    begin();
    map_once(NULL, N, N);
    map_once(NULL, N, 0);
    finish();
}

TEST_CASE(a_longer_map_runs_what_is_new)
{
    begin();
    map_once(NULL, 1000, 1000);
    map_once(NULL, N, N - 1000);
    map_once(NULL, 500, 0);
    finish();
}

TEST_CASE(every_schedule_and_cost_hints_leave_out_what_is_stored)
{
    static const char *const schedules[] = {"auto", "static", "dynamic", "guided", "factoring", "adaptive"};
    static double cost[N];
    for (size_t i = 0; i < N; i++)
        cost[i] = (double)(data_mix(i) % 1000);
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        begin();
        map_once(RP_MAP_OPTIONS(.schedule = schedules[i]), 700, 700);
        map_once(RP_MAP_OPTIONS(.schedule = schedules[i]), 1500, 800);
        map_once(RP_MAP_OPTIONS(.schedule = schedules[i], .cost = cost), N, N - 1500);
        map_once(RP_MAP_OPTIONS(.schedule = schedules[i], .cost = cost), N, 0);
        finish();
    }
}

TEST_CASE(items_that_failed_run_again)
{
    static size_t out[N];
    rp_map_report report;
    begin();
    rp_pool *pool = open_again();
    CHECK_STATUS(
        rp_map_with(pool, fail_some, tickets(N), sizeof(struct ticket), N, out, sizeof *out, NULL, &report),
        RP_TASK_FAILED);
    CHECK_UINT(report.failed, N / 3);
    CHECK_UINT(count_runs(), N);
    suite_close(pool);

    memset(out, 0xee, sizeof out);
    atomic_store(&stage()->gate, 1);
    pool = open_again();
    CHECK_STATUS(
        rp_map_with(pool, fail_some, tickets(N), sizeof(struct ticket), N, out, sizeof *out, NULL, &report),
        RP_OK);
    for (size_t i = 0; i < N; i++)
        if (!CHECK_UINT(atomic_load(&stage()->runs[i]), i % 3 == 2))
            break;
    CHECK_UINT(report.done, N);
    CHECK_UINT(count_runs(), N / 3);
    check_numbers(out, N, 0);
    suite_close(pool);
    finish();
}

TEST_CASE(changed_inputs_are_computed_anew_and_replace_what_was_stored)
{
    static size_t out[N];
    begin();
    map_once(NULL, N, N);
    for (int time = 0; time < 2; time++) {
        struct ticket *in = tickets(N);
        rp_pool *pool = open_again();
        for (size_t i = 0; i < N; i += 10)
            in[i].number = i + 1;
        CHECK_STATUS(rp_map(pool, task_mark, in, sizeof *in, N, out, sizeof *out), RP_OK);
        for (size_t i = 0; i < N; i++)
            if (!CHECK_UINT(out[i], i % 10 ? i : i + 1))
                break;
        CHECK_UINT(count_runs(), time ? 0 : N / 10);
        suite_close(pool);
    }
    finish();
}

struct change {
    rp_fn *fn;
    const char *common, *label;
    uint64_t seed;
    size_t room;
};

static size_t run_changed(const struct change *change)
{
    enum { n = 100 };
    static size_t out[2 * n];
    rp_pool *pool = open_with(RP_OPTIONS(.seed = change->seed));
    const rp_map_options *options =
        RP_MAP_OPTIONS(.common = change->common, .common_size = change->common ? 3 : 0,
                       .label = change->label);
    CHECK_STATUS(
        rp_map_with(pool, change->fn, tickets(n), sizeof(struct ticket), n, out, change->room, options, NULL),
        RP_OK);
    CHECK_UINT(out[change->room / 8], change->fn == task_mark ? 1 : 1000001);
    suite_close(pool);
    return count_runs();
}

TEST_CASE(another_function_argument_seed_label_or_room_is_not_mixed_with_what_is_stored)
{
    static const struct change changes[] = {
        {task_mark, "one", NULL, 0, 8}, {answer_other, "one", NULL, 0, 8}, {task_mark, "two", NULL, 0, 8},
        {task_mark, NULL, NULL, 0, 8},  {task_mark, "one", NULL, 1, 8},    {task_mark, "one", "label", 0, 8},
        {task_mark, "one", "", 0, 8},   {task_mark, "one", NULL, 0, 16},
    };
    for (size_t i = 1; i < sizeof changes / sizeof *changes; i++) {
        check_note("change %zu", i);
        begin();
        CHECK_UINT(run_changed(&changes[0]), 100);
        CHECK_UINT(run_changed(&changes[i]), 100);
        CHECK_UINT(run_changed(&changes[i]), 0);
        CHECK_UINT(run_changed(&changes[0]), 0);
        finish();
    }
    check_note("%s", "");
}

static int triple(rp_call *call, const void *in, size_t size)
{
    struct stage *stage = stage_at(rp_common(call, NULL));
    uint64_t value = *(const uint64_t *)in;
    if (!stage || size != sizeof value)
        return rp_fail(call, "there is no stage");
    atomic_fetch_add(&stage->started, 1);
    value *= 3;
    return rp_return(call, &value, sizeof value);
}

/* Results may take the place of their inputs, on the board too. */
TEST_CASE(arrays_that_are_overwritten_are_known_by_what_they_were)
{
    for (int shared = 0; shared < 2; shared++) {
        begin();
        for (int time = 0; time < 2; time++) {
            static uint64_t own[N];
            rp_pool *pool = open_again();
            uint64_t *array = shared ? rp_alloc(pool, sizeof own) : own;
            REQUIRE(array);
            for (size_t i = 0; i < N; i++)
                array[i] = i;
            CHECK_STATUS(rp_map_with(pool, triple, array, 8, N, array, 8,
                                     RP_MAP_OPTIONS(.common = stage_path(), .common_size = 48), NULL),
                         RP_OK);
            for (size_t i = 0; i < N; i++)
                if (!CHECK_UINT(array[i], 3 * i))
                    break;
            CHECK_UINT(count_runs(), time ? 0 : N);
            suite_close(pool);
        }
        finish();
    }
}

static int answer_range(rp_call *call, const void *in, size_t size)
{
    (void)size;
    return rp_return(call, in, *(const uint64_t *)in % 9);
}

TEST_CASE(a_range_keeps_its_results_and_their_sizes)
{
    for (int drops = 0; drops < 2; drops++) {
        begin();
        for (int time = 0; time < 2; time++) {
            static uint64_t in[N], out[N];
            static size_t sizes[N];
            for (size_t i = 0; i < N; i++)
                in[i] = i + 7;
            memset(out, 0, sizeof out);
            rp_pool *pool = open_again();
            CHECK_STATUS(rp_map_with(pool, answer_range, in, 8, N, drops ? NULL : out, drops ? 0 : 8,
                                     RP_MAP_OPTIONS(.sizes = sizes), NULL),
                         RP_OK);
            for (size_t i = 0; i < N && !drops; i++)
                if (!CHECK_MEM(&out[i], &in[i], in[i] % 9) || !CHECK_UINT(sizes[i], in[i] % 9))
                    break;
            size_t done = 0;
            for (int i = 0; i <= rp_workers(pool); i++) {
                rp_worker_info info;
                if (!rp_worker(pool, i, &info) && (i || !suite_is_alone(pool)))
                    done += info.tasks_done;
            }
            CHECK_UINT(done, time ? 0 : N);
            /* The same items as a range: they are known by their inputs. */
            CHECK_STATUS(rp_map_range(pool, answer_range, 7, 7 + N, drops ? NULL : out, drops ? 0 : 8),
                         RP_OK);
            suite_close(pool);
        }
        finish();
    }
}

static void add(void *into, const void *from, size_t size)
{
    size_t *a = into;
    const size_t *b = from;
    (void)size;
    *a += *b;
}

TEST_CASE(a_reduction_is_computed_again_and_what_follows_it_is_not)
{
    begin();
    for (int time = 0; time < 2; time++) {
        static size_t out[N];
        size_t sum = 0;
        rp_pool *pool = open_again();
        CHECK_STATUS(rp_map_reduce(pool, task_mark, tickets(N), sizeof(struct ticket), N, add, &sum,
                                   sizeof sum, NULL, NULL),
                     RP_OK);
        CHECK_UINT(sum, (size_t)N * (N - 1) / 2);
        CHECK_UINT(count_runs(), N);
        CHECK_STATUS(rp_map(pool, task_mark, tickets(N), sizeof(struct ticket), N, out, sizeof *out), RP_OK);
        CHECK_UINT(count_runs(), time ? 0 : N);
        suite_close(pool);
    }
    finish();
}

/* ---- Refusals ---------------------------------------------------------------------------- */

TEST_CASE(two_pools_cannot_share_a_journal)
{
    begin();
    rp_pool *pool = open_again(), *other = NULL;
    CHECK_STATUS(rp_open(RP_OPTIONS(.journal = path), &other), RP_JOURNAL);
    CHECK_HAS(rp_last_error(NULL), path);
    char process[32];
    snprintf(process, sizeof process, "process %ld ", (long)getpid());
    CHECK_HAS(rp_last_error(NULL), process);
    CHECK_STATUS(rp_open(NULL, &other), RP_OK);
    suite_close(other);
    suite_close(pool);
    map_once(NULL, 100, 100);
    finish();
}

TEST_CASE(a_file_that_is_no_journal_is_refused_and_left_as_it_is)
{
    static const char text[] = "This is somebody's text, not a journal.\n";
    char after[sizeof text] = "";
    rp_pool *pool = NULL;
    begin();
    FILE *file = fopen(path, "we");
    REQUIRE(file && fwrite(text, 1, sizeof text, file) == sizeof text && fclose(file) == 0);
    CHECK_STATUS(rp_open(RP_OPTIONS(.journal = path), &pool), RP_JOURNAL);
    CHECK_HAS(rp_last_error(NULL), "no journal");
    CHECK(!pool);
    file = fopen(path, "re");
    REQUIRE(file && fread(after, 1, sizeof after, file) == sizeof text && fclose(file) == 0);
    CHECK_MEM(after, text, sizeof text);
    CHECK_STATUS(rp_open(RP_OPTIONS(.journal = folder), &pool), RP_JOURNAL);
    CHECK_STATUS(rp_open(RP_OPTIONS(.journal = "/nowhere/run.db"), &pool), RP_JOURNAL);
    CHECK_HAS(rp_last_error(NULL), "/nowhere/run.db");
    finish();
}
