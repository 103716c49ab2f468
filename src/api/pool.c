#define _GNU_SOURCE
#include "api/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "api/guest.h"
#include "api/team.h"
#include "launch/launch.h"
#include "record/drain.h"
#include "record/progress.h"
#include "run/submit.h"

/* ---- Opening and closing ----------------------------------------------------------------- */

static void free_pool(rp_pool *pool)
{
    record_close(&pool->recorder);
    options_free(&pool->options);
    crew_drop(pool->crew);
    slab_fini(&pool->futures);
    pool->magic = 0;
    free(pool);
}

void pool_drop(rp_pool *pool)
{
    if (--pool->users == 0)
        free_pool(pool);
}

rp_pool *pool_new(void)
{
    rp_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->magic = POOL_MAGIC;
    pool->users = 1;
    pool->due_end = &pool->due;
    slab_init(&pool->futures, sizeof(rp_future));
    return pool;
}

/* Those who run tasks are noted in it, by their numbers. */
static rp_status open_journal(rp_pool *pool, const struct world *world, uint64_t number, struct error *error)
{
    const struct crew *crew = world->crew;
    uint64_t build = func_program(error);
    if (!pool->options.journal)
        return RP_OK;
    struct journal_worker *workers = calloc((size_t)crew->count, sizeof *workers);
    if (!workers || !build)
        return free(workers), build ? RP_NO_MEMORY : RP_INVALID;
    for (int i = 0; i < crew->count; i++)
        workers[i] =
            (struct journal_worker){i, crew->member[i].rank, crew->member[i].host, crew->member[i].pid};
    struct journal_setup setup = {.path = pool->options.journal,
                                  .program = program_invocation_short_name,
                                  .build = build,
                                  .pool = number,
                                  .seed = pool->options.seed,
                                  .workers = workers,
                                  .worker_count = crew->count};
    rp_status status = drain_deadline((double)time(NULL), &pool->deadline, &pool->deadline_variable, error);
    if (!status)
        status = journal_open(&setup, &pool->journal, error);
    if (!status)
        drain_watch(launch_hold_mpirun, world->parent);
    free(workers);
    return status;
}

/* The journal's failure is told where there is no worse one. */
static rp_status close_journal(rp_pool *pool, bool complete, rp_status status, struct error *error)
{
    struct error why;
    if (!pool->journal)
        return status;
    rp_status stored = journal_close(pool->journal, complete, &why);
    pool->journal = NULL;
    drain_unwatch(complete);
    if (!drain_signal())
        launch_release_mpirun(pool->world->parent);
    if (!status && stored)
        return error_set(error, stored, "%s", why.text);
    return status;
}

/* Everything that can end has ended: the program goes on another time. */
static void leave(void *owner, const char *why)
{
    rp_pool *pool = owner;
    struct error error;
    record_close(&pool->recorder);
    size_t stored = journal_flush(pool->journal);
    rp_status status = journal_close(pool->journal, false, &error);
    bool timed = pool->deadline_variable && !drain_signal();
    fprintf(
        stderr,
        "rankpool: %s%s%s%s: this run has stored %zu results in %s%s%s; the next one goes on from there\n",
        why, timed ? " (" : "", timed ? pool->deadline_variable : "", timed ? ")" : "", stored,
        pool->options.journal, status ? ", but not all: " : "", status ? error.text : "");
    exit(DRAIN_STATUS);
}

static rp_status open_manager(rp_pool *pool, const struct world *world, struct error *error)
{
    const struct options *options = &pool->options;
    uint64_t number = world_new_pool();
    rp_status status = open_journal(pool, world, number, error);
    if (status)
        return status;
    pool->crew = crew_hold(world->crew);
    pool->world = world;
    struct manager_setup setup = {
        .roster = world->alone ? NULL : (struct roster *)(uintptr_t)&world->roster,
        .crew = world->crew,
        .memory = world->memory,
        .pool = number,
        .road = world->links.road,
        .computes = !world->ours && !world->alone && world->nodes == 1 && !options->isolate,
        .stands_in = !world->ours && world->nodes > 1 && !options->isolate,
        .isolate = options->isolate,
        .task_memory = options->task_memory,
        .schedule = options->schedule,
        .chunk = options->chunk,
        .seed = options->seed,
        .initializer = options->initializer,
        .finalizer = options->finalizer,
        .initarg = options->initarg,
        .initarg_size = options->initarg_size,
        .recorder = &pool->recorder,
        .journal = pool->journal,
        .deadline = pool->deadline,
        .leave = leave,
        .dispose = future_dispose,
        .call_back = pool_call_back,
        .owner = pool,
    };
    status = manager_open(&pool->manager, &setup, error);
    return status ? close_journal(pool, false, status, error) : RP_OK;
}

