#include "run/wait.h"

#include "base/clock.h"
#include "base/spin.h"
#include "board/outbox.h"
#include "run/drain.h"
#include "run/recover.h"
#include "run/road.h"
#include "run/standstill.h"
#include "run/watch.h"

#define BRISK_NS UINT64_C(40000)   /* between completions: shorter waits are spent awake */
#define STILL_NS UINT64_C(2000000) /* without a move: a task is at a queue for less between two others */

/* What ends a wait besides time. */
struct awaited {
    struct manager *manager;
    uint64_t items;
    bool (*look)(void *state); /* or NULL */
    void *state;
};

/* All who run something have begun to wait at queues: the caller looks whether that is for ever. */
static bool have_stood(struct manager *manager)
{
    uint32_t before = manager->stood;
    manager->stood = atomic_load(&manager->board.shared->stood);
    return manager->stood != before;
}

static bool anything_ready(void *state)
{
    const struct awaited *awaited = state;
    struct manager *manager = awaited->manager;
    if (have_stood(manager))
        return true;
    if (awaited->look && awaited->look(awaited->state))
        return true;
    for (int word = 0; word <= (manager->crew->here - 1) / 64; word++)
        if (atomic_load(&manager->board.shared->ready[word]))
            return true;
    return false;
}

static bool lies(struct manager *manager, struct post_offer *offer)
{
    if (!post_peek(&manager->board, 0, offer))
        *offer = (struct post_offer){0};
    return offer->post;
}

/* The work that lies there first does since the look before, or nobody moves who could take it. */
static bool lies_unclaimed(struct manager *manager, uint64_t now)
{
    struct post_offer before = manager->unclaimed, *offer = &manager->unclaimed;
    bool any = lies(manager, offer);
    if (offer->post != before.post || offer->generation != before.generation || offer->next != before.next)
        manager->unclaimed_since = now;
    bool long_since = now >= manager->unclaimed_since + WATCH_TICK_NS;
    manager->lies_still = any && !long_since && manager->still && now >= manager->still_since + STILL_NS;
    return any && (long_since || manager->lies_still);
}

/* What was left to leaders at the end of a standstill is so no longer. */
static void see_standstill(struct manager *manager, uint64_t now)
{
    uint64_t still = manager->agents || manager->setup.outlying ? standstill_of(manager) : 0;
    if (still == manager->still)
        return;
    if (manager->lies_still)
        manager->looked = 0;
    manager->still = still;
    manager->still_since = now;
}

/* Once everybody who can has attached the board, a name in /dev/shm is of no use, and would outlive a
 * manager that is killed. */
static void forget_name(struct manager *manager)
{
    if (!manager->board.memory.name[0])
        return;
    for (int i = 1; i < manager->crew->here; i++)
        if (manager_has(manager, i) && atomic_load(&manager->board.slot[i].state) == SLOT_EMPTY)
            return;
    memory_forget_name(&manager->board.memory);
}

static uint64_t next_look(struct manager *manager)
{
    uint64_t next = manager->looked + WATCH_TICK_NS, soon = manager->still_since + STILL_NS;
    bool is_soon = manager->still && !manager->lying && soon < next && lies(manager, &(struct post_offer){0});
    return is_soon ? soon : next;
}

bool wait_watch(struct manager *manager)
{
    drain_look(manager);
    uint64_t now = clock_ns();
    retry_post(manager);
    see_standstill(manager, now);
    if (now < next_look(manager))
        return false;
    manager->looked = now;
    int deaths = manager->setup.outlying ? watch_known(manager->watch) : watch_look(manager->watch);
    while (manager->deaths < deaths)
        recover_from_death(manager, watch_died(manager->watch, manager->deaths++));
    recover_from_refusals(manager);
    if (manager->suspect)
        recover_lost(manager);
    manager->lying = lies_unclaimed(manager, now);
    if (manager->lying)
        roster_ring_all(manager->setup.roster);
    forget_name(manager);
    return true;
}

/* Looking on before sleep pays where completions come fast; where they come slowly, it takes the
 * core from the worker that would bring the next one. */
static bool look_on(struct awaited *awaited)
{
    return awaited->items <= 1 && awaited->manager->last_wait_ns < BRISK_NS && !awaited->manager->agents &&
           spin_until(anything_ready, awaited);
}

/* Where there is a road it sleeps in naps, and looks, until nothing has come for a while: then it is rung.
 * False: there is something already. */
static bool sleep_in_naps(struct awaited *awaited, uint64_t until)
{
    struct manager *manager = awaited->manager;
    struct road *road = manager->setup.road;
    for (uint64_t nap = 0; !clock_has_passed(until) && clock_has_passed(nap) && !road_turn(road);) {
        nap = road_nap(road);
        outbox_doze(&manager->board, awaited->items);
        if (anything_ready(awaited)) {
            outbox_rouse(&manager->board);
            return false;
        }
        _Atomic uint32_t *bell = road_doze(road, &nap);
        uint64_t end = nap < until ? nap : until;
        if (bell)
            outbox_sleep_with(&manager->board, bell, end);
        else
            outbox_sleep(&manager->board, end);
        road_rouse(road);
    }
    return true;
}

static bool sleep_once(struct awaited *awaited, uint64_t until)
{
    struct manager *manager = awaited->manager;
    outbox_doze(&manager->board, awaited->items);
    if (anything_ready(awaited)) {
        outbox_rouse(&manager->board);
        return false;
    }
    outbox_sleep(&manager->board, until);
    return true;
}

static void wait_until(struct awaited *awaited, uint64_t deadline)
{
    struct manager *manager = awaited->manager;
    uint64_t begun = clock_ns();
    if (wait_watch(manager)) /* which may have brought what the caller waits for */
        return;
    if (look_on(awaited))
        return;
    uint64_t tick = next_look(manager), due = retry_due(manager);
    tick = due < tick ? due : tick;
    if (!(manager->agents ? sleep_in_naps : sleep_once)(awaited, tick < deadline ? tick : deadline))
        return;
    manager->last_wait_ns = clock_ns() - begun;
    if (!wait_watch(manager) && manager->suspect)
        recover_lost(manager);
}

void wait_for_items(struct manager *manager, uint64_t items, uint64_t deadline)
{
    wait_until(&(struct awaited){.manager = manager, .items = items}, deadline);
}

void wait_for(struct manager *manager, bool (*look)(void *state), void *state, uint64_t deadline)
{
    wait_until(&(struct awaited){manager, 1, look, state}, deadline);
}
