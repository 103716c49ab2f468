/* Whom SIGTERM asks to end a run in good order. */
#define _GNU_SOURCE
#include "record/drain.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void count(void *times)
{
    ++*(volatile int *)times;
}

static volatile sig_atomic_t taken;

static void take(int number)
{
    taken = number;
}

TEST_CASE(sigterm_is_told_to_who_is_to_know_of_it)
{
    int times = 0;
    drain_watch(count, &times);
    raise(SIGUSR1);
    CHECK_INT(times, 0);
    raise(SIGTERM);
    CHECK_INT(times, 1);
    CHECK_INT(drain_signal(), SIGUSR1);
    drain_unwatch(false);
    CHECK_INT(drain_signal(), 0);
}

TEST_CASE(a_watch_that_tells_nobody_leaves_that_of_another)
{
    int times = 0;
    drain_watch(count, &times);
    drain_watch(NULL, NULL);
    raise(SIGTERM);
    CHECK_INT(times, 1);
    drain_unwatch(false);
    drain_unwatch(false);
}

TEST_CASE(a_handler_that_the_program_has_set_meanwhile_takes_sigterm_and_nobody_is_told)
{
    int times = 0;
    drain_watch(count, &times);
    signal(SIGTERM, take);
    raise(SIGTERM);
    CHECK_INT(taken, SIGTERM);
    CHECK_INT(times, 0);
    CHECK_INT(drain_signal(), 0);
    drain_unwatch(true);
    CHECK(signal(SIGTERM, SIG_DFL) == take);
}

/* A program may put its own in front of what was there. */
TEST_CASE(a_handler_that_is_called_after_the_last_pool_tells_nobody)
{
    int times = 0;
    drain_watch(count, &times);
    void (*ours)(int) = signal(SIGTERM, take);
    drain_unwatch(true);
    ours(SIGTERM);
    CHECK_INT(times, 0);
    drain_watch(NULL, NULL); /* forgets what came */
    drain_unwatch(false);
    signal(SIGTERM, SIG_DFL);
}

TEST_CASE(a_process_that_the_program_forks_tells_nobody)
{
    int *times = mmap(NULL, sizeof *times, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), status;
    REQUIRE(times != MAP_FAILED);
    drain_watch(count, times);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        raise(SIGTERM);
        _exit(0);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(*times, 0);
    drain_unwatch(false);
    munmap(times, sizeof *times);
}
