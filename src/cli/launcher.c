#define _GNU_SOURCE
#include "cli/launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "launch/mpirun_words.h"
#include "launch/start.h"

struct starting {
    const struct ground *ground;
    const struct spread *spread;
    int more; /* ranks on each node that no worker is */
    const char *path;
    char **arguments;
    const char *directory;
    struct list words;
};

/* ---- mpirun ------------------------------------------------------------------------------ */

static void add_node(struct starting *starting, const struct spread_node *node)
{
    bool batch = starting->ground->allocation.means != MEANS_SSH;
    int ranks = node->workers + starting->more;
    char *seats = start_seats(node, starting->more);
    list_add(&starting->words, "--host");
    list_addf(&starting->words, "%s:%d", node->here && !batch ? "localhost" : node->host, ranks);
    list_add(&starting->words, "-n");
    list_addf(&starting->words, "%d", ranks);
    mpirun_add_seat(starting->ground->command, seats ? seats : "", starting->path, starting->arguments,
                    starting->directory, false, &starting->words);
    free(seats);
}

static void fill_mpirun(struct starting *starting, const char *mpirun)
{
    int nodes = 0;
    list_add(&starting->words, mpirun);
    list_add(&starting->words, "--bind-to");
    list_add(&starting->words, "none");
    for (int i = 0; i < starting->spread->count; i++) {
        if (!starting->spread->node[i].workers)
            continue;
        if (nodes++)
            list_add(&starting->words, ":");
        mpirun_add_exports(environ, &starting->words); /* counts up to the next ":" */
        add_node(starting, &starting->spread->node[i]);
    }
}

/* Words of the user's are kept: only what the plan needs is said, where he has not. */
static void set_mpirun(void)
{
    static const char *const told[][2] = {
        {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
        {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
        {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
        {"OMPI_MCA_mpi_yield_when_idle", "1"},
        {"OMPI_MCA_odls_base_num_threads", "0"},
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        setenv(told[i][0], told[i][1], 0);
}

/* ---- srun -------------------------------------------------------------------------------- */

/* A name for each rank, in the order of the plan. */
static void add_srun_places(struct starting *starting)
{
    char *names = NULL, *seats = NULL;
    size_t names_size, seats_size;
    FILE *out = open_memstream(&names, &names_size), *each = open_memstream(&seats, &seats_size);
    int ranks = 0;
    for (int i = 0; out && each && i < starting->spread->count; i++) {
        const struct spread_node *node = &starting->spread->node[i];
        char *its = start_seats(node, starting->more);
        for (int rank = 0; node->workers && rank < node->workers + starting->more; rank++)
            fprintf(out, "%s%s", ranks++ ? "," : "", node->host);
        fprintf(each, "%s%s=%s", i ? "/" : "", node->host, its ? its : "");
        free(its);
    }
    bool written = out && !fclose(out) && each && !fclose(each);
    starting->words.short_of_memory |= !written;
    list_addf(&starting->words, "--nodelist=%s", written ? names : "");
    list_addf(&starting->words, "--ntasks=%d", ranks);
    mpirun_add_seat(starting->ground->command, written ? seats : "", starting->path, starting->arguments,
                    NULL, false, &starting->words);
    free(names);
    free(seats);
}

static void fill_srun(struct starting *starting)
{
    static const char *const words[] = {
        "srun",         "--mpi=pmix",      "--distribution=arbitrary", "--overlap",
        "--overcommit", "--cpu-bind=none", "--kill-on-bad-exit=1",     NULL};
    for (const char *const *word = words; *word; word++)
        list_add(&starting->words, *word);
    add_srun_places(starting);
}

/* ---- Becoming ---------------------------------------------------------------------------- */

int launcher_become(const struct ground *ground, const struct spread *spread, const char *mpirun,
                    enum callee callee, const char *path, char **arguments)
{
    char *directory = getcwd(NULL, 0);
    struct starting starting = {
        .ground = ground,
        .spread = spread,
        .more = callee == CALLEE_MPI_POOL,
        .path = path,
        .arguments = arguments,
        .directory = directory,
    };
    struct error error;
    if (!*mpirun && ground->allocation.means != MEANS_SLURM) {
        error_set(&error, RP_LAUNCH,
                  "there is no mpirun in PATH: install Open MPI's (Debian: openmpi-bin), or load its module");
        return command_fail(&error);
    }
    if (*mpirun) {
        set_mpirun();
        fill_mpirun(&starting, mpirun);
    } else {
        fill_srun(&starting);
    }
    if (starting.words.short_of_memory)
        error_set(&error, RP_NO_MEMORY, "no memory to start %s", path);
    else if (execvp(starting.words.items[0], starting.words.items))
        error_set(&error, RP_LAUNCH, "%s could not be started: %s", starting.words.items[0], strerror(errno));
    list_free(&starting.words);
    free(directory);
    return command_fail(&error);
}