rp_status pool_start(rp_pool *pool, const struct world *world, struct error *error)
{
    rp_status status = progress_listen(&pool->recorder,
                                       &(struct progress_setup){.stream = stderr,
                                                                .terminal = isatty(STDERR_FILENO),
                                                                .option = pool->options.progress},
                                       error);
    if (!status)
        status = world_check_thread("rp_open", error);
    return status ? status : open_manager(pool, world, error);
}

rp_status rp_open(const rp_options *options, rp_pool **pool)
{
    struct error *error = api_error();
    struct world *world;
    error_clear(error);
    if (!pool)
        return error_set(error, RP_INVALID,
                         "rp_open: there is no place for the pool: its second argument is NULL");
    if (world_is_worker())
        return error_set(error, RP_INVALID, "rp_open in a worker: only the manager may open pools");
    rp_pool *made = pool_new();
    if (!made)
        return error_set(error, RP_NO_MEMORY, "no memory for a pool");
    rp_status wrong = options_resolve(options, &made->options, error);
    struct error why = *error;
    /* Under a launcher the other ranks wait in the same call: they must not wait in vain. */
    rp_status status = wrong && !world_is_launched() ? wrong : world_enter(&made->options, &world, error);
    if (!status && wrong) {
        *error = why;
        status = wrong;
    }
    if (!status)
        status = pool_start(made, world, error);
    if (status) {
        free_pool(made);
        return status;
    }
    world_count_pool(1);
    *pool = made;
    return RP_OK;
}

rp_status rp_close(rp_pool **pool)
{
    if (!pool || !*pool)
        return RP_OK;
    rp_pool *p = *pool;
    if (pool_is_one(p) && p->serves)
        return guest_close(pool);
    rp_status status = pool_enter(p, "rp_close");
    if (status)
        return status;
    if (p->inside)
        return error_set(&p->error, RP_INVALID,
                         "rp_close from inside a callback, a source or a sink of the same pool");
    submit_finish(&p->manager);
    status = p->manager.unfinished ? manager_check(&p->manager, api_error())
                                   : manager_check_own(&p->manager, api_error());
    manager_close(&p->manager);
    status = close_journal(p, true, status, api_error());
    p->closed = true;
    p->world = NULL;
    if (p->team)
        team_drop(p->team);
    else
        world_count_pool(-1);
    *pool = NULL;
    pool_drop(p);
    return status;
}

/* ---- Questions --------------------------------------------------------------------------- */

size_t rp_cancel_all(rp_pool *pool)
{
    return pool_enter(pool, "rp_cancel_all") ? 0 : submit_cancel_all(&pool->manager);
}

bool rp_is_manager(const rp_pool *pool)
{
    return pool_is_one(pool) && !pool->serves;
}

const char *rp_describe(const rp_pool *pool)
{
    return pool_is_one(pool) && pool->world ? pool->world->description : "";
}

int rp_workers(const rp_pool *pool)
{
    if (!pool_is_one(pool))
        return 0;
    return (pool->serves ? pool->world->crew : pool->crew)->count - 1;
}

rp_status rp_worker(const rp_pool *pool, int worker, rp_worker_info *info)
{
    if (!pool_is_one(pool))
        return error_set(api_error(), RP_INVALID, "rp_worker: its first argument is no pool");
    struct error *error = (struct error *)(uintptr_t)&pool->error;
    if (pool->serves)
        return error_set(
            error, RP_INVALID,
            "rp_worker in a worker of the pool: only its manager may use it, the others rp_serve");
    if (pool->closed)
        return error_set(error, RP_CLOSED, "rp_worker: the pool is closed");
    if (!info || worker < 0 || worker >= pool->crew->count)
        return error_set(error, RP_INVALID, "rp_worker: %s",
                         info ? "there is no worker of that number" : "there is no place for the answer");
    *info = crew_info(pool->crew, worker, manager_count_done(&pool->manager, worker));
    return RP_OK;
}

rp_status rp_options_set(rp_options *options, const char *name, const char *value)
{
    return options_set(options, name, value, api_error());
}
