/* What the parent writes for its ranks is what they read, and nothing else is taken for it. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/handover.h"
#include "launch/launch.h"

static const char *const lists[] = {"", "0-1", "5"};
static const struct launch_plan plan = {.ranks = 3, .cpus = lists, .text = "two workers\nbecause"};

/* Makes a handover of this environment and joins it as that rank, in a child. */
static void join_as(int rank, char *const *given, void (*check)(const struct launch_joined *))
{
    int file;
    struct handover *handover;
    struct list variables = {0};
    REQUIRE_STATUS(handover_make(&plan, given, &file, &handover, NULL), RP_OK);
    handover_add_variable(&variables, file);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        struct launch launch = {.start = LAUNCH_RANK, .rank = rank, .ours = true};
        struct launch_joined joined;
        signal(SIGCHLD, SIG_IGN);
        putenv(variables.items[0]);
        CHECK(handover_is_mine(getenv(HANDOVER_VARIABLE)));
        REQUIRE_STATUS(launch_join(&launch, &joined, NULL), RP_OK);
        check(&joined);
        CHECK(fcntl(file, F_GETFD) < 0);
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    CHECK_INT(atomic_load(&handover->manager_joined), rank == 0);
    handover_free(file, handover);
    list_free(&variables);
}

static void second_rank(const struct launch_joined *joined)
{
    CHECK_STR(joined->cpus, "0-1");
    CHECK_STR(joined->text, "two workers\nbecause");
    CHECK_STR(environ[0], "A=1");
    CHECK_STR(environ[1], "OMPI_MCA_pml=cm");
    CHECK_PTR(environ[2], NULL);
}

static void manager(const struct launch_joined *joined)
{
    CHECK_STR(joined->cpus, "");
    CHECK_PTR(environ[0], NULL);
}

TEST_CASE(a_rank_gets_its_cpus_the_text_and_the_parents_environment)
{
    join_as(1, (char *[]){"A=1", "OMPI_MCA_pml=cm", NULL}, second_rank);
}

TEST_CASE(a_manager_that_joined_is_known_to_the_parent_and_an_environment_may_be_empty)
{
    join_as(0, (char *[]){NULL}, manager);
}

TEST_CASE(a_rank_of_another_launcher_keeps_its_environment)
{
    struct launch launch = {.start = LAUNCH_RANK, .rank = 0};
    struct launch_joined joined;
    char **before = environ;
    CHECK_STATUS(launch_join(&launch, &joined, NULL), RP_OK);
    CHECK_STR(joined.text, "");
    CHECK_STR(joined.cpus, "");
    CHECK_PTR(environ, before);
}

/* The descriptor now is a file of some other kind, as after a program that closed all of them. */
TEST_CASE(a_descriptor_that_is_another_file_is_refused)
{
    char value[64];
    struct handover *handover;
    struct error error;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    REQUIRE(file >= 0);
    snprintf(value, sizeof value, "%ld:%d", (long)getppid(), file);
    CHECK_STATUS(handover_open(value, &handover, &error), RP_LAUNCH);
    CHECK_HAS(error.text, "must not close descriptors above 2 before rp_open");
    close(file);
    CHECK_STATUS(handover_open(value, &handover, &error), RP_LAUNCH);
    CHECK_STATUS(handover_open("nonsense", &handover, &error), RP_LAUNCH);
    CHECK_STATUS(handover_open(NULL, &handover, &error), RP_LAUNCH);
}

/* The manager's side, with a child in mpirun's place; `stopped` is what the kernel says of it next. */
static void expect(pid_t child, bool stopped)
{
    int status = 0;
    CHECK_INT(waitpid(child, &status, WUNTRACED | WCONTINUED), child);
    CHECK(stopped ? WIFSTOPPED(status) : WIFCONTINUED(status));
}

TEST_CASE(mpirun_is_stopped_while_the_manager_does_without_it)
{
    int file;
    struct handover *handover;
    REQUIRE_STATUS(handover_make(&plan, (char *[]){NULL}, &file, &handover, NULL), RP_OK);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(30); /* a test that fails waits for it */
        for (;;)
            pause();
    }
    setpgid(child, child);
    launch_hold_mpirun(handover); /* there is none that may be stopped */
    CHECK(!handover_holds_mpirun(handover));

    atomic_store(&handover->stoppable, child);
    launch_release_mpirun(handover);
    launch_hold_mpirun(handover);
    launch_hold_mpirun(handover);
    CHECK(handover_holds_mpirun(handover));
    expect(child, true);
    CHECK(!launch_claim_mpirun(handover));
    launch_release_mpirun(handover);
    CHECK(!handover_holds_mpirun(handover));
    expect(child, false);

    CHECK(launch_claim_mpirun(handover));
    launch_hold_mpirun(handover);
    CHECK(!handover_holds_mpirun(handover));
    CHECK(launch_claim_mpirun(handover));
    CHECK_INT(waitpid(child, NULL, WNOHANG | WUNTRACED), 0);
    CHECK(launch_claim_mpirun(NULL));
    launch_hold_mpirun(NULL);
    launch_release_mpirun(NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    handover_free(file, handover);
}
