/* What all benchmark drivers run and how they measure: ours and those on bare MPI alike, so that
 * only the way in which items reach the workers and come back differs.
 *
 *     struct work work;
 *     work_make(&work, "grain:10", 1000);     the list of items, 8 bytes each
 *     for (int i = 0; i < repetitions; i++) {
 *         struct measure measure = measure_begin(&work, cores);
 *         ... results of work_answer(work.items[i]) into work.results[i] ...
 *         measure_end(&measure, "map", i);     checks the results and prints one line
 *     }
 *     work_free(&work);
 *
 * An item is a number of steps of a chain of multiplications and additions, each of which waits
 * for the one before. How many make a microsecond is told by BENCH_SPEED in the environment
 * (bench_calib prints it); all drivers of a run must be told the same.
 *
 * The speed of a core drifts by some 15 % within seconds on virtual machines: efficiencies are
 * relative to what the cores did just before and just after, all of them busy. */
#ifndef RANKPOOL_BENCH_WORK_H
#define RANKPOOL_BENCH_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct work {
    char name[32];
    size_t n;
    int64_t *items;        /* steps */
    double *results;       /* zeros between two measurements */
    double *cost;          /* hints: the steps */
    double total, longest; /* steps */
};

/* Lists: "empty" n items of no steps; "grain:US" n items of so many microseconds; "skew" 2000
 * items, lognormal with a mean of 1 ms and sigma 1.5; "tail" 1000 items of 0.2 ms and at last one
 * of 100 ms; "uniform:US", "lognormal:US" and the like n items of a kind of sim/tasks.h, the same as there
 * with seed 1. Ends the program where the name is none of these. */
void work_make(struct work *work, const char *name, size_t n);
void work_free(struct work *work);

/* Runs an item: steps + 1, near enough, which no lost or doubled item would give. */
double work_answer(int64_t steps);

/* Steps a microsecond that a list is made for. */
double work_nominal(void);

/* Steps a microsecond of a core at this moment, with `cores` of them busy; takes 20 ms. */
double work_speed(int cores);

double work_now(void);     /* seconds */
double work_cpu(long pid); /* processor seconds that a process has used; -1: not to be had */
size_t work_memory(void);  /* bytes resident in this process */
void work_sort(double *values, size_t n);

struct measure {
    const struct work *work;
    int cores;
    double speed, begun;
};

/* `cores` is how many processes compute. */
struct measure measure_begin(const struct work *work, int cores);

/* Ends the program with a sentence where a result is wrong. Prints `what`, the list, the seconds,
 * the efficiency and the ratio of the time to its lower bound max(total / cores, longest). */
void measure_end(const struct measure *measure, const char *what, int repetition);

/* The same where the sum of all results is what came out. */
void measure_end_sum(const struct measure *measure, const char *what, int repetition, double sum);

/* The argument at `place`, or `usual`. */
const char *argument(int argc, char **argv, int place, const char *usual);
size_t argument_count(int argc, char **argv, int place, size_t usual);

#endif
