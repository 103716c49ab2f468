#define _GNU_SOURCE
#include "work.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/tasks.h"

#define SPEED_US   20000 /* that a reading of the speed takes */
#define CORES_MOST 1024

/* ---- The task ---------------------------------------------------------------------------- */

/* Not to be inlined: every driver calls the same machine code. */
__attribute__((noinline)) double work_answer(int64_t steps)
{
    double x = 1.0;
    for (int64_t i = 0; i < steps; i++) {
        x = x * 0.9999999 + 1e-7;
        __asm__ volatile("" : "+x"(x));
    }
    return x + (double)steps;
}

double work_nominal(void)
{
    const char *text = getenv("BENCH_SPEED");
    double speed = text ? atof(text) : 400;
    return speed > 0 ? speed : 400;
}

/* ---- Lists ------------------------------------------------------------------------------- */

static uint64_t next_word(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double next_uniform(uint64_t *state)
{
    return ((double)(next_word(state) >> 11) + 0.5) * 0x1p-53;
}

static double lognormal_us(uint64_t *state)
{
    const double sigma = 1.5, mu = log(1000.0) - sigma * sigma / 2;
    double radius = sqrt(-2 * log(next_uniform(state)));
    return exp(mu + sigma * radius * cos(2 * acos(-1.0) * next_uniform(state)));
}

/* One of the simulator's: its kind, and the mean. */
static bool find_tasks(const char *name, struct tasks *tasks)
{
    char kind[32];
    const char *colon = strchr(name, ':');
    if (!colon)
        return false;
    snprintf(kind, sizeof kind, "%.*s", (int)(colon - name), name);
    *tasks = (struct tasks){.mean = atof(colon + 1), .n = tasks->n, .seed = 1};
    return tasks_find(kind, tasks);
}

static double item_us(const char *name, size_t i, size_t n, uint64_t *state)
{
    if (strcmp(name, "skew") == 0)
        return lognormal_us(state);
    if (strcmp(name, "tail") == 0)
        return i == n - 1 ? 100000 : 200;
    return strncmp(name, "grain:", 6) == 0 ? atof(name + 6) : 0;
}

void work_make(struct work *work, const char *name, size_t n)
{
    static const char *const kinds[] = {"empty", "grain:", "skew", "tail"};
    struct tasks tasks = {.n = n};
    bool drawn = find_tasks(name, &tasks), known = drawn;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        known = known || strncmp(name, kinds[i], strlen(kinds[i])) == 0;
    if (!known) {
        fprintf(stderr, "no list of items is called %s\n", name);
        exit(2);
    }
    *work = (struct work){.n = strcmp(name, "skew") == 0 ? 2000 : strcmp(name, "tail") == 0 ? 1001 : n};
    snprintf(work->name, sizeof work->name, "%s", name);
    work->items = malloc(work->n * sizeof *work->items + 1);
    work->results = malloc(work->n * sizeof *work->results + 1);
    work->cost = malloc(work->n * sizeof *work->cost + 1);
    if (!work->items || !work->results || !work->cost) {
        fprintf(stderr, "no memory for %zu items\n", work->n);
        exit(2);
    }
    uint64_t state = 42;
    for (size_t i = 0; i < work->n; i++) {
        double us = drawn ? tasks_ns(&tasks, i) : item_us(name, i, work->n, &state);
        work->items[i] = (int64_t)(us * work_nominal());
        work->cost[i] = (double)work->items[i];
        work->total += work->cost[i];
        work->longest = fmax(work->longest, work->cost[i]);
    }
    memset(work->results, 0, work->n * sizeof *work->results);
}

void work_free(struct work *work)
{
    free(work->items);
    free(work->results);
    free(work->cost);
    *work = (struct work){0};
}

/* ---- Clocks ------------------------------------------------------------------------------ */

static double read_clock(clockid_t clock)
{
    struct timespec time;
    return clock_gettime(clock, &time) ? -1 : (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double work_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double work_cpu(long pid)
{
    clockid_t clock;
    return clock_getcpuclockid((pid_t)pid, &clock) ? -1 : read_clock(clock);
}

size_t work_memory(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%lu %lu", &pages, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void *read_speed(void *state)
{
    double *speed = state, begun = work_now(), steps = work_nominal() * SPEED_US;
    work_answer((int64_t)steps);
    *speed = steps / ((work_now() - begun) * 1e6);
    return NULL;
}

/* A thread for each core, bound to it where that is allowed; the processes of the pool sleep
 * meanwhile. */
double work_speed(int cores)
{
    pthread_t thread[CORES_MOST];
    double speed[CORES_MOST] = {0}, sum = 0;
    int count = 0;
    for (int core = 0; core < cores && core < CORES_MOST; core++) {
        cpu_set_t cpus;
        pthread_attr_t attributes;
        CPU_ZERO(&cpus);
        CPU_SET((unsigned)core, &cpus);
        pthread_attr_init(&attributes);
        pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus);
        int rc = pthread_create(&thread[count], &attributes, read_speed, &speed[count]);
        if (rc)
            rc = pthread_create(&thread[count], NULL, read_speed, &speed[count]);
        count += rc == 0;
        pthread_attr_destroy(&attributes);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(thread[i], NULL);
        sum += speed[i];
    }
    return count ? sum / count : work_nominal();
}

/* ---- Measuring --------------------------------------------------------------------------- */

struct measure measure_begin(const struct work *work, int cores)
{
    struct measure measure = {.work = work, .cores = cores, .speed = work_speed(cores)};
    measure.begun = work_now();
    return measure;
}

static void check(const struct work *work, const char *what)
{
    for (size_t i = 0; i < work->n; i++) {
        double wanted = (double)work->items[i] + 1;
        if (fabs(work->results[i] - wanted) < 0.01)
            continue;
        fprintf(stderr, "%s: item %zu answered %g, not %g\n", what, i, work->results[i], wanted);
        exit(1);
    }
    memset(work->results, 0, work->n * sizeof *work->results);
}

static void print(const struct measure *measure, const char *what, int repetition, double seconds)
{
    const struct work *work = measure->work;
    double speed = (measure->speed + work_speed(measure->cores)) / 2;
    double share = work->total / measure->cores;
    printf("RESULT what=%s list=%s n=%zu repetition=%d seconds=%.9f rate=%.0f efficiency=%.4f stretch=%.4f "
           "speed=%.1f\n",
           what, work->name, work->n, repetition, seconds, (double)work->n / seconds,
           share / (speed * 1e6) / seconds,
           work->total > 0 ? seconds / (fmax(share, work->longest) / (speed * 1e6)) : 0, speed);
    fflush(stdout);
}

void measure_end(const struct measure *measure, const char *what, int repetition)
{
    double seconds = work_now() - measure->begun;
    check(measure->work, what);
    print(measure, what, repetition, seconds);
}

void measure_end_sum(const struct measure *measure, const char *what, int repetition, double sum)
{
    double seconds = work_now() - measure->begun;
    const struct work *work = measure->work;
    double wanted = work->total + (double)work->n;
    if (fabs(sum - wanted) > 0.01 * (double)work->n) {
        fprintf(stderr, "%s: the sum is %g, not %g\n", what, sum, wanted);
        exit(1);
    }
    print(measure, what, repetition, seconds);
}

/* ---- Small things ------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    double a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

void work_sort(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
}

const char *argument(int argc, char **argv, int place, const char *usual)
{
    return place < argc ? argv[place] : usual;
}

size_t argument_count(int argc, char **argv, int place, size_t usual)
{
    return place < argc ? strtoull(argv[place], NULL, 10) : usual;
}
