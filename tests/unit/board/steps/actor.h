/* A thread that stops between two steps of the board until it is told to go on: so each dangerous
 * order of events is written down, and comes every time.
 *
 *     struct actor worker;
 *     actor_start(&worker, claim_one, &crowd, "claim: announced");
 *     ... what happens in between ...
 *     actor_end(&worker);
 *
 * Places are those of the STEPs in src/board. */
#ifndef RANKPOOL_TESTS_BOARD_ACTOR_H
#define RANKPOOL_TESTS_BOARD_ACTOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct actor {
    pthread_t thread;
    void (*act)(void *state);
    void *state;
    _Atomic(const char *) place; /* where it stops, NULL: nowhere */
    bool held, ended;
    pid_t tid;
};

/* Starts a thread, and returns when it has stopped at `place`; with NULL it is only started. */
void actor_start(struct actor *actor, void (*act)(void *state), void *state, const char *place);

/* Lets it go on, and returns when it has stopped at `place`; with NULL it only goes on. */
void actor_go(struct actor *actor, const char *place);

/* Lets it go on to `place`, without waiting for that; and waits for that. */
void actor_run_to(struct actor *actor, const char *place);
void actor_arrive(struct actor *actor);

/* Returns when it sleeps in the kernel. */
void actor_await_sleep(struct actor *actor);

/* Returns when it sleeps (false), or stands where it was to stop or has ended (true). */
bool actor_await_stop(struct actor *actor);

/* Lets it go on to its end, and waits for that. */
void actor_end(struct actor *actor);

#endif
