/* The peers: what a program on bare MPI does by hand, for `mpirun -n RANKS bench_bare MODE ...`
 *
 *   scatter LIST N REPETITIONS   MPI_Scatterv, a loop, MPI_Gatherv: all ranks compute
 *   reduce  LIST N REPETITIONS   MPI_Scatterv, a loop that adds up, MPI_Reduce: the same
 *   fold    empty N REPETITIONS  the same of items that have no input
 *   one     LIST N REPETITIONS   a manager sends each worker one item at a time
 *   shared  LIST N REPETITIONS   all ranks take item after item from a counter in shared memory
 *   first                        prints a line when the first result is there
 *   queue   N REPETITIONS        items of 8 bytes, a message each, to whoever receives them
 *   trip    N GAP                round trips of one item, GAP microseconds between them
 *   echo    SIZE N REPETITIONS   raw ping-pong, and memcpy there and back, of SIZE bytes */
#define _GNU_SOURCE
#include <mpi.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work.h"

enum tag { TAG_ITEM = 1, TAG_RESULT };

#define STOP      (-1) /* as an item: there are no more */
#define RANKS_MAX 512

struct ranks {
    int self, count;
};

/* ---- Ways to run a list ------------------------------------------------------------------ */

static void share_out(size_t n, int ranks, int *counts, int *starts)
{
    for (int r = 0; r < ranks; r++) {
        starts[r] = (int)(n * (size_t)r / (size_t)ranks);
        counts[r] = (int)(n * ((size_t)r + 1) / (size_t)ranks) - starts[r];
    }
}

