#define _GNU_SOURCE
#include "jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"

/* What outlives the runs, and what was done by them. */
char job_folder[64], job_journal[96];
static char log_path[96], settings[4][128];
const char *job_environment[8];
static unsigned begun[JOB_ITEMS];   /* how often it stands in the log */
bool job_stored[JOB_ITEMS];         /* the journal has it */
static unsigned settled[JOB_ITEMS]; /* how often it stood in the log when it was stored */

void job_set_workers(int workers)
{
    snprintf(settings[2], sizeof settings[2], "RANKPOOL_WORKERS=%d", workers);
}

void job_begin(const char *launch)
{
    snprintf(job_folder, sizeof job_folder, "/tmp/rankpool-test-XXXXXX");
    REQUIRE(mkdtemp(job_folder));
    snprintf(job_journal, sizeof job_journal, "%s/run.db", job_folder);
    snprintf(log_path, sizeof log_path, "%s/log", job_folder);
    snprintf(settings[0], sizeof settings[0], "RANKPOOL_JOURNAL=%s", job_journal);
    snprintf(settings[1], sizeof settings[1], "JOB_LOG=%s", log_path);
    job_set_workers(3);
    snprintf(settings[3], sizeof settings[3], "RANKPOOL_LAUNCH=%s", launch);
    for (int i = 0; i < 4; i++)
        job_environment[i] = settings[i];
    job_environment[4] = job_environment[5] = NULL;
    memset(job_stored, 0, sizeof job_stored);
}

void job_finish(void)
{
    unlink(log_path);
    CHECK_INT(unlink(job_journal), 0);
    CHECK_INT(rmdir(job_folder), 0);
}

void job_start(struct run *run, const char *program, const char *const *arguments)
{
    run_start(run, &(struct run_setting){.program = program ? program : JOB, .environment = job_environment},
              arguments);
}

int job_run(const char *program, const char *const *arguments)
{
    struct run run;
    job_start(&run, program, arguments);
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
    memset(counts, 0, JOB_ITEMS * sizeof *counts);
    for (; file && fscanf(file, "%zu", &number) == 1; all++)
        if (CHECK(number < JOB_ITEMS))
            counts[number]++;
    return all;
}

size_t job_look(void)
{
    static unsigned rows[JOB_ITEMS];
    char command[256];
    FILE *file = fopen(log_path, "re");
    read_numbers(file, begun);
    if (file)
        fclose(file);
    snprintf(command, sizeof command, "sqlite3 '%s' 'SELECT item FROM item' 2>/dev/null", job_journal);
    FILE *shell = popen(command, "re");
    REQUIRE(shell);
    size_t count = read_numbers(shell, rows);
    pclose(shell);
    for (size_t i = 0; i < JOB_ITEMS; i++) {
        if (job_stored[i] && (!CHECK_UINT(rows[i], 1) || !CHECK_UINT(begun[i], settled[i])))
            check_note("item %zu was stored, and ran again", i);
        if (rows[i] && !CHECK(begun[i] > 0))
            check_note("item %zu is stored, and never ended", i);
        job_stored[i] = rows[i];
        settled[i] = begun[i];
    }
    return count;
}

size_t job_count_log(void)
{
    size_t all = 0;
    for (size_t i = 0; i < JOB_ITEMS; i++)
        all += begun[i];
    return all;
}

void job_await_log(size_t least)
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
