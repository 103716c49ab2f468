#define _GNU_SOURCE
#include "gang.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "board/step.h"
#include "check.h"
#include "run/worker.h"

struct gang_tally *gang_tally;
void (*board_step)(const char *place);

/* ---- Fates: in a worker ---------------------------------------------------------------------- */

static struct {
    struct gang_fate fate;
    int passed;
} mine[4];

static void strike(const char *place)
{
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) {
        if (!mine[i].fate.worker || strcmp(place, mine[i].fate.place) != 0 || !gang_tally->armed)
            continue;
        if (!mine[i].fate.signal)
            usleep(100);
        if (!mine[i].fate.signal || ++mine[i].passed != mine[i].fate.count)
            continue;
        atomic_fetch_add(&gang_tally->struck, 1);
        raise(mine[i].fate.signal);
    }
}

static void take_fates(const struct gang_fate *fates, int worker)
{
    int count = 0;
    for (; fates && fates->worker; fates++)
        if (fates->worker == worker)
            mine[count++].fate = *fates;
    if (count)
        board_step = strike;
}

/* ---- Workers --------------------------------------------------------------------------------- */

static const struct gang_fate no_service; /* instead of fates: the processes serve nothing */

static _Noreturn void serve(struct gang *gang, int worker, const struct gang_fate *fates)
{
    char cpus[12];
    snprintf(cpus, sizeof cpus, "%d", worker);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    gang->roster.self = worker;
    take_fates(fates, worker);
    roster_enter(&gang->roster, worker, "test", cpus, 0);
    atomic_fetch_add(&gang_tally->entered, 1);
    while (fates == &no_service && !gang->roster.shared->quit)
        futex_wait(&gang->roster.shared->quit, 0, CLOCK_NEVER);
    if (fates != &no_service)
        worker_serve(&gang->roster);
    _exit(0);
}

void gang_start_idle(struct gang *gang, int workers)
{
    gang_start(gang, workers, MEMORY_MEMFD, &no_service);
}

static void start(struct gang *gang, int first, int workers, enum memory_kind memory,
                  const struct gang_fate *fates)
{
    struct error error;
    if (!gang_tally)
        gang_tally =
            mmap(NULL, sizeof *gang_tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(gang_tally != MAP_FAILED && workers <= GANG_WORKERS);
    memset(gang_tally, 0, sizeof *gang_tally);
    *gang = (struct gang){.workers = workers};
    REQUIRE_STATUS(roster_create(&gang->roster, workers, memory, &error), RP_OK);
    roster_enter(&gang->roster, 0, "test", "0", 0);
    for (int i = first; i <= workers; i++) {
        gang->ended[i] = -1;
        gang->pid[i] = fork();
        REQUIRE(gang->pid[i] >= 0);
        if (gang->pid[i] == 0)
            serve(gang, i, fates);
    }
    gang_await(&gang_tally->entered, (uint32_t)(workers - first + 1));
}

void gang_start(struct gang *gang, int workers, enum memory_kind memory, const struct gang_fate *fates)
{
    start(gang, 1, workers, memory, fates);
}

void gang_start_led(struct gang *gang, int workers, const struct gang_fate *fates)
{
    start(gang, 2, workers, MEMORY_MEMFD, fates);
    gang->roster.self = 1;
    roster_enter(&gang->roster, 1, "test", "1", 0);
    gang->roster.self = 0;
}

static void dispose(struct task *task)
{
    task_clear(task);
    free(task);
}

void gang_open(struct gang *gang, const struct manager_setup *setup)
{
    static uint64_t pools;
    struct manager_setup all = setup ? *setup : (struct manager_setup){.memory = MEMORY_MEMFD};
    struct error error;
    if (!gang->crew)
        gang->crew = crew_of_roster(&gang->roster);
    REQUIRE(gang->crew);
    all.roster = &gang->roster;
    all.crew = gang->crew;
    all.pool = ++pools;
    if (!all.dispose)
        all.dispose = dispose;
    REQUIRE_STATUS(manager_open(&gang->manager, &all, &error), RP_OK);
    gang->open = true;
}

void gang_arm(void)
{
    gang_tally->armed = 1;
}

static bool wait_for(struct gang *gang, int worker, int flags)
{
    int status;
    if (gang->ended[worker] != -1)
        return true;
    pid_t pid = waitpid(gang->pid[worker], &status, flags);
    if (pid != gang->pid[worker])
        return false;
    gang->ended[worker] = status;
    return true;
}

void gang_end(struct gang *gang)
{
    if (gang->open)
        manager_close(&gang->manager);
    crew_drop(gang->crew);
    roster_quit(&gang->roster);
    for (int i = 1; i <= gang->workers; i++)
        futex_wake(&gang->roster.shared->quit); /* for those that serve nothing */
    for (int i = 1; i <= gang->workers; i++) {
        bool died = gang->ended[i] != -1 || gang->roster.shared->member[i].dead;
        while (!wait_for(gang, i, 0) && errno == EINTR)
            continue;
        bool killed = WIFSIGNALED(gang->ended[i]) && WTERMSIG(gang->ended[i]) == SIGKILL;
        if (!(killed && (died || atomic_load(&gang_tally->struck))) && gang->ended[i] != 0)
            CHECK_FAILED("worker %d ended with wait status %#x", i, (unsigned)gang->ended[i]);
    }
    roster_release(&gang->roster);
}

void gang_kill(struct gang *gang, int worker)
{
    kill(gang->pid[worker], SIGKILL);
    gang_await_death(gang, worker);
}

void gang_await_death(struct gang *gang, int worker)
{
    while (!wait_for(gang, worker, 0) && errno == EINTR)
        continue;
    CHECK(WIFSIGNALED(gang->ended[worker]));
}

bool gang_is_dead(struct gang *gang, int worker)
{
    return wait_for(gang, worker, WNOHANG);
}

/* Its bell is set, and the kernel has put it to sleep. */
void gang_await_sleep(struct gang *gang, int worker)
{
    char path[64], state;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)gang->pid[worker]);
    for (;; sched_yield()) {
        FILE *file = gang->ended[worker] == -1 ? fopen(path, "re") : NULL;
        if (!file)
            return;
        int read = fscanf(file, "%*d (%*[^)]) %c", &state);
        fclose(file);
        REQUIRE(read == 1);
        if (state == 'S' && atomic_load(&gang->roster.shared->member[worker].bell))
            return;
        if (state == 'Z' || state == 'T')
            return;
    }
}

