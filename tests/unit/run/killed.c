/* Workers that die, or are stopped, between any two steps of the board: every item is delivered
 * once by those who are left, and with nobody left the pool says so. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "work.h"

/* ---- Places ---------------------------------------------------------------------------------- */

/* Where a worker comes by; the manager alone passes the others. */
static const char *const places[] = {
    "claim: announced",   "claim: held",         "claim: lost the race",   "doze: bell set",
    "doze: bit set",      "doze: not searching", "found: not searching",   "note: published",
    "note: ready",        "note: written",       "notify: manager sleeps", "peek: cursor read",
    "ring: bell cleared", "ring: bit taken",     "ring: counted",          "ring: in vain",
    "ring: sleeper seen", "search: counted",     "sleep: about to",        "wake: word swapped",
};

static const char *const of_manager[] = {
    "extend: limit moved",        "freeze: cursor read",    "manager: dozes",         "manager: sleeps",
    "publish: cursor live",       "publish: entry written", "publish: limit written", "publish: tail moved",
    "recover: announcement read", "recover: cursor read",   "retire: frozen",
};

/* Of queues: queue.c tries them out. */
static const char *const of_queues[] = {
    "queue: called", "queue: came back", "queue: got",      "queue: linked",   "queue: locked",
    "queue: mended", "queue: put",       "queue: unlinked", "queue: unlocked", "queue: waits",
};

enum { PLACES = sizeof places / sizeof *places };

static bool is_among(const char *place, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], place) == 0)
            return true;
    return false;
}

static bool is_listed(const char *place)
{
    return is_among(place, places, PLACES) ||
           is_among(place, of_manager, sizeof of_manager / sizeof *of_manager) ||
           is_among(place, of_queues, sizeof of_queues / sizeof *of_queues);
}

static void check_source(const char *path)
{
    char line[512];
    FILE *source = fopen(path, "re");
    REQUIRE(source);
    while (fgets(line, sizeof line, source)) {
        char *at = strstr(line, "STEP(");
        for (at = at && line[0] != '#' ? strchr(at, '"') : NULL; at; at = strchr(at + 1, '"')) {
            char *end = strchr(at + 1, '"');
            REQUIRE(end);
            *end = '\0';
            if (!is_listed(at + 1))
                CHECK_FAILED("the step \"%s\" of %s is not among those at which workers are killed", at + 1,
                             path);
            at = end;
        }
    }
    fclose(source);
}

