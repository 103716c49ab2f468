#include "run/worker.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/spin.h"
#include "run/leader.h"
#include "run/road.h"
#include "run/seat.h"

#define LOOK_NS UINT64_C(1000000) /* between looks of a seat that nobody calls */

/* ---- Each seat --------------------------------------------------------------------------- */

bool worker_tend(struct worker *worker)
{
    bool any = worker->roads && roads_turn(worker->roads);
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind)
        any |= seat->leader && leader_turn(seat->leader);
    return any;
}

static bool has_work(void *state)
{
    struct worker *worker = state;
    bool any = worker_tend(worker);
    for (struct worker_seat *seat = worker->seats; seat && !any; seat = seat->behind)
        any = seat_has_work(seat);
    return any;
}

static void search(struct worker_seat *seat)
{
    if (!seat->searching && seat->part == SEAT_CALLED) {
        roster_search(seat->roster);
        seat->searching = true;
    }
}

/* Somebody who found work tells the next one that there is more; who stops without any, too, since
 * others may have relied on it. */
static void stop_searching(struct worker_seat *seat, bool found)
{
    if (!seat->searching)
        return;
    seat->searching = false;
    if (roster_found(seat->roster) && (!found || seat_has_work(seat)))
        roster_ring(seat->roster);
}

/* Asleep until one of the bells rings. */
static void sleep_on_all(struct worker *worker)
{
    _Atomic uint32_t *bells[FUTEX_SEVERAL], never = 1;
    struct roster *last = NULL;
    unsigned count = 0;
    uint64_t deadline = worker->roads ? roads_nap(worker->roads) : CLOCK_NEVER;
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind) {
        uint64_t look = CLOCK_NEVER;
        if (seat->leader) {
            count += leader_words(seat->leader, bells + count, FUTEX_SEVERAL - count);
            look = leader_nap(seat->leader);
        } else if (seat->searching && count < FUTEX_SEVERAL) {
            bells[count++] = roster_bell(last = seat->roster);
        } else if (seat->part != SEAT_IDLE) {
            look = clock_ns() + LOOK_NS;
        }
        deadline = look < deadline ? look : deadline;
    }
    if (count > 1)
        futex_wait_all_set(bells, count, deadline);
    else if (last)
        roster_sleep(last, deadline);
    else
        futex_wait(count ? bells[0] : &never, 1, deadline);
}

/* Who leads is awake for a while, and then naps. */
static bool look_on(struct worker *worker)
{
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind)
        if (seat->leader && leader_nap(seat->leader) > clock_ns())
            return has_work(worker);
    return spin_until(has_work, worker);
}

static void doze(struct worker_seat *seat)
{
    if (seat->leader)
        leader_doze(seat->leader);
    if (seat->searching)
        roster_doze(seat->roster);
}

static void rouse(struct worker_seat *seat)
{
    if (seat->leader)
        leader_rouse(seat->leader);
    if (seat->searching)
        roster_rouse(seat->roster);
}

static void rest(struct worker *worker)
{
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind) {
        search(seat);
        seat_idle(seat);
    }
    if (look_on(worker))
        return;
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind)
        doze(seat);
    if (!has_work(worker))
        sleep_on_all(worker);
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind)
        rouse(seat);
}

/* Whoever has work on one roster searches on none. */
static void found(struct worker *worker)
{
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind)
        stop_searching(seat, true);
}

/* A claim at each pool in turn, so that none starves. */
static bool serve_seat(struct worker *worker, struct worker_seat *seat)
{
    bool served = false;
    for (struct station *station = seat->stations; station; station = station->behind) {
        struct station_claim claim;
        station->leader = seat->leader;
        station->board.reserved = seat->leader && leader_is_aloof(seat->leader, station->id);
        if (station_must_attend(station)) {
            found(worker);
            station_attend(station);
            served = true;
        }
        if (!station_claim(station, &claim))
            continue;
        found(worker);
        if (seat->leader)
            leader_begin(seat->leader, station->id, &claim.offer);
        station_perform(station, &claim);
        if (seat->leader)
            leader_end(seat->leader, station->id);
        served = true;
    }
    return served;
}

