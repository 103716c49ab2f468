/* A leader hears nothing while its process runs a task. As long as others work on its node it leaves what is
 * for all to them, so that no task waits there that cannot be cancelled or given back. Only when tasks lie
 * there that nobody comes for, since the others may wait for these, does it run one of them: it asks for a
 * pause (WIRE_PAUSE), and the manager sends no blocks until that is over. */
#include "run/leader_state.h"

#define WORD_NS UINT64_C(10000000) /* that a manager that takes nothing is waited for before a task */

static void say_pause(struct leader *leader, bool begins)
{
    relay_send(&leader->home, &(struct wire_message){.type = WIRE_PAUSE, .pause = {leader->pauses, begins}});
}

static bool is_called(const struct leader *leader)
{
    for (struct relay *relay = leader->relays; relay; relay = *relay_behind(relay))
        if (relay_is_called(relay))
            return true;
    return false;
}

void leader_end_pause(struct leader *leader)
{
    if (leader->pause != PAUSE_NONE)
        say_pause(leader, false);
    leader->pause = PAUSE_NONE;
}

void leader_see_to_pause(struct leader *leader)
{
    bool called = is_called(leader);
    if (leader->running) /* it waits in the middle */
        return;
    if (leader->pause == PAUSE_GRANTED && (leader->paused || !called)) {
        leader_end_pause(leader);
    } else if (leader->pause == PAUSE_NONE && called && !leader->home.away) {
        leader->pauses++;
        leader->pause = PAUSE_ASKED;
        say_pause(leader, true);
    }
}

void leader_take_pause(struct leader *leader, const struct wire_paused *granted)
{
    if (leader->pause != PAUSE_ASKED || granted->pause != leader->pauses)
        return;
    leader->pause = PAUSE_GRANTED;
    leader->paused = false;
}

bool leader_is_aloof(const struct leader *leader, uint64_t pool)
{
    const struct relay *relay = leader_find(leader, pool);
    bool may = leader->pause == PAUSE_GRANTED && !leader->paused;
    return relay && relay_is_aloof(relay) && !(may && relay_is_called(relay));
}

static bool is_held_up(const struct leader *leader)
{
    return net_room(leader->home.net, leader->home.peer) < 0 && !leader_is_over(leader);
}

/* A manager that takes nothing is waited for once: it may be in a call of MPI's, for what the task sends. */
static void leave_word(struct leader *leader)
{
    struct leader_hope hope = {0};
    while (is_held_up(leader) && !leader->unheard)
        leader->unheard = !leader_hopes(leader, &hope, WORD_NS);
    leader->unheard = is_held_up(leader);
}

/* What is on its way meanwhile would wait for as long as the claim takes: what has started is told before
 * that, and what nobody has begun is given back. */
void leader_begin(struct leader *leader, uint64_t pool, const struct post_offer *offer)
{
    struct relay *relay = leader_find(leader, pool);
    if (!relay || !relay_begin(relay, offer))
        return;
    leader->paused = leader->running = true;
    for (relay = leader->home.crew->count > 2 ? leader->relays : NULL; relay; relay = *relay_behind(relay))
        relay_leave_alone(relay);
    leave_word(leader);
}

void leader_end(struct leader *leader, uint64_t pool)
{
    struct relay *relay = leader->running ? leader_find(leader, pool) : NULL;
    leader->running = false;
    if (relay)
        relay_end(relay);
}
