/* Requests and machines that make no sense. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdlib.h>

#include "check.h"
#include "recorded.h"

static void expect_refused(const char *topology, const char *root, struct node_request request,
                           const char *part)
{
    struct node_plan plan = {.workers = 77};
    struct error error = {0};
    CHECK_STATUS(recorded_try(topology, root, request, &plan, &error), RP_INVALID);
    CHECK_HAS(error.text, part);
    CHECK_INT(plan.workers, 77);
}

TEST_CASE(a_negative_number_of_workers_is_refused)
{
    expect_refused("laptop", "laptop", (struct node_request){.workers = -3},
                   "workers is -3: give the number of workers, or 0 for one on each usable core");
}

TEST_CASE(more_workers_than_any_system_runs_are_refused)
{
    expect_refused("laptop", "laptop", (struct node_request){.workers = INT_MAX},
                   "workers is 2147483647: no system runs more than");
}

TEST_CASE(thousands_of_workers_are_honoured)
{
    struct node_plan plan = recorded_plan("laptop", "laptop", (struct node_request){.workers = 1 << 22});
    CHECK_INT(plan.workers, 1 << 22);
    CHECK_STR(node_plan_place(&plan, 1 << 22)->cpus, "0-1");
    node_plan_free(&plan);
}

TEST_CASE(an_unknown_part_is_refused)
{
    expect_refused("laptop", "laptop", (struct node_request){.per = "socket"},
                   "per is \"socket\": it can be core, thread, l3, numa or package");
    expect_refused("laptop", "laptop", (struct node_request){.per = ""}, "per is \"\"");
}

TEST_CASE(memory_for_not_even_one_worker_is_refused)
{
    expect_refused("two-sockets", "container-v2", (struct node_request){.memory_per_worker = (size_t)5 << 30},
                   "memory_per_worker is 5 GiB, but there is only 4 GiB for all workers "
                   "(/sys/fs/cgroup/memory.max): ask for less");
    expect_refused("laptop", "laptop", (struct node_request){.memory_per_worker = SIZE_MAX},
                   "there is only 8 GiB for all workers (the RAM of this machine)");
}

TEST_CASE(a_machine_that_cannot_be_loaded_is_refused)
{
    expect_refused("no-such-machine", "laptop", (struct node_request){0}, "no-such-machine.xml");
}

TEST_CASE(a_machine_with_none_of_the_allowed_cpus_is_refused)
{
    static const struct recorded_file files[] = {{"/proc/self/status", "Cpus_allowed_list:\t6-7\n"}, {0}};
    char root[RECORDED_ROOT];
    recorded_root_make(files, root);
    expect_refused("laptop", root, (struct node_request){0},
                   "no CPU is usable: hwloc knows 0-1, but this process' affinity allows 6-7");
    recorded_root_remove(root);
}

TEST_CASE(closing_and_freeing_nothing_is_safe)
{
    node_close(NULL);
    struct node_plan plan = {0};
    node_plan_free(&plan);
    CHECK_INT(plan.workers, 0);
}
