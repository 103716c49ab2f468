/* A job with a journal, killed, asked to end, or out of time: together its runs compute everything,
 * and nothing again that was stored. */
#define _GNU_SOURCE
#define TEST_SUITE "launch_journal"
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "run.h"

enum { N = 400 };

#define ITEM_US "2000"

/* What outlives the runs, and what was done by them. */
static char folder[64], journal[96], log_path[96], settings[4][128];
static const char *environment[8];
static unsigned begun[N];   /* how often it stands in the log */
static bool stored[N];      /* the journal has it */
static unsigned settled[N]; /* how often it stood in the log when it was stored */

static void begin(const char *launch)
{
    snprintf(folder, sizeof folder, "/tmp/rankpool-test-XXXXXX");
    REQUIRE(mkdtemp(folder));
    snprintf(journal, sizeof journal, "%s/run.db", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    snprintf(settings[0], sizeof settings[0], "RANKPOOL_JOURNAL=%s", journal);
    snprintf(settings[1], sizeof settings[1], "JOB_LOG=%s", log_path);
    snprintf(settings[2], sizeof settings[2], "RANKPOOL_WORKERS=3");
    snprintf(settings[3], sizeof settings[3], "RANKPOOL_LAUNCH=%s", launch);
    for (int i = 0; i < 4; i++)
        environment[i] = settings[i];
    environment[4] = environment[5] = NULL;
    memset(stored, 0, sizeof stored);
}

static void finish(void)
{
    unlink(log_path);
    CHECK_INT(unlink(journal), 0);
    CHECK_INT(rmdir(folder), 0);
}

static void start(struct run *run, const char *program, const char *const *arguments)
{
    run_start(run, &(struct run_setting){.program = program ? program : JOB, .environment = environment},
              arguments);
}

static int run_whole(const char *program, const char *const *arguments)
{
    struct run run;
    start(&run, program, arguments);
    run_finish(&run, NULL, 0);
    int status = run.status;
    if (status)
        check_note("%s", run.wrote);
    run_clean(&run, 10);
    return status;
}

/* The numbers of a file, or of what a command says. */
static size_t read_numbers(FILE *file, unsigned *counts)
{
    size_t number, all = 0;
    memset(counts, 0, N * sizeof *counts);
    for (; file && fscanf(file, "%zu", &number) == 1; all++)
        if (CHECK(number < N))
            counts[number]++;
    return all;
}

/* Looks at what the last run has left: the log, and the journal. How many items are stored. */
static size_t look(void)
{
    static unsigned rows[N];
    char command[256];
    FILE *file = fopen(log_path, "re");
    read_numbers(file, begun);
    if (file)
        fclose(file);
    snprintf(command, sizeof command, "sqlite3 '%s' 'SELECT item FROM item' 2>/dev/null", journal);
    FILE *shell = popen(command, "re");
    REQUIRE(shell);
    size_t count = read_numbers(shell, rows);
    pclose(shell);
    for (size_t i = 0; i < N; i++) {
        if (stored[i] && (!CHECK_UINT(rows[i], 1) || !CHECK_UINT(begun[i], settled[i])))
            check_note("item %zu was stored, and ran again", i);
        if (rows[i] && !CHECK(begun[i] > 0))
            check_note("item %zu is stored, and never ended", i);
        stored[i] = rows[i];
        settled[i] = begun[i];
    }
    return count;
}

static size_t count_log(void)
{
    size_t all = 0;
    for (size_t i = 0; i < N; i++)
        all += begun[i];
    return all;
}

/* Waits until the runs have logged so many items in all. */
static void await_log(size_t least)
{
    uint64_t deadline = clock_deadline(20);
    FILE *file;
    size_t all = 0;
    while (all < least && !clock_has_passed(deadline)) {
        usleep(2000);
        file = fopen(log_path, "re");
        all = read_numbers(file, begun);
        if (file)
            fclose(file);
    }
    CHECK(all >= least);
}

static uint64_t state = 7;

static uint64_t draw(uint64_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* One journal, from the first of its runs, which are killed, to the last, which has nothing to do. */
static void kill_runs(const char *launch, const char *mode, int kills)
{
    uint64_t seed = state;
    begin(launch);
    for (int i = 0; i < kills; i++) {
        struct run run;
        check_note("%s %s, kill %d of seed %llu", launch, mode, i, (unsigned long long)seed);
        start(&run, NULL, ARGUMENTS(mode, "400", ITEM_US));
        usleep((useconds_t)(80000 + draw(220000)));
        kill(run.pid, SIGKILL);
        run_finish(&run, NULL, 0);
        run_clean(&run, 10);
        look();
    }
    CHECK_INT(run_whole(NULL, ARGUMENTS(mode, "400", ITEM_US)), 0);
    CHECK_UINT(look(), N);
    /* What ends just before a kill runs twice: how much that is depends on the machine. */
    CHECK(count_log() <= 2 * N);
    size_t all = count_log();
    CHECK_INT(run_whole(NULL, ARGUMENTS(mode, "400", ITEM_US)), 0);
    look();
    CHECK_UINT(count_log(), all);
    check_note("%s", "");
    finish();
}

/* The target journal_kills takes ten times as many. */
static void kill_at_random(const char *launch, const char *mode, int kills)
{
    const char *journals = getenv("JOURNALS");
    int n = journals ? atoi(journals) : 1;
    check_seconds(n * (20 + 10 * kills));
    for (int i = 0; i < n; i++)
        kill_runs(launch, mode, kills);
}

TEST_CASE(killed_at_any_moment_a_map_goes_on_with_what_is_not_stored)
{
    kill_at_random("auto", "map", 2);
}

TEST_CASE(killed_at_any_moment_a_stream_goes_on_with_what_is_not_stored)
{
    kill_at_random("auto", "stream", 1);
}

TEST_CASE(killed_at_any_moment_submitted_tasks_go_on_with_what_is_not_stored)
{
    kill_at_random("auto", "tasks", 1);
}

TEST_CASE(killed_at_any_moment_a_process_alone_goes_on_with_what_is_not_stored)
{
    kill_at_random("inline", "map", 1);
}

/* ---- Draining ---------------------------------------------------------------------------- */

/* Ends with 75, and what has ended is stored: each item once. */
static void check_drained(struct run *run)
{
    run_finish(run, NULL, 0);
    CHECK_INT(run->status, 75);
    CHECK_HAS(run->wrote, "goes on from there");
    run_clean(run, 10);
    size_t count = look();
    CHECK(count > 0 && count < N);
    CHECK_UINT(count_log(), count);
}

static void drain(const char *launch, const char *mode, int number)
{
    struct run run;
    check_note("%s %s, signal %d", launch, mode, number);
    begin(launch);
    start(&run, NULL, ARGUMENTS(mode, "400", ITEM_US));
    await_log(50);
    kill(run.pid, number);
    check_drained(&run);
    CHECK_INT(run_whole(NULL, ARGUMENTS(mode, "400", ITEM_US)), 0);
    CHECK_UINT(look(), N);
    CHECK_UINT(count_log(), N);
    check_note("%s", "");
    finish();
}

TEST_CASE(a_signal_lets_what_runs_end_stores_it_and_ends_with_75)
{
    static const char *const modes[] = {"map", "stream", "tasks"};
    for (int i = 0; i < 3; i++) {
        drain("auto", modes[i], i % 2 ? SIGUSR1 : SIGTERM);
        drain("inline", modes[i], i % 2 ? SIGTERM : SIGUSR1);
    }
}

/* ---- Long claims ------------------------------------------------------------------------- */

#define CLAIMED_US "4000"

/* One worker claims all items at once. */
static void begin_claim(const char *launch, const char *isolate)
{
    begin(launch);
    snprintf(settings[2], sizeof settings[2], "RANKPOOL_WORKERS=1");
    environment[4] = "RANKPOOL_CHUNK=400";
    environment[5] = isolate;
}

/* The rest, by more workers. */
static void finish_claim(const char *mode)
{
    snprintf(settings[2], sizeof settings[2], "RANKPOOL_WORKERS=6");
    environment[4] = environment[5] = NULL;
    CHECK_INT(run_whole(NULL, ARGUMENTS(mode, "400", CLAIMED_US)), 0);
    CHECK_UINT(look(), N);
}

static const struct claimed {
    const char *launch, *mode, *isolate;
} claimed[] = {
    {"auto", "map", NULL},
    {"auto", "stream", NULL},
    {"inline", "map", NULL},
    {"auto", "map", "RANKPOOL_ISOLATE=1"},
    {"auto", "stream", "RANKPOOL_ISOLATE=1"},
    {"inline", "map", "RANKPOOL_ISOLATE=1"},
};
enum { CLAIMED = sizeof claimed / sizeof *claimed };

TEST_CASE(a_signal_in_the_middle_of_a_long_claim_does_not_wait_for_its_end)
{
    for (int i = 0; i < CLAIMED; i++) {
        struct run run;
        check_note("%s %s %s", claimed[i].launch, claimed[i].mode, claimed[i].isolate ? "isolated" : "");
        begin_claim(claimed[i].launch, claimed[i].isolate);
        start(&run, NULL, ARGUMENTS(claimed[i].mode, "400", CLAIMED_US));
        await_log(20);
        kill(run.pid, SIGTERM);
        check_drained(&run);
        finish_claim(claimed[i].mode);
        CHECK_UINT(count_log(), N);
        check_note("%s", "");
        finish();
    }
}

TEST_CASE(killed_in_the_middle_of_a_long_claim_a_job_has_stored_what_had_finished)
{
    for (int i = 0; i < CLAIMED; i++) {
        struct run run;
        check_note("%s %s %s", claimed[i].launch, claimed[i].mode, claimed[i].isolate ? "isolated" : "");
        begin_claim(claimed[i].launch, claimed[i].isolate);
        start(&run, NULL, ARGUMENTS(claimed[i].mode, "400", CLAIMED_US));
        await_log(100);
        kill(run.pid, SIGKILL);
        run_finish(&run, NULL, 0);
        run_clean(&run, 10);
        CHECK(look() > 0);
        finish_claim(claimed[i].mode);
        CHECK(count_log() < N + 100);
        check_note("%s", "");
        finish();
    }
}

/* ---- Signals ----------------------------------------------------------------------------- */

TEST_CASE(a_signal_that_comes_by_several_ways_at_once_is_one)
{
    struct run run;
    begin("auto");
    environment[4] = "JOB_HANGS=60:1";
    start(&run, NULL, ARGUMENTS("tasks", "400", ITEM_US));
    await_log(100);
    for (int i = 0; i < 3; i++) {
        kill(run.pid, SIGTERM);
        usleep(100000); /* or they would be one to the kernel */
    }
    check_drained(&run);
    finish();
}

TEST_CASE(a_second_signal_later_ends_the_job_at_once)
{
    struct run run;
    begin("auto");
    environment[4] = "JOB_HANGS=60:60";
    start(&run, NULL, ARGUMENTS("tasks", "400", ITEM_US));
    await_log(100);
    kill(run.pid, SIGTERM);
    usleep(1300000);
    uint64_t sent = clock_ns();
    kill(run.pid, SIGTERM);
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 128 + SIGTERM);
    CHECK(clock_ns() - sent < UINT64_C(10000000000));
    run_clean(&run, 10);
    char wal[112];
    snprintf(wal, sizeof wal, "%s-wal", journal);
    unlink(wal);
    finish();
}

TEST_CASE(a_program_that_takes_the_signal_itself_gets_it)
{
    struct run run;
    begin("auto");
    start(&run, NULL, ARGUMENTS("map", "400", ITEM_US, "own"));
    await_log(50);
    kill(run.pid, SIGTERM);
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 5);
    run_clean(&run, 10);
    CHECK_INT(run_whole(NULL, ARGUMENTS("map", "400", ITEM_US)), 0);
    CHECK_UINT(look(), N);
    finish();
}

