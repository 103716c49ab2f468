/* How the start of a program is told from its environment and from /proc. */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/launch.h"

/* A folder with what launch_detect reads, in place of /proc, and mpirun beside it. */
struct stage {
    char folder[32], path[64];
};

static void stage_write(const struct stage *stage, const char *name, const char *text)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", stage->folder, name);
    FILE *file = fopen(path, "we");
    REQUIRE(file && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, 0700) == 0);
}

static struct stage stage_open(const char *status, const char *maps, bool mpirun)
{
    struct stage stage = {.folder = "/tmp/rankpool-test-XXXXXX"};
    char path[96];
    REQUIRE(mkdtemp(stage.folder));
    snprintf(stage.path, sizeof stage.path, "PATH=/nowhere:%s", stage.folder);
    snprintf(path, sizeof path, "%s/self", stage.folder);
    REQUIRE(mkdir(path, 0700) == 0);
    stage_write(&stage, "self/status", status);
    stage_write(&stage, "self/maps", maps);
    if (mpirun)
        stage_write(&stage, "mpirun", "");
    return stage;
}

static void stage_close(const struct stage *stage)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", stage->folder);
    CHECK_INT(system(command), 0);
}

static const char untraced[] = "Name:\tprog\nTracerPid:\t0\n", traced[] = "Name:\tprog\nTracerPid:\t77\n";
static const char plain[] = "7f00-7f01 r-xp 00000000 08:01 1 /lib/libc.so.6\n";
static const char valgrind[] =
    "7f00-7f01 r-xp 00000000 08:01 1 /usr/libexec/valgrind/vgpreload_core-amd64-linux.so\n";

static rp_status detect(const char *status, const char *maps, bool mpirun, const char *wish,
                        struct launch *launch, struct error *error)
{
    struct stage stage = stage_open(status, maps, mpirun);
    char *environment[] = {stage.path, wish ? (char *)wish : NULL, NULL};
    rp_status result = launch_detect(&(struct launch_world){environment, stage.folder}, launch, error);
    stage_close(&stage);
    return result;
}

TEST_CASE(a_program_started_alone_starts_again_with_the_mpirun_in_path)
{
    struct stage stage = stage_open(untraced, plain, true);
    char *environment[] = {stage.path, NULL}, wanted[96];
    struct launch launch;
    struct error error;
    CHECK_STATUS(launch_detect(&(struct launch_world){environment, stage.folder}, &launch, &error), RP_OK);
    CHECK_INT(launch.start, LAUNCH_ALONE);
    snprintf(wanted, sizeof wanted, "%s/mpirun", stage.folder);
    CHECK_STR(launch.mpirun, wanted);
    stage_close(&stage);
}

