#define _GNU_SOURCE
#include "api/world.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/comm.h"
#include "base/clock.h"
#include "base/futex.h"
#include "func/func.h"
#include "launch/launch.h"
#include "node/node.h"
#include "run/worker.h"

#define LEAVE_S 2.0 /* that running tasks get when the program ends with its pools open */

/* The process has one world, as it has one MPI. */
static struct {
    pthread_mutex_t lock;
    bool entered, worker;
    struct world world;
    uint64_t pools;
    int open;
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- Meeting the other ranks ------------------------------------------------------------- */

/* What each rank tells the others. */
struct hello {
    uint64_t program; /* module id; 0: it has none */
    char node[96];    /* the same on ranks that share memory */
    char host[ROSTER_HOST_LENGTH];
};

static void read_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file || !fgets(text, (int)size, file))
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* Processes can look at each other where they run on one kernel and count processes alike. */
static void name_node(char *node, size_t size)
{
    char boot[48], space[40];
    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[length > 0 ? length : 0] = '\0';
    snprintf(node, size, "%s %s", boot, space);
}

static void name_host(char *host, size_t size)
{
    if (gethostname(host, size))
        snprintf(host, size, "localhost");
    host[size - 1] = '\0';
}

/* All ranks come to the same answer, since they look at the same table. */
static rp_status compare(const struct hello *all, int ranks, struct error *error)
{
    for (int i = 0; i < ranks; i++)
        if (!all[i].program)
            return error_set(
                error, RP_INVALID,
                "the program has no build-id by which its functions are found on other ranks: link it "
                "with -Wl,--build-id");
    for (int i = 1; i < ranks; i++)
        if (all[i].program != all[0].program)
            return error_set(
                error, RP_MISMATCH,
                "rank %d on %s runs another build of the program than rank 0 on %s: install the same "
                "file on both",
                i, all[i].host, all[0].host);
    for (int i = 1; i < ranks; i++)
        if (strcmp(all[i].node, all[0].node))
            return error_set(
                error, RP_UNSUPPORTED,
                "rank 0 runs on %s and rank %d on %s: this version uses one node, start all ranks there",
                all[0].host, i, all[i].host);
    return RP_OK;
}

static rp_status meet(const char *host, int ranks, struct error *error)
{
    struct hello mine = {0}, *all = calloc((size_t)ranks, sizeof *all);
    mine.program = func_program(NULL);
    name_node(mine.node, sizeof mine.node);
    snprintf(mine.host, sizeof mine.host, "%s", host);
    rp_status status = all ? comm_all_gather(&mine, sizeof mine, all, error) : RP_NO_MEMORY;
    if (!status)
        status = compare(all, ranks, error);
    free(all);
    return status;
}

/* The worst of what the ranks found, to all of them. */
static rp_status agree(rp_status mine, int ranks, struct error *error)
{
    rp_status *all = calloc((size_t)ranks, sizeof *all), worst = all ? RP_OK : RP_NO_MEMORY;
    if (!worst)
        worst = comm_all_gather(&mine, sizeof mine, all, error);
    for (int i = 0; !worst && i < ranks; i++)
        worst = all[i];
    free(all);
    return worst;
}

static rp_status share_roster(struct world *world, enum memory_kind kind, int rank, int ranks,
                              struct error *error)
{
    struct memory_handle handle = {0};
    rp_status status = RP_OK;
    if (rank == 0) {
        status = roster_create(&world->roster, ranks - 1, kind, error);
        if (!status)
            handle = memory_handle_of(&world->roster.memory);
    }
    rp_status told = comm_broadcast(&handle, sizeof handle, error);
    if (rank && !told)
        status = handle.size ? roster_attach(&world->roster, &handle, rank, error) : RP_NO_MEMORY;
    status = agree(status ? status : told, ranks, error);
    if (rank == 0)
        memory_forget_name(&world->roster.memory);
    if (status && world->roster.shared)
        roster_release(&world->roster);
    return status;
}

/* Memory that not all ranks can attach is exchanged for the other kind. */
static rp_status make_roster(struct world *world, int rank, int ranks, struct error *error)
{
    world->memory = memory_usual();
    rp_status status = share_roster(world, world->memory, rank, ranks, error);
    if (status && world->memory == MEMORY_MEMFD) {
        world->memory = MEMORY_POSIX;
        status = share_roster(world, world->memory, rank, ranks, error);
    }
    return status;
}

static rp_status assemble(struct world *world, const char *host, int rank, int ranks, struct error *error)
{
    char cpus[ROSTER_CPUS_LENGTH];
    int numa_node;
    rp_status status = meet(host, ranks, error);
    if (!status)
        status = make_roster(world, rank, ranks, error);
    if (status)
        return status;
    node_here("", cpus, sizeof cpus, &numa_node);
    roster_enter(&world->roster, rank, host, cpus, numa_node);
    return agree(RP_OK, ranks, error);
}

/* ---- Ending ------------------------------------------------------------------------------ */

/* Workers leave as soon as their tasks end. If the program ends with pools open, tasks may go on
 * for ever: then it does not wait, and the launcher ends what is left. */