pid_t gang_start_nurse(pid_t patient)
{
    pid_t nurse = fork();
    REQUIRE(nurse >= 0);
    if (nurse)
        return nurse;
    gang_await(&gang_tally->struck, 1);
    usleep(130000);
    kill(patient, SIGCONT);
    _exit(0);
}

void gang_end_nurse(pid_t nurse)
{
    if (!nurse)
        return;
    gang_tally->armed = 0;
    gang_tally->struck = 1;
    waitpid(nurse, NULL, 0);
}

void gang_reset_tally(void)
{
    memset(gang_tally->runs, 0, sizeof gang_tally->runs);
    memset(gang_tally->runner, 0, sizeof gang_tally->runner);
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

void gang_await(_Atomic uint32_t *word, uint32_t value)
{
    while (atomic_load(word) < value)
        sched_yield();
}

uint64_t gang_answer(uint64_t item)
{
    return item * item + 7;
}

int gang_square(rp_call *call, const void *in, size_t size)
{
    uint64_t item, answer;
    if (size != sizeof item)
        return rp_fail(call, "%zu bytes", size);
    memcpy(&item, in, sizeof item);
    atomic_fetch_add(&gang_tally->runs[item], 1);
    atomic_store(&gang_tally->runner[item], getpid());
    answer = gang_answer(item);
    return rp_return(call, &answer, sizeof answer);
}

int gang_slow_square(rp_call *call, const void *in, size_t size)
{
    uint64_t begun = clock_ns();
    while (clock_ns() < begun + 200000)
        continue;
    return gang_square(call, in, size);
}

static void wait_at_gate(const void *in)
{
    uint64_t item;
    memcpy(&item, in, sizeof item);
    if (item < 32 && atomic_load(&gang_tally->gate) >> item & 1) {
        atomic_store(&gang_tally->waiter, getpid());
        atomic_fetch_add(&gang_tally->waiting, 1);
        while (atomic_load(&gang_tally->gate) >> item & 1)
            usleep(200);
    }
}

int gang_gated_square(rp_call *call, const void *in, size_t size)
{
    wait_at_gate(in);
    return gang_square(call, in, size);
}

int gang_gated_failure(rp_call *call, const void *in, size_t size)
{
    (void)size;
    wait_at_gate(in);
    return rp_fail(call, "no");
}
