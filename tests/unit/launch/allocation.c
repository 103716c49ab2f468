/* What each batch system says of a job's nodes, as its documentation has it. */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/allocation.h"

#define FILES "/allocations/"

/* "a:4 b:2", the slots left out where nobody said. */
static void show(const struct hosts *hosts, char *text, size_t size)
{
    size_t at = 0;
    *text = '\0';
    for (int i = 0; i < hosts->count && at < size; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? " " : "", hosts->one[i].name);
        if (hosts->one[i].slots && at < size)
            at += (size_t)snprintf(text + at, size - at, ":%d", hosts->one[i].slots);
    }
}

struct job {
    char *environment[6];
    const char *source;
    enum means means;
    const char *nodes;
};

/* `proc` is where /proc is, and `left` what the allocation says of what it leaves out. */
static void check_job_at(const struct job *job, const char *proc, const char *left)
{
    struct allocation allocation;
    struct error error = {0};
    char nodes[512];
    check_note("%s", job->environment[0]);
    REQUIRE_STATUS(allocation_find(job->environment, proc, &allocation, &error), RP_OK);
    show(&allocation.hosts, nodes, sizeof nodes);
    CHECK_STR(allocation.source, job->source);
    CHECK_INT(allocation.means, job->means);
    CHECK_STR(nodes, job->nodes);
    CHECK_STR(allocation.left, left);
    allocation_free(&allocation);
    check_note("%s", "");
}

static void check_job(const struct job *job)
{
    check_job_at(job, "/nowhere", "");
}

static void check_refused(char *const *environment, const char *why)
{
    struct allocation allocation;
    struct error error = {0};
    check_note("%s", environment[0]);
    CHECK(allocation_find(environment, "/nowhere", &allocation, &error) != RP_OK);
    CHECK_HAS(error.text, why);
    check_note("%s", "");
}

TEST_CASE(a_slurm_job_has_the_cpus_of_each_of_its_nodes)
{
    check_job(&(struct job){{"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[1-3],big7",
                             "SLURM_JOB_CPUS_PER_NODE=4(x3),64", "SLURM_TASKS_PER_NODE=1(x4)"},
                            "Slurm job 71",
                            MEANS_SLURM,
                            "n1:4 n2:4 n3:4 big7:64"});
    check_job(&(struct job){{"SLURM_JOB_ID=8", "SLURM_JOB_NODELIST=n09", "SLURM_JOB_CPUS_PER_NODE=2"},
                            "Slurm job 8",
                            MEANS_SLURM,
                            "n09:2"});
    check_job(&(struct job){
        {"SLURM_JOB_ID=8", "SLURM_JOB_NODELIST=n[09-11]"}, "Slurm job 8", MEANS_SLURM, "n09 n10 n11"});
}

TEST_CASE(a_slurm_step_is_this_machine_but_a_script_and_a_shell_are_not)
{
    check_job(&(struct job){{"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[1-3]", "SLURM_STEP_ID=0"},
                            "this machine",
                            MEANS_HERE,
                            "localhost"});
    check_job(&(struct job){{"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[1-2]", "SLURM_STEP_ID=4294967290"},
                            "Slurm job 71",
                            MEANS_SLURM,
                            "n1 n2"});
    check_job_at(&(struct job){{"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[1-2]", "SLURM_STEP_ID=0",
                                "SLURM_PTY_PORT=40112"},
                               "Slurm job 71",
                               MEANS_SLURM,
                               "n1 n2"},
                 RANKPOOL_FIXTURES "/roots/terminal", "");
}

TEST_CASE(what_a_shell_of_slurms_starts_by_srun_is_a_step)
{
    check_job(&(struct job){
        {"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[1-2]", "SLURM_STEP_ID=1", "SLURM_PTY_PORT=40112"},
        "this machine",
        MEANS_HERE,
        "localhost"});
}

