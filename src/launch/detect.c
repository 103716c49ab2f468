#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/allocation_batch.h"
#include "launch/handover.h"
#include "launch/launch.h"
#include "launch/list.h"

/* How launchers name a process's rank and the number of ranks, the surest name first. A batch
 * script has Slurm's rank too, which therefore counts only in a step of several tasks, and not in a shell
 * that the first of these is. */
static const struct launcher {
    const char *name;
    const char *rank;
    const char *ranks[2];
    const char *step; /* must be a number, and more than one rank known; NULL: no such condition */
    bool shell;       /* a shell of srun --pty has it too */
} launchers[] = {
    {"Open MPI's mpirun", "OMPI_COMM_WORLD_RANK", {"OMPI_COMM_WORLD_SIZE"}, NULL, false},
    {"Flux", "FLUX_TASK_RANK", {"FLUX_JOB_SIZE"}, NULL, false},
    {"PALS", "PALS_RANKID", {"PALS_SIZE", "PMI_SIZE"}, NULL, false},
    {"Slurm's srun", "SLURM_PROCID", {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}, "SLURM_STEP_ID", true},
    {"a PMI launcher", "PMI_RANK", {"PMI_SIZE"}, NULL, true},
    {"a PMIx launcher", "PMIX_RANK", {"PMI_SIZE"}, NULL, true},
};

/* The variable as a number of at least 0; -1 where it is not one. */
static int number_of(char *const *environment, const char *name)
{
    const char *text = name ? list_value(environment, name) : NULL;
    if (!text || *text < '0' || *text > '9')
        return -1;
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    return *end || errno || value > INT_MAX ? -1 : (int)value;
}

/* Where PMI or PMIx is Slurm's default, srun gives its shell their variables too, with its own numbers. Those
 * of a launcher that the shell has started are others. */
static bool is_shells(const struct launch_world *world, int rank, int ranks)
{
    char *const *environment = world->environment;
    int tasks = number_of(environment, "SLURM_STEP_NUM_TASKS");
    if (tasks < 0)
        tasks = number_of(environment, "SLURM_NTASKS");
    return rank == number_of(environment, "SLURM_PROCID") && (ranks < 0 || ranks == tasks) &&
           batch_is_shell(environment, world->proc);
}

static bool launcher_seen(const struct launcher *launcher, const struct launch_world *world,
                          struct launch *launch)
{
    char *const *environment = world->environment;
    int rank = number_of(environment, launcher->rank);
    int ranks = number_of(environment, launcher->ranks[0]);
    if (ranks < 0)
        ranks = number_of(environment, launcher->ranks[1]);
    if (launcher->shell && is_shells(world, rank, ranks))
        return false;
    if (rank < 0 || (launcher->step && (number_of(environment, launcher->step) < 0 || ranks < 2)))
        return false;
    if (launch->start != LAUNCH_RANK)
        *launch =
            (struct launch){.start = LAUNCH_RANK, .rank = rank, .ranks = -1, .launcher = launcher->name};
    if (launch->ranks < 0)
        launch->ranks = ranks;
    return true;
}

/* ---- Alone: inline, or again ------------------------------------------------------------- */

static bool inline_because(struct launch *launch, const char *reason)
{
    launch->start = LAUNCH_INLINE;
    snprintf(launch->reason, sizeof launch->reason, "%s", reason);
    return true;
}

static bool traced(const char *proc, struct launch *launch)
{
    char path[PATH_MAX];
    size_t size;
    snprintf(path, sizeof path, "%s/self/status", proc);
    char *status = list_read_file(path, &size);
    const char *line = status ? strstr(status, "\nTracerPid:") : NULL;
    long tracer = line ? strtol(line + strlen("\nTracerPid:"), NULL, 10) : 0;
    free(status);
    if (tracer == 0)
        return false;
    char reason[64];
    snprintf(reason, sizeof reason, "traced by process %ld, a debugger", tracer);
    return inline_because(launch, reason);
}

/* Valgrind keeps LD_PRELOAD from what it runs only in part; its preloaded library is mapped. */
static bool under_valgrind(const char *proc, struct launch *launch)
{
    char path[PATH_MAX];
    size_t size;
    snprintf(path, sizeof path, "%s/self/maps", proc);
    char *maps = list_read_file(path, &size);
    bool found = maps && strstr(maps, "/vgpreload_");
    free(maps);
    return found && inline_because(launch, "run by valgrind");
}

