/* How long each item takes. By its index and the seed alone, so that a list needs no memory. */
#ifndef RANKPOOL_BENCH_SIM_TASKS_H
#define RANKPOOL_BENCH_SIM_TASKS_H

#include <stdbool.h>
#include <stdint.h>

enum tasks_kind {
    TASKS_EQUAL,
    TASKS_UNIFORM,
    TASKS_EXPONENTIAL,
    TASKS_LOGNORMAL,
    TASKS_FALLING,
    TASKS_RISING,
    TASKS_TAIL
};

struct tasks {
    enum tasks_kind kind;
    double mean;  /* ns */
    double sigma; /* of the logarithm */
    uint64_t n, seed;
};

/* "equal", "uniform" from nothing to twice the mean, "exponential", "lognormal" with sigma 1.5, "falling"
 * from twice the mean to nothing, "rising", "tail": the last item of each thousand in all, which come last,
 * take 20 times as long as the others. False for another name. */
bool tasks_find(const char *name, struct tasks *tasks);

double tasks_ns(const struct tasks *tasks, uint64_t index);

/* A number in (0, 1), of any two numbers. */
double tasks_random(uint64_t seed, uint64_t index);

#endif