static void run_into(const char *deadline)
{
    struct run run;
    begin("auto");
    environment[4] = deadline;
    start(&run, NULL, ARGUMENTS("map", "400", "20000"));
    check_drained(&run);
    environment[4] = NULL;
    CHECK_INT(run_whole(NULL, ARGUMENTS("map", "400", "20000")), 0);
    CHECK_UINT(look(), N);
    CHECK_UINT(count_log(), N);
    finish();
}

TEST_CASE(a_deadline_is_a_signal_that_time_sends)
{
    char at[64];
    run_into("RANKPOOL_DEADLINE=0.5");
    snprintf(at, sizeof at, "RANKPOOL_DEADLINE=@%.2f", (double)time(NULL) + 1.5);
    run_into(at);
    snprintf(at, sizeof at, "SLURM_JOB_END_TIME=%lld", (long long)time(NULL) + 2);
    run_into(at);
    run_into("PBS_WALLTIME=1");
}

TEST_CASE(a_deadline_that_is_none_is_refused)
{
    static const char *const wrong[] = {"RANKPOOL_DEADLINE=tomorrow", "RANKPOOL_DEADLINE=-1",
                                        "RANKPOOL_DEADLINE=5m", "RANKPOOL_DEADLINE=@"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        begin("inline");
        environment[4] = wrong[i];
        struct run run;
        start(&run, NULL, ARGUMENTS("map", "400", ITEM_US));
        run_finish(&run, NULL, 0);
        CHECK_INT(run.status, 3);
        CHECK_HAS(run.wrote, wrong[i]);
        run_clean(&run, 10);
        CHECK_INT(rmdir(folder), 0);
    }
}