static bool program_at(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

/* With its folder in full: mpirun is executed in another one. */
static bool mpirun_in(const char *folder, size_t length, char path[PATH_MAX])
{
    char here[PATH_MAX] = "";
    if ((length == 0 || *folder != '/') && !getcwd(here, sizeof here))
        return false;
    int written = snprintf(path, PATH_MAX, "%s%s%.*s%smpirun", here, *here ? "/" : "", (int)length, folder,
                           length ? "/" : "");
    return written < PATH_MAX && program_at(path);
}

bool launch_find_mpirun(char *const *environment, char path[PATH_MAX])
{
    char usual[256] = "";
    const char *set = list_value(environment, "PATH"), *places = set ? set : usual;
    if (!set && confstr(_CS_PATH, usual, sizeof usual) > sizeof usual)
        usual[0] = '\0';
    for (; *places; places += *places == ':') {
        size_t length = strcspn(places, ":");
        if (mpirun_in(places, length, path))
            return true;
        places += length;
    }
    *path = '\0';
    return false;
}

enum wish { WISH_AUTO, WISH_MPIRUN, WISH_INLINE, WISHES };
static const char *const wishes[WISHES] = {"auto", "mpirun", "inline"};

static rp_status read_wish(char *const *environment, enum wish *wish, struct error *error)
{
    const char *text = list_value(environment, "RANKPOOL_LAUNCH");
    *wish = WISH_AUTO;
    if (!text || !*text)
        return RP_OK;
    for (*wish = WISH_AUTO; *wish < WISHES; ++*wish)
        if (strcmp(text, wishes[*wish]) == 0)
            return RP_OK;
    return error_set(error, RP_INVALID,
                     "RANKPOOL_LAUNCH is \"%s\"; it must be \"auto\" (start the program again under mpirun "
                     "where that is possible), \"mpirun\" (do so in any case) or \"inline\" (run tasks in "
                     "this process)",
                     text);
}

static rp_status detect_alone(const struct launch_world *world, enum wish wish, struct launch *launch,
                              struct error *error)
{
    if (wish == WISH_INLINE && inline_because(launch, "RANKPOOL_LAUNCH is \"inline\""))
        return RP_OK;
    if (wish == WISH_AUTO && (traced(world->proc, launch) || under_valgrind(world->proc, launch)))
        return RP_OK;
    if (launch_find_mpirun(world->environment, launch->mpirun))
        return RP_OK;
    if (wish == WISH_AUTO && inline_because(launch, "no mpirun in PATH"))
        return RP_OK;
    return error_set(error, RP_LAUNCH,
                     "RANKPOOL_LAUNCH is \"mpirun\", but there is no mpirun in PATH: install Open MPI's "
                     "(Debian: openmpi-bin), load its module, or set RANKPOOL_LAUNCH=inline");
}

/* ---- The public part --------------------------------------------------------------------- */

rp_status launch_detect(const struct launch_world *given, struct launch *launch, struct error *error)
{
    if (!given)
        handover_heal_environment();
    static char *const none[] = {NULL};
    struct launch_world world = given ? *given : (struct launch_world){environ ? environ : none, "/proc"};
    enum wish wish;
    rp_status status = read_wish(world.environment, &wish, error);
    if (status)
        return status;

    struct launch found = {.start = LAUNCH_ALONE, .rank = -1, .ranks = -1, .launcher = ""};
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        launcher_seen(&launchers[i], &world, &found);
    if (found.start == LAUNCH_RANK)
        found.ours = handover_is_mine(list_value(world.environment, HANDOVER_VARIABLE));
    else
        status = detect_alone(&world, wish, &found, error);
    if (!status)
        *launch = found;
    return status;
}

rp_status launch_strangers(const struct launch *launch, int world_size, struct error *error)
{
    bool alone_of_several = world_size == 1 && (launch->ranks > 1 || launch->rank > 0);
    if (launch->start != LAUNCH_RANK || !alone_of_several)
        return RP_OK;
    char several[32] = "several";
    if (launch->ranks > 1)
        snprintf(several, sizeof several, "%d", launch->ranks);
    return error_set(error, RP_LAUNCH,
                     "%s started %s processes, but MPI knows of one: they are strangers to each other, and "
                     "each would do all of the work. Start them with the mpirun of the MPI that this program "
                     "is linked with, or, under Slurm, with a PMI that this MPI knows (srun --mpi=pmix; "
                     "srun --mpi=list names those there are)",
                     launch->launcher, several);
}
