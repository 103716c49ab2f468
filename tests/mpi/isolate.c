/* Isolated tasks: whatever they do to their process, they fail alone, and everything else completes. */
#define _GNU_SOURCE
#include "suite/deeds.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { ITEMS = 400 };

/* A good many good ones, and between them one of each kind of bad ones. */
static size_t make_items(struct item *items)
{
    size_t bad = 0;
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (struct item){GOOD, i};
    for (int deed = 1; deed < DEEDS; deed++) {
        if (!deed_suits((enum deed)deed))
            continue;
        items[(size_t)deed * 29 + 5].deed = (enum deed)deed;
        bad++;
    }
    return bad;
}

static bool is_bad_end(rp_status status)
{
    return status == RP_TASK_CRASHED || status == RP_TASK_TIMEOUT;
}

static void check_item(const struct item *item, rp_status status, size_t answer)
{
    check_note("item %zu, deed %d", item->number, (int)item->deed);
    if (item->deed != GOOD)
        CHECK(is_bad_end(status));
    else if (CHECK_STATUS(status, RP_OK))
        CHECK_UINT(answer, answer_of(item->number));
}

TEST_CASE(exactly_the_good_items_of_a_map_complete)
{
    static struct item items[ITEMS];
    static size_t out[ITEMS];
    static rp_status statuses[ITEMS];
    size_t bad = make_items(items);
    rp_map_report report;
    rp_pool *pool = deed_open();
    CHECK(is_bad_end(rp_map_with(pool, deed_act, items, sizeof *items, ITEMS, out, sizeof *out,
                                 RP_MAP_OPTIONS(.statuses = statuses), &report)));
    CHECK_UINT(report.failed, bad);
    CHECK_UINT(report.done, ITEMS - bad);
    for (size_t i = 0; i < ITEMS; i++)
        check_item(&items[i], statuses[i], out[i]);
    CHECK_HAS(rp_last_error(pool), "SIGSEGV");
    suite_close(pool);
}

TEST_CASE(the_same_in_claims_of_one_and_of_all)
{
    static struct item items[ITEMS];
    static size_t out[ITEMS];
    static rp_status statuses[ITEMS];
    size_t bad = make_items(items), chunks[] = {1, ITEMS};
    rp_pool *pool = deed_open();
    for (int k = 0; k < 2; k++) {
        rp_map_report report;
        rp_map_with(pool, deed_act, items, sizeof *items, ITEMS, out, sizeof *out,
                    RP_MAP_OPTIONS(.statuses = statuses, .chunk = chunks[k]), &report);
        CHECK_UINT(report.failed, bad);
        for (size_t i = 0; i < ITEMS; i++)
            check_item(&items[i], statuses[i], out[i]);
    }
    suite_close(pool);
}

TEST_CASE(exactly_the_good_tasks_complete)
{
    static struct item items[ITEMS];
    make_items(items);
    size_t count = 0;
    rp_pool *pool = deed_open();
    for (size_t i = 0; i < ITEMS; i++)
        REQUIRE_STATUS(rp_submit(pool, deed_act, &items[i], sizeof items[i], NULL), RP_OK);
    for (rp_future *future; (future = rp_next(pool, 30)); rp_release(&future), count++) {
        rp_view view = {0};
        rp_status status = rp_result(future, &view);
        size_t answer = 0;
        if (!status && CHECK_UINT(view.size, sizeof answer))
            memcpy(&answer, view.data, sizeof answer);
        check_item(&items[rp_index(future)], status, answer);
    }
    CHECK_UINT(count, ITEMS);
    suite_close(pool);
}

struct flow {
    struct item items[ITEMS];
    size_t drawn, given;
    unsigned char seen[ITEMS];
};

static int draw(void *state, rp_view *item)
{
    struct flow *flow = state;
    if (flow->drawn == ITEMS)
        return 0;
    *item = (rp_view){&flow->items[flow->drawn++], sizeof(struct item)};
    return 1;
}

static int give(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct flow *flow = state;
    size_t answer = 0;
    flow->given++;
    flow->seen[index]++;
    if (!status && CHECK_UINT(result.size, sizeof answer))
        memcpy(&answer, result.data, sizeof answer);
    check_item(&flow->items[index], status, answer);
    CHECK((status != RP_OK) == (error[0] != '\0'));
    return 0;
}

TEST_CASE(exactly_the_good_items_of_a_stream_complete)
{
    static struct flow flow;
    memset(&flow, 0, sizeof flow);
    make_items(flow.items);
    rp_pool *pool = deed_open();
    CHECK_STATUS(rp_stream(pool, deed_act, draw, give, &flow, NULL), RP_OK);
    CHECK_UINT(flow.given, ITEMS);
    for (size_t i = 0; i < ITEMS; i++)
        if (!CHECK_UINT(flow.seen[i], 1))
            break;
    suite_close(pool);
}

static void add(void *into, const void *from, size_t size)
{
    (void)size;
    *(size_t *)into += *(const size_t *)from;
}

TEST_CASE(a_reduction_says_which_items_fell_and_another_one_is_whole)
{
    static struct item items[ITEMS];
    size_t bad = make_items(items), sum = 0, wanted = 0;
    rp_map_report report;
    rp_pool *pool = deed_open();
    CHECK(is_bad_end(
        rp_map_reduce(pool, deed_act, items, sizeof *items, ITEMS, add, &sum, sizeof sum, NULL, &report)));
    CHECK_UINT(report.failed, bad);
    CHECK_UINT(report.done, ITEMS - bad);
    for (size_t i = 0; i < ITEMS; i++) {
        items[i].deed = GOOD;
        wanted += answer_of(i);
    }
    CHECK_STATUS(
        rp_map_reduce(pool, deed_act, items, sizeof *items, ITEMS, add, &sum, sizeof sum, NULL, NULL), RP_OK);
    CHECK_UINT(sum, wanted);
    suite_close(pool);
}

