#define _GNU_SOURCE
#include "actor.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "board/step.h"
#include "check.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static _Thread_local struct actor *self;

static void stand(const char *place)
{
    const char *wanted = self ? atomic_load(&self->place) : NULL;
    if (!wanted || strcmp(wanted, place) != 0)
        return;
    pthread_mutex_lock(&lock);
    self->held = true;
    pthread_cond_broadcast(&changed);
    while (self->held)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

void (*board_step)(const char *place) = stand;

static void *run(void *actor)
{
    self = actor;
    pthread_mutex_lock(&lock);
    self->tid = (pid_t)syscall(SYS_gettid);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    self->act(self->state);
    pthread_mutex_lock(&lock);
    self->ended = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* With the lock held. */
static void await_stop(struct actor *actor)
{
    while (!actor->tid || (actor->place && !actor->held && !actor->ended))
        pthread_cond_wait(&changed, &lock);
    if (actor->place && !actor->held)
        CHECK_FAILED("it ended without coming to \"%s\"", actor->place);
}

void actor_start(struct actor *actor, void (*act)(void *state), void *state, const char *place)
{
    *actor = (struct actor){.act = act, .state = state, .place = place};
    REQUIRE(pthread_create(&actor->thread, NULL, run, actor) == 0);
    pthread_mutex_lock(&lock);
    await_stop(actor);
    pthread_mutex_unlock(&lock);
}

static void let_go(struct actor *actor, const char *place)
{
    actor->place = place;
    actor->held = false;
    pthread_cond_broadcast(&changed);
}

void actor_run_to(struct actor *actor, const char *place)
{
    pthread_mutex_lock(&lock);
    let_go(actor, place);
    pthread_mutex_unlock(&lock);
}

void actor_arrive(struct actor *actor)
{
    pthread_mutex_lock(&lock);
    await_stop(actor);
    pthread_mutex_unlock(&lock);
}

void actor_go(struct actor *actor, const char *place)
{
    actor_run_to(actor, place);
    actor_arrive(actor);
}

static bool has_stopped(struct actor *actor)
{
    pthread_mutex_lock(&lock);
    bool stopped = actor->held || actor->ended;
    pthread_mutex_unlock(&lock);
    return stopped;
}

static char state_of(const struct actor *actor)
{
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/self/task/%ld/stat", (long)actor->tid);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    if (file)
        fclose(file);
    return state;
}

/* A thread that only waits for our lock sleeps too, but not for long. */
bool actor_await_stop(struct actor *actor)
{
    for (int seen = 0; seen < 5; sched_yield()) {
        if (has_stopped(actor))
            return true;
        seen = state_of(actor) == 'S' ? seen + 1 : 0;
    }
    return false;
}

void actor_await_sleep(struct actor *actor)
{
    if (actor_await_stop(actor))
        CHECK_FAILED("it does not sleep, but has %s", actor->ended ? "ended" : "come to where it stops");
}

void actor_end(struct actor *actor)
{
    actor_run_to(actor, NULL);
    pthread_join(actor->thread, NULL);
}
