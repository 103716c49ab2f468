#include "base/clock.h"
#include "base/futex.h"
#include "board/outbox.h"
#include "net/bell.h"
#include "run/leader_state.h"
#include "run/road.h"
#include "run/worker.h"

#define EAGER_NS  UINT64_C(100000)  /* after a wish at a queue: its worker waits, or has the next one soon */
#define MOVING_NS UINT64_C(2000000) /* without any event that it looks on while bytes are under way */
#define LINGER_NS UINT64_C(200000)  /* after these: what comes next does soon */
#define DOZE_NS   UINT64_C(200000)  /* without anything: what comes then comes rarely, and rings */
#define HEARD_NS  UINT64_C(200000000) /* that a manager that takes nothing is waited for, ... */
#define BYTE_NS   UINT64_C(100)       /* ... and for each byte that is under way to it */

/* ---- Rest -------------------------------------------------------------------------------- */

static uint64_t last_active(const struct leader *leader)
{
    uint64_t rung = bell_rung(leader->home.bell);
    return rung > leader->active ? rung : leader->active;
}

bool leader_has_bytes_under_way(const struct leader *leader)
{
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (relay_has_bytes_under_way(relay))
            return true;
    return !leader->cut && !net_is_quiet(leader->home.net);
}

/* It is told of all that will happen. */
static bool is_settled(const struct leader *leader)
{
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (!relay_is_settled(relay))
            return false;
    return !leader->ended && !leader->cut && !leader_has_bytes_under_way(leader);
}

/* False: the nodes that it leads have to be looked at. */
static bool doze_below(struct leader *leader)
{
    struct road *road = leader->home.road;
    uint64_t nap = road ? road_nap(road) : CLOCK_NEVER;
    leader->below = nap == CLOCK_NEVER ? NULL : road_doze(road, &nap);
    return nap == CLOCK_NEVER || leader->below;
}

/* While many items are under way on the node, each of their notes is not worth a call. */
void leader_doze(struct leader *leader)
{
    uint64_t few = 4 * (uint64_t)leader->home.crew->here;
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay)) {
        uint64_t items = relay_count(relay);
        if (relay_board(relay))
            outbox_doze(relay_board(relay), items > few ? items / 4 : 1);
    }
    leader->dozes = leader->home.bell && clock_ns() >= last_active(leader) + DOZE_NS && is_settled(leader) &&
                    doze_below(leader) && bell_doze(leader->home.bell);
}

void leader_rouse(struct leader *leader)
{
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (relay_board(relay))
            outbox_rouse(relay_board(relay));
    leader->dozes = false;
    leader->below = NULL;
    bell_rouse(leader->home.bell);
    if (leader->home.road)
        road_rouse(leader->home.road);
}

unsigned leader_words(struct leader *leader, _Atomic uint32_t **words, unsigned room)
{
    unsigned count = 0;
    if (leader->dozes && room > 0)
        words[count++] = bell_word(leader->home.bell);
    if (leader->below && count < room)
        words[count++] = leader->below;
    for (struct relay *relay = leader->relays; relay && count < room; relay = *relay_behind(relay))
        if (relay_board(relay))
            words[count++] = &relay_board(relay)->shared->manager;
    return count;
}

/* After so long without anything, this long a nap. */
static const struct {
    uint64_t idle, nap;
} naps[] = {{UINT64_C(1000000000), UINT64_C(10000000)},
            {UINT64_C(10000000), UINT64_C(1000000)},
            {UINT64_C(20000), UINT64_C(50000)},
            {0, 0}};

uint64_t leader_nap(const struct leader *leader)
{
    uint64_t now = clock_ns(), last = last_active(leader), idle = now > last ? now - last : 0;
    uint64_t until = CLOCK_NEVER;
    int stage = 0;
    while (naps[stage].idle > idle)
        stage++;
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay)) {
        until = relay_due(relay) < until ? relay_due(relay) : until;
        if (now - relay_wished(relay) < EAGER_NS)
            return now;
    }
    if (now - leader->moved < LINGER_NS || (idle < MOVING_NS && leader_has_bytes_under_way(leader)))
        return now;
    uint64_t nap = now + (leader->dozes ? BELL_SLEEP_NS : naps[stage].nap);
    uint64_t below = leader->home.road && !leader->dozes ? road_nap(leader->home.road) : CLOCK_NEVER;
    until = until < below ? until : below;
    return until < nap ? until : nap;
}

void leader_rest(struct leader *leader)
{
    _Atomic uint32_t *words[FUTEX_SEVERAL], never = 1;
    if (leader_turn(leader))
        return;
    leader_doze(leader);
    if (!leader_turn(leader)) {
        unsigned count = leader_words(leader, words, FUTEX_SEVERAL);
        if (count > 1)
            futex_wait_all_set(words, count, leader_nap(leader));
        else
            futex_wait(count ? words[0] : &never, 1, leader_nap(leader));
    }
    leader_rouse(leader);
}

