#define _GNU_SOURCE
#include "base/clock.h"

#include <time.h>

uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_deadline(double seconds)
{
    const double longest = 1e9; /* thirty years */
    if (!(seconds >= 0) || seconds > longest)
        return CLOCK_NEVER;
    return clock_ns() + (uint64_t)(seconds * 1e9);
}

bool clock_has_passed(uint64_t deadline)
{
    return deadline != CLOCK_NEVER && clock_ns() >= deadline;
}