static void end_manager(void)
{
    struct roster_shared *shared = process.world.roster.shared;
    if (process.worker)
        return;
    if (!shared) { /* alone, or the ranks did not come together */
        comm_stop();
        return;
    }
    roster_quit(&process.world.roster);
    uint64_t deadline = process.open ? clock_deadline(LEAVE_S) : CLOCK_NEVER;
    uint32_t left;
    while ((left = atomic_load(&shared->left)) < shared->members - 1)
        if (!futex_wait(&shared->left, left, deadline))
            return;
    comm_stop();
}

static _Noreturn void serve(struct world *world)
{
    process.worker = true;
    worker_serve(&world->roster);
    fflush(NULL);
    atomic_fetch_add(&world->roster.shared->left, 1);
    futex_wake(&world->roster.shared->left);
    comm_stop();
    exit(0);
}

/* ---- Starting ---------------------------------------------------------------------------- */

static rp_status describe(struct world *world, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&world->description, format, arguments);
    va_end(arguments);
    return length < 0 ? RP_NO_MEMORY : RP_OK;
}

static rp_status start_alone(struct world *world, const char *why)
{
    char host[ROSTER_HOST_LENGTH], cpus[ROSTER_CPUS_LENGTH];
    int numa_node;
    name_host(host, sizeof host);
    node_here("", cpus, sizeof cpus, &numa_node);
    world->alone = true;
    world->crew = crew_alone(host, cpus, numa_node);
    return world->crew ? describe(world, "tasks run in this process: %s", why) : RP_NO_MEMORY;
}

/* Sizes the machine and starts the program again. */
static rp_status start_ranks(const struct launch *launch, const struct options *options, struct error *error)
{
    struct node *node;
    struct node_plan plan = {0};
    rp_status status = node_open(&(struct node_source){.root = ""}, &node, error);
    if (status)
        return status;
    status = node_plan_make(node,
                            &(struct node_request){.per = options->per,
                                                   .workers = options->workers,
                                                   .memory_per_worker = options->memory_per_worker},
                            &plan, error);
    node_close(node);
    if (!status && plan.workers > BOARD_WORKERS_MAX)
        status = error_set(error, RP_INVALID, "%d workers on one node: no more than %d are possible",
                           plan.workers, BOARD_WORKERS_MAX);
    const char **cpus = status ? NULL : calloc((size_t)plan.workers + 1, sizeof *cpus);
    if (cpus) {
        for (int worker = 1; plan.bind && worker <= plan.workers; worker++)
            cpus[worker] = node_plan_place(&plan, worker)->cpus;
        struct launch_plan request = {.ranks = plan.workers + 1, .cpus = cpus, .text = plan.reason};
        status = launch_again(launch, &request, error);
    }
    free(cpus);
    node_plan_free(&plan);
    return status;
}

static rp_status join_ranks(struct world *world, const struct launch *launch, struct error *error)
{
    char host[ROSTER_HOST_LENGTH];
    int rank = 0, ranks = 1;
    struct launch_joined joined;
    name_host(host, sizeof host);
    rp_status status = comm_start(&rank, &ranks, error);
    if (status)
        return status;
    process.worker = rank > 0;
    atexit(process.worker ? comm_stop : end_manager);
    status = launch_strangers(launch, ranks, error);
    if (!status)
        status = launch_join(launch, &joined, error);
    if (status)
        return status;
    if (ranks == 1)
        return start_alone(world, "the launcher gave one rank");
    status = assemble(world, host, rank, ranks, error);
    if (rank && status)
        exit(0); /* the manager has the same status, and says it */
    if (status)
        return status;
    if (rank)
        serve(world);
    world->ours = launch->ours;
    world->crew = crew_of_roster(&world->roster);
    if (!world->crew)
        return RP_NO_MEMORY;
    return launch->ours
               ? describe(world, "%s", joined.text)
               : describe(world, "%d ranks given by %s: %d workers, and the manager works with them in maps",
                          ranks, launch->launcher, ranks - 1);
}

static rp_status start(struct world *world, const struct options *options, struct error *error)
{
    struct launch launch;
    rp_status status = launch_detect(NULL, &launch, error);
    if (status)
        return status;
    switch (launch.start) {
    case LAUNCH_ALONE:
        return start_ranks(&launch, options, error);
    case LAUNCH_RANK:
        return join_ranks(world, &launch, error);
    default:
        return start_alone(world, launch.reason);
    }
}

rp_status world_enter(const struct options *options, struct world **world, struct error *error)
{
    rp_status status = RP_OK;
    pthread_mutex_lock(&process.lock);
    if (!process.entered) {
        error_clear(error);
        status = start(&process.world, options, error);
        if (status && !error->text[0])
            error_set(error, status, "no memory to open a pool");
        process.entered = !status;
    }
    pthread_mutex_unlock(&process.lock);
    if (!status)
        *world = &process.world;
    return status;
}

bool world_is_launched(void)
{
    struct launch launch;
    return process.entered || (!launch_detect(NULL, &launch, NULL) && launch.start == LAUNCH_RANK);
}

bool world_is_worker(void)
{
    return process.worker;
}

uint64_t world_new_pool(void)
{
    pthread_mutex_lock(&process.lock);
    uint64_t pool = ++process.pools;
    pthread_mutex_unlock(&process.lock);
    return pool;
}

void world_count_pool(int change)
{
    pthread_mutex_lock(&process.lock);
    process.open += change;
    pthread_mutex_unlock(&process.lock);
}
