#define _GNU_SOURCE
#include "net/lockup.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "config/silence.h"

#define LOOKS     4 /* in a silence, all of which have to see the same call */
#define SECOND_NS UINT64_C(1000000000)

static struct {
    int nets, depth, silence_s;
    _Atomic uint64_t entered; /* calls so far */
    _Atomic bool inside;
    _Atomic uint32_t over; /* the thread ends */
    pthread_t thread;
} watch;

static void end_process(void)
{
    fprintf(
        stderr,
        "rankpool: MPI has not returned from a call for %d s (RANKPOOL_SILENCE): process %d ends. Over TCP "
        "Open MPI may lock up so when another node dies\n",
        watch.silence_s, (int)getpid());
    _exit(LOCKUP_STATUS);
}

static void *look_on(void *unused)
{
    uint64_t step = (uint64_t)watch.silence_s * SECOND_NS / LOOKS, seen = 0;
    int same = 0;
    while (!atomic_load(&watch.over)) {
        uint64_t entered = atomic_load(&watch.entered);
        same = atomic_load(&watch.inside) && entered == seen ? same + 1 : 0;
        seen = entered;
        if (same > LOOKS)
            end_process();
        futex_wait(&watch.over, 0, clock_ns() + step);
    }
    return unused;
}

rp_status lockup_guard(struct error *error)
{
    if (watch.nets++ > 0)
        return RP_OK;
    sigset_t all, before;
    rp_status status = silence_read(&watch.silence_s, error);
    atomic_store(&watch.over, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!status && pthread_create(&watch.thread, NULL, look_on, NULL))
        status = error_set(error, RP_UNSUPPORTED, "no thread by which a call of MPI without end is seen");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    watch.nets -= status != RP_OK;
    return status;
}

void lockup_unguard(void)
{
    if (--watch.nets > 0)
        return;
    atomic_store(&watch.over, 1);
    futex_wake(&watch.over);
    pthread_join(watch.thread, NULL);
}

void lockup_enter(void)
{
    atomic_store_explicit(&watch.entered, atomic_load_explicit(&watch.entered, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (watch.depth++ == 0)
        atomic_store_explicit(&watch.inside, true, memory_order_relaxed);
}

void lockup_leave(void)
{
    if (--watch.depth == 0)
        atomic_store_explicit(&watch.inside, false, memory_order_relaxed);
}
