/* Waiting for a child: for its notes, its end, its wishes, and for the end of its time. */
#include <signal.h>

#include "base/clock.h"
#include "base/futex.h"
#include "run/box_state.h"

#define LEAST_TICK_NS UINT64_C(1000000)
#define HALT_TICK_NS  UINT64_C(50000000) /* between looks whether the program drains */
#define GRACE_NS      UINT64_C(1000000000)

/* The item that runs, as far as can be seen. */
struct watched {
    uint64_t running, since;
    bool asked; /* to stop */
    uint64_t asked_at;
    uint32_t item;
};

static bool takes_notes(const struct job *job)
{
    return job->way < BOX_FINALIZE;
}

/* ---- Which item it is -------------------------------------------------------------------- */

bool box_find_item(const struct job *job, uint32_t *item)
{
    uint64_t running = atomic_load(&job->box->page->running);
    uint32_t end = job->order_from + job->expect.count;
    if (!box_is_intact(job->box->page))
        return false;
    if (!job->stretch || !job->stretch->indices) {
        uint64_t first = box_index(job, 0);
        if (running < first || running - first < job->next || running - first >= end)
            return false;
        *item = (uint32_t)(running - first);
        return true;
    }
    for (uint32_t i = job->next; i < end; i++)
        if (box_index(job, i) == running) {
            *item = i;
            return true;
        }
    return false;
}

static void show_item(const struct job *job)
{
    uint32_t item;
    if (takes_notes(job) && job->expect.count > 1 && box_find_item(job, &item))
        box_show(job, item);
}

/* ---- Halting ----------------------------------------------------------------------------- */

static void pass_on_halt(struct job *job)
{
    struct performer *performer = job->box->performer;
    if (job->expect.halted || !performer->is_halted || !performer->is_halted(performer->halter))
        return;
    job->expect.halted = true;
    atomic_store(&job->box->page->halt, 1);
}

/* ---- Time -------------------------------------------------------------------------------- */

static uint64_t tick_of(const struct job *job)
{
    uint64_t tick = job->box->performer->is_halted ? HALT_TICK_NS : FORKER_TICK_NS;
    if (job->limit_ns && job->limit_ns / 8 < tick)
        tick = job->limit_ns / 8;
    return tick < LEAST_TICK_NS ? LEAST_TICK_NS : tick;
}

/* Looks at the item that runs. One that was asked to stop has ended once another one runs. */
static void watch_item(struct job *job, struct watched *watched)
{
    struct box *box = job->box;
    uint64_t now = clock_ns(), running = atomic_load(&box->page->running);
    if (!job->limit_ns || atomic_load(&box->page->begun) != box->serial)
        return;
    uint64_t grace = job->limit_ns < GRACE_NS ? job->limit_ns : GRACE_NS;
    if (watched->asked && (running != watched->running || now - watched->asked_at >= grace))
        forker_signal(box->place, SIGKILL);
    if (watched->asked)
        return;
    if (running != watched->running || !watched->since) {
        *watched = (struct watched){.running = running, .since = now};
    } else if (now - watched->since >= job->limit_ns && box_find_item(job, &watched->item)) {
        watched->asked = true;
        watched->asked_at = now;
        forker_signal(box->place, SIGTERM);
    } else if (now - watched->since >= 2 * job->limit_ns) {
        watched->asked = true; /* it hides which one it is */
        watched->item = UINT32_MAX;
        forker_signal(box->place, SIGKILL);
    }
}

/* ---- Endings ----------------------------------------------------------------------------- */

static struct outcome spoil(struct job *job)
{
    box_kill(job->box);
    return (struct outcome){.ending = ENDING_SPOILED};
}

static struct outcome end_late(struct job *job, const struct watched *watched)
{
    box_kill(job->box);
    return (struct outcome){
        .ending = ENDING_LATE, .known = watched->item != UINT32_MAX, .culprit = watched->item};
}

static struct outcome end_dead(struct job *job, int status)
{
    struct outcome outcome = {.ending = ENDING_DEAD, .status = status};
    struct box *box = job->box;
    box->child = false;
    if (box_is_intact(box->page) && atomic_load(&box->page->begun) != job->expect.serial)
        return (struct outcome){.ending = ENDING_AGAIN, .status = status}; /* before it began */
    outcome.known = box_find_item(job, &outcome.culprit);
    return outcome;
}

static bool is_over(const struct job *job)
{
    if (job->way == BOX_LEAVE)
        return true; /* to be ready was all */
    return atomic_load(&job->box->page->ended) == job->expect.serial;
}

static struct outcome finish(struct job *job)
{
    if (job->way < BOX_FINALIZE && job->next != job->order_from + job->expect.count)
        return spoil(job);
    return (struct outcome){.ending = ENDING_DONE};
}

/* The state is read before the notes: what a child has said before its end counts. */
struct outcome box_watch(struct job *job)
{
    struct box *box = job->box;
    struct watched watched = {0};
    if (!box->child && box_start_child(box, &box->refusal))
        return (struct outcome){.ending = ENDING_REFUSED};
    _Atomic uint32_t *bell = forker_bell(box->place);
    for (;;) {
        int status;
        bool over;
        uint32_t seen = atomic_load(bell);
        enum forker_state state = forker_look(box->place, &status);
        pass_on_halt(job); /* before the notes that answer it are read */
        switch (box_birth(box, state, status)) {
        case BIRTH_REFUSED:
            return (struct outcome){.ending = ENDING_REFUSED};
        case BIRTH_AGAIN:
            return (struct outcome){.ending = ENDING_AGAIN, .status = status};
        case BIRTH_UNDER_WAY:
            break;
        case BIRTH_READY:
            over = is_over(job);
            if (!watched.asked && takes_notes(job) && !box_take_notes(job))
                return spoil(job);
            if (watched.asked && (over || state == FORKER_ENDED))
                return end_late(job, &watched);
            if (over)
                return finish(job);
            if (state == FORKER_ENDED)
                return end_dead(job, status);
        }
        uint64_t before = clock_ns();
        if (box_meet_wish(box)) {
            watched.since += watched.since ? clock_ns() - before : 0;
            continue;
        }
        show_item(job);
        if (state == FORKER_RUNNING)
            watch_item(job, &watched);
        if (!futex_wait(bell, seen, clock_ns() + tick_of(job)))
            forker_check(box->place);
    }
}
