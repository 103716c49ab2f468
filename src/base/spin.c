#define _GNU_SOURCE
#include "base/spin.h"

#include <sched.h>

#include "base/clock.h"

#define PAUSE_NS UINT64_C(2000)  /* without giving the core away */
#define SPIN_NS  UINT64_C(20000) /* in all */

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void spin_briefly(void)
{
    uint64_t begun = clock_ns();
    while (clock_ns() - begun < PAUSE_NS)
        relax();
}

bool spin_until(bool (*look)(void *state), void *state)
{
    uint64_t begun = clock_ns();
    for (uint64_t spent = 0; spent < SPIN_NS; spent = clock_ns() - begun) {
        if (look(state))
            return true;
        if (spent > PAUSE_NS)
            sched_yield();
        else
            relax();
    }
    return false;
}
