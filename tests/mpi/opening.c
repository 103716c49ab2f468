/* A rank that dies while a pool is opened on a communicator is missed by the others: none waits for it. The
 * program start/opening.c is run as a user runs it where mpirun lets a job go on that has lost a rank. */
#define _GNU_SOURCE
#include "suite/shell.h"

#include <stdlib.h>
#include <string.h>

#define RECOVERY                                                                                             \
    "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 RANKPOOL_NODE_SIZE=%s " MPIEXEC               \
    " --oversubscribe --bind-to none --enable-recovery -n 3 " PROGRAM

static int count(const char *part)
{
    int times = 0;
    for (const char *at = said.text; (at = strstr(at, part)); at++)
        times++;
    return times;
}

/* Behind so many openings one of three ranks kills itself at a collective call of the next. */
static void run(const char *node_size, int opens, int rank, int call)
{
    char command[512];
    snprintf(command, sizeof command, RECOVERY " %d %d %d", node_size, opens, rank, call);
    check_note("rank %d at call %d behind %d pools, nodes of %s", rank, call, opens, node_size);
    shell_run(command);
}

static void check_first(void)
{
    CHECK_INT(count("first 15: rank "), 2); /* RP_MPI */
    CHECK_INT(count("then 15: rank "), 2);
    CHECK_INT(count("has died: no pool can be opened on it any more"), 4);
}

TEST_CASE(who_waits_in_the_first_opening_on_a_communicator_misses_a_rank_that_dies)
{
    run("3", 0, 2, 4);
    check_first();
    run("1", 0, 0, 10);
    check_first();
}

TEST_CASE(who_waits_in_a_later_opening_misses_a_rank_that_has_not_come)
{
    run("3", 1, 0, 1);
    check_first();
    run("1", 1, 2, 1);
    check_first();
}

TEST_CASE(nobody_ends_of_what_mpi_writes_to_a_rank_that_has_died_while_a_pool_is_opened_and_closed)
{
    static const char *const sizes[] = {"1", "3"};
    for (int size = 0; size < 2; size++) {
        char command[512];
        snprintf(command, sizeof command, RECOVERY " hangup", sizes[size]);
        check_note("nodes of %s", sizes[size]);
        shell_run(command);
        CHECK_INT(count(": closed"), 3);
        CHECK_INT(count(": spared"), 0); /* the program's own writes end it */
    }
}

/* At the last call of an opening the others may have the pool; beyond both openings nobody dies. */
TEST_CASE(wherever_it_dies_the_others_end)
{
    static const char *const sizes[] = {"1", "2", "3"};
    check_seconds(900);
    for (int size = 0; size < 3; size++)
        for (int call = 3;; call++) {
            run(sizes[size], 0, call % 3, call);
            if (!CHECK(call < 100) || count("then 0: opened") == 3)
                break;
            CHECK(count("first 15: rank ") + count("first 0: opened") >= 2);
            CHECK_INT(count("then 15: rank ") + count("then 0: opened"), 2);
            CHECK(!count("first 15: rank ") || count("then 15: rank ") == 2);
        }
}