TEST_CASE(a_slurm_step_says_that_it_leaves_nodes_out)
{
    check_job_at(&(struct job){{"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[1-2]", "SLURM_JOB_NUM_NODES=2",
                                "SLURM_STEP_ID=3"},
                               "this machine",
                               MEANS_HERE,
                               "localhost"},
                 "/nowhere",
                 "other nodes of Slurm job 71 are left out: this is its step 3, started by srun\n");
}

TEST_CASE(counts_that_do_not_fit_the_nodes_of_slurm_are_refused)
{
    check_refused(
        (char *[]){"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[1-3]", "SLURM_JOB_CPUS_PER_NODE=4(x2)", NULL},
        "does not fit the job's 3 nodes");
    check_refused(
        (char *[]){"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[1-2]", "SLURM_JOB_CPUS_PER_NODE=4(x2),x", NULL},
        "does not fit the job's 2 nodes");
    check_refused((char *[]){"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[1-", NULL}, "is not a list of hosts");
    check_refused((char *[]){"SLURM_JOB_ID=71", "SLURM_JOB_NODELIST=n[3-1]", NULL}, "is not a list of hosts");
}

TEST_CASE(a_pbs_job_has_a_slot_for_each_line_of_its_file)
{
    check_job(
        &(struct job){{"PBS_JOBID=12.server", "PBS_NODEFILE=" RANKPOOL_FIXTURES FILES "pbs-nodes", "NCPUS=4"},
                      "PBS job 12",
                      MEANS_BATCH,
                      "node01.cluster:4 node02.cluster:2"});
}

TEST_CASE(a_pbs_job_of_chunks_that_are_listed_once_has_their_cpus)
{
    check_job(&(struct job){
        {"PBS_JOBID=12[3].server", "PBS_NODEFILE=" RANKPOOL_FIXTURES FILES "pbs-chunks", "NCPUS=16"},
        "PBS job 12[3]",
        MEANS_BATCH,
        "node01:16 node02:16"});
}

