#define _GNU_SOURCE
#include "cli/launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "config/silence.h"
#include "launch/mpirun_words.h"
#include "launch/start.h"

struct starting {
    const struct ground *ground;
    const struct spread *spread;
    int more; /* ranks on each node that no worker is */
    struct mpirun_job job;
    struct list words;
};

/* ---- mpirun ------------------------------------------------------------------------------ */

static void fill_mpirun(struct starting *starting, const char *mpirun)
{
    const char *const words[] = {mpirun, "--bind-to", "none", "--map-by", "slot"};
    bool batch = starting->ground->allocation.means != MEANS_SSH;
    struct launch_far *far = calloc((size_t)starting->spread->count, sizeof *far);
    int count = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        list_add(&starting->words, words[i]);
    for (int i = 0; far && i < starting->spread->count; i++) {
        const struct spread_node *node = &starting->spread->node[i];
        if (!node->workers)
            continue;
        far[count] = (struct launch_far){node->here && !batch ? "localhost" : node->host,
                                         node->workers + starting->more, start_seats(node, starting->more)};
        starting->words.short_of_memory |= !far[count++].seats;
    }
    if (far && !starting->words.short_of_memory)
        mpirun_add_seats(&starting->job, far, count, &starting->words);
    starting->words.short_of_memory |= !far;
    for (int i = 0; i < count; i++)
        free(far[i].seats);
    free(far);
}

static void suggest_number(const char *name, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    setenv(name, text, 0);
}

/* mpirun and its daemons ask each other for signs of life, and end everything where there are none any more:
 * a host that was killed or cut off says nothing by itself. Open MPI 4.1 waits for eight minutes by default.
 * A kernel that still sends something again asks nothing, and takes its own time. */
static rp_status set_silence(struct error *error)
{
    int silence_s;
    rp_status status = silence_read(&silence_s, error);
    if (status)
        return status;
    struct silence_parts parts = silence_divide(silence_s);
    suggest_number("OMPI_MCA_oob_tcp_keepalive_time", parts.idle_s);
    suggest_number("OMPI_MCA_oob_tcp_keepalive_intvl", parts.ask_s);
    suggest_number("OMPI_MCA_oob_tcp_keepalive_probes", parts.questions);
    return RP_OK;
}

/* Words of the user's are kept: only what the plan needs is said, where he has not. */
static rp_status set_mpirun(const struct starting *starting, struct error *error)
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
    if (starting->ground->allocation.means == MEANS_SSH || starting->ground->allocation.means == MEANS_HERE)
        mpirun_forget_batch();
    else
        mpirun_face_batch();
    return starting->spread->count > 1 ? set_silence(error) : RP_OK;
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
    mpirun_add_seat(&starting->job, written ? seats : "", &starting->words);
    free(names);
    free(seats);
}

static void fill_srun(struct starting *starting)
{
    static const char *const words[] = {"srun",
                                        "--mpi=pmix",
                                        "--distribution=arbitrary",
                                        "--overcommit",
                                        "--cpu-bind=none",
                                        "--quiet",
                                        "--kill-on-bad-exit=1",
                                        NULL};
    mpirun_face_batch();
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
        .job = {ground->command, path, arguments, directory, false, environ},
    };
    struct error error = {0};
    if (!*mpirun && ground->allocation.means != MEANS_SLURM) {
        error_set(&error, RP_LAUNCH,
                  "there is no mpirun in PATH: install Open MPI's (Debian: openmpi-bin), or load its module");
    } else if (*mpirun && !set_mpirun(&starting, &error)) {
        fill_mpirun(&starting, mpirun);
    } else if (!*mpirun) {
        fill_srun(&starting);
    }
    if (starting.words.short_of_memory)
        error_set(&error, RP_NO_MEMORY, "no memory to start %s", path);
    else if (!error.status && execvp(starting.words.items[0], starting.words.items))
        error_set(&error, RP_LAUNCH, "%s could not be started: %s", starting.words.items[0], strerror(errno));
    list_free(&starting.words);
    free(directory);
    return command_fail(&error);
}
