/* What it takes to wake a sleeper, and to nap: base/futex.h, as the library sleeps. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "stage.h"

#define TIMES    201
#define SLEEP_NS UINT64_C(300000) /* before it is woken */
#define NAP_NS   UINT64_C(50000)

#define WORKERS_MOST 256

static struct {
    _Atomic uint32_t bell; /* how often it was rung */
    _Atomic uint32_t heard;
    _Atomic uint64_t awake; /* clock_ns */
} sleeper;

static void *sleep_and_tell(void *nothing)
{
    for (uint32_t i = 0; i < TIMES; i++) {
        while (atomic_load(&sleeper.bell) == i)
            futex_wait(&sleeper.bell, i, CLOCK_NEVER);
        atomic_store(&sleeper.awake, clock_ns());
        atomic_store(&sleeper.heard, i + 1);
    }
    return nothing;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *value)
{
    qsort(value, TIMES, sizeof *value, compare);
    return value[TIMES / 2];
}

static double used_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

static void print(const char *name, double ns)
{
    printf("COST name=%s ns=%.0f\n", name, ns);
}

static void measure_wake(void)
{
    double cost[TIMES], delay[TIMES];
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleep_and_tell, NULL))
        stage_fail("no thread");
    for (uint32_t i = 0; i < TIMES; i++) {
        _Atomic uint32_t never = 0;
        futex_wait(&never, 0, clock_ns() + SLEEP_NS);
        uint64_t begun = clock_ns();
        atomic_store(&sleeper.bell, i + 1);
        futex_wake(&sleeper.bell);
        uint64_t rung = clock_ns();
        while (atomic_load(&sleeper.heard) == i)
            continue;
        uint64_t awake = atomic_load(&sleeper.awake);
        cost[i] = (double)(rung - begun);
        delay[i] = awake > begun ? (double)(awake - begun) : 0;
    }
    pthread_join(thread, NULL);
    print("wake", median(cost));
    print("wake_delay", median(delay));
}

static _Atomic bool is_over;

static void *work(void *nothing)
{
    while (!atomic_load_explicit(&is_over, memory_order_relaxed))
        continue;
    return nothing;
}

/* Beside work on all cores: what it takes of one is taken from that. */
static void measure_naps(void)
{
    double late[TIMES], used;
    _Atomic uint32_t never = 0;
    pthread_t worker[WORKERS_MOST];
    int workers = 0;
    while (workers < sysconf(_SC_NPROCESSORS_ONLN) && workers < WORKERS_MOST &&
           !pthread_create(&worker[workers], NULL, work, NULL))
        workers++;
    used = used_ns();
    for (int i = 0; i < TIMES; i++) {
        uint64_t until = clock_ns() + NAP_NS;
        futex_wait(&never, 0, until);
        late[i] = (double)clock_ns() - (double)until;
    }
    print("nap_cost", (used_ns() - used) / TIMES);
    atomic_store(&is_over, true);
    while (workers > 0)
        pthread_join(worker[--workers], NULL);
    print("nap_late", median(late));
}

void stage_measure_wakes(void)
{
    measure_wake();
    measure_naps();
}