/* For who waits for the net alone. */
void leader_wait_briefly(struct leader *leader)
{
    _Atomic uint32_t never = 0;
    bool any = leader->roads && roads_turn(leader->roads);
    uint64_t nap = leader_nap(leader), other = leader->roads ? roads_nap(leader->roads) : CLOCK_NEVER;
    if (!leader_turn(leader) && !any)
        futex_wait(&never, 0, nap < other ? nap : other);
}

bool leader_hopes(struct leader *leader, struct leader_hope *hope, uint64_t patience_ns)
{
    int room = net_room(leader->home.net, leader->home.peer);
    if (!hope->since || room > hope->room || leader->moved > hope->since)
        hope->since = clock_ns();
    hope->room = room; /* less of it is what is sent here */
    if (clock_ns() >= hope->since + patience_ns)
        return false;
    leader_wait_briefly(leader);
    return true;
}

/* ---- Serving ----------------------------------------------------------------------------- */

bool leader_is_over(const struct leader *leader)
{
    return leader->ended || atomic_load(&leader->home.roster->shared->quit);
}

void leader_serve(struct leader *leader)
{
    worker_serve_leading(leader);
}

rp_status leader_await(struct leader *leader, uint64_t pool, struct error *error)
{
    const struct relay *relay;
    while (!(relay = leader_find(leader, pool)) || !(relay_is_posted(relay) || relay_refusal(relay))) {
        if (leader_is_over(leader))
            return error_set(error, RP_POOL_BROKEN, "the pool's manager has ended");
        if (!relay && leader->newest >= pool)
            return error_set(error, RP_POOL_BROKEN, "no memory for the pool on this node, or it is closed");
        leader_wait_briefly(leader);
    }
    const char *why = relay_refusal(relay);
    return why ? error_set(error, RP_POOL_BROKEN, "%s", why) : RP_OK;
}

void leader_arrive(struct leader *leader, uint64_t until)
{
    if (!leader->home.visits || leader_is_over(leader))
        return;
    leader->home.visit++;
    leader->home.away = false;
    leader->until = until;
    leader->awaited = false;
    leader_tell_visit(leader);
}

static bool has_pools(const struct leader *leader)
{
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (relay_board(relay))
            return true;
    return false;
}

static bool is_empty(const struct leader *leader)
{
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (relay_board(relay) && !relay_is_empty(relay))
            return false;
    return true;
}

static bool is_running(const struct leader *leader)
{
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (relay_board(relay) && relay_is_running(relay))
            return true;
    return false;
}

/* Of long results nothing is seen before they have left whole. */
static uint64_t heard_ns(const struct leader *leader)
{
    uint64_t bytes = 0;
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        bytes += relay_leaving(relay);
    return HEARD_NS + bytes * BYTE_NS;
}

/* What was said leaves, unless the manager does not listen: then it does when this process is in the library
 * again. Notes leave before the word that ends the visit. */
static void finish_visit(struct leader *leader)
{
    struct leader_hope hope = {0};
    while (!leader_is_over(leader) && !is_empty(leader)) {
        if (is_running(leader))
            leader_wait_briefly(leader);
        else if (!leader_hopes(leader, &hope, heard_ns(leader)))
            break;
    }
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (relay_board(relay))
            relay_flush(relay);
}

static void settle(struct leader *leader, bool (*is_of_use)(const struct leader *leader, uint64_t pool),
                   uint64_t pool)
{
    struct leader_hope hope = {0};
    while (!leader->ended && !net_is_quiet(leader->home.net) && is_of_use(leader, pool) &&
           leader_hopes(leader, &hope, heard_ns(leader)))
        continue;
}

/* Without pools its manager may do something else, and for long. */
static bool is_visit_of_use(const struct leader *leader, uint64_t pool)
{
    (void)pool;
    return leader->awaited || has_pools(leader);
}

static bool is_open(const struct leader *leader, uint64_t pool)
{
    return leader_find(leader, pool);
}

void leader_begin_depart(struct leader *leader)
{
    if (!leader->home.visits)
        return;
    leader_end_pause(leader);
    leader->home.away = true;
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (relay_board(relay))
            relay_return(relay);
}

void leader_depart(struct leader *leader)
{
    if (!leader->home.visits)
        return;
    finish_visit(leader);
    leader_tell_visit(leader);
}

void leader_settle(struct leader *leader)
{
    if (leader->home.visits)
        settle(leader, is_visit_of_use, 0);
}

void leader_part(struct leader *leader, uint64_t pool)
{
    struct relay *relay = leader_find(leader, pool);
    if (!relay) /* it has closed: its manager may not listen any more */
        return;
    relay_part(relay, "the process that leads the worker's node has closed its handle of the pool");
    while (!leader_is_over(leader) && (relay = leader_find(leader, pool)) && relay_board(relay))
        leader_wait_briefly(leader);
    settle(leader, is_open, pool);
}
