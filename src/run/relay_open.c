/* How a pool is opened on a node, or refused there: at once, or when something of it cannot be had later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/relay_state.h"

/* ---- Refusing ---------------------------------------------------------------------------- */

void relay_say_refused(struct relay_home *home, uint64_t pool, int member, const char *why)
{
    relay_send(home, &(struct wire_message){.type = WIRE_REFUSED,
                                            .pool = pool,
                                            .refused = {(uint32_t)home->crew->member[member].number},
                                            .body = why,
                                            .body_size = strlen(why)});
}

static void say_all_refused(struct relay_home *home, uint64_t pool, const char *why)
{
    for (int i = 1; i < home->crew->count; i++)
        relay_say_refused(home, pool, i, why);
}

void relay_refuse(struct relay *relay, const char *why)
{
    if (relay->refused)
        return;
    relay->refused = true;
    snprintf(relay->why, sizeof relay->why, "%.*s", (int)sizeof relay->why - 1, why);
    say_all_refused(relay->home, relay->pool, relay->why);
    relay_give_back_all(relay);
}

void relay_take_nonsense(struct relay_home *home, const struct net_event *event, uint64_t pool,
                         const char *why)
{
    relay_take_nothing(home, event);
    say_all_refused(home, pool, why);
}

/* ---- Opening ----------------------------------------------------------------------------- */

static void post_pool(struct relay *relay)
{
    struct error error;
    relay->posted = !manager_post(&relay->manager, &error);
    if (relay->posted)
        relay_share_goods(relay);
    else
        relay_refuse(relay, error.text);
}

static void end_initarg(struct delivery *delivery, bool done)
{
    struct relay *relay = (struct relay *)((char *)delivery - offsetof(struct relay, initarg));
    relay->deliveries--;
    if (done && !relay->refused)
        post_pool(relay);
}

static rp_status open_manager(struct relay *relay, const struct wire_open *told, const void *initarg,
                              const struct board_module *modules, uint32_t module_count, struct error *error)
{
    const struct relay_home *home = relay->home;
    struct manager_setup setup = {
        .roster = home->roster,
        .crew = home->crew,
        .road = home->road,
        .memory = home->memory,
        .pool = relay->pool,
        .schedule = told->schedule < SCHEDULES ? (enum schedule)told->schedule : SCHEDULE_AUTO,
        .chunk = told->chunk,
        .seed = told->seed,
        .isolate = told->isolate,
        .drains = told->drains,
        .outlying = true,
        .above = &relay_above,
        .led_by = relay,
        .task_memory = told->task_memory,
        .named = {{told->initializer.module, told->initializer.offset},
                  {told->finalizer.module, told->finalizer.offset}},
        .modules = modules,
        .module_count = module_count,
        .initarg = initarg,
        .initarg_size = told->size,
    };
    return manager_open(&relay->manager, &setup, error);
}

static struct relay *make(int crew)
{
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return NULL;
    relay->run_room = crew > (int)RELAY_NOTES ? (uint32_t)crew : RELAY_NOTES;
    relay->runs = calloc(relay->run_room, sizeof *relay->runs);
    relay->said = calloc((size_t)crew, sizeof *relay->said);
    relay->moved = calloc((size_t)crew, sizeof *relay->moved);
    if (relay->runs && relay->said && relay->moved)
        return relay;
    relay_free(relay);
    return NULL;
}

struct relay *relay_open(struct relay_home *home, const struct net_event *event,
                         const struct wire_message *message, const struct board_module *modules,
                         uint32_t module_count, const char *lacking)
{
    struct error error = {0};
    struct relay *relay = make(home->crew->count);
    if (!relay) {
        relay_take_nonsense(home, event, message->pool, "no memory for a pool");
        return NULL;
    }
    relay->home = home;
    relay->pool = message->pool;
    relay->due = CLOCK_NEVER;
    relay->waiting_end = &relay->waiting;
    relay->initarg.end = end_initarg;
    relay->finalizes = message->open.finalizer.module;
    rp_status status =
        lacking ? error_set(&error, RP_NO_MEMORY, "%s", lacking)
                : open_manager(relay, &message->open, message->body, modules, module_count, &error);
    relay->open = !status;
    relay->posted = !status && !event->segments;
    relay->aloof = home->crew->count > 2 && !home->visits;
    if (status) {
        relay_take_nothing(home, event);
        relay_refuse(relay, error.text);
    } else if (event->segments) {
        void *place = manager_initarg(&relay->manager);
        relay->deliveries++;
        net_receive(home->net, event, &place, &relay->initarg);
    }
    return relay;
}
