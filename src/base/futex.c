#define _GNU_SOURCE
#include "base/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define NAP_NS UINT64_C(1000000)

static struct timespec time_of(uint64_t deadline)
{
    return (struct timespec){.tv_sec = (time_t)(deadline / 1000000000u),
                             .tv_nsec = (long)(deadline % 1000000000u)};
}

/* The kernel lets a sleeper oversleep by 50 us and more, also one whose time is up already. Who comes with
 * such a time looks again and again: others may have the core in between, above all who is to bring what it
 * looks for. */
static bool is_time_up(uint64_t deadline)
{
    if (!clock_has_passed(deadline))
        return false;
    sched_yield();
    return true;
}

bool futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline)
{
    struct timespec until = time_of(deadline);
    if (is_time_up(deadline))
        return atomic_load(word) != expected;
    /* FUTEX_WAIT_BITSET takes an absolute time of the monotonic clock. */
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline == CLOCK_NEVER ? NULL : &until,
                      NULL, FUTEX_BITSET_MATCH_ANY);
    return rc == 0 || errno != ETIMEDOUT;
}

#ifdef SYS_futex_waitv
static bool wait_for_several(_Atomic uint32_t *const *words, unsigned count, uint64_t deadline)
{
    struct futex_waitv waiters[FUTEX_SEVERAL];
    struct timespec until = time_of(deadline);
    for (unsigned i = 0; i < count; i++)
        waiters[i] = (struct futex_waitv){.uaddr = (uintptr_t)words[i], .val = 1, .flags = FUTEX_32};
    long rc =
        syscall(SYS_futex_waitv, waiters, count, 0, deadline == CLOCK_NEVER ? NULL : &until, CLOCK_MONOTONIC);
    return rc >= 0 || errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT;
}
#else
static bool wait_for_several(_Atomic uint32_t *const *words, unsigned count, uint64_t deadline)
{
    (void)words, (void)count, (void)deadline;
    return false;
}
#endif

bool futex_waits_for_several(void)
{
    _Atomic uint32_t word = 0;
    _Atomic uint32_t *const words[] = {&word};
    return wait_for_several(words, 1, CLOCK_NEVER); /* the word is not 1: it does not sleep */
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)NAP_NS}, NULL);
}

void futex_wait_all_set(_Atomic uint32_t *const *words, unsigned count, uint64_t deadline)
{
    if (!is_time_up(deadline) && !wait_for_several(words, count, deadline))
        nap();
}

static void wake(_Atomic uint32_t *word, int most)
{
    syscall(SYS_futex, word, FUTEX_WAKE, most, NULL, NULL, 0);
}

void futex_wake(_Atomic uint32_t *word)
{
    wake(word, 1);
}

void futex_wake_all(_Atomic uint32_t *word)
{
    wake(word, INT_MAX);
}
