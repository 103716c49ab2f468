#define _GNU_SOURCE
#include "stepped.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static pid_t start(void (*act)(void *state), void *state, _Atomic int *done)
{
    pid_t victim = fork();
    REQUIRE(victim >= 0);
    if (victim)
        return victim;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
        _exit(9);
    raise(SIGSTOP);
    act(state);
    atomic_store(done, 1);
    raise(SIGSTOP);
    _exit(0);
}

/* Whether it stands still and may go on. */
static bool await_stop(pid_t victim)
{
    int status;
    REQUIRE(waitpid(victim, &status, 0) == victim);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 9)
        SKIP_CASE("processes may not be traced here");
    return WIFSTOPPED(status);
}

bool stepped_kill(void (*act)(void *state), void (*look)(void *state), void *state, long instructions)
{
    _Atomic int *done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(done != MAP_FAILED);
    pid_t victim = start(act, state, done);
    REQUIRE(await_stop(victim));
    for (long i = 0; i < instructions && !atomic_load(done); i++) {
        REQUIRE(ptrace(PTRACE_SINGLESTEP, victim, NULL, NULL) == 0);
        REQUIRE(await_stop(victim));
        if (look)
            look(state);
    }
    bool ended = atomic_load(done);
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
    munmap((void *)done, sizeof *done);
    return !ended;
}
