#define _GNU_SOURCE
#include "net/hangup.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* A disposition is the process's, and so is what it looks at. */
static _Atomic int nets;
static pthread_t caller;
static volatile sig_atomic_t calls;

/* The default is what happens on return. */
static void hang_up(int number)
{
    if (calls && pthread_equal(pthread_self(), caller))
        return;
    signal(number, SIG_DFL);
    raise(number);
}

static bool is(void (*disposition)(int))
{
    struct sigaction now;
    return !sigaction(SIGPIPE, NULL, &now) && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == disposition;
}

void hangup_guard(void)
{
    struct sigaction action = {.sa_handler = hang_up, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (atomic_fetch_add(&nets, 1) == 0 && is(SIG_DFL))
        sigaction(SIGPIPE, &action, NULL);
}

void hangup_unguard(void)
{
    if (atomic_fetch_sub(&nets, 1) == 1 && is(hang_up))
        signal(SIGPIPE, SIG_DFL);
}

bool hangup_enter(void)
{
    bool before = calls;
    caller = pthread_self();
    calls = 1;
    return before;
}

void hangup_leave(bool before)
{
    calls = before;
}