static void scatter(const struct ranks *ranks, struct work *work)
{
    int counts[RANKS_MAX], starts[RANKS_MAX];
    share_out(work->n, ranks->count, counts, starts);
    int mine = counts[ranks->self];
    int64_t *items = malloc((size_t)mine * sizeof *items + 1);
    double *results = malloc((size_t)mine * sizeof *results + 1);
    MPI_Scatterv(work->items, counts, starts, MPI_INT64_T, items, mine, MPI_INT64_T, 0, MPI_COMM_WORLD);
    for (int i = 0; i < mine; i++)
        results[i] = work_answer(items[i]);
    MPI_Gatherv(results, mine, MPI_DOUBLE, work->results, counts, starts, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    free(items);
    free(results);
}

/* The sum of all results, at rank 0. */
static double reduce(const struct ranks *ranks, const struct work *work, bool inputs)
{
    int counts[RANKS_MAX], starts[RANKS_MAX];
    double sum = 0, total = 0;
    share_out(work->n, ranks->count, counts, starts);
    int mine = counts[ranks->self];
    if (inputs) {
        int64_t *items = malloc((size_t)mine * sizeof *items + 1);
        MPI_Scatterv(work->items, counts, starts, MPI_INT64_T, items, mine, MPI_INT64_T, 0, MPI_COMM_WORLD);
        for (int i = 0; i < mine; i++)
            sum += work_answer(items[i]);
        free(items);
    } else {
        for (int i = 0; i < mine; i++)
            sum += work_answer(0);
    }
    MPI_Reduce(&sum, &total, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    return total;
}

static void one_at_a_time_manager(const struct ranks *ranks, struct work *work)
{
    size_t next = 0, current[RANKS_MAX];
    for (int worker = 1; worker < ranks->count && next < work->n; worker++) {
        MPI_Send(&work->items[next], 1, MPI_INT64_T, worker, TAG_ITEM, MPI_COMM_WORLD);
        current[worker] = next++;
    }
    for (size_t done = 0; done < work->n; done++) {
        double result;
        MPI_Status status;
        MPI_Recv(&result, 1, MPI_DOUBLE, MPI_ANY_SOURCE, TAG_RESULT, MPI_COMM_WORLD, &status);
        int worker = status.MPI_SOURCE;
        work->results[current[worker]] = result;
        if (next == work->n)
            continue;
        MPI_Send(&work->items[next], 1, MPI_INT64_T, worker, TAG_ITEM, MPI_COMM_WORLD);
        current[worker] = next++;
    }
}

static void stop_workers(const struct ranks *ranks)
{
    int64_t stop = STOP;
    for (int worker = 1; worker < ranks->count; worker++)
        MPI_Send(&stop, 1, MPI_INT64_T, worker, TAG_ITEM, MPI_COMM_WORLD);
}

static void serve(void)
{
    for (;;) {
        int64_t steps;
        MPI_Recv(&steps, 1, MPI_INT64_T, 0, TAG_ITEM, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (steps == STOP)
            return;
        double result = work_answer(steps);
        MPI_Send(&result, 1, MPI_DOUBLE, 0, TAG_RESULT, MPI_COMM_WORLD);
    }
}

static void one_at_a_time(const struct ranks *ranks, struct work *work)
{
    if (ranks->self) {
        serve();
        return;
    }
    one_at_a_time_manager(ranks, work);
    stop_workers(ranks);
}

/* ---- Shared memory: a counter, then the items, then the results, of rank 0 ---------------- */

struct window {
    MPI_Win window;
    _Atomic uint64_t *counter;
    int64_t *items;
    double *results;
};

static void window_open(const struct ranks *ranks, const struct work *work, struct window *window)
{
    const size_t line = 128;
    MPI_Aint size = ranks->self ? 0 : (MPI_Aint)(line + work->n * 16);
    int unit;
    char *base;
    MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &base, &window->window);
    MPI_Win_shared_query(window->window, 0, &size, &unit, &base);
    window->counter = (void *)base;
    window->items = (void *)(base + line);
    window->results = (void *)(base + line + work->n * 8);
    if (!ranks->self)
        memcpy(window->items, work->items, work->n * 8);
    MPI_Win_lock_all(MPI_MODE_NOCHECK, window->window);
}

static void window_close(struct window *window)
{
    MPI_Win_unlock_all(window->window);
    MPI_Win_free(&window->window);
}

static void run_window(const struct window *window, size_t n)
{
    for (uint64_t i; (i = atomic_fetch_add(window->counter, 1)) < n;)
        window->results[i] = work_answer(window->items[i]);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* ---- Repetitions ------------------------------------------------------------------------- */

/* Nobody else computes while rank 0 measures the speed of the cores. */
static void wait_quietly(void)
{
    MPI_Request request;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    for (int done = 0; !done;) {
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (!done)
            usleep(500);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void repeat(const struct ranks *ranks, const char *mode, struct work *work, int repetitions)
{
    bool shared = strcmp(mode, "shared") == 0, one = strcmp(mode, "one") == 0;
    struct window window;
    if (shared)
        window_open(ranks, work, &window);
    for (int i = 0; i < repetitions; i++) {
        struct measure measure = {0};
        if (!ranks->self) {
            if (shared)
                atomic_store(window.counter, 0);
            measure = measure_begin(work, one ? ranks->count - 1 : ranks->count);
        }
        wait_quietly();
        measure.begun = work_now();
        if (shared)
            run_window(&window, work->n);
        else
            (one ? one_at_a_time : scatter)(ranks, work);
        if (!ranks->self) {
            if (shared)
                memcpy(work->results, window.results, work->n * sizeof *work->results);
            measure_end(&measure, mode, i);
        }
        wait_quietly();
    }
    if (shared)
        window_close(&window);
}

static int run_list(const struct ranks *ranks, int argc, char **argv)
{
    struct work work;
    work_make(&work, argument(argc, argv, 2, "empty"), argument_count(argc, argv, 3, 100000));
    repeat(ranks, argv[1], &work, (int)argument_count(argc, argv, 4, 3));
    work_free(&work);
    return 0;
}

static int run_reduce(const struct ranks *ranks, int argc, char **argv)
{
    struct work work;
    int repetitions = (int)argument_count(argc, argv, 4, 3);
    work_make(&work, argument(argc, argv, 2, "empty"), argument_count(argc, argv, 3, 100000));
    for (int i = 0; i < repetitions; i++) {
        struct measure measure = {0};
        if (!ranks->self)
            measure = measure_begin(&work, ranks->count);
        wait_quietly();
        measure.begun = work_now();
        double sum = reduce(ranks, &work, strcmp(argv[1], "reduce") == 0);
        if (!ranks->self)
            measure_end_sum(&measure, argv[1], i, sum);
        wait_quietly();
    }
    work_free(&work);
    return 0;
}

/* ---- First result, round trips, payload --------------------------------------------------- */

static double round_trip(void)
{
    int64_t steps = 0;
    double result = 0;
    MPI_Send(&steps, 1, MPI_INT64_T, 1, TAG_ITEM, MPI_COMM_WORLD);
    MPI_Recv(&result, 1, MPI_DOUBLE, MPI_ANY_SOURCE, TAG_RESULT, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return result;
}

static int run_first(const struct ranks *ranks, int argc, char **argv)
{
    (void)argc, (void)argv;
    if (ranks->self) {
        serve();
        return 0;
    }
    printf("FIRST answer=%g\n", round_trip());
    fflush(stdout);
    stop_workers(ranks);
    return 0;
}

static int run_queue(const struct ranks *ranks, int argc, char **argv)
{
    size_t n = argument_count(argc, argv, 2, 1000000);
    int repetitions = (int)argument_count(argc, argv, 3, 3);
    for (int repetition = 0; repetition < repetitions; repetition++) {
        MPI_Barrier(MPI_COMM_WORLD);
        double begun = work_now();
        for (uint64_t i = 0, item; i < n; i++) {
            if (ranks->self == 1)
                MPI_Send(&i, 1, MPI_UINT64_T, 0, 0, MPI_COMM_WORLD);
            else if (!ranks->self)
                MPI_Recv(&item, 1, MPI_UINT64_T, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        }
        double seconds = work_now() - begun;
        if (!ranks->self)
            printf("QUEUE what=bare n=%zu repetition=%d seconds=%.9f rate=%.0f\n", n, repetition, seconds,
                   (double)n / seconds);
    }
    return 0;
}

static int run_trip(const struct ranks *ranks, int argc, char **argv)
{
    size_t n = argument_count(argc, argv, 2, 1000), gap = argument_count(argc, argv, 3, 0);
    double *us = calloc(n + 1, sizeof *us);
    if (ranks->self)
        serve();
    for (size_t i = 0; us && !ranks->self && i < n; i++) {
        if (gap)
            usleep((useconds_t)gap);
        double begun = work_now();
        round_trip();
        us[i] = (work_now() - begun) * 1e6;
    }
    if (!ranks->self && us && n) {
        stop_workers(ranks);
        work_sort(us, n);
        printf("TRIP gap=%zu n=%zu least=%.2f median=%.2f p99=%.2f most=%.2f\n", gap, n, us[0], us[n / 2],
               us[n * 99 / 100], us[n - 1]);
    }
    free(us);
    return 0;
}

static void ping_pong(const struct ranks *ranks, char *out, char *in, size_t size, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ranks->self == 0) {
            MPI_Send(out, (int)size, MPI_BYTE, 1, TAG_ITEM, MPI_COMM_WORLD);
            MPI_Recv(in, (int)size, MPI_BYTE, 1, TAG_RESULT, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else if (ranks->self == 1) {
            MPI_Recv(in, (int)size, MPI_BYTE, 0, TAG_ITEM, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(in, (int)size, MPI_BYTE, 0, TAG_RESULT, MPI_COMM_WORLD);
        }
    }
}

static void copy_twice(char *out, char *in, size_t size, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(in, out, size);
        __asm__ volatile("" ::"r"(in) : "memory");
        memcpy(out, in, size);
        __asm__ volatile("" ::"r"(out) : "memory");
    }
}

static void report_echo(const char *what, size_t size, size_t n, double begun)
{
    double seconds = work_now() - begun;
    printf("ECHO what=%s size=%zu n=%zu seconds=%.9f mbps=%.1f\n", what, size, n, seconds,
           2e-6 * (double)size * (double)n / seconds);
    fflush(stdout);
}

static int run_echo(const struct ranks *ranks, int argc, char **argv)
{
    size_t size = argument_count(argc, argv, 2, 1024), n = argument_count(argc, argv, 3, 1000);
    int repetitions = (int)argument_count(argc, argv, 4, 3);
    char *out = malloc(size), *in = malloc(size);
    if (!out || !in)
        return 2;
    memset(out, 1, size);
    memset(in, 2, size);
    for (int i = 0; i < repetitions; i++) {
        MPI_Barrier(MPI_COMM_WORLD);
        double begun = work_now();
        ping_pong(ranks, out, in, size, n);
        if (!ranks->self)
            report_echo("pingpong", size, n, begun);
        begun = work_now();
        if (!ranks->self) {
            copy_twice(out, in, size, n);
            report_echo("memcpy", size, n, begun);
        }
    }
    free(out);
    free(in);
    return 0;
}

/* ---- Modes ------------------------------------------------------------------------------- */

static const struct mode {
    const char *name;
    int (*run)(const struct ranks *ranks, int argc, char **argv);
    int ranks; /* least */
} modes[] = {
    {"reduce", run_reduce, 1}, {"fold", run_reduce, 1}, {"scatter", run_list, 1},
    {"one", run_list, 2},      {"shared", run_list, 1}, {"first", run_first, 2},
    {"trip", run_trip, 2},     {"queue", run_queue, 2}, {"echo", run_echo, 2},
};

int main(int argc, char **argv)
{
    struct ranks ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &ranks.self);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks.count);
    const char *name = argument(argc, argv, 1, "");
    int code = 2;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(name, modes[i].name) == 0 && ranks.count >= modes[i].ranks && ranks.count <= RANKS_MAX)
            code = modes[i].run(&ranks, argc, argv);
    if (code == 2 && !ranks.self)
        fprintf(stderr, "bench_bare: no mode \"%s\" for %d ranks\n", name, ranks.count);
    MPI_Finalize();
    return code;
}
