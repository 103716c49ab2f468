/* Queues, which stand on the manager's board, and tasks of other nodes. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "realm.h"
#include "run/queue.h"
#include "run/submit.h"

enum { ITEMS = 300 };

static struct realm realm;
static struct queueing queue, back;

static void open_queues(size_t capacity)
{
    struct error error;
    REQUIRE_STATUS(queueing_open(&realm.gang.manager, capacity, &queue, &error), RP_OK);
    REQUIRE_STATUS(queueing_open(&realm.gang.manager, capacity, &back, &error), RP_OK);
}

/* Nobody waits, and nothing has run. */
static void begin(int workers, int nodes, int each, size_t capacity)
{
    realm_start(&realm, workers, nodes, each);
    realm_open(&realm, NULL);
    gang_reset_tally();
    atomic_store(&gang_tally->waiting, 0);
    open_queues(capacity);
}

static void end(void)
{
    queueing_free(&queue);
    queueing_free(&back);
    realm_end(&realm);
}

static struct task *submit(rp_fn *fn)
{
    const rp_queue_id in[2] = {queue.number, back.number};
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = fn;
    task->kept = true;
    REQUIRE_STATUS(submit_task(&realm.gang.manager, task, in, sizeof in, &error), RP_OK);
    return task;
}

static void finish(struct task *task)
{
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    if (!CHECK_STATUS(task->status, RP_OK) && task->sentence)
        check_note("%s", task->sentence);
    realm.gang.manager.setup.dispose(task);
}

/* Until `count` tasks wait: what they do there is done in the manager's calls. */
static void await_waiting(struct task *task, uint32_t count)
{
    while (atomic_load(&gang_tally->waiting) < count)
        REQUIRE_STATUS(submit_wait(&realm.gang.manager, task, clock_deadline(1e-3)), RP_TIMEOUT);
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, clock_deadline(2e-2)), RP_TIMEOUT);
}

static rp_queue_id id_at(const void *in, int place)
{
    rp_queue_id id[2];
    memcpy(id, in, sizeof id);
    return id[place];
}

/* Puts 0 .. ITEMS - 1. */
static int fill(rp_call *call, const void *in, size_t size)
{
    (void)size;
    for (uint64_t i = 0; i < ITEMS; i++)
        if (rp_call_put(call, id_at(in, 0), &i, sizeof i, RP_FOREVER))
            return 1;
    return 0;
}

/* Counts what it gets, until an empty item. */
static int drain(rp_call *call, const void *in, size_t size)
{
    rp_view view;
    uint64_t item;
    (void)size;
    while (rp_call_get(call, id_at(in, 0), &view, RP_FOREVER) == RP_OK) {
        if (!view.size)
            return 0;
        memcpy(&item, view.data, sizeof item);
        atomic_fetch_add(&gang_tally->runs[item], 1);
    }
    return 1;
}

static int drain_aloud(rp_call *call, const void *in, size_t size)
{
    atomic_fetch_add(&gang_tally->waiting, 1);
    return drain(call, in, size);
}

TEST_CASE(what_a_task_of_another_node_puts_comes_out_in_order)
{
    struct error error;
    rp_view view;
    begin(0, 1, 2, 5);
    struct task *task = submit(fill);
    for (uint64_t i = 0; i < ITEMS; i++) {
        REQUIRE_STATUS(queueing_get(&queue, &view, CLOCK_NEVER, &error), RP_OK);
        REQUIRE(CHECK_UINT(view.size, sizeof i) && CHECK_MEM(view.data, &i, sizeof i));
    }
    finish(task);
    end();
}