TEST_CASE(an_lsf_job_says_its_slots_in_three_ways)
{
    static const char *const ways[] = {"LSB_MCPU_HOSTS=hosta 2 hostb 1 ",
                                       "LSB_DJOB_HOSTFILE=" RANKPOOL_FIXTURES FILES "lsf-hosts",
                                       "LSB_HOSTS=hosta hosta hostb"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        check_job(
            &(struct job){{(char *)ways[i], "LSB_JOBID=5"}, "LSF job 5", MEANS_BATCH, "hosta:2 hostb:1"});
    check_refused((char *[]){"LSB_JOBID=5", "LSB_MCPU_HOSTS=hosta 2 hostb", NULL},
                  "each with its number of slots");
}

TEST_CASE(a_grid_engine_job_adds_the_slots_of_its_queues)
{
    check_job(&(struct job){{"JOB_ID=9", "PE_HOSTFILE=" RANKPOOL_FIXTURES FILES "sge-hosts"},
                            "Grid Engine job 9",
                            MEANS_BATCH,
                            "node01:4 node02:5"});
}

/* With the flux of a fixture. */
static void check_flux(const char *fixture, const char *nodes)
{
    const char *before = getenv("PATH");
    char *kept = before ? strdup(before) : NULL, *path = NULL;
    REQUIRE(asprintf(&path, RANKPOOL_FIXTURES FILES "%s:%s", fixture, kept ? kept : "/bin") > 0);
    setenv("PATH", path, 1);
    check_job(&(struct job){{"FLUX_URI=local:///tmp/flux/local"}, "the Flux instance", MEANS_BATCH, nodes});
    setenv("PATH", kept ? kept : "", 1);
    free(path);
    free(kept);
}

TEST_CASE(a_flux_instance_has_the_cores_of_each_of_its_nodes)
{
    check_flux("flux-cores", "fluke4:8 fluke5:3 fluke6:8 gold:1");
}

TEST_CASE(a_flux_instance_that_does_not_tell_its_cores_is_asked_for_its_hosts)
{
    check_flux("flux", "fluke4 fluke5 fluke6 gold");
    check_flux("flux-odd", "fluke4 fluke5 fluke6 gold");
}

TEST_CASE(a_node_file_that_is_not_there_is_refused_by_its_name)
{
    check_refused((char *[]){"PBS_JOBID=1", "PBS_NODEFILE=/nowhere/nodes", NULL},
                  "PBS_NODEFILE names /nowhere/nodes, which cannot be read");
    check_refused((char *[]){"JOB_ID=1", "PE_HOSTFILE=/nowhere/hosts", NULL},
                  "PE_HOSTFILE names /nowhere/hosts");
}

TEST_CASE(an_allocation_without_nodes_is_refused)
{
    check_refused((char *[]){"PBS_JOBID=1", "PBS_NODEFILE=/dev/null", NULL}, "PBS job 1 has no nodes");
}

TEST_CASE(without_a_batch_system_it_is_this_machine)
{
    check_job(&(struct job){{"PATH=/bin", "JOB_ID=7"}, "this machine", MEANS_HERE, "localhost"});
}

/* ---- Named by the user ------------------------------------------------------------------- */

static rp_status name_hosts(const char *list, const char *file, char *nodes, size_t size, struct error *error)
{
    struct allocation allocation;
    rp_status status = allocation_of_hosts(list, file, &allocation, error);
    if (status)
        return status;
    CHECK_INT(allocation.means, MEANS_SSH);
    show(&allocation.hosts, nodes, size);
    allocation_free(&allocation);
    return RP_OK;
}

TEST_CASE(hosts_are_named_with_or_without_slots_and_those_named_twice_have_both)
{
    char nodes[256];
    REQUIRE_STATUS(name_hosts("a,b:8,c.org:2,b:1", NULL, nodes, sizeof nodes, NULL), RP_OK);
    CHECK_STR(nodes, "a b:9 c.org:2");
}

TEST_CASE(a_hostfile_may_be_written_as_mpirun_takes_it)
{
    char nodes[256];
    REQUIRE_STATUS(name_hosts(NULL, RANKPOOL_FIXTURES FILES "hostfile", nodes, sizeof nodes, NULL), RP_OK);
    CHECK_STR(nodes, "alpha:4 beta:2 gamma:3 delta");
}

TEST_CASE(what_is_no_host_or_has_no_slots_is_refused_by_a_sentence)
{
    static const struct {
        const char *list, *why;
    } all[] = {
        {"a,,b", "\"\" is not the name of a host"},
        {"", "the list of hosts is empty"},
        {"-oProxyCommand=x", "is not the name of a host"},
        {"a;rm", "\"a;rm\" is not the name of a host"},
        {"a:0", "host a has no slots"},
        {"a:x", "host a has \"x\" slots"},
        {"a:-3", "host a has \"-3\" slots"},
        {"a:", "host a has \"\" slots"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct error error = {0};
        char nodes[64];
        check_note("%s", all[i].list);
        CHECK_STATUS(name_hosts(all[i].list, NULL, nodes, sizeof nodes, &error), RP_INVALID);
        CHECK_HAS(error.text, all[i].why);
    }
    check_note("%s", "");
}

TEST_CASE(a_hostfile_that_is_missing_or_empty_is_refused_by_its_name)
{
    struct error error = {0};
    char nodes[64];
    CHECK_STATUS(name_hosts(NULL, "/nowhere/hosts", nodes, sizeof nodes, &error), RP_INVALID);
    CHECK_HAS(error.text, "/nowhere/hosts cannot be read");
    CHECK_STATUS(name_hosts(NULL, "/dev/null", nodes, sizeof nodes, &error), RP_INVALID);
    CHECK_HAS(error.text, "there is no host in /dev/null");
}

TEST_CASE(this_machine_is_known_by_its_names_and_addresses)
{
    char own[256] = "";
    REQUIRE(gethostname(own, sizeof own - 1) == 0);
    own[strcspn(own, ".")] = '\0';
    CHECK(hosts_is_here("localhost"));
    CHECK(hosts_is_here("127.0.0.1"));
    CHECK(hosts_is_here(own));
    CHECK(!hosts_is_here("nowhere.invalid"));
    CHECK(!hosts_is_here("192.0.2.7"));
}
