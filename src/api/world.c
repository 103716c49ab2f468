#define _GNU_SOURCE
#include "api/world.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/comm.h"
#include "api/meet.h"
#include "api/world_start.h"
#include "base/clock.h"
#include "base/clofork.h"
#include "base/futex.h"
#include "launch/launch.h"
#include "node/node.h"
#include "run/box.h"
#include "run/vigil.h"
#include "run/watch.h"
#include "run/worker.h"

#define LEAVE_S 2.0  /* that running tasks get when the program ends with its pools open */
#define LOOK_S  0.05 /* between looks at workers that should leave */
#define GRACE_S 1    /* that a launcher gets to say why it ends the job */

/* The process has one world, as it has one MPI. */
static struct {
    pthread_mutex_t lock;
    bool entered, worker;
    bool serving;         /* a worker that is not to wait for others when it ends */
    struct error refusal; /* MPI runs, but no pool can be had: said at every open */
    struct world world;
    uint64_t pools;
    int open;
    pid_t pid; /* that runs the exit handlers */
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- Ending ------------------------------------------------------------------------------ */

/* Whether all workers of this node have left in time. One that has died never will; it is told by the
 * kernel. */
static bool workers_leave(struct roster_shared *shared, struct crew *crew, uint64_t deadline)
{
    struct watch *watch = crew ? watch_of(crew) : NULL;
    uint32_t left;
    bool whole = true;
    while (whole && (left = atomic_load(&shared->left)) < shared->members - 1) {
        uint64_t tick = clock_deadline(LOOK_S);
        futex_wait(&shared->left, left, tick < deadline ? tick : deadline);
        whole = clock_ns() < deadline && !(watch && watch_look(watch));
    }
    return whole;
}

/* A child that the program, or a task, forked ends without a word to the other ranks. */
static bool is_forked(void)
{
    return getpid() != process.pid;
}

/* Workers of all nodes leave as soon as their tasks end. If the program ends with pools open, tasks may go
 * on for ever: then it does not wait. True: all have left, and none has died. */
static bool send_home(struct world *world)
{
    uint64_t deadline = process.open ? clock_deadline(LEAVE_S) : CLOCK_NEVER;
    roster_quit(&world->roster);
    if (world->links.road)
        road_quit(world->links.road, false);
    if (!workers_leave(world->roster.shared, world->crew, deadline) ||
        (world->links.road && !road_is_left_whole(world->links.road, deadline)))
        return false;
    if (process.open)
        links_cut(&world->links, true);
    else
        links_close(&world->links);
    return true;
}

/* The launcher ends what is left when some have not been waited for. Nor does it go through MPI's end, which
 * waits for everybody, when somebody has died. */
static void end_manager(void)
{
    struct world *world = &process.world;
    if (!process.worker && !is_forked() && (!world->roster.shared || send_home(world)) &&
        launch_claim_mpirun(world->parent))
        comm_stop();
}

/* Nor does one that leaves in the middle of a task, by exit: what it held would wait with it for the
 * others. */
static void end_worker(void)
{
    if (!is_forked() && !process.serving)
        comm_stop();
}

static void end_orphan(void *state)
{
    (void)state;
    sleep(GRACE_S);
    _exit(1);
}

/* A manager that has said goodbye is in MPI's end, as this process is. */
static void end_leading_orphan(void *fd)
{
    if (!pulse_has_parted((int)(intptr_t)fd))
        end_orphan(NULL);
}

/* The parent that rp_open leaves behind ends workers with their manager; other launchers may not, and
 * nobody ends the workers of a node with its leader: and MPI's end, too, would wait for a manager that
 * has left without it, since somebody died. To the end of the process. */
static void keep_vigil(const struct world *world, bool ours)
{
    const struct links *links = &world->links;
    if (links->leader && links->above.pulse) {
        int fd = fcntl(pulse_fd(links->above.pulse), F_DUPFD_CLOEXEC,
                       0); /* the pulse is closed before the vigil ends */
        clofork_mark(fd);
        vigil_start_on(fd, end_leading_orphan, (void *)(intptr_t)fd);
    }
    if (!links->leader && (!ours || world->nodes > 1))
        vigil_start(world->roster.shared->member[0].pid, end_orphan, NULL);
}

static void say_left(struct roster_shared *shared)
{
    fflush(NULL);
    atomic_fetch_add(&shared->left, 1);
    futex_wake(&shared->left);
}

/* Who is led from here leaves before. */
static bool are_left_below(struct world *world)
{
    struct road *road = world->links.road;
    return !road || road_is_left_whole(road, CLOCK_NEVER);
}

/* Who leads a node is the last to leave it. */
static void lead(struct world *world)
{
    struct roster_shared *shared = world->roster.shared;
    struct crew *crew = crew_of_roster(&world->roster);
    leader_serve(world->links.leader);
    say_left(shared);
    if (!workers_leave(shared, crew, CLOCK_NEVER) || !are_left_below(world))
        atomic_store(&shared->shaken, 1);
    if (!atomic_load(&shared->shaken))
        links_close(&world->links);
}

static _Noreturn void serve(struct world *world, bool ours)
{
    process.worker = true;
    process.serving = true;
    keep_vigil(world, ours);
    if (world->links.leader) {
        lead(world);
    } else {
        worker_serve(&world->roster);
        say_left(world->roster.shared);
    }
    process.serving = atomic_load(&world->roster.shared->shaken);
    end_worker();
    exit(0);
}

_Noreturn void world_lose_worker(const struct roster *roster)
{
    const struct roster_member *member = &roster->shared->member[roster->self];
    unsigned place = roster->self ? (unsigned)roster->self : 1; /* who leads a node works there as member 1 */
    fprintf(stderr,
            "rankpool: a task on worker %u (%s, process %ld) has called MPI_Finalize, which only the program "
            "may: this process ends, and its tasks go to others\n",
            roster->shared->first + place - 1, member->host, (long)member->pid);
    fflush(NULL);
    _exit(1);
}

/* The program calls MPI_Finalize, which waits for the workers, or one of its tasks does. */
static void end_in_finalize(void *kept)
{
    struct world *world = kept;
    if (is_forked() || !world->roster.shared)
        return;
    if (process.serving)
        world_lose_worker(&world->roster);
    if (process.worker || (send_home(world) && launch_claim_mpirun(world->parent)))
        return;
    fprintf(
        stderr,
        "rankpool: MPI_Finalize, in a program that has left MPI to rp_open, would wait for ever for workers "
        "that have died or run tasks: the program ends\n");
    fflush(NULL);
    _exit(1);
}

/* ---- Starting ---------------------------------------------------------------------------- */

rp_status world_check_thread(const char *call, struct error *error)
{
    if (!links_are_anothers())
        return RP_OK;
    return error_set(
        error, RP_INVALID,
        "%s in another thread than the one that opened the first pool over several nodes: that one makes all "
        "calls",
        call);
}

rp_status world_describe(struct world *world, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&world->description, format, arguments);
    va_end(arguments);
    return length < 0 ? RP_NO_MEMORY : RP_OK;
}

