#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/facts.h"
#include "launch/errand.h"

#define TRIAL_S 60 /* that starting ranks, a message and a map may take */
#define RANKS   2  /* on each node */

/* What the trial says: how many nodes its workers were on, and how it went. */
static bool is_well(struct errand *errand, struct list *facts)
{
    struct error why;
    return !errand->late && WIFEXITED(errand->status) && WEXITSTATUS(errand->status) == 0 && errand->said &&
           !facts_read(errand->said, facts, &why);
}

/* The first line that a rank of ours or mpirun itself wrote: what follows is about its consequences. */
static const char *first_complaint(struct errand *errand)
{
    char *rest = errand->wrote, *line, *first = NULL;
    while (rest && (line = strtok_r(rest, "\n", &rest))) {
        char *ours = strstr(line, "rankpool-trial: ");
        if (ours)
            return ours + strlen("rankpool-trial: ");
        if (!first && line[strspn(line, "- \t")])
            first = line;
    }
    return first ? first : "it ended without a word";
}

/* `wrong` is how bad it is where it does not go well. */
static rp_status try_with(struct doctor *doctor, const char *check, enum verdict wrong, struct errand *errand,
                          const char *mend, struct error *error)
{
    struct list facts = {0};
    if (errand->arguments.short_of_memory)
        return error_set(error, RP_NO_MEMORY, "no memory to try %d nodes", doctor->count);
    rp_status status = errands_run(errand, 1, 1, TRIAL_S + 5, error);
    if (status)
        return status;
    if (!is_well(errand, &facts))
        findings_add(&doctor->findings, check, wrong, NULL, mend, "%s",
                     errand->late ? "it has not ended within a minute" : first_complaint(errand));
    else if (facts_number(&facts, "hosts", 0) < doctor->count)
        findings_add(&doctor->findings, check, wrong, NULL, mend, "ranks ran on %s of %d nodes",
                     facts_text(&facts, "hosts"), doctor->count);
    else
        findings_add(
            &doctor->findings, check, FOUND_FINE, NULL, NULL,
            "a message of 1 MiB to each of %s workers on %d %s and back, in %s ms at most, and a map",
            facts_text(&facts, "workers"), doctor->count, doctor->count == 1 ? "node" : "nodes",
            facts_text(&facts, "message_ms"));
    list_free(&facts);
    return RP_OK;
}

/* Where mpirun sees the batch system's nodes it needs no list. */
static void add_hosts(const struct doctor *doctor, struct list *words)
{
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    for (int i = 0; out && i < doctor->count; i++)
        fprintf(out, "%s%s:%d", i ? "," : "", doctor->node[i].host, RANKS);
    if (!out || fclose(out))
        words->short_of_memory = true;
    list_add(words, "--host");
    list_add(words, line ? line : "");
    free(line);
}

static rp_status try_mpirun(struct doctor *doctor, struct error *error)
{
    struct errand errand = {0};
    struct list *words = &errand.arguments;
    list_add(words, doctor->mpirun);
    list_add(words, "--timeout");
    list_addf(words, "%d", TRIAL_S);
    list_add(words, "-n");
    list_addf(words, "%d", RANKS * doctor->count);
    if (doctor->means != MEANS_SLURM)
        add_hosts(doctor, words);
    list_add(words, "--map-by");
    list_addf(words, "ppr:%d:node", RANKS);
    list_add(words, "--oversubscribe");
    list_add(words, "--bind-to");
    list_add(words, "none");
    list_add(words, doctor->trial);
    /* Whether root may is a check of its own. */
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    rp_status status =
        try_with(doctor, "trial", FOUND_WRONG, &errand,
                 "run it by hand to see all that it says: mpirun --host ... rankpool-trial", error);
    errand_free(&errand);
    return status;
}

/* Ranks that do not find each other under srun are strangers, each a world of its own. */
static rp_status try_srun(struct doctor *doctor, struct error *error)
{
    static const char *const start[] = {
        "srun", "--overlap", "--overcommit", "--cpu-bind=none", "--quiet", "--input=none", NULL};
    struct errand errand = {0};
    struct list *words = &errand.arguments;
    if (doctor->means != MEANS_SLURM) {
        findings_add(&doctor->findings, "srun", FOUND_SKIPPED, NULL, NULL, "this is no job of Slurm's");
        return RP_OK;
    }
    for (const char *const *word = start; *word; word++)
        list_add(words, *word);
    list_addf(words, "--nodes=%d", doctor->count);
    list_addf(words, "--ntasks=%d", RANKS * doctor->count);
    list_addf(words, "--ntasks-per-node=%d", RANKS);
    list_add(words, doctor->trial);
    rp_status status =
        try_with(doctor, "srun", FOUND_NOTED, &errand,
                 "start programs by rankpool run or mpirun, or by srun --mpi=pmix where srun --mpi=list "
                 "has it",
                 error);
    errand_free(&errand);
    return status;
}

rp_status doctor_try(struct doctor *doctor, struct error *error)
{
    const char *why = !*doctor->mpirun                                ? "there is no mpirun"
                      : !doctor_all_answer(doctor)                    ? "not all nodes answer"
                      : access(doctor->trial, X_OK)                   ? "rankpool-trial is not installed"
                      : findings_have(&doctor->findings, FOUND_WRONG) ? "what is wrong above comes first"
                                                                      : NULL;
    if (why) {
        findings_add(&doctor->findings, "trial", FOUND_SKIPPED, NULL, NULL, "%s", why);
        return RP_OK;
    }
    rp_status status = try_mpirun(doctor, error);
    return status ? status : try_srun(doctor, error);
}
