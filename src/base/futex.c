#define _GNU_SOURCE
#include "base/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

bool futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000u),
                             .tv_nsec = (long)(deadline % 1000000000u)};
    /* FUTEX_WAIT_BITSET takes an absolute time of the monotonic clock. */
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline == CLOCK_NEVER ? NULL : &until,
                      NULL, FUTEX_BITSET_MATCH_ANY);
    return rc == 0 || errno != ETIMEDOUT;
}

#define NAP_NS UINT64_C(1000000)

#ifdef SYS_futex_waitv
static bool wait_for_several(_Atomic uint32_t *const *words, unsigned count)
{
    struct futex_waitv waiters[FUTEX_SEVERAL];
    for (unsigned i = 0; i < count; i++)
        waiters[i] = (struct futex_waitv){.uaddr = (uintptr_t)words[i], .val = 1, .flags = FUTEX_32};
    long rc = syscall(SYS_futex_waitv, waiters, count, 0, NULL, 0);
    return rc >= 0 || errno == EAGAIN || errno == EINTR;
}
#else
static bool wait_for_several(_Atomic uint32_t *const *words, unsigned count)
{
    (void)words, (void)count;
    return false;
}
#endif

void futex_wait_all_set(_Atomic uint32_t *const *words, unsigned count)
{
    if (count > FUTEX_SEVERAL || !wait_for_several(words, count))
        futex_wait(words[0], 1, clock_ns() + NAP_NS);
}

void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}