rp_status world_be_alone(struct world *world, const char *why)
{
    char host[ROSTER_HOST_LENGTH], cpus[ROSTER_CPUS_LENGTH];
    int numa_node;
    meet_name_host(host);
    node_here("", cpus, sizeof cpus, &numa_node);
    world->alone = true;
    world->crew = crew_alone(host, cpus, numa_node);
    return world->crew ? world_describe(world, "tasks run in this process: %s", why) : RP_NO_MEMORY;
}

rp_status world_meet(struct world *world, struct comm *comm, int manager, bool visits, struct error *error)
{
    struct meeting meeting;
    rp_status status = meet_ranks(comm, manager, &meeting, error);
    if (status)
        return status;
    world->roster = meeting.roster;
    world->memory = meeting.memory;
    world->crew = meeting.crew;
    world->nodes = meeting.nodes.count;
    nodes_plant(&meeting.nodes, visits ? 0 : meeting.fanout);
    status = links_open(&world->links, comm, &meeting, &world->roster, visits, error);
    meet_part(&meeting);
    if (status) {
        roster_release(&world->roster);
        crew_drop(world->crew);
        world->crew = NULL;
    }
    return status;
}

/* MPI runs. */
static rp_status meet_others(struct world *world, const struct launch *launch, struct comm *comm,
                             struct error *error)
{
    struct launch_joined joined;
    int rank = comm_rank(comm), ranks = comm_ranks(comm);
    process.worker = rank > 0;
    process.pid = getpid();
    atexit(process.worker ? end_worker : end_manager);
    comm_keep(comm, world, &(struct comm_keeping){.end = end_in_finalize});
    rp_status status = launch_strangers(launch, ranks, error);
    if (!status)
        status = launch_join(launch, &joined, error);
    if (status)
        return status;
    if (ranks == 1)
        return world_be_alone(world, "the launcher gave one rank");
    status = world_meet(world, comm, 0, false, error);
    if (rank && status)
        exit(0); /* the manager has the same status, and says it */
    if (status)
        return status;
    if (rank)
        serve(world, launch->ours);
    world->ours = launch->ours;
    world->parent = joined.parent;
    if (launch->ours)
        return world_describe(world, "%s", joined.text);
    if (world->nodes > 1)
        return world_describe(world, "%d ranks given by %s on %d nodes: %d worker%s", ranks, launch->launcher,
                              world->nodes, ranks - 1, ranks == 2 ? "" : "s");
    return world_describe(world, "%d ranks given by %s: %d worker%s, and the manager works along in maps",
                          ranks, launch->launcher, ranks - 1, ranks == 2 ? "" : "s");
}

static rp_status join_ranks(struct world *world, const struct launch *launch, const struct options *options,
                            struct error *error)
{
    struct comm *comm;
    if (options->isolate && !(launch->ours && launch->rank == 0)) /* that one has workers */
        box_prepare(NULL); /* should it fail, it is tried again when it is needed */
    rp_status status = comm_start(&comm, error);
    if (status)
        return status;
    status = meet_others(world, launch, comm, error);
    if (status && !error->text[0])
        error_set(error, status, "no memory to open a pool");
    if (status)
        process.refusal = *error;
    return status;
}

static rp_status start(struct world *world, const struct options *options, struct error *error)
{
    struct launch launch;
    rp_status status = launch_detect(NULL, &launch, error);
    if (status)
        return status;
    switch (launch.start) {
    case LAUNCH_ALONE:
        return world_start(&launch, options, error);
    case LAUNCH_RANK:
        return join_ranks(world, &launch, options, error);
    default:
        return world_be_alone(world, launch.reason);
    }
}

rp_status world_enter(const struct options *options, struct world **world, struct error *error)
{
    rp_status status = RP_OK;
    pthread_mutex_lock(&process.lock);
    if (process.refusal.status) {
        *error = process.refusal;
        status = error->status;
    } else if (!process.entered) {
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
    return process.worker || box_is_child();
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
