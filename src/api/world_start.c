#define _GNU_SOURCE
#include "api/world_start.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/comm.h"
#include "board/roster.h"
#include "launch/ground.h"
#include "launch/spread.h"
#include "launch/start.h"

/* The nodes of the batch system's job, or this machine. Other nodes are asked, and start their ranks, by the
 * command: without it there is but this machine. */
static rp_status find_ground(const struct launch *launch, const struct options *options,
                             struct ground *ground, struct error *error)
{
    static char *const none[] = {NULL};
    struct allocation allocation;
    struct probe_setting setting = {
        .mpirun = launch->mpirun,
        .seconds = PROBE_S,
        .request = {options->per, options->workers, options->memory_per_worker},
    };
    char command[PATH_MAX] = "", left[sizeof allocation.left];
    rp_status status = allocation_find(environ ? environ : none, "/proc", &allocation, error);
    if (status)
        return status;
    if (!allocation_is_here(&allocation) && !probe_find_command(environ, command)) {
        snprintf(left, sizeof left,
                 "other nodes of %s are left out: there is no rankpool in PATH to start ranks\n",
                 allocation.source);
        allocation_free(&allocation);
        status = allocation_find(none, "/proc", &allocation, error);
        strcpy(allocation.left, left);
    }
    setting.command = command;
    return status ? status : ground_survey(&allocation, &setting, ground, error);
}

static rp_status want_room(const struct spread *spread, struct error *error)
{
    for (int i = 0; i < spread->count; i++)
        if (spread->node[i].workers > BOARD_WORKERS_MAX)
            return error_set(error, RP_INVALID, "%d workers on one node: no more than %d are possible",
                             spread->node[i].workers, BOARD_WORKERS_MAX);
    return RP_OK;
}

/* What rankpool run was told to do is done; the program may have meant otherwise. */
static void say_overruled(const struct options *options, const struct spread *spread)
{
    if (options->workers && options->workers != spread->workers)
        fprintf(
            stderr,
            "rankpool: %d worker%s asked for (rp_options.workers or RANKPOOL_WORKERS), and the program has "
            "the %d of the plan: rankpool run -n %d plans for so many\n",
            options->workers, options->workers == 1 ? " is" : "s are", spread->workers, options->workers);
}

rp_status world_start(const struct launch *launch, const struct options *options, struct error *error)
{
    struct ground ground;
    struct spread spread = {0};
    if (comm_runs())
        return error_set(
            error, RP_INVALID,
            "rp_open in a program that has called MPI_Init: open the pool with rp_open_comm instead");
    bool given = ground_taken(&ground);
    rp_status status = given ? RP_OK : find_ground(launch, options, &ground, error);
    if (status)
        return status;
    status = spread_make(&ground.allocation, ground.offers, ground.workers, &spread, error);
    if (!status && given)
        say_overruled(options, &spread);
    if (!status)
        status = want_room(&spread, error);
    if (!status)
        status = start_again(launch, &ground, &spread, error);
    spread_free(&spread);
    ground_free(&ground);
    return status;
}
