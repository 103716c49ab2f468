/* The machine at this moment: bench_calib prints the steps a microsecond (work.h) for BENCH_SPEED,
 * and the nanoseconds in which a cache line goes from the first core to the second and back. Where
 * virtual cores are moved about, the latter may change threefold within minutes, and with it all
 * figures of empty tasks, ours and the peers'. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "work.h"

#define TRIPS   2000
#define BATCHES 50

static _Alignas(128) _Atomic int ball;

static void stay_on(unsigned core)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(core, &cpus);
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
}

static void *give_back(void *nothing)
{
    stay_on(1);
    for (int trip = 0; trip < TRIPS * BATCHES; trip++) {
        while (atomic_load(&ball) != 1)
            ;
        atomic_store(&ball, 0);
    }
    return nothing;
}

/* On one core the two would wait for each other's time to be over. */
static bool has_both_cores(void)
{
    cpu_set_t cpus;
    return !sched_getaffinity(0, sizeof cpus, &cpus) && CPU_ISSET(0, &cpus) && CPU_ISSET(1, &cpus);
}

/* The least of many batches: those in which neither core was taken away. */
static double line_ns(void)
{
    pthread_t other;
    double least = 0;
    if (!has_both_cores() || pthread_create(&other, NULL, give_back, NULL))
        return 0;
    stay_on(0);
    for (int batch = 0; batch < BATCHES; batch++) {
        double begun = work_now();
        for (int trip = 0; trip < TRIPS; trip++) {
            atomic_store(&ball, 1);
            while (atomic_load(&ball) != 0)
                ;
        }
        double ns = (work_now() - begun) * 1e9 / TRIPS;
        least = batch && least < ns ? least : ns;
    }
    pthread_join(other, NULL);
    return least;
}

int main(void)
{
    double speed[51];
    size_t n = sizeof speed / sizeof *speed;
    for (size_t i = 0; i < n; i++) {
        const int64_t steps = 2000000;
        double begun = work_now();
        work_answer(steps);
        speed[i] = (double)steps / ((work_now() - begun) * 1e6);
    }
    work_sort(speed, n);
    printf("SPEED median=%.1f least=%.1f most=%.1f line=%.0f\n", speed[n / 2], speed[0], speed[n - 1],
           line_ns());
    return 0;
}