TEST_CASE(tasks_of_several_nodes_fill_and_empty_a_queue_and_each_item_is_got_once)
{
    struct error error;
    struct task *task[4];
    begin(2, 2, 3, 5);
    for (int i = 0; i < 4; i++)
        task[i] = submit(i % 2 ? drain : fill);
    finish(task[0]);
    finish(task[2]);
    for (int i = 0; i < 2; i++)
        CHECK_STATUS(queueing_put(&queue, NULL, 0, CLOCK_NEVER, &error), RP_OK);
    finish(task[1]);
    finish(task[3]);
    for (int i = 0; i < ITEMS; i++)
        REQUIRE(CHECK_UINT(gang_tally->runs[i], 2));
    end();
}

static int echo(rp_call *call, const void *in, size_t size)
{
    rp_view view;
    (void)size;
    rp_status status = rp_call_get(call, id_at(in, 0), &view, RP_FOREVER);
    return status ? 1 : rp_call_put(call, id_at(in, 1), view.data, view.size, RP_FOREVER) != RP_OK;
}

TEST_CASE(items_of_any_size_go_to_another_node_and_back)
{
    static const size_t sizes[] = {0, 1, 4096, 16385, 33000, 3000001};
    struct error error;
    rp_view view;
    begin(0, 1, 1, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *data = malloc(sizes[i] + 1);
        REQUIRE(data);
        for (size_t k = 0; k < sizes[i]; k++)
            data[k] = (unsigned char)(k * 7 + i);
        struct task *task = submit(echo);
        CHECK_STATUS(queueing_put(&queue, data, sizes[i], CLOCK_NEVER, &error), RP_OK);
        REQUIRE_STATUS(queueing_get(&back, &view, CLOCK_NEVER, &error), RP_OK);
        REQUIRE(CHECK_UINT(view.size, sizes[i]) && CHECK_MEM(view.data, data, sizes[i]));
        finish(task);
        free(data);
    }
    end();
}

/* Gets one, and counts it; fails with the status. */
static int get_one(rp_call *call, const void *in, size_t size)
{
    (void)size;
    atomic_store(&gang_tally->waiter, getpid());
    atomic_fetch_add(&gang_tally->waiting, 1);
    rp_status status = rp_call_get(call, id_at(in, 0), NULL, RP_FOREVER);
    return status ? rp_fail(call, "%s", rp_strerror(status)) : 0;
}

TEST_CASE(closing_a_queue_frees_who_waits_there_on_another_node)
{
    begin(0, 1, 1, 0);
    struct task *task = submit(get_one);
    await_waiting(task, 1);
    queueing_close(&queue);
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    CHECK_STATUS(task->status, RP_TASK_FAILED);
    CHECK_HAS(task->sentence ? task->sentence : "", rp_strerror(RP_CLOSED));
    realm.gang.manager.setup.dispose(task);
    end();
}

TEST_CASE(where_all_tasks_wait_on_all_nodes_the_manager_does_not)
{
    struct error error;
    struct task *task[3];
    rp_view view;
    begin(1, 1, 2, 0);
    for (int i = 0; i < 3; i++) /* more than can run at a time */
        task[i] = submit(get_one);
    CHECK_STATUS(queueing_get(&back, &view, CLOCK_NEVER, &error), RP_TIMEOUT);
    CHECK_HAS(error.text, "no task is queued or running");
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(queueing_put(&queue, NULL, 0, CLOCK_NEVER, &error), RP_OK);
    for (int i = 0; i < 3; i++)
        finish(task[i]);
    end();
}

TEST_CASE(where_all_tasks_wait_elsewhere_the_manager_does_not)
{
    struct error error;
    rp_view view;
    begin(0, 1, 1, 0);
    struct task *task = submit(get_one);
    CHECK_STATUS(queueing_get(&back, &view, CLOCK_NEVER, &error), RP_TIMEOUT);
    CHECK_STATUS(queueing_put(&queue, NULL, 0, CLOCK_NEVER, &error), RP_OK);
    finish(task);
    end();
}

/* Answers what it got. */
static int tell_one(rp_call *call, const void *in, size_t size)
{
    rp_view view;
    (void)size;
    atomic_fetch_add(&gang_tally->waiting, 1);
    rp_status status = rp_call_get(call, id_at(in, 0), &view, RP_FOREVER);
    return status ? 1 : rp_return(call, view.data, view.size);
}

