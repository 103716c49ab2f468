#define _GNU_SOURCE
#include "trials.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "work.h"

const char *const trial_places[TRIAL_PLACES] = {
    "claim: announced",   "claim: held",         "claim: lost the race",   "doze: bell set",
    "doze: bit set",      "doze: not searching", "found: not searching",   "note: published",
    "note: ready",        "note: written",       "notify: manager sleeps", "peek: cursor read",
    "ring: bell cleared", "ring: bit taken",     "ring: counted",          "ring: in vain",
    "ring: sleeper seen", "search: counted",     "sleep: about to",        "wake: word swapped",
};

enum { ITEMS = 200, MANY = TRIAL_ITEMS };

static void map_by_ones(struct gang *gang)
{
    work_map(gang, &(struct map_work){.schedule = SCHEDULE_DYNAMIC}, MANY);
}

static void map_slowly(struct gang *gang)
{
    work_map(gang, &(struct map_work){.fn = gang_slow_square}, 20);
}

static void map_static(struct gang *gang)
{
    for (int i = 0; i < 3; i++)
        work_map(gang, &(struct map_work){.schedule = SCHEDULE_STATIC}, ITEMS);
}

static void map_factoring(struct gang *gang)
{
    double cost[ITEMS];
    for (int i = 0; i < ITEMS; i++)
        cost[i] = i % 17;
    work_map(gang, &(struct map_work){.schedule = SCHEDULE_FACTORING, .cost = cost}, ITEMS);
}

static void submit_burst(struct gang *gang)
{
    work_tasks(gang, gang_square, ITEMS, ITEMS, false);
}

static void submit_singly(struct gang *gang)
{
    work_tasks(gang, gang_square, 15, 1, false);
}

static void submit_pairs(struct gang *gang)
{
    work_tasks(gang, gang_slow_square, 20, 2, false);
}

const struct trial_work trial_works[TRIAL_WORKS] = {
    {"a map by ones", map_by_ones, 1},     {"a slow map", map_slowly, 1},
    {"static maps", map_static, 3},        {"a map by cost", map_factoring, 1},
    {"a burst of tasks", submit_burst, 1}, {"tasks one by one", submit_singly, 1},
    {"tasks in pairs", submit_pairs, 1},
};

void trial_set_fates(struct trial trial, unsigned victims, int signal, struct gang_fate *fates)
{
    const char *place = trial_places[trial.place];
    for (int i = 1; i <= GANG_WORKERS; i++) {
        if (!(victims >> i & 1))
            continue;
        *fates++ = (struct gang_fate){i, place, trial.count, signal};
        if (strcmp(place, "claim: lost the race") == 0)
            *fates++ = (struct gang_fate){i, "claim: announced", 0, 0}; /* it is slow */
    }
    *fates = (struct gang_fate){0};
}

enum { LANES = 4, TRIAL_S = 60 };

void trials_run(const struct trial *trials, int count, bool (*try_out)(struct trial trial))
{
    _Atomic uint32_t *struck =
        mmap(NULL, TRIAL_PLACES * sizeof *struck, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(struck != MAP_FAILED);
    pid_t lanes[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        lanes[lane] = fork();
        REQUIRE(lanes[lane] >= 0);
        if (lanes[lane])
            continue;
        gang_tally = NULL; /* each lane has its own */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = lane; i < count; i += LANES) {
            alarm(TRIAL_S); /* the case's own watchdog is not inherited */
            if (try_out(trials[i]))
                atomic_fetch_add(&struck[trials[i].place], 1);
        }
        _exit(0);
    }
    for (int lane = 0; lane < LANES; lane++) {
        int status;
        REQUIRE(waitpid(lanes[lane], &status, 0) == lanes[lane]);
        CHECK_INT(status, 0);
    }
    for (int i = 0; i < TRIAL_PLACES; i++)
        if (!struck[i])
            printf("note: nobody came by \"%s\" this time\n", trial_places[i]); /* some steps are rare */
    munmap(struck, TRIAL_PLACES * sizeof *struck);
}

int trials_list(struct trial *trials, const int *counts, int many)
{
    int count = 0;
    for (int place = 0; place < TRIAL_PLACES; place++)
        for (int work = 0; work < TRIAL_WORKS; work++)
            for (int i = 0; i < many; i++)
                trials[count++] = (struct trial){place, work, counts[i]};
    return count;
}
