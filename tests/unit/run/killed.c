/* Workers that die, or are stopped, between any two steps of the board: every item is delivered
 * once by those who are left, and with nobody left the pool says so. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "trials.h"
#include "work.h"

/* ---- Places ---------------------------------------------------------------------------------- */

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

/* Of wishes: board/wish_killed.c tries each of their accesses. */
static const char *const of_wishes[] = {"wish: not met", "wish: over"};

static bool is_among(const char *place, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], place) == 0)
            return true;
    return false;
}

static bool is_listed(const char *place)
{
    return is_among(place, trial_places, TRIAL_PLACES) ||
           is_among(place, of_manager, sizeof of_manager / sizeof *of_manager) ||
           is_among(place, of_queues, sizeof of_queues / sizeof *of_queues) ||
           is_among(place, of_wishes, sizeof of_wishes / sizeof *of_wishes);
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

/* Nobody has died: no item was run more often than it should. */
static void check_run_once(uint32_t times)
{
    for (int i = 0; i < TRIAL_ITEMS; i++)
        if (gang_tally->runs[i] && !CHECK_UINT(gang_tally->runs[i], times))
            break;
}

static void settle(struct gang *gang)
{
    for (int i = 1; i <= gang->workers; i++)
        gang_await_sleep(gang, i);
}

/* Who is hit, of how many, and how. */
static struct {
    unsigned victims;
    int workers, signal;
} fate;

/* One trial: the victims meet their fate where they come by. Work of the kind is done until one of them did,
 * and once more by those who are left. Returns whether it did. */
static bool try_out(struct trial trial)
{
    const struct trial_work *kind = &trial_works[trial.work];
    struct gang gang;
    struct gang_fate fates[2 * GANG_WORKERS + 1];
    pid_t nurse = 0;
    trial_set_fates(trial, fate.victims, fate.signal, fates);
    check_note("%s, time %d, in %s", trial_places[trial.place], trial.count, kind->name);
    gang_start(&gang, fate.workers, MEMORY_MEMFD, fates);
    gang_open(&gang, NULL);
    if (fate.signal == SIGSTOP)
        nurse = gang_start_nurse(gang.pid[1]);
    settle(&gang);
    gang_arm();
    for (int round = 0; round < 10 && !gang_tally->struck; round++) {
        gang_reset_tally();
        kind->work(&gang);
        if (fate.signal == SIGSTOP)
            check_run_once(kind->times);
        settle(&gang);
    }
    bool struck = gang_tally->struck > 0;
    kind->work(&gang);
    gang_end_nurse(nurse);
    gang_end(&gang);
    check_note("%s", "");
    return struck;
}

static void run_trials(const int *counts, int many, unsigned victims, int workers, int signal)
{
    struct trial trials[TRIAL_MOST];
    check_seconds(100);
    fate.victims = victims;
    fate.workers = workers;
    fate.signal = signal;
    trials_run(trials, trials_list(trials, counts, many), try_out);
}

TEST_CASE(a_worker_killed_at_any_step_costs_no_item)
{
    run_trials((int[]){1, 4}, 2, 1u << 1, 2, SIGKILL);
}

TEST_CASE(two_workers_killed_at_any_steps_cost_no_item)
{
    run_trials((int[]){1}, 1, 1u << 1 | 1u << 2, 3, SIGKILL);
}

TEST_CASE(a_worker_stopped_at_any_step_delays_but_repeats_nothing)
{
    run_trials((int[]){1}, 1, 1u << 1, 2, SIGSTOP);
}
