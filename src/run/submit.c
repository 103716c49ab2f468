#include "run/submit.h"

#include "base/clock.h"
#include "run/collect.h"
#include "run/drain.h"
#include "run/queue.h"
#include "run/road.h"
#include "run/show.h"
#include "run/stuck.h"
#include "run/submit_state.h"
#include "run/wait.h"

/* ---- Waiting ----------------------------------------------------------------------------- */

/* It has been run, and is to be run again. */
static bool has_begun(const struct task *task)
{
    return task->attempts > 0;
}

/* Takes a task that has not started out of reach of the workers. */
static bool withdraw(struct manager *manager, struct task *task)
{
    if (task->stage == TASK_QUEUED) {
        task_remove(&manager->queued, task);
        return true;
    }
    uint32_t pending = RECORD_PENDING;
    if (task->stage != TASK_POSTED || manager_is_alone(manager) ||
        !atomic_compare_exchange_strong(&submit_record(manager, task)->state, &pending, RECORD_CANCELLED))
        return false;
    manager->postings[task->post].tasks[task->item] = NULL;
    task_remove(&manager->posted, task);
    return true;
}

/* Another node has it, and has not said that it runs. */
static bool is_away(const struct manager *manager, const struct task *task)
{
    return manager->agents && task->stage == TASK_POSTED &&
           atomic_load(&submit_record(manager, task)->state) == RECORD_AWAY;
}

/* Those at other nodes that have not started end as cancelled: how many. */
static size_t cancel_away(struct manager *manager)
{
    size_t before = manager->cancelled_away;
    for (struct task *task = manager->posted.first; task; task = task->behind)
        if (!has_begun(task) && is_away(manager, task))
            road_cancel(manager, (int)task->post, task->item);
    road_await_answers(manager);
    return manager->cancelled_away - before;
}

/* Ends those here that have not started, with a sentence where they failed: how many. */
static size_t withdraw_here(struct manager *manager, rp_status status, const char *sentence)
{
    size_t withdrawn = 0;
    struct task *firsts[] = {manager->posted.first, manager->queued.first};
    for (int i = 0; i < 2; i++)
        for (struct task *task = firsts[i], *behind; task; task = behind) {
            behind = task->behind;
            if ((status == RP_CANCELLED && has_begun(task)) || !withdraw(manager, task))
                continue;
            submit_settle(manager, task, status, sentence);
            withdrawn++;
        }
    return withdrawn;
}

static void break_all(struct manager *manager, const char *sentence)
{
    if (!manager_is_alone(manager))
        retry_give_up(manager, manager);
    if (manager->agents)
        road_recall(manager, manager); /* they come back to the queue */
    manager->unfinished |= withdraw_here(manager, RP_POOL_BROKEN, sentence) > 0;
}

/* One round of what every waiting call does; false: nothing happened. */
static bool advance(struct manager *manager)
{
    show_tasks(manager);
    drain_look(manager);
    if (manager_is_alone(manager))
        return submit_run_one(manager);
    bool any = collect_notes(manager);
    wait_watch(manager);
    submit_feed(manager);
    struct error error;
    if (manager_check(manager, &error))
        break_all(manager, error.text);
    return any;
}

void submit_look(struct manager *manager)
{
    if (!manager_is_alone(manager))
        advance(manager);
}

void submit_glance(struct manager *manager)
{
    if (road_is_due(manager))
        advance(manager);
}

static struct task *give_finished(struct manager *manager)
{
    struct task *task = manager->finished.first;
    task_remove(&manager->finished, task);
    manager->for_next--;
    task->with_pool = false;
    task->kept = true;
    return task;
}

bool submit_turn(struct manager *manager)
{
    bool any = advance(manager);
    manager_call_back(manager);
    return any;
}

bool submit_round(struct manager *manager, uint64_t deadline)
{
    bool any = submit_turn(manager);
    if (clock_has_passed(deadline) || (!any && deadline == CLOCK_NEVER && stuck_is(manager)))
        return false;
    if (!any && manager_is_alone(manager))
        submit_rest(manager, deadline);
    else if (!any)
        wait_for_items(manager, 1, deadline);
    manager_call_back(manager); /* a wait takes in what comes from other nodes, and of dead workers */
    return true;
}

struct task *submit_next(struct manager *manager, uint64_t deadline)
{
    if ((manager->queued.first && !manager_is_alone(manager)) || road_is_due(manager))
        advance(manager); /* somebody slow to take results must not starve the workers */
    bool in_time = true;
    if (!manager->for_next) /* nothing to wait for, yet whoever asks again and again gets his callbacks */
        submit_turn(manager);
    while (manager->for_next && !manager->finished.first && in_time)
        in_time = submit_round(manager, deadline);
    if (manager->finished.first)
        return give_finished(manager);
    if (in_time)
        show_tasks(manager); /* there is nothing to wait for: the bar goes now */
    return NULL;
}

rp_status submit_wait(struct manager *manager, struct task *task, uint64_t deadline)
{
    bool in_time = true;
    if (task->stage == TASK_DONE) {
        submit_glance(manager);
        manager_call_back(manager);
    }
    while (task->stage != TASK_DONE && in_time)
        in_time = submit_round(manager, deadline);
    return task->stage == TASK_DONE ? RP_OK : RP_TIMEOUT;
}

void submit_finish(struct manager *manager)
{
    manager_call_back(manager); /* of tasks that were cancelled just before */
    while (manager->queued.first || manager->posted.first) {
        if (!submit_round(manager, CLOCK_NEVER))
            queueing_close_all(manager); /* or they would wait for ever */
        manager_call_back(manager);      /* which may submit more */
    }
    submit_close_blocks(manager);
    while (manager->finished.first)
        manager->setup.dispose(give_finished(manager));
}

/* ---- Cancelling -------------------------------------------------------------------------- */

bool submit_is_running(const struct manager *manager, const struct task *task)
{
    if (task->stage != TASK_POSTED || has_begun(task))
        return task->stage != TASK_DONE && has_begun(task);
    return manager_is_alone(manager) || atomic_load(&submit_record(manager, task)->state) == RECORD_RUNNING;
}

rp_status submit_cancel(struct manager *manager, struct task *task)
{
    if (task->stage == TASK_DONE)
        return task->status == RP_CANCELLED ? RP_OK : RP_BUSY;
    if (has_begun(task))
        return RP_BUSY;
    if (is_away(manager, task))
        road_turn(manager->setup.road); /* it may have begun, or have ended */
    if (is_away(manager, task) && road_cancel(manager, (int)task->post, task->item)) {
        road_await_answers(manager);
        if (task->stage == TASK_DONE)
            return task->status == RP_CANCELLED ? RP_OK : RP_BUSY;
    }
    if (!withdraw(manager, task))
        return RP_BUSY;
    submit_settle(manager, task, RP_CANCELLED, NULL);
    return RP_OK;
}

size_t submit_cancel_all(struct manager *manager)
{
    size_t cancelled = 0, more;
    do { /* what another node has just given back is here again */
        more = withdraw_here(manager, RP_CANCELLED, NULL);
        more += manager->agents ? cancel_away(manager) : 0;
        cancelled += more;
    } while (more && manager->agents);
    return cancelled;
}
