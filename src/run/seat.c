#include "run/seat.h"

#include <stdlib.h>

bool seat_must_quit(const struct worker_seat *seat)
{
    return atomic_load(&seat->roster->shared->quit);
}

bool seat_is_behind(const struct worker_seat *seat)
{
    return atomic_load(&seat->roster->shared->version) != seat->version;
}

bool seat_is_posted(const struct worker_seat *seat, uint64_t pool)
{
    for (int i = 0; i < ROSTER_POOLS; i++)
        if (atomic_load(&seat->roster->shared->pools[i].id) == pool)
            return true;
    return false;
}

/* ---- Which pools ------------------------------------------------------------------------- */

static bool is_chosen(const struct worker_seat *seat, uint64_t pool)
{
    for (unsigned i = 0; i < seat->count; i++)
        if (seat->chosen[i] == pool)
            return true;
    return seat->all;
}

static struct station *find_station(const struct worker_seat *seat, uint64_t pool)
{
    struct station *station = seat->stations;
    while (station && station->id != pool)
        station = station->behind;
    return station;
}

static void close_station(struct worker_seat *seat, uint64_t pool)
{
    for (struct station **link = &seat->stations; *link; link = &(*link)->behind) {
        struct station *station = *link;
        if (station->id != pool)
            continue;
        *link = station->behind;
        station_close(station);
        return;
    }
}

static void forget_gone(struct worker_seat *seat)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < seat->count; i++)
        if (seat_is_posted(seat, seat->chosen[i]))
            seat->chosen[kept++] = seat->chosen[i];
    seat->count = kept;
}

/* Whoever is on the table now leaves room: the table itself holds no more. */
void seat_choose(struct worker_seat *seat, uint64_t pool)
{
    forget_gone(seat);
    if (seat_is_posted(seat, pool) && seat->count < ROSTER_POOLS)
        seat->chosen[seat->count++] = pool;
    seat->version = atomic_load(&seat->roster->shared->version) - 1;
}

void seat_unchoose(struct worker_seat *seat, uint64_t pool)
{
    close_station(seat, pool);
    for (unsigned i = 0; i < seat->count; i++)
        if (seat->chosen[i] == pool)
            seat->chosen[i--] = seat->chosen[--seat->count];
}

/* ---- Following the table ----------------------------------------------------------------- */

static void close_gone(struct worker_seat *seat)
{
    for (struct station *station = seat->stations, *behind; station; station = behind) {
        behind = station->behind;
        if (!seat_is_posted(seat, station->id))
            close_station(seat, station->id);
    }
}

static uint64_t posted_at(const struct worker_seat *seat, int place)
{
    uint64_t id = atomic_load(&seat->roster->shared->pools[place].id);
    return id == ROSTER_TAKEN ? 0 : id;
}

/* A handle may change while it is read: then the pool's number does too, and what was read is
 * not used; a board that was attached shows its own number. */
static void open_new(struct worker_seat *seat)
{
    for (int i = 0; i < ROSTER_POOLS; i++) {
        struct roster_pool *pool = &seat->roster->shared->pools[i];
        uint64_t id = posted_at(seat, i);
        if (!id || !is_chosen(seat, id) || find_station(seat, id))
            continue;
        struct memory_handle handle = pool->board;
        if (atomic_load(&pool->id) != id)
            continue;
        struct station *station;
        struct error error;
        rp_status status = station_open(seat->roster, id, &handle, &station, &error);
        if (!status) {
            station->behind = seat->stations;
            seat->stations = station;
        } else if (status != RP_CLOSED) {
            roster_refuse(seat->roster, id, error.text);
        }
    }
}

static enum seat_part choose_part(const struct worker_seat *seat)
{
    unsigned chosen = 0, others = 0;
    for (int i = 0; i < ROSTER_POOLS; i++) {
        uint64_t id = posted_at(seat, i);
        chosen += id && is_chosen(seat, id);
        others += id && !find_station(seat, id);
    }
    if (!chosen && !seat->all)
        return SEAT_IDLE;
    return others || seat->leader ? SEAT_LOOKS : SEAT_CALLED;
}

void seat_follow(struct worker_seat *seat)
{
    seat->version = atomic_load(&seat->roster->shared->version);
    close_gone(seat);
    open_new(seat);
    seat->part = choose_part(seat);
}

/* ---- All stations ------------------------------------------------------------------------ */

bool seat_has_work(struct worker_seat *seat)
{
    if (seat_is_behind(seat) || (seat_must_quit(seat) && !seat->over))
        return true;
    for (struct station *station = seat->stations; station; station = station->behind)
        if (station_has_work(station))
            return true;
    return false;
}

void seat_idle(struct worker_seat *seat)
{
    for (struct station *station = seat->stations; station; station = station->behind)
        station_idle(station);
}

void seat_pause(struct worker_seat *seat)
{
    seat_follow(seat);
    for (struct station *station = seat->stations; station; station = station->behind)
        station_pause(station);
}

void seat_resume(struct worker_seat *seat)
{
    seat_follow(seat);
    for (struct station *station = seat->stations; station; station = station->behind)
        station_resume(station);
}

bool seat_flush(struct worker_seat *seat, uint64_t pool)
{
    struct station *station = find_station(seat, pool);
    return !station || !seat_is_posted(seat, pool) || seat_must_quit(seat) || station_flush(station);
}

void seat_close(struct worker_seat *seat)
{
    while (seat->stations)
        close_station(seat, seat->stations->id);
}