/* ---- Other programs ---------------------------------------------------------------------- */

TEST_CASE(another_build_of_the_program_computes_everything_anew)
{
    begin("auto");
    CHECK_INT(run_whole(NULL, ARGUMENTS("map", "400", "0")), 0);
    CHECK_UINT(look(), N);
    CHECK_INT(run_whole(OTHER_BUILD, ARGUMENTS("map", "400", "0")), 0);
    memset(stored, 0, sizeof stored);
    CHECK_UINT(look(), N);
    CHECK_UINT(count_log(), 2 * N);
    CHECK_INT(run_whole(OTHER_BUILD, ARGUMENTS("map", "400", "0")), 0);
    look();
    CHECK_UINT(count_log(), 2 * N);
    finish();
}

TEST_CASE(a_second_job_on_a_journal_is_told_who_has_it)
{
    struct run run, second;
    begin("auto");
    start(&run, NULL, ARGUMENTS("map", "400", "25000"));
    await_log(10);
    start(&second, NULL, ARGUMENTS("map", "400", "25000"));
    run_finish(&second, NULL, 0);
    CHECK_INT(second.status, 3);
    CHECK_HAS(second.wrote, "it is in use by process ");
    run_clean(&second, 10);
    run_finish(&run, NULL, 0);
    CHECK_INT(run.status, 0);
    run_clean(&run, 10);
    CHECK_UINT(look(), N);
    CHECK_UINT(count_log(), N);
    finish();
}
