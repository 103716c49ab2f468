/* A pool without a launcher: worker processes forked by the test, which serve a roster as the
 * library's do, and the manager in the test itself.
 *
 *     struct gang gang;
 *     gang_start(&gang, 2, MEMORY_MEMFD, NULL);   forks
 *     gang_open(&gang, NULL);                     manager_open on &gang.manager
 *     ... map_run(&gang.manager, ...) ...
 *     gang_end(&gang);                            manager_close, quit, waits for all
 *
 * A worker may be told to do something at a step of the board (board/step.h): to kill or to stop
 * itself where it comes by the k-th time since gang_arm. */
#ifndef RANKPOOL_TESTS_RUN_GANG_H
#define RANKPOOL_TESTS_RUN_GANG_H

#include <signal.h>
#include <sys/types.h>

#include "run/manager.h"

#define GANG_WORKERS 8
#define GANG_ITEMS   4096

/* At the `count`-th time that worker `worker` passes `place`, it sends itself `signal`; with signal 0
 * it dawdles there each time. */
struct gang_fate {
    int worker; /* 0: none */
    const char *place;
    int count;
    int signal;
};

/* Shared by all processes. */
struct gang_tally {
    _Atomic uint32_t entered;           /* workers that stand on the roster */
    _Atomic uint32_t armed;             /* fates are counted */
    _Atomic uint32_t struck;            /* fates that came true */
    _Atomic uint32_t runs[GANG_ITEMS];  /* of each item, as the tasks below count them */
    _Atomic int64_t runner[GANG_ITEMS]; /* pid of who ran it last */
    _Atomic uint32_t gate;              /* what tasks wait at */
    _Atomic uint32_t waiting;           /* tasks that have done so */
    _Atomic int64_t waiter;             /* pid of the last of them */
    _Atomic uint32_t hooks[4];          /* initializers and finalizers run, as tests count them */
};

struct gang {
    struct roster roster;
    struct crew *crew;
    struct manager manager;
    bool open;
    int workers;
    pid_t pid[GANG_WORKERS + 1];
    int ended[GANG_WORKERS + 1]; /* wait status of a worker that was waited for, else -1 */
};

extern struct gang_tally *gang_tally;

/* Forks the workers; `fates` (may be NULL) ends with one of worker 0. */
void gang_start(struct gang *gang, int workers, enum memory_kind memory, const struct gang_fate *fates);

/* The same for a node that the test leads: it is member 1 itself, the others are forked. */
void gang_start_led(struct gang *gang, int workers, const struct gang_fate *fates);

/* The same with processes that serve nothing, and wait for their end. */
void gang_start_idle(struct gang *gang, int workers);

/* Opens the pool; `setup` (may be NULL) says what differs from a manager that does not compute. */
void gang_open(struct gang *gang, const struct manager_setup *setup);

/* From now on fates are counted. */
void gang_arm(void);

/* Closes the pool, tells the workers to quit and waits for them; the living must leave by exit(0). */
void gang_end(struct gang *gang);

/* Kills a worker and waits until it is gone. */
void gang_kill(struct gang *gang, int worker);

/* Waits until a worker is gone, by itself. */
void gang_await_death(struct gang *gang, int worker);
bool gang_is_dead(struct gang *gang, int worker);

/* Waits until a worker sleeps on its bell; a dead or stopped one is not waited for. */
void gang_await_sleep(struct gang *gang, int worker);

/* A process that sends SIGCONT to a worker which has stopped, after more than a tick of the manager. */
pid_t gang_start_nurse(pid_t patient);

/* From now on nobody stops, and it leaves. 0 is none. */
void gang_end_nurse(pid_t nurse);

/* Forgets what was counted of items. */
void gang_reset_tally(void);

/* Waits until the word is `value` or more; for the test and for tasks. */
void gang_await(_Atomic uint32_t *word, uint32_t value);

/* A task: counts a run of the item that its input, a uint64_t, names, and answers gang_answer. */
int gang_square(rp_call *call, const void *in, size_t size);
uint64_t gang_answer(uint64_t item);

/* The same after some 200 microseconds of work. */
int gang_slow_square(rp_call *call, const void *in, size_t size);

/* The same, but where the item's bit (of the lowest 32) is set in `gate`, it waits until it is not. */
int gang_gated_square(rp_call *call, const void *in, size_t size);
/* The same, but it fails. */
int gang_gated_failure(rp_call *call, const void *in, size_t size);

#endif
