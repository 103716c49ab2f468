#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/facts.h"
#include "launch/elsewhere.h"
#include "launch/errand.h"
#include "launch/mpirun_words.h"

#define TRIAL_S  60  /* that starting ranks, a message and a map may take */
#define RANKS    2   /* on each node */
#define SENTENCE 200 /* letters */

/* What the trial says: how many nodes its workers were on, and how it went. */
static bool is_well(struct errand *errand, struct list *facts)
{
    struct error why;
    return !errand->late && WIFEXITED(errand->status) && WEXITSTATUS(errand->status) == 0 && errand->said &&
           !facts_read(errand->said, facts, &why);
}

/* What is said of no consequence. */
static const char *const noises[] = {"lacks support for cpu binding"};

/* Of one line, which others may follow. */
static bool is_noise(const char *line)
{
    size_t length = strcspn(line, "\n");
    bool noise = strspn(line, "- \t") >= length;
    for (size_t i = 0; i < sizeof noises / sizeof *noises; i++)
        noise |= memmem(line, length, noises[i], strlen(noises[i])) != NULL;
    return noise;
}

/* Its lines up to an empty one, as one. */
static const char *first_sentence(char *line)
{
    for (char *end = strchr(line, '\n'); end; end = strchr(end, '\n')) {
        *end = '\0';
        if (is_noise(end + 1) || end - line > SENTENCE || end[1] == '-')
            break;
        *end = ' ';
    }
    return line;
}

/* What a rank of ours or mpirun itself wrote first: what follows is about its consequences. */
static const char *first_complaint(struct errand *errand)
{
    static const char word[] = "rankpool-trial: ";
    char *line = errand->wrote, *next, *ours = line ? strstr(line, word) : NULL;
    for (; line && !ours && *line; line = next) {
        next = line + strcspn(line, "\n");
        next += *next == '\n';
        if (!is_noise(line))
            return first_sentence(line);
    }
    return ours ? first_sentence(ours + strlen(word)) : "it ended without a word";
}

/* Ranks that do not find each other are strangers, each a world of its own: so says the library, or Open MPI,
 * which then ends them itself. */
static const char *const strange[] = {"are strangers to each other",
                                      "appears to have been direct launched using \"srun\""};

static bool are_strangers(const struct errand *errand)
{
    bool found = false;
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        found |= errand->wrote && strstr(errand->wrote, strange[i]);
    return found;
}

/* Starts the trial by these words, and says what is wrong with it: NULL: nothing. */
static rp_status try_with(const struct doctor *doctor, struct errand *errand, struct list *facts,
                          const char **wrong, struct error *error)
{
    static const char *const some = "not all nodes had ranks";
    if (errand->arguments.short_of_memory)
        return error_set(error, RP_NO_MEMORY, "no memory to try %d nodes", doctor->count);
    rp_status status = errands_run(errand, 1, 1, TRIAL_S + 5, error);
    if (status)
        return status;
    *wrong = errand->late            ? "it has not ended within a minute"
             : are_strangers(errand) ? "its ranks are strangers to each other, each would do all of the work"
             : !is_well(errand, facts)                         ? first_complaint(errand)
             : facts_number(facts, "hosts", 0) < doctor->count ? some
                                                               : NULL;
    return RP_OK;
}

static void add_well(struct doctor *doctor, const char *check, const struct list *facts)
{
    bool one = facts_number(facts, "workers", 0) == 1;
    findings_add(&doctor->findings, check, FOUND_FINE, NULL, NULL,
                 "a message of 1 MiB to %s%s worker%s on %d node%s and back, in %s ms at most, and a map",
                 one ? "" : "each of ", facts_text(facts, "workers"), one ? "" : "s", doctor->count,
                 doctor->count == 1 ? "" : "s", facts_text(facts, "message_ms"));
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
    if (doctor->means == MEANS_SLURM)
        mpirun_face_batch();
    else
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
    struct list facts = {0};
    const char *wrong;
    rp_status status = try_with(doctor, &errand, &facts, &wrong, error);
    if (!status && wrong)
        findings_add(&doctor->findings, "trial", FOUND_WRONG, NULL,
                     "run it by hand to see all that it says: mpirun --host ... rankpool-trial", "%s", wrong);
    else if (!status)
        add_well(doctor, "trial", &facts);
    list_free(&facts);
    errand_free(&errand);
    return status;
}

/* `mpi` is srun's option, NULL for what is usual on this cluster. */
static void add_srun(const struct doctor *doctor, const char *mpi, struct list *words)
{
    slurm_add_srun(words);
    list_add(words, "--overcommit");
    if (mpi)
        list_add(words, mpi);
    list_addf(words, "--nodes=%d", doctor->count);
    list_addf(words, "--ntasks=%d", RANKS * doctor->count);
    list_addf(words, "--ntasks-per-node=%d", RANKS);
    list_add(words, doctor->trial);
}

static rp_status try_srun(struct doctor *doctor, struct error *error)
{
    struct errand plain = {0}, pmix = {0};
    struct list facts = {0};
    const char *wrong = NULL, *still = NULL;
    if (doctor->means != MEANS_SLURM) {
        findings_add(&doctor->findings, "srun", FOUND_SKIPPED, NULL, NULL, "this is no job of Slurm's");
        return RP_OK;
    }
    add_srun(doctor, NULL, &plain.arguments);
    add_srun(doctor, "--mpi=pmix", &pmix.arguments);
    rp_status status = try_with(doctor, &plain, &facts, &wrong, error);
    if (!status && !wrong)
        add_well(doctor, "srun", &facts);
    if (!status && wrong)
        status = try_with(doctor, &pmix, &facts, &still, error);
    if (!status && wrong)
        findings_add(&doctor->findings, "srun", FOUND_NOTED, NULL,
                     still ? "start programs by rankpool run or mpirun: srun --mpi=pmix does no better"
                           : "start programs by srun --mpi=pmix, rankpool run or mpirun, which do",
                     "what is started by plain srun does not run: %s", wrong);
    list_free(&facts);
    errand_free(&plain);
    errand_free(&pmix);
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
        findings_add(&doctor->findings, "srun", FOUND_SKIPPED, NULL, NULL, "%s", why);
        return RP_OK;
    }
    rp_status status = try_mpirun(doctor, error);
    return status ? status : try_srun(doctor, error);
}
