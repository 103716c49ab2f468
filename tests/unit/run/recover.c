/* What the manager makes of a death, in orders of events that are rare: see recover.h. */
#include "run/recover.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "board/outbox.h"
#include "check.h"
#include "puppets.h"
#include "run/submit.h"
#include "run/wait.h"
#include "work.h"

enum { ITEMS = 4096 }; /* two posts of a map of 16 bytes an item */

static void map_squares(struct puppets *puppets, size_t chunk)
{
    work_map(&puppets->gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC, .chunk = chunk}, ITEMS);
    for (int i = 0; i < ITEMS; i++)
        if (!CHECK_UINT(gang_tally->runs[i], 1))
            break;
}

static void work_on(void *state)
{
    struct puppets *puppets = state;
    while (puppet_work(&puppets->worker[2], ITEMS))
        continue;
    puppets_at("manager: sleeps", 1, work_on, puppets);
}

/* Worker 1 dies with the first item of post 0; worker 2 has all else done, and thereby post 1, whose
 * descriptor is free again before the lost item is looked for. */
static void lose_first_item(void *state)
{
    struct puppets *puppets = state;
    CHECK(puppet_claim(&puppets->worker[1]));
    puppet_work(&puppets->worker[2], ITEMS);
    gang_kill(&puppets->gang, 1);
    puppets_at("manager: sleeps", 1, work_on, puppets);
}

TEST_CASE(a_descriptor_reused_while_recovering_is_not_judged_by_its_former_life)
{
    struct puppets puppets;
    check_seconds(10);
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, lose_first_item, &puppets);
    map_squares(&puppets, 8);
    puppets_close(&puppets);
}

static void kill_and_notice(struct puppets *puppets, int worker)
{
    struct manager *manager = &puppets->gang.manager;
    gang_kill(&puppets->gang, worker);
    manager->looked = 0;
    CHECK(wait_watch(manager));
    CHECK(!manager_has(manager, worker));
}

/* Worker 1 dies while worker 2 has more notes than its outbox holds. */
static void lose_beside_spill(void *state)
{
    struct puppets *puppets = state;
    CHECK(puppet_claim(&puppets->worker[1]));
    CHECK(puppet_work(&puppets->worker[2], OUTBOX_NOTES + 500) > OUTBOX_NOTES + 400);
    CHECK(puppets->worker[2].station->spill_first != NULL);
    kill_and_notice(puppets, 1);
    puppets_at("manager: sleeps", 1, work_on, puppets);
}

TEST_CASE(notes_that_wait_for_room_are_not_lost_when_another_worker_dies)
{
    struct puppets puppets;
    check_seconds(10);
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, lose_beside_spill, &puppets);
    map_squares(&puppets, 1);
    puppets_close(&puppets);
}

/* ---- The order of looks -------------------------------------------------------------------------- */

static void finish_and_work_on(void *state)
{
    struct puppets *puppets = state;
    puppet_perform(&puppets->worker[2]);
    work_on(puppets);
}

/* Worker 2 finishes what it holds and claims the next. */
static void step_on(void *state)
{
    struct puppets *puppets = state;
    puppet_perform(&puppets->worker[2]);
    CHECK(puppet_claim(&puppets->worker[2]));
    puppets_at("manager: sleeps", 1, finish_and_work_on, puppets);
}

static const char *look; /* after which of the manager's looks worker 2 steps on */
static int times;

static void lose_one_hold_one(void *state)
{
    struct puppets *puppets = state;
    CHECK(puppet_claim(&puppets->worker[1]));
    CHECK(puppet_claim(&puppets->worker[2]));
    gang_kill(&puppets->gang, 1);
    puppets_at(look, times, step_on, puppets);
}

static void step_on_after(const char *place, int time)
{
    struct puppets puppets;
    check_seconds(10);
    check_note("after \"%s\"", place);
    puppets_open(&puppets, 2, NULL);
    look = place;
    times = time;
    puppets_at("manager: sleeps", 1, lose_one_hold_one, &puppets);
    map_squares(&puppets, 1);
    puppets_close(&puppets);
}

TEST_CASE(who_notes_and_claims_between_the_looks_of_a_recovery_loses_nothing)
{
    step_on_after("recover: cursor read", 1);
    step_on_after("recover: announcement read", 1); /* the manager's own */
    step_on_after("recover: announcement read", 2);
}

static void bury(struct puppets *puppets, int worker)
{
    kill_and_notice(puppets, worker);
    submit_feed(&puppets->gang.manager);
}

