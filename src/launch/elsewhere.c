#define _GNU_SOURCE
#include "launch/elsewhere.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/mpirun.h"

static void add_all(const char *const *words, struct list *list)
{
    for (; *words; words++)
        list_add(list, *words);
}

static void add_command(char *const *command, struct list *list)
{
    for (; *command; command++)
        list_add(list, *command);
}

/* The shell there reads its words again: each stands between quotes, and a quote of its own between two such
 * parts. */
static char *quote(char *const *command)
{
    size_t size = sizeof "exec";
    for (char *const *word = command; *word; word++)
        size += 4 * strlen(*word) + 3;
    char *line = malloc(size), *at = line;
    if (!line)
        return NULL;
    at = stpcpy(at, "exec");
    for (char *const *word = command; *word; word++) {
        at = stpcpy(at, " '");
        for (const char *letter = *word; *letter; letter++)
            at = *letter == '\'' ? stpcpy(at, "'\\''") : (*at = *letter, at + 1);
        at = stpcpy(at, "'");
    }
    return line;
}

static void add_ssh(const char *mpirun, const char *host, char *const *command, struct list *words)
{
    static const char *const unasked[] = {"-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-x", NULL};
    char *line = quote(command);
    (void)mpirun;
    mpirun_add_agent(environ, words);
    add_all(unasked, words);
    list_add(words, host);
    if (line)
        list_add(words, line);
    else
        words->short_of_memory = true;
    free(line);
}

/* Beside all other steps, of which an interactive one may have all CPUs of the job. Slurm before 20.11 does
 * so by itself, and does not know the option of that, but passes over the variable. */
void slurm_add_srun(struct list *words)
{
    static const char *const srun[] = {"/usr/bin/env", SLURM_OVERLAP,  "srun", "--cpu-bind=none",
                                       "--quiet",      "--input=none", NULL};
    add_all(srun, words);
}

static void add_srun(const char *mpirun, const char *host, char *const *command, struct list *words)
{
    static const char *const step[] = {"--nodes=1", "--ntasks=1", "--mpi=none", NULL};
    (void)mpirun;
    slurm_add_srun(words);
    add_all(step, words);
    list_addf(words, "--nodelist=%s", host);
    add_command(command, words);
}

static void add_mpirun(const char *mpirun, const char *host, char *const *command, struct list *words)
{
    static const char *const one[] = {"-n", "1", "--bind-to", "none", "--host", NULL};
    list_add(words, mpirun);
    add_all(one, words);
    list_add(words, host);
    add_command(command, words);
}

typedef void add(const char *mpirun, const char *host, char *const *command, struct list *words);

static add *const adds[] = {
    [MEANS_HERE] = add_ssh, [MEANS_SSH] = add_ssh, [MEANS_SLURM] = add_srun, [MEANS_BATCH] = add_mpirun};

void elsewhere_words(enum means means, const char *mpirun, const char *host, char *const *command,
                     struct list *words)
{
    adds[means](mpirun, host, command, words);
}
