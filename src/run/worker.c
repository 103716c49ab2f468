#include "run/worker.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/spin.h"
#include "run/station.h"

struct worker {
    struct roster *roster;
    struct station *stations;
    uint32_t version; /* of the roster's table that the stations follow */
    bool searching;
};

static bool must_quit(const struct worker *worker)
{
    return atomic_load(&worker->roster->shared->quit);
}

static bool roster_changed(const struct worker *worker)
{
    return atomic_load(&worker->roster->shared->version) != worker->version;
}

static bool is_posted(const struct worker *worker, uint64_t id)
{
    for (int i = 0; i < ROSTER_POOLS; i++)
        if (atomic_load(&worker->roster->shared->pools[i].id) == id)
            return true;
    return false;
}

static bool is_attended(const struct worker *worker, uint64_t id)
{
    for (struct station *station = worker->stations; station; station = station->behind)
        if (station->id == id)
            return true;
    return false;
}

static void close_gone(struct worker *worker)
{
    for (struct station **link = &worker->stations; *link;) {
        struct station *station = *link;
        if (is_posted(worker, station->id)) {
            link = &station->behind;
        } else {
            *link = station->behind;
            station_close(station);
        }
    }
}

/* A handle may change while it is read: then the pool's number does too, and what was read is
 * not used; a board that was attached shows its own number. */
static void open_new(struct worker *worker)
{
    for (int i = 0; i < ROSTER_POOLS; i++) {
        struct roster_pool *pool = &worker->roster->shared->pools[i];
        uint64_t id = atomic_load(&pool->id);
        if (!id || is_attended(worker, id))
            continue;
        struct memory_handle handle = pool->board;
        if (atomic_load(&pool->id) != id)
            continue;
        struct station *station = station_open(worker->roster, id, &handle);
        if (station) {
            station->behind = worker->stations;
            worker->stations = station;
        }
    }
}

static void follow_roster(struct worker *worker)
{
    worker->version = atomic_load(&worker->roster->shared->version);
    close_gone(worker);
    open_new(worker);
}

static bool has_work(void *state)
{
    struct worker *worker = state;
    if (roster_changed(worker) || must_quit(worker))
        return true;
    for (struct station *station = worker->stations; station; station = station->behind)
        if (station_has_work(station))
            return true;
    return false;
}

static void rest(struct worker *worker)
{
    if (!worker->searching)
        roster_search(worker->roster);
    worker->searching = true;
    for (struct station *station = worker->stations; station; station = station->behind)
        station_idle(station);
    if (spin_until(has_work, worker))
        return;
    roster_doze(worker->roster);
    if (has_work(worker))
        roster_rouse(worker->roster);
    else
        roster_sleep(worker->roster, CLOCK_NEVER);
}

/* Somebody who found work tells the next one that there is more. */
static void found(struct worker *worker)
{
    if (!worker->searching)
        return;
    worker->searching = false;
    if (roster_found(worker->roster) && has_work(worker))
        roster_ring(worker->roster);
}

/* A claim at each pool in turn, so that none starves. */
static bool serve_each(struct worker *worker)
{
    bool served = false;
    for (struct station *station = worker->stations; station; station = station->behind) {
        struct station_claim claim;
        if (station_must_attend(station)) {
            found(worker);
            station_attend(station);
            served = true;
        }
        if (!station_claim(station, &claim))
            continue;
        found(worker);
        station_perform(station, &claim);
        served = true;
    }
    return served;
}

void worker_serve(struct roster *roster)
{
    struct worker worker = {.roster = roster};
    follow_roster(&worker);
    while (!must_quit(&worker)) {
        if (roster_changed(&worker))
            follow_roster(&worker);
        if (!serve_each(&worker))
            rest(&worker);
    }
    while (worker.stations) {
        struct station *station = worker.stations;
        worker.stations = station->behind;
        station_close(station);
    }
}