static struct task *next_task(struct puppets *puppets)
{
    struct task *task;
    do
        puppet_work(&puppets->worker[2], ITEMS);
    while (!(task = submit_next(&puppets->gang.manager, clock_deadline(1e-3))) &&
           puppets->gang.manager.for_next); /* another try may be due later */
    return task;
}

/* ---- Suspicion ----------------------------------------------------------------------------------- */

TEST_CASE(what_the_living_hold_is_suspect_until_it_ends_and_nothing_after_that)
{
    struct puppets puppets;
    puppets_open(&puppets, 2, NULL);
    struct manager *manager = &puppets.gang.manager;
    work_submit(&puppets.gang, gang_square, 5);
    work_submit(&puppets.gang, gang_square, 6);
    CHECK(puppet_claim(&puppets.worker[1]));
    CHECK(puppet_claim(&puppets.worker[2]));
    bury(&puppets, 1);
    CHECK(manager->suspect);
    puppet_perform(&puppets.worker[2]);
    recover_lost(manager);
    CHECK(!manager->suspect);
    CHECK(puppet_claim(&puppets.worker[2])); /* what the dead held; a claim made since is not suspect */
    recover_lost(manager);
    CHECK(!manager->suspect);
    puppet_perform(&puppets.worker[2]);
    work_check(&puppets.gang, next_task(&puppets), 6);
    work_check(&puppets.gang, next_task(&puppets), 5);
    puppets_close(&puppets);
}

static void claim_first(void *state)
{
    struct puppets *puppets = state;
    CHECK(puppet_claim(&puppets->worker[1]));
}

TEST_CASE(an_announcement_in_vain_hides_a_loss_only_until_it_is_withdrawn)
{
    struct puppets puppets;
    puppets_open(&puppets, 2, NULL);
    struct manager *manager = &puppets.gang.manager;
    work_submit(&puppets.gang, gang_square, 5);
    puppets_at("claim: announced", 1, claim_first, &puppets);
    CHECK(!puppet_claim(&puppets.worker[2]));
    bury(&puppets, 1);
    CHECK(manager->suspect);
    CHECK(!puppet_claim(&puppets.worker[2]));
    station_idle(puppets.worker[2].station);
    recover_lost(manager);
    CHECK(!manager->suspect);
    submit_feed(manager);
    work_check(&puppets.gang, next_task(&puppets), 5);
    puppets_close(&puppets);
}

/* ---- Tasks --------------------------------------------------------------------------------------- */

TEST_CASE(a_death_counts_as_a_try_of_a_task_only_where_it_ran)
{
    for (int ran = 0; ran <= 1; ran++) {
        struct puppets puppets;
        check_note("%d", ran);
        puppets_open(&puppets, 2, NULL);
        work_submit(&puppets.gang, gang_square, 5);
        CHECK(puppet_claim(&puppets.worker[1]));
        if (ran) {
            const struct post *post = puppets.worker[1].claim.offer.post;
            struct task_record *record = board_at(&puppets.gang.manager.board, post->in);
            atomic_store(&record->state, RECORD_RUNNING); /* it dies in the middle of it */
            atomic_store(&puppets.gang.manager.board.slot[1].running, record->index);
        }
        bury(&puppets, 1);
        struct task *task = next_task(&puppets);
        CHECK_INT(task->attempts, 1 + ran);
        CHECK_INT(task->worker, 2);
        work_check(&puppets.gang, task, 5);
        puppets_close(&puppets);
    }
}

TEST_CASE(a_task_cancelled_after_its_claim_is_not_run_for_the_dead)
{
    struct puppets puppets;
    puppets_open(&puppets, 2, NULL);
    struct task *task = work_submit(&puppets.gang, gang_square, 5);
    CHECK(puppet_claim(&puppets.worker[1]));
    CHECK_STATUS(submit_cancel(&puppets.gang.manager, task), RP_OK);
    bury(&puppets, 1);
    CHECK_PTR(next_task(&puppets), task);
    CHECK_STATUS(task->status, RP_CANCELLED);
    CHECK_UINT(gang_tally->runs[5], 0);
    puppets.gang.manager.setup.dispose(task);
    CHECK_PTR(next_task(&puppets), NULL);
    puppets_close(&puppets);
}

