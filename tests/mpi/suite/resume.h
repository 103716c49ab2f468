/* What the tests of the journal share: each case has a folder with one journal, and its runs are pools
 * on it. For one file of a program alone. */
#ifndef RANKPOOL_TESTS_MPI_RESUME_H
#define RANKPOOL_TESTS_MPI_RESUME_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "suite/suite.h"

enum { N = 3000 };

static char folder[64], path[80]; /* the case's */

static inline rp_pool *open_with(rp_options *options)
{
    options->journal = path;
    return suite_open(options);
}

static inline rp_pool *open_again(void)
{
    rp_options none = RP_OPTIONS_INIT;
    return open_with(&none);
}

static inline void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/rankpool-journal-XXXXXX");
    REQUIRE(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.db", folder);
    stage_reset();
}

/* Nothing but the file is left of a run. */
static inline void finish(void)
{
    CHECK_INT(unlink(path), 0);
    CHECK_INT(rmdir(folder), 0);
}

static inline size_t count_runs(void)
{
    size_t runs = atomic_load(&stage()->started);
    stage_reset();
    return runs;
}

static inline struct ticket *tickets(size_t n)
{
    static struct ticket all[N];
    for (size_t i = 0; i < n; i++)
        all[i] = ticket_of(i);
    return all;
}

#endif
