/* Runs of a job with a journal (journal_job.c), and what outlives them: the journal, and the log to which
 * each item adds a line as it ends.
 *
 *     job_begin("auto");
 *     job_start(&run, NULL, ARGUMENTS("map", "400", JOB_ITEM_US));
 *     ... run_finish(&run, NULL, 0), run_clean ...
 *     CHECK_UINT(job_look(), JOB_ITEMS);
 *     job_finish(); */
#ifndef RANKPOOL_TESTS_LAUNCH_JOBS_H
#define RANKPOOL_TESTS_LAUNCH_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "run.h"

enum { JOB_ITEMS = 400 };

#define JOB_ITEM_US "2000"

extern char job_folder[64], job_journal[96];
extern const char *job_environment[8]; /* of later runs; the case's own from 4 on, up to NULL */
extern bool job_stored[JOB_ITEMS];     /* the journal had it at the last look */

/* A new folder. `launch`: as RANKPOOL_LAUNCH. */
void job_begin(const char *launch);
void job_set_workers(int workers);

/* Nothing but the journal and the log is left in it. */
void job_finish(void);

/* `program` NULL: the usual one. */
void job_start(struct run *run, const char *program, const char *const *arguments);

/* To its end; its exit status. */
int job_run(const char *program, const char *const *arguments);

/* Looks at what the last run has left. How many items are stored: none that was has run again. */
size_t job_look(void);

/* Lines of the log at the last look. */
size_t job_count_log(void);

/* Waits until the log has so many lines. */
void job_await_log(size_t least);

#endif
