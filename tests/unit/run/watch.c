/* Pools that work beside each other look at the same workers. */
#define _GNU_SOURCE
#include "run/watch.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "run/submit.h"
#include "work.h"

static int count_pidfds(void)
{
    char path[300], target[64];
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    REQUIRE(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        count += strstr(target, "pidfd") != NULL;
    }
    closedir(folder);
    return count;
}

static void open_beside(struct gang *gang, struct manager *manager, uint64_t pool)
{
    struct error error;
    struct manager_setup setup = gang->manager.setup;
    setup.pool = pool;
    REQUIRE_STATUS(manager_open(manager, &setup, &error), RP_OK);
}

TEST_CASE(pools_side_by_side_need_one_descriptor_a_worker)
{
    struct gang gang;
    struct manager beside[5];
    int before = count_pidfds();
    gang_start(&gang, 3, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    int opened = count_pidfds() - before;
    CHECK(opened == 3 || opened == 0); /* of a kernel that has none */
    for (int i = 0; i < 5; i++)
        open_beside(&gang, &beside[i], 1000 + (uint64_t)i);
    CHECK_INT(count_pidfds() - before, opened);
    for (int i = 0; i < 5; i++)
        manager_close(&beside[i]);
    CHECK_INT(count_pidfds() - before, opened);
    gang_end(&gang);
    CHECK_INT(count_pidfds(), before);
}

TEST_CASE(a_death_is_seen_under_a_limit_of_few_descriptors_too)
{
    struct gang gang;
    struct rlimit limit, few;
    gang_start(&gang, 3, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    struct watch *watch = watch_of(gang.crew);
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    few = limit;
    few.rlim_cur = 2;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    int before = watch_look(watch);
    gang_kill(&gang, 2);
    int after = watch_look(watch), died = after ? watch_died(watch, 0) : 0;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_INT(before, 0);
    CHECK_INT(after, 1);
    CHECK_INT(died, 2);
    gang_end(&gang);
}

static struct task *submit_for(struct manager *manager, int owner, uint64_t item)
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    task->fn = gang_gated_square;
    task->with_pool = true;
    task->owner = owner;
    REQUIRE_STATUS(submit_task(manager, task, &item, sizeof item, &error), RP_OK);
    return task;
}

/* The first look is one pool's; the others are told by its end. */
TEST_CASE(each_pool_recovers_from_a_death_that_any_of_them_saw)
{
    struct gang gang;
    struct manager beside[3];
    check_seconds(10);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    gang_tally->gate = 1;
    submit_for(&gang.manager, 1, 0);
    gang_await(&gang_tally->waiting, 1);
    for (int i = 0; i < 3; i++) {
        open_beside(&gang, &beside[i], 1000 + (uint64_t)i);
        submit_for(&beside[i], 1, 1 + (uint64_t)i);
    }
    gang_kill(&gang, 1);
    gang_tally->gate = 0;
    work_check(&gang, submit_next(&gang.manager, CLOCK_NEVER), 0);
    for (int i = 0; i < 3; i++)
        work_check(&gang, submit_next(&beside[i], CLOCK_NEVER), 1 + (uint64_t)i);
    CHECK(!crew_info(gang.crew, 1, 0).alive);
    for (int i = 0; i < 3; i++)
        manager_close(&beside[i]);
    gang_end(&gang);
}

TEST_CASE(a_pool_opened_after_a_death_does_without_the_dead)
{
    struct gang gang;
    struct manager later;
    check_seconds(10);
    gang_start(&gang, 2, MEMORY_MEMFD, NULL);
    gang_open(&gang, NULL);
    gang_kill(&gang, 1);
    submit_for(&gang.manager, 1, 8);
    work_check(&gang, submit_next(&gang.manager, CLOCK_NEVER), 8);
    open_beside(&gang, &later, 1000);
    submit_for(&later, 1, 9);
    work_check(&gang, submit_next(&later, CLOCK_NEVER), 9);
    CHECK_UINT(later.board.shared->participants, 1);
    manager_close(&later);
    gang_end(&gang);
}

struct looker {
    struct watch *watch;
    _Atomic uint32_t *start;
    int seen[GANG_WORKERS + 1];
};

static void *look_on(void *state)
{
    struct looker *looker = state;
    gang_await(looker->start, 1);
    for (int mine = 0; mine < GANG_WORKERS;) {
        int deaths = watch_look(looker->watch);
        while (mine < deaths)
            looker->seen[watch_died(looker->watch, mine++)]++;
    }
    return NULL;
}

/* All of them die at once, and the threads look at once. */
static void look_together(void)
{
    struct gang gang;
    struct looker lookers[4] = {{0}};
    pthread_t threads[4];
    _Atomic uint32_t start = 0;
    gang_start_idle(&gang, GANG_WORKERS);
    gang_open(&gang, NULL);
    for (int worker = 1; worker <= GANG_WORKERS; worker++)
        gang_kill(&gang, worker);
    for (int i = 0; i < 4; i++) {
        lookers[i].watch = watch_of(gang.crew);
        lookers[i].start = &start;
        REQUIRE(pthread_create(&threads[i], NULL, look_on, &lookers[i]) == 0);
    }
    start = 1;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        for (int worker = 1; worker <= GANG_WORKERS; worker++)
            CHECK_INT(lookers[i].seen[worker], 1);
    }
    gang_end(&gang);
}

TEST_CASE(pools_of_several_threads_see_each_death_once)
{
    check_seconds(20);
    for (int round = 0; round < 20; round++)
        look_together();
}