TEST_CASE(what_has_not_started_behind_a_crash_is_left_out_where_that_was_asked_for)
{
    static struct item items[ITEMS];
    static rp_status statuses[ITEMS];
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (struct item){i == 3 ? ABORT : GOOD, i};
    rp_map_report report;
    rp_pool *pool = deed_open();
    CHECK_STATUS(rp_map_with(pool, deed_act, items, sizeof *items, ITEMS, NULL, 0,
                             RP_MAP_OPTIONS(.stop_at_failure = true, .chunk = ITEMS, .statuses = statuses),
                             &report),
                 RP_TASK_CRASHED);
    CHECK_UINT(report.failed, 1);
    CHECK_UINT(report.done + report.cancelled, ITEMS - 1);
    CHECK_UINT(report.cancelled, ITEMS - 4);
    CHECK_STATUS(statuses[3], RP_TASK_CRASHED);
    CHECK_STATUS(statuses[4], RP_CANCELLED);
    suite_close(pool);
}

/* ---- What is said ------------------------------------------------------------------------ */

TEST_CASE(the_signal_or_the_exit_status_is_told)
{
    static const struct {
        enum deed deed;
        rp_status status;
        int code;
        const char *said;
    } cases[] = {
        {SEGFAULT, RP_TASK_CRASHED, -SIGSEGV, "SIGSEGV"},
        {ABORT, RP_TASK_CRASHED, -SIGABRT, "SIGABRT"},
        {EXIT_3, RP_TASK_CRASHED, 3, "exited with status 3"},
        {EXIT_0, RP_TASK_CRASHED, 0, "status 0"},
        {KILL, RP_TASK_CRASHED, -SIGKILL, "SIGKILL"},
        {OVERFLOW, RP_TASK_CRASHED, -SIGSEGV, "SIGSEGV"},
        {LOOP, RP_TASK_TIMEOUT, 0, "0.2 s"},
        {SCRIBBLE, RP_TASK_CRASHED, 0, "wrote over"},
    };
    if (process_is_inspected())
        SKIP_CASE("sanitizers handle signals themselves");
    rp_pool *pool = deed_open();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct item item = {cases[i].deed, 1};
        rp_future *future;
        rp_task_info info;
        check_note("deed %d", (int)item.deed);
        rp_task_options options = RP_TASK_OPTIONS_INIT;
        options.timeout = cases[i].status == RP_TASK_TIMEOUT ? 0.2 : 0;
        REQUIRE_STATUS(rp_submit_with(pool, deed_act, &item, sizeof item, &options, &future), RP_OK);
        CHECK_STATUS(rp_result(future, NULL), cases[i].status);
        CHECK_HAS(rp_error(future), cases[i].said);
        CHECK_HAS(rp_error(future), "attempt 1");
        REQUIRE_STATUS(rp_info(future, &info), RP_OK);
        CHECK_INT(info.code, cases[i].code);
        CHECK_INT(info.attempts, 1);
        rp_release(&future);
    }
    suite_close(pool);
}

/* ---- Results ----------------------------------------------------------------------------- */

static int large(rp_call *call, const void *in, size_t size)
{
    size_t bytes;
    memcpy(&bytes, in, size);
    unsigned char *room = rp_reserve(call, bytes);
    if (!room)
        return rp_fail(call, "no room");
    data_fill(room, bytes, bytes);
    return 0;
}

TEST_CASE(results_of_any_size_come_back_whole)
{
    static const size_t sizes[] = {0, 1, 24, 25, 4000, 65536, 1 << 20, (size_t)80 << 20};
    unsigned char *wanted = malloc((size_t)80 << 20);
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rp_future *future;
        rp_view view = {0};
        check_note("%zu bytes", sizes[i]);
        REQUIRE_STATUS(rp_submit(pool, large, &sizes[i], sizeof sizes[i], &future), RP_OK);
        if (CHECK_STATUS(rp_result(future, &view), RP_OK) && CHECK_UINT(view.size, sizes[i])) {
            data_fill(wanted, sizes[i], sizes[i]);
            CHECK(!sizes[i] || memcmp(view.data, wanted, sizes[i]) == 0);
        }
        rp_release(&future);
    }
    free(wanted);
    suite_close(pool);
}

/* Answers what it was given, unless it could write on it. */
static int write_on_input(rp_call *call, const void *in, size_t size)
{
    uintptr_t page = (uintptr_t)in / 4096 * 4096;
    if (mprotect((void *)page, 4096, PROT_READ | PROT_WRITE) == 0)
        return rp_fail(call, "it can be made writable");
    return rp_return(call, in, size);
}

TEST_CASE(inputs_on_the_board_cannot_be_made_writable)
{
    enum { n = 1000 };
    rp_pool *pool = suite_open(RP_OPTIONS(.isolate = 1));
    suite_need_workers(pool, 1);
    size_t *in = rp_alloc(pool, n * sizeof *in), *out = rp_alloc(pool, n * sizeof *out);
    REQUIRE(in && out);
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    CHECK_STATUS(rp_map(pool, write_on_input, in, sizeof *in, n, out, sizeof *out), RP_OK);
    for (size_t i = 0; i < n; i++)
        if (!CHECK_UINT(out[i], i))
            break;
    suite_close(pool);
}