TEST_CASE(traced_or_under_valgrind_or_told_so_it_stays_in_this_process)
{
    static const struct {
        const char *status, *maps;
        bool mpirun;
        const char *wish, *reason;
    } all[] = {
        {traced, plain, true, NULL, "traced by process 77, a debugger"},
        {untraced, valgrind, true, NULL, "run by valgrind"},
        {untraced, plain, false, NULL, "no mpirun in PATH"},
        {untraced, plain, true, "RANKPOOL_LAUNCH=inline", "RANKPOOL_LAUNCH is \"inline\""},
        {traced, plain, true, "RANKPOOL_LAUNCH=auto", "traced by process 77, a debugger"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct launch launch = {0};
        struct error error;
        check_note("%s", all[i].reason);
        CHECK_STATUS(detect(all[i].status, all[i].maps, all[i].mpirun, all[i].wish, &launch, &error), RP_OK);
        CHECK_INT(launch.start, LAUNCH_INLINE);
        CHECK_STR(launch.reason, all[i].reason);
    }
    check_note("%s", "");
}

TEST_CASE(told_to_it_starts_again_even_when_traced)
{
    struct launch launch;
    struct error error;
    CHECK_STATUS(detect(traced, valgrind, true, "RANKPOOL_LAUNCH=mpirun", &launch, &error), RP_OK);
    CHECK_INT(launch.start, LAUNCH_ALONE);
}

TEST_CASE(an_mpirun_that_is_asked_for_and_missing_is_refused)
{
    struct launch launch;
    struct error error;
    CHECK_STATUS(detect(untraced, plain, false, "RANKPOOL_LAUNCH=mpirun", &launch, &error), RP_LAUNCH);
    CHECK_HAS(error.text, "there is no mpirun in PATH");
}

TEST_CASE(any_other_wish_is_refused)
{
    struct launch launch;
    struct error error;
    CHECK_STATUS(detect(untraced, plain, true, "RANKPOOL_LAUNCH=srun", &launch, &error), RP_INVALID);
    CHECK_HAS(error.text, "RANKPOOL_LAUNCH is \"srun\"; it must be \"auto\"");
}

TEST_CASE(an_empty_wish_is_none)
{
    struct launch launch;
    CHECK_STATUS(detect(untraced, plain, true, "RANKPOOL_LAUNCH=", &launch, NULL), RP_OK);
    CHECK_INT(launch.start, LAUNCH_ALONE);
}

/* ---- Launchers --------------------------------------------------------------------------- */

struct seen {
    char *environment[6];
    enum launch_start start;
    int rank, ranks;
    const char *launcher;
};

static void check_seen(const struct seen *seen)
{
    struct launch launch = {0};
    char *environment[8] = {"PATH=/nowhere"};
    for (int i = 0; seen->environment[i]; i++)
        environment[i + 1] = seen->environment[i];
    check_note("%s", seen->environment[0]);
    CHECK_STATUS(launch_detect(&(struct launch_world){environment, "/nowhere"}, &launch, NULL), RP_OK);
    CHECK_INT(launch.start, seen->start);
    CHECK_INT(launch.rank, seen->rank);
    CHECK_INT(launch.ranks, seen->ranks);
    if (seen->launcher)
        CHECK_STR(launch.launcher, seen->launcher);
    CHECK(!launch.ours);
    check_note("%s", "");
}

TEST_CASE(each_launcher_is_seen_by_its_variables)
{
    static const struct seen all[] = {
        {{"OMPI_COMM_WORLD_RANK=2", "OMPI_COMM_WORLD_SIZE=5", "PMIX_RANK=2"},
         LAUNCH_RANK,
         2,
         5,
         "Open MPI's mpirun"},
        {{"PMIX_RANK=1"}, LAUNCH_RANK, 1, -1, "a PMIx launcher"},
        {{"PMI_RANK=3", "PMI_SIZE=4"}, LAUNCH_RANK, 3, 4, "a PMI launcher"},
        {{"FLUX_TASK_RANK=0", "FLUX_JOB_SIZE=2"}, LAUNCH_RANK, 0, 2, "Flux"},
        {{"PALS_RANKID=6", "PMI_SIZE=8"}, LAUNCH_RANK, 6, 8, "PALS"},
        {{"SLURM_STEP_ID=0", "SLURM_PROCID=1", "SLURM_NTASKS=4"}, LAUNCH_RANK, 1, 4, "Slurm's srun"},
        {{"SLURM_STEP_ID=0", "SLURM_PROCID=1", "SLURM_STEP_NUM_TASKS=3", "SLURM_NTASKS=4"},
         LAUNCH_RANK,
         1,
         3,
         "Slurm's srun"},
        {{"PMIX_RANK=1", "SLURM_STEP_ID=7", "SLURM_PROCID=1", "SLURM_NTASKS=4"},
         LAUNCH_RANK,
         1,
         4,
         "Slurm's srun"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_seen(&all[i]);
}

TEST_CASE(variables_of_a_batch_script_are_no_launcher)
{
    static const struct seen all[] = {
        {{"SLURM_PROCID=0", "SLURM_NTASKS=4"}, LAUNCH_INLINE, -1, -1, NULL},
        {{"SLURM_PROCID=0", "SLURM_STEP_ID=batch", "SLURM_NTASKS=4"}, LAUNCH_INLINE, -1, -1, NULL},
        {{"SLURM_PROCID=0", "SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=1", "SLURM_NTASKS=4"},
         LAUNCH_INLINE,
         -1,
         -1,
         NULL},
        {{"OMPI_COMM_WORLD_RANK="}, LAUNCH_INLINE, -1, -1, NULL},
        {{"PMIX_RANK=x"}, LAUNCH_INLINE, -1, -1, NULL},
        {{"PMIX_RANKS=1", "PMI_RANK_=1"}, LAUNCH_INLINE, -1, -1, NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_seen(&all[i]);
}

TEST_CASE(a_shell_of_slurms_is_no_rank_but_what_it_starts_by_srun_is)
{
    static const struct {
        const char *environment[4];
        bool own; /* of another launcher, which the shell has started */
    } cases[] = {
        {{NULL}, false},
        {{"PMIX_RANK=0"}, false},
        {{"PMI_RANK=0", "PMI_SIZE=4"}, false},
        {{"PMI_RANK=0", "PMI_SIZE=4", "PMIX_RANK=0"}, false},
        {{"PMI_RANK=0", "PMI_SIZE=3"}, true},
        {{"PMI_RANK=1", "PMI_SIZE=4"}, true},
        {{"PMIX_RANK=0", "OMPI_COMM_WORLD_RANK=0"}, true},
    };
    struct stage stage = stage_open(untraced, plain, false);
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        bool terminal = i % 2;
        const char *const *more = cases[i / 2].environment;
        const char *environment[] = {
            "SLURM_PROCID=0", "SLURM_STEP_ID=0", "SLURM_NTASKS=4", "SLURM_PTY_PORT=7",
            more[0],          more[1],           more[2],          NULL};
        struct launch_world world = {(char *const *)(uintptr_t)environment, stage.folder};
        struct launch launch;
        check_note("%s, %s terminal", more[0] ? more[0] : "nothing more", terminal ? "a" : "no");
        stage_write(&stage, "self/stat", terminal ? "9 (a) b) S 8 9 9 34816 9 0" : "9 (a) b) S 8 9 9 0 -1 0");
        CHECK_STATUS(launch_detect(&world, &launch, NULL), RP_OK);
        CHECK((launch.start == LAUNCH_RANK) == (!terminal || cases[i / 2].own));
    }
    stage_close(&stage);
}

TEST_CASE(a_grandchild_of_the_first_process_is_not_its_rank)
{
    char *environment[] = {"PMIX_RANK=0", "RANKPOOL_PARENT=1:5", NULL};
    struct launch launch;
    CHECK_STATUS(launch_detect(&(struct launch_world){environment, "/nowhere"}, &launch, NULL), RP_OK);
    CHECK_INT(launch.start, LAUNCH_RANK);
    CHECK(!launch.ours);
}

/* ---- Strangers --------------------------------------------------------------------------- */

TEST_CASE(strangers_get_a_sentence_that_names_the_launcher)
{
    struct launch launch = {.start = LAUNCH_RANK, .rank = 0, .ranks = 4, .launcher = "Slurm's srun"};
    struct error error;
    CHECK_STATUS(launch_strangers(&launch, 1, &error), RP_LAUNCH);
    CHECK_HAS(error.text, "Slurm's srun started 4 processes, but MPI knows of one");
    CHECK_HAS(error.text, "srun --mpi=pmix");
}

TEST_CASE(a_later_rank_of_an_unknown_number_is_a_stranger)
{
    struct launch launch = {.start = LAUNCH_RANK, .rank = 2, .ranks = -1, .launcher = "a PMIx launcher"};
    struct error error;
    CHECK_STATUS(launch_strangers(&launch, 1, &error), RP_LAUNCH);
    CHECK_HAS(error.text, "started several processes");
}

TEST_CASE(ranks_that_know_each_other_are_no_strangers)
{
    struct launch several = {.start = LAUNCH_RANK, .rank = 2, .ranks = 4, .launcher = ""};
    struct launch one = {.start = LAUNCH_RANK, .rank = 0, .ranks = 1, .launcher = ""};
    CHECK_STATUS(launch_strangers(&several, 4, NULL), RP_OK);
    CHECK_STATUS(launch_strangers(&one, 1, NULL), RP_OK);
}
