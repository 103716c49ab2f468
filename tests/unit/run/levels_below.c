/* What a node says that is below another one: who leads that one hands it on, and waits for it as a manager
 * does. The test speaks for the lowest node. */
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "envoy.h"
#include "run/submit.h"

static struct task *task;
static struct envoy_block *got; /* the task, the last time that it came */

static struct manager *manager(void)
{
    return &envoy_realm.gang.manager;
}

static void turn(void)
{
    envoy_listen("manager: sleeps");
    submit_round(manager(), clock_deadline(1e-3));
}

static void hear(struct envoy_block *block)
{
    got = block;
}

static void begin(void)
{
    const uint64_t item = 5;
    struct error error;
    got = NULL;
    envoy_begin_below(hear);
    REQUIRE(task = calloc(1, sizeof *task));
    task->fn = gang_square;
    task->kept = true;
    REQUIRE_STATUS(submit_task(manager(), task, &item, sizeof item, &error), RP_OK);
    while (!got)
        turn();
}

static void say_started(void)
{
    envoy_say((struct wire_message){
        .type = WIRE_STARTED, .started = {got->block.block, 0, (uint32_t)realm_first(&envoy_realm, 1)}});
}

static void say_ended(void)
{
    uint64_t answer;
    struct wire_note note = envoy_note(got, 0, 1, &answer);
    note.flags = NOTE_FIRST;
    envoy_say_note(&note, &answer);
}

static void end(void)
{
    while (task->stage != TASK_DONE)
        turn();
    CHECK_STATUS(task->status, RP_OK);
    task->kept = false;
    submit_let_go(manager(), task);
    submit_drop(manager(), task);
    envoy_end();
}

/* ---- Nobody is left ------------------------------------------------------------------------ */

/* Who leads it is no worker either, as where it has no memory for a board more. */
TEST_CASE(what_has_begun_below_ends_there_though_nobody_of_the_branch_can_begin_anything_more)
{
    begin();
    int worker = realm_first(&envoy_realm, 1);
    say_started();
    while (!submit_is_running(manager(), task))
        turn();
    atomic_store(&envoy_realm.node[0].crew->member[1].dead, true);
    envoy_say_with((struct wire_message){.type = WIRE_REFUSED, .refused = {(uint32_t)worker}}, "no memory",
                   9);
    while (!manager_refusal(manager(), worker))
        turn();
    say_ended();
    end();
    CHECK_INT(envoy.acts, 1);
}

/* ---- Queues -------------------------------------------------------------------------------- */

/* The answer to a pause, which who leads it gives by itself, comes behind all that it had said before; and
 * nobody above has heard of the wish yet. */
TEST_CASE(what_waits_behind_a_wish_that_is_passed_on_is_asked_back_by_who_passes_it)
{
    begin();
    envoy_say((struct wire_message){.type = WIRE_WISH,
                                    .wish = {.id = 1,
                                             .queue = 99,
                                             .patience_ns = UINT64_MAX,
                                             .block = got->block.block,
                                             .count = 1,
                                             .worker = (uint32_t)realm_first(&envoy_realm, 1),
                                             .kind = WIRE_GET}});
    envoy_say((struct wire_message){.type = WIRE_PAUSE, .pause = {1, 1}});
    while (!envoy.messages[WIRE_PAUSED])
        envoy_listen("manager: sleeps");
    CHECK_INT(envoy.messages[WIRE_RECALL], 1);
    envoy_say((struct wire_message){.type = WIRE_PAUSE, .pause = {1, 0}});
    while (!envoy.messages[WIRE_MET]) /* there is no such queue */
        turn();
    say_ended();
    end();
}

/* ---- Cancellations ------------------------------------------------------------------------- */

/* Until it has come to the lowest node. */
static void ask_for_it(void)
{
    const struct agent_block *held = manager()->agents->agent[0].block[0];
    REQUIRE(held && road_cancel(manager(), held->post, held->from));
    while (!envoy.messages[WIRE_CANCEL])
        turn();
    CHECK_UINT(manager()->agents->agent[0].asked, 1);
}

static void check_answered(void)
{
    for (uint64_t until = clock_deadline(2); manager()->agents->agent[0].asked && !clock_has_passed(until);)
        turn();
    CHECK_UINT(manager()->agents->agent[0].asked, 0);
}

TEST_CASE(a_cancellation_that_meets_what_is_asked_back_is_answered)
{
    begin();
    struct envoy_block *first = got;
    road_recall(manager(), NULL);
    while (!envoy.messages[WIRE_RECALL])
        turn();
    ask_for_it();
    envoy_say((struct wire_message){.type = WIRE_RECALLED, .recalled = {got->block.block, 0, 1}});
    check_answered();
    while (got == first) /* it comes again */
        turn();
    say_ended();
    end();
}

TEST_CASE(a_cancellation_of_what_has_begun_below_is_answered_before_that_ends)
{
    begin();
    ask_for_it();
    say_started();
    check_answered();
    CHECK(submit_is_running(manager(), task));
    say_ended();
    end();
}
