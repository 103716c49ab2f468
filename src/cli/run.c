#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/launcher.h"
#include "cli/where.h"
#include "launch/launch.h"
#include "launch/start.h"

struct run {
    struct where where;
    bool dry, quiet;
    char **arguments; /* the program's, its name first */
    char path[PATH_MAX];
};

enum { KEY_DRY = 300 };

static const struct argp_option options[] = {
    {"workers", 'n', "N", 0, "so many workers on all nodes together; default: what the nodes offer", 0},
    {"dry-run", KEY_DRY, NULL, 0, "show the plan, and start nothing", 0},
    {"quiet", 'q', NULL, 0, "do not show the plan", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct run *run = state->input;
    char *end;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &run->where;
        return 0;
    case 'n':
        errno = 0;
        long workers = strtol(value, &end, 10);
        if (end == value || *end || errno || workers < 1 || workers > 1 << 22)
            argp_error(state, "-n \"%s\": give a number of workers, 1 or more", value);
        run->where.request.workers = (int)workers;
        return 0;
    case KEY_DRY:
        run->dry = true;
        return 0;
    case 'q':
        run->quiet = true;
        return 0;
    case ARGP_KEY_ARG: /* the rest is the program's */
        run->arguments = state->argv + state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which program?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char about[] =
    "Starts PROG on all nodes of the batch system's job (Slurm, PBS, LSF, Grid Engine, Flux), on the hosts "
    "named, "
    "or on this machine: a worker for each core that they offer, each bound to its own, and a rank more on "
    "each "
    "node, for the manager and for leaders.\v"
    "What PROG calls decides how it starts. One that opens its pools with rp_open runs as a plain program "
    "does, "
    "and its rank 0 here; any other is started by mpirun, or by srun where there is no mpirun. MPI programs "
    "without pools get no ranks but those of the workers.\n\n"
    "Exit status: PROG's; 64 for wrong arguments; 126 or 127 if PROG cannot be started or is not there; 1 if "
    "there "
    "is nothing to run on.\n\n"
    "Environment: RANKPOOL_PER and RANKPOOL_MEMORY_PER_WORKER stand for the options of these names.";

/* ---- The program ------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat about_it;
    return stat(path, &about_it) == 0 && S_ISREG(about_it.st_mode) && access(path, X_OK) == 0;
}

/* As a shell looks for it, with its folder in full. */
static bool find_program(const char *name, char path[PATH_MAX])
{
    const char *places = getenv("PATH");
    if (strchr(name, '/'))
        return realpath(name, path) && is_program(path);
    for (places = places ? places : "/usr/bin:/bin"; *places; places += *places == ':') {
        char candidate[PATH_MAX];
        size_t length = strcspn(places, ":");
        if (snprintf(candidate, PATH_MAX, "%.*s/%s", (int)length, places, name) < PATH_MAX &&
            is_program(candidate) && realpath(candidate, path))
            return true;
        places += length;
    }
    return false;
}

static int refuse_program(const char *name)
{
    bool there = strchr(name, '/') && access(name, F_OK) == 0;
    fprintf(stderr,
            there               ? "rankpool: %s is not a program that can be executed\n"
            : strchr(name, '/') ? "rankpool: there is no program %s\n"
                                : "rankpool: there is no program %s in PATH\n",
            name);
    return there ? 126 : 127;
}

/* ---- Starting ---------------------------------------------------------------------------- */

static void show(const struct run *run, const struct ground *ground, const struct spread *spread,
                 enum callee callee)
{
    static const char *const ranks[] = {
        [CALLEE_MPI] = "no pool: a rank for each worker",
        [CALLEE_MPI_POOL] = "its pools on MPI's communicators: a rank more on each node",
    };
    bool hushed = run->quiet && !run->dry;
    char *text = hushed ? NULL : start_describe(ground, spread, callee == CALLEE_POOL), *rest = text, *line;
    while (text && (line = strtok_r(rest, "\n", &rest)))
        fprintf(stderr, "rankpool: %s\n", line);
    if (text && callee != CALLEE_POOL)
        fprintf(stderr, "rankpool: %s has %s\n", run->arguments[0], ranks[callee]);
    free(text);
}

/* Started by srun or mpirun as ranks, each of them would start all of it. */
static bool is_rank(void)
{
    struct launch launch;
    if (launch_detect(NULL, &launch, NULL) || launch.start != LAUNCH_RANK)
        return false;
    fprintf(stderr,
            "rankpool: rankpool run starts the ranks itself: call it once, not by %s, which has started %s\n",
            launch.launcher, launch.ranks > 1 || launch.rank > 0 ? "several of it" : "it as a rank");
    return true;
}

static int start(struct run *run, const struct ground *ground, const struct spread *spread,
                 const char *mpirun)
{
    struct error error = {0};
    enum callee callee = callee_of(run->path);
    if (callee == CALLEE_POOL && !*mpirun && ground->allocation.means != MEANS_HERE)
        callee = CALLEE_MPI_POOL; /* rp_open starts ranks by mpirun alone */
    show(run, ground, spread, callee);
    if (run->dry)
        return EXIT_SUCCESS;
    if (callee != CALLEE_POOL)
        return launcher_become(ground, spread, mpirun, callee, run->path, run->arguments);
    if (ground_give(ground, &error))
        return command_fail(&error);
    execv(run->path, run->arguments);
    fprintf(stderr, "rankpool: %s could not be started: %s\n", run->path, strerror(errno));
    return 126;
}

int command_run(int count, char **arguments)
{
    static const struct argp_child children[] = {{&where_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options, parse, "[--] PROG [ARGUMENT...]", about, children, NULL, NULL};
    struct run run = {0};
    struct ground ground;
    struct spread spread = {0};
    struct error error;
    char mpirun[PATH_MAX];
    if (where_begin(&run.where, &error))
        return command_fail(&error);
    int ended = command_read(&argp, count, arguments, NULL, &run);
    if (ended >= 0)
        return ended;
    if (is_rank())
        return EX_USAGE;
    if (!find_program(run.arguments[0], run.path))
        return refuse_program(run.arguments[0]);
    run.where.program = run.path;
    if (where_survey(&run.where, &ground, mpirun, &error))
        return command_fail(&error);
    rp_status status = spread_make(&ground.allocation, ground.offers, ground.workers, &spread, &error);
    int ending = status ? command_fail(&error) : start(&run, &ground, &spread, mpirun);
    spread_free(&spread);
    ground_free(&ground);
    return ending;
}