static void serve_each(struct worker *worker)
{
    bool served = false, works = false;
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind) {
        if (seat->leader && (worker->works ? leader_glance : leader_turn)(seat->leader))
            served = true;
        if (seat_is_behind(seat)) {
            stop_searching(seat, false);
            seat_follow(seat);
            served = true; /* the caller looks whether its pool is still there */
        }
        if (seat_must_quit(seat) && !seat->over)
            seat->over = served = true; /* and whether this is where it is */
        works |= serve_seat(worker, seat);
    }
    worker->works = works;
    served |= works;
    if (!served)
        rest(worker);
}

/* ---- One roster for ever ----------------------------------------------------------------- */

static void serve(struct roster *roster, struct leader *leader)
{
    struct worker_seat seat = {.roster = roster, .leader = leader, .all = true};
    struct worker worker = {.seats = &seat};
    seat_follow(&seat);
    while (!seat_must_quit(&seat))
        serve_each(&worker);
    seat_close(&seat);
}

void worker_serve(struct roster *roster)
{
    serve(roster, NULL);
}

void worker_serve_leading(struct leader *leader)
{
    serve(leader_roster(leader), leader);
}

/* ---- Several, for a while ---------------------------------------------------------------- */

static struct worker_seat *find_seat(const struct worker *worker, const struct roster *roster)
{
    struct worker_seat *seat = worker->seats;
    while (seat && seat->roster != roster)
        seat = seat->behind;
    return seat;
}

static struct worker_seat *take_seat(struct worker *worker, struct roster *roster, struct error *error)
{
    struct worker_seat *seat = find_seat(worker, roster);
    if (seat)
        return seat;
    seat = calloc(1, sizeof *seat);
    if (!seat) {
        error_set(error, RP_NO_MEMORY, "no memory to serve a pool");
        return NULL;
    }
    seat->roster = roster;
    seat->behind = worker->seats;
    worker->seats = seat;
    return seat;
}

rp_status worker_lead(struct worker *worker, struct leader *leader, struct error *error)
{
    struct worker_seat *seat = take_seat(worker, leader_roster(leader), error);
    if (seat) {
        seat->leader = leader;
        leader_tend(leader, worker->roads);
    }
    return seat ? RP_OK : RP_NO_MEMORY;
}

rp_status worker_join(struct worker *worker, struct roster *roster, uint64_t pool, struct error *error)
{
    struct worker_seat *seat = take_seat(worker, roster, error);
    if (seat)
        seat_choose(seat, pool);
    return seat ? RP_OK : RP_NO_MEMORY;
}

bool worker_serve_pool(struct worker *worker, struct roster *roster, uint64_t pool)
{
    struct worker_seat *here = find_seat(worker, roster);
    worker->serving = true;
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind) {
        seat_resume(seat);
        if (seat->leader)
            leader_arrive(seat->leader, seat == here ? pool : 0);
    }
    while (here && seat_is_posted(here, pool) && !seat_must_quit(here))
        serve_each(worker);
    bool closed = here && !seat_is_posted(here, pool);
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind) {
        stop_searching(seat, false);
        seat_pause(seat);
        if (seat->leader)
            leader_begin_depart(seat->leader);
    }
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind)
        if (seat->leader)
            leader_depart(seat->leader);
    for (struct worker_seat *seat = worker->seats; seat; seat = seat->behind)
        if (seat->leader)
            leader_settle(seat->leader);
    worker->serving = false;
    return closed;
}

void worker_part(struct worker *worker, struct roster *roster, uint64_t pool)
{
    struct worker_seat *seat = find_seat(worker, roster);
    _Atomic uint32_t never = 0;
    while (seat && !seat_must_quit(seat) && !seat_flush(seat, pool))
        if (!worker_tend(worker))
            futex_wait(&never, 0, clock_deadline(1e-3));
    if (!seat)
        return;
    seat_unchoose(seat, pool);
    roster_refuse(roster, pool, "it has closed its handle of the pool");
    if (seat->leader)
        leader_part(seat->leader, pool);
}

void worker_leave(struct worker *worker, const struct roster *roster)
{
    for (struct worker_seat **link = &worker->seats; *link; link = &(*link)->behind) {
        struct worker_seat *seat = *link;
        if (seat->roster != roster)
            continue;
        *link = seat->behind;
        seat_close(seat);
        free(seat);
        return;
    }
}
