#include "tasks.h"

#include <math.h>
#include <string.h>

bool tasks_find(const char *name, struct tasks *tasks)
{
    static const char *const names[] = {[TASKS_EQUAL] = "equal",
                                        [TASKS_UNIFORM] = "uniform",
                                        [TASKS_EXPONENTIAL] = "exponential",
                                        [TASKS_LOGNORMAL] = "lognormal",
                                        [TASKS_FALLING] = "falling",
                                        [TASKS_RISING] = "rising",
                                        [TASKS_TAIL] = "tail"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            tasks->kind = (enum tasks_kind)i;
            tasks->sigma = 1.5;
            return true;
        }
    return false;
}

/* The finalizer of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

double tasks_random(uint64_t seed, uint64_t index)
{
    uint64_t bits = mix(mix(seed + UINT64_C(0x9e3779b97f4a7c15)) + index * UINT64_C(0x9e3779b97f4a7c15));
    return ((double)(bits >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t seed, uint64_t index)
{
    double radius = sqrt(-2 * log(tasks_random(seed, 2 * index)));
    return radius * cos(2 * acos(-1.0) * tasks_random(seed, 2 * index + 1));
}

static double tail_ns(const struct tasks *tasks, uint64_t index)
{
    uint64_t last = tasks->n < 1000 ? 1 : tasks->n / 1000;
    double one = tasks->mean * (double)tasks->n / (double)(tasks->n + 19 * last);
    return index < tasks->n - last ? one : 20 * one;
}

double tasks_ns(const struct tasks *tasks, uint64_t index)
{
    switch (tasks->kind) {
    case TASKS_EQUAL:
        break;
    case TASKS_UNIFORM:
        return tasks->mean * 2 * tasks_random(tasks->seed, index);
    case TASKS_EXPONENTIAL:
        return -tasks->mean * log(tasks_random(tasks->seed, index));
    case TASKS_LOGNORMAL:
        return tasks->mean * exp(tasks->sigma * normal(tasks->seed, index) - tasks->sigma * tasks->sigma / 2);
    case TASKS_FALLING:
        return tasks->mean * 2 * ((double)(tasks->n - index) - 0.5) / (double)tasks->n;
    case TASKS_TAIL:
        return tail_ns(tasks, index);
    case TASKS_RISING:
        return tasks->mean * 2 * ((double)index + 0.5) / (double)tasks->n;
    }
    return tasks->mean;
}