TEST_CASE(where_all_others_wait_who_leads_a_node_runs_what_they_wait_for)
{
    struct error error;
    struct task *task[3];
    begin(1, 1, 2, 0);
    for (uint32_t i = 0; i < 2; i++) {
        task[i] = submit(drain_aloud);
        await_waiting(task[i], i + 1);
    }
    task[2] = submit(fill);
    finish(task[2]);
    for (int i = 0; i < 2; i++)
        CHECK_STATUS(queueing_put(&queue, NULL, 0, CLOCK_NEVER, &error), RP_OK);
    finish(task[0]);
    finish(task[1]);
    for (int i = 0; i < ITEMS; i++)
        REQUIRE(CHECK_UINT(gang_tally->runs[i], 1));
    end();
}

TEST_CASE(who_waits_longer_on_another_node_gets_the_earlier_item)
{
    struct error error;
    struct task *task[2];
    begin(0, 1, 3, 0);
    for (uint32_t i = 0; i < 2; i++) {
        task[i] = submit(tell_one);
        await_waiting(task[i], i + 1);
    }
    for (uint64_t i = 0; i < 2; i++)
        CHECK_STATUS(queueing_put(&queue, &i, sizeof i, CLOCK_NEVER, &error), RP_OK);
    for (uint64_t i = 0; i < 2; i++) {
        CHECK_STATUS(submit_wait(&realm.gang.manager, task[i], CLOCK_NEVER), RP_OK);
        CHECK(task[i]->size == sizeof i && !memcmp(task[i]->result, &i, sizeof i));
        realm.gang.manager.setup.dispose(task[i]);
    }
    end();
}

TEST_CASE(one_that_dies_waiting_on_another_node_takes_no_item_with_it)
{
    struct error error;
    begin(0, 1, 3, 0);
    struct task *task = submit(get_one);
    await_waiting(task, 1);
    struct gang *there = &realm.node[0].gang;
    for (int i = 2; i <= there->workers; i++)
        if (there->pid[i] == (pid_t)atomic_load(&gang_tally->waiter))
            gang_kill(there, i);
    CHECK_STATUS(queueing_put(&queue, NULL, 0, CLOCK_NEVER, &error), RP_OK);
    finish(task); /* run again by another one */
    CHECK_UINT(gang_tally->waiting, 2);
    end();
}

/* Puts one into the second queue, then says so. */
static int put_back(rp_call *call, const void *in, size_t size)
{
    (void)size;
    if (rp_call_put(call, id_at(in, 1), NULL, 0, RP_FOREVER))
        return 1;
    atomic_fetch_add(&gang_tally->waiting, 1);
    return 0;
}

TEST_CASE(other_nodes_do_not_starve_while_the_manager_finds_done_what_it_wants_of_a_queue)
{
    struct error error;
    rp_view view;
    begin(0, 1, 1, 0);
    struct task *task = submit(put_back);
    uint64_t deadline = clock_deadline(4);
    while (!atomic_load(&gang_tally->waiting) && CHECK(!clock_has_passed(deadline))) {
        REQUIRE_STATUS(queueing_put(&queue, NULL, 0, CLOCK_NEVER, &error), RP_OK);
        REQUIRE_STATUS(queueing_get(&queue, &view, CLOCK_NEVER, &error), RP_OK);
    }
    finish(task);
    end();
}

static int time_out(rp_call *call, const void *in, size_t size)
{
    (void)size;
    if (rp_call_get(call, id_at(in, 0), NULL, 0) != RP_TIMEOUT)
        return 1;
    return rp_call_get(call, id_at(in, 0), NULL, 0.02) != RP_TIMEOUT;
}

TEST_CASE(a_task_of_another_node_runs_out_of_time)
{
    begin(0, 1, 1, 0);
    finish(submit(time_out));
    end();
}