TEST_CASE(no_step_of_the_board_is_left_out)
{
    const char *folder = RANKPOOL_FIXTURES "/../../src/board";
    char path[4096];
    int sources = 0;
    DIR *board = opendir(folder);
    REQUIRE(board);
    for (struct dirent *entry; (entry = readdir(board));) {
        size_t length = strlen(entry->d_name);
        if (length < 3 || strcmp(entry->d_name + length - 2, ".c") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        check_source(path);
        sources++;
    }
    closedir(board);
    CHECK(sources > 5);
}

/* ---- Trials ---------------------------------------------------------------------------------- */

enum { ITEMS = 200, MANY = 3000 };

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

static const struct {
    const char *name;
    void (*work)(struct gang *gang);
    uint32_t times; /* that each item is run */
} works[] = {
    {"a map by ones", map_by_ones, 1},     {"a slow map", map_slowly, 1},
    {"static maps", map_static, 3},        {"a map by cost", map_factoring, 1},
    {"a burst of tasks", submit_burst, 1}, {"tasks one by one", submit_singly, 1},
    {"tasks in pairs", submit_pairs, 1},
};

enum { WORKS = sizeof works / sizeof *works };

struct trial {
    int place, work, count;
};

/* Nobody has died: no item was run more often than it should. */
static void check_run_once(uint32_t times)
{
    for (int i = 0; i < MANY; i++)
        if (gang_tally->runs[i] && !CHECK_UINT(gang_tally->runs[i], times))
            break;
}

static void settle(struct gang *gang)
{
    for (int i = 1; i <= gang->workers; i++)
        gang_await_sleep(gang, i);
}

/* One trial: all workers whose bits are set in `victims` meet their fate where they come by. Work of
 * the kind is done until one of them did, and once more by those who are left. Returns whether it
 * did. */
static bool try_out(struct trial trial, unsigned victims, int workers, int signal)
{
    struct gang gang;
    struct gang_fate fates[2 * GANG_WORKERS + 1] = {{0}};
    int count = 0;
    pid_t nurse = 0;
    for (int i = 1; i <= workers; i++)
        if (victims >> i & 1) {
            fates[count++] = (struct gang_fate){i, places[trial.place], trial.count, signal};
            if (strcmp(places[trial.place], "claim: lost the race") == 0)
                fates[count++] = (struct gang_fate){i, "claim: announced", 0, 0}; /* it is slow */
        }
    check_note("%s, time %d, in %s", places[trial.place], trial.count, works[trial.work].name);
    gang_start(&gang, workers, MEMORY_MEMFD, fates);
    gang_open(&gang, NULL);
    if (signal == SIGSTOP)
        nurse = gang_start_nurse(gang.pid[1]);
    settle(&gang);
    gang_arm();
    for (int round = 0; round < 10 && !gang_tally->struck; round++) {
        gang_reset_tally();
        works[trial.work].work(&gang);
        if (signal == SIGSTOP)
            check_run_once(works[trial.work].times);
        settle(&gang);
    }
    bool struck = gang_tally->struck > 0;
    works[trial.work].work(&gang);
    gang_end_nurse(nurse);
    gang_end(&gang);
    check_note("%s", "");
    return struck;
}

/* ---- Many trials at a time: they mostly wait for the manager's tick ------------------------------ */

enum { LANES = 4 };

static void run_trials(const struct trial *trials, int count, unsigned victims, int workers, int signal)
{
    _Atomic uint32_t *struck =
        mmap(NULL, PLACES * sizeof *struck, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(struck != MAP_FAILED);
    pid_t lanes[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        lanes[lane] = fork();
        REQUIRE(lanes[lane] >= 0);
        if (lanes[lane])
            continue;
        gang_tally = NULL; /* each lane has its own */
        alarm(30);         /* the case's own watchdog is not inherited */
        for (int i = lane; i < count; i += LANES)
            if (try_out(trials[i], victims, workers, signal))
                atomic_fetch_add(&struck[trials[i].place], 1);
        _exit(0);
    }
    for (int lane = 0; lane < LANES; lane++) {
        int status;
        REQUIRE(waitpid(lanes[lane], &status, 0) == lanes[lane]);
        CHECK_INT(status, 0);
    }
    for (int i = 0; i < PLACES; i++)
        if (!struck[i])
            printf("note: nobody came by \"%s\" this time\n", places[i]); /* some steps are rare */
    munmap(struck, PLACES * sizeof *struck);
}

static int list_trials(struct trial *trials, const int *counts, int many)
{
    int count = 0;
    for (int place = 0; place < PLACES; place++)
        for (int work = 0; work < WORKS; work++)
            for (int i = 0; i < many; i++)
                trials[count++] = (struct trial){place, work, counts[i]};
    return count;
}

TEST_CASE(a_worker_killed_at_any_step_costs_no_item)
{
    struct trial trials[PLACES * WORKS * 2];
    check_seconds(100);
    int count = list_trials(trials, (int[]){1, 4}, 2);
    run_trials(trials, count, 1u << 1, 2, SIGKILL);
}

TEST_CASE(two_workers_killed_at_any_steps_cost_no_item)
{
    struct trial trials[PLACES * WORKS];
    check_seconds(100);
    int count = list_trials(trials, (int[]){1}, 1);
    run_trials(trials, count, 1u << 1 | 1u << 2, 3, SIGKILL);
}

TEST_CASE(a_worker_stopped_at_any_step_delays_but_repeats_nothing)
{
    struct trial trials[PLACES * WORKS];
    check_seconds(100);
    int count = list_trials(trials, (int[]){1}, 1);
    run_trials(trials, count, 1u << 1, 2, SIGSTOP);
}