TEST_CASE(a_task_cancelled_after_its_claim_is_not_run_by_the_living)
{
    struct puppets puppets;
    puppets_open(&puppets, 2, NULL);
    struct task *task = work_submit(&puppets.gang, gang_square, 5);
    CHECK(puppet_claim(&puppets.worker[2]));
    CHECK_STATUS(submit_cancel(&puppets.gang.manager, task), RP_OK);
    puppet_perform(&puppets.worker[2]);
    CHECK_UINT(gang_tally->runs[5], 0);
    CHECK_PTR(next_task(&puppets), task);
    CHECK_STATUS(task->status, RP_CANCELLED);
    puppets.gang.manager.setup.dispose(task);

    task = work_submit(&puppets.gang, gang_square, 6);
    CHECK_INT(puppet_work(&puppets.worker[2], 1), 1);
    CHECK_STATUS(submit_cancel(&puppets.gang.manager, task), RP_BUSY);
    work_check(&puppets.gang, next_task(&puppets), 6);
    puppets_close(&puppets);
}

static int add_up(rp_call *call, const void *input, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + ((const unsigned char *)input)[i];
    return rp_return(call, &sum, sizeof sum);
}

TEST_CASE(inputs_of_any_size_survive_the_death_of_who_claimed_them)
{
    static const size_t sizes[] = {0, 1, NOTE_INLINE, NOTE_INLINE + 1, 5000, 16384, 16385, 300000};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    struct puppets puppets;
    struct error error;
    static unsigned char bytes[300000];
    struct task *tasks[SIZES];
    puppets_open(&puppets, 2, NULL);
    struct manager *manager = &puppets.gang.manager;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    for (int i = 0; i < SIZES; i++) {
        tasks[i] = calloc(1, sizeof *tasks[i]);
        tasks[i]->fn = add_up;
        tasks[i]->with_pool = true;
        REQUIRE_STATUS(submit_task(manager, tasks[i], bytes, sizes[i], &error), RP_OK);
    }
    memset(bytes, 0, sizeof bytes);
    for (int i = 0; i < SIZES; i++) { /* each is claimed by who dies, as if it claimed them all */
        CHECK(puppet_claim(&puppets.worker[1]));
    }
    bury(&puppets, 1);
    for (int i = 0; i < SIZES; i++) {
        struct task *task = next_task(&puppets);
        REQUIRE(task && task->index < SIZES);
        uint64_t sum = 0, got;
        for (size_t k = 0; k < sizes[task->index]; k++)
            sum = sum * 31 + (unsigned char)(k * 7 + k / 256);
        CHECK_STATUS(task->status, RP_OK);
        memcpy(&got, task->result, sizeof got);
        CHECK_UINT(got, sum);
        manager->setup.dispose(task);
    }
    submit_close_blocks(manager);
    CHECK_UINT(manager->arena.in_use, 0);
    puppets_close(&puppets);
}

static int answer_much(rp_call *call, const void *input, size_t size)
{
    (void)input, (void)size;
    memset(rp_reserve(call, 100000), 0x77, 100000);
    return 0;
}

TEST_CASE(the_result_of_a_worker_that_died_since_is_delivered)
{
    struct puppets puppets;
    puppets_open(&puppets, 2, NULL);
    work_submit(&puppets.gang, answer_much, 1);
    CHECK_INT(puppet_work(&puppets.worker[1], 1), 1);
    bury(&puppets, 1);
    struct task *task = next_task(&puppets);
    CHECK_INT(task->worker, 1);
    CHECK_UINT(task->size, 100000);
    for (size_t i = 0; i < task->size; i++)
        REQUIRE(((unsigned char *)task->result)[i] == 0x77);
    puppets.gang.manager.setup.dispose(task);
    puppets_close(&puppets);
}

TEST_CASE(tasks_for_a_worker_that_dies_are_for_all)
{
    struct puppets puppets;
    struct error error;
    uint64_t item = 8;
    puppets_open(&puppets, 2, NULL);
    for (int i = 0; i < 3; i++) {
        struct task *task = calloc(1, sizeof *task);
        task->fn = gang_square;
        task->with_pool = true;
        task->owner = 1;
        REQUIRE_STATUS(submit_task(&puppets.gang.manager, task, &item, sizeof item, &error), RP_OK);
        CHECK_INT(puppet_work(&puppets.worker[2], 1), i == 2); /* the last is for nobody alone any more */
        if (i == 1)
            bury(&puppets, 1);
        if (i == 1)
            CHECK_INT(puppet_work(&puppets.worker[2], 9), 2);
    }
    for (int i = 0; i < 3; i++)
        work_check(&puppets.gang, next_task(&puppets), 8);
    puppets_close(&puppets);
}
