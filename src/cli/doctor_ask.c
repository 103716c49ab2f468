#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "cli/doctor.h"
#include "cli/facts.h"
#include "launch/elsewhere.h"

#define ABREAST 32 /* nodes that are asked at a time */

void doctor_words(const struct doctor *doctor, const struct doctor_node *node, char *const *command,
                  struct list *words)
{
    if (!hosts_is_here(node->host)) {
        elsewhere_words(doctor->means, doctor->mpirun, node->host, command, words);
        return;
    }
    for (; *command; command++)
        list_add(words, *command);
}

bool doctor_all_answer(const struct doctor *doctor)
{
    for (int i = 0; i < doctor->count; i++)
        if (!doctor->node[i].answers)
            return false;
    return true;
}

/* ---- Why a node does not answer ---------------------------------------------------------- */

/* What ssh says, the surest first. */
static const struct {
    const char *said, *says, *mend;
} complaints[] = {
    {"IDENTIFICATION HAS CHANGED", "its host key is another one than before",
     "if that is right, ssh-keygen -R %h, then ssh %h once by hand"},
    {"Host key verification failed", "its host key is not known here",
     "ssh %h once by hand, or ssh-keyscan %h >> ~/.ssh/known_hosts"},
    {"Permission denied", "ssh cannot log in without a password", "ssh-copy-id %h, or an ssh agent"},
    {"Could not resolve", "no host has this name", "look for a slip in the name, or add it to /etc/hosts"},
    {"not known", "no host has this name", "look for a slip in the name, or add it to /etc/hosts"},
    {"Connection refused", "nothing listens for ssh there", "start sshd there"},
    {"timed out", "it does not answer", "see whether it is up, and whether a firewall drops ssh"},
    {"No route to host", "it does not answer", "see whether it is up, and whether a firewall drops ssh"},
};

enum { COMPLAINTS = sizeof complaints / sizeof *complaints };

/* How to see for oneself, by what reaches the nodes. */
static const char *const by_hand[] = {
    [MEANS_HERE] = "try by hand: ssh %h true; a login script may wait for something",
    [MEANS_SSH] = "try by hand: ssh %h true; a login script may wait for something",
    [MEANS_SLURM] = "try by hand: srun -N1 -n1 -w %h true; scontrol show node %h says what Slurm knows of it",
    [MEANS_BATCH] = "try by hand: mpirun -n 1 --host %h true",
};

/* srun itself ends with another status. */
static bool has_no_command(const char *wrote, int status)
{
    return status == 126 || status == 127 || strstr(wrote, "error: execve(): ");
}

static void complain(struct doctor *doctor, const struct doctor_node *node, struct errand *errand)
{
    const char *wrote = errand->wrote ? errand->wrote : "";
    int status = WIFEXITED(errand->status) ? WEXITSTATUS(errand->status) : 0;
    int known = doctor->means == MEANS_SLURM ? COMPLAINTS : 0; /* srun is no ssh */
    while (known < COMPLAINTS && !strstr(wrote, complaints[known].said))
        known++;
    if (errand->late)
        findings_add(&doctor->findings, "answer", FOUND_WRONG, node->host, by_hand[doctor->means],
                     "has not answered within %d s", doctor->patience_s);
    else if (known < COMPLAINTS)
        findings_add(&doctor->findings, "answer", FOUND_WRONG, node->host, complaints[known].mend, "%s",
                     complaints[known].says);
    else if (has_no_command(wrote, status))
        findings_add(&doctor->findings, "answer", FOUND_WRONG, node->host,
                     "install rankpool there too, or in a folder that all share", "has no %s",
                     doctor->command);
    else
        findings_add(&doctor->findings, "answer", FOUND_WRONG, node->host, by_hand[doctor->means],
                     "does not answer: %s",
                     *errand_last_line(errand) ? errand_last_line(errand) : "it ended without a word");
}

/* ---- Asking ------------------------------------------------------------------------------ */

static void add_words(const struct doctor *doctor, const struct doctor_node *node, struct list *words)
{
    struct list command = {0};
    list_add(&command, doctor->command);
    list_add(&command, "facts");
    list_add(&command, "--listen");
    list_addf(&command, "--per=%s", doctor->request.per ? doctor->request.per : "core");
    list_addf(&command, "--memory-per-worker=%zu", doctor->request.memory_per_worker);
    list_add(&command, doctor->program);
    words->short_of_memory = command.short_of_memory;
    if (!command.short_of_memory)
        doctor_words(doctor, node, command.items, words);
    list_free(&command);
}

static void take(struct doctor *doctor, struct doctor_node *node, struct errand *errand)
{
    struct error why;
    rp_status status =
        errand->said && !errand->late ? facts_read(errand->said, &node->facts, &why) : RP_INVALID;
    node->answers = !status;
    node->from = errand->from;
    node->to = errand->to;
    if (status == RP_MISMATCH)
        findings_add(&doctor->findings, "answer", FOUND_WRONG, node->host, NULL, "%s", why.text);
    else if (status)
        complain(doctor, node, errand);
}

/* Two for each node, which all stay. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

rp_status doctor_ask(struct doctor *doctor, struct error *error)
{
    if (doctor->means == MEANS_BATCH && !*doctor->mpirun)
        return error_set(
            error, RP_LAUNCH,
            "there is no mpirun in PATH, by which the nodes of this job are reached: load its module");
    struct errand *errands = doctor->errands = calloc((size_t)doctor->count, sizeof *errands);
    if (!errands)
        return error_set(error, RP_NO_MEMORY, "no memory to ask %d nodes", doctor->count);
    for (int i = 0; i < doctor->count; i++) {
        errands[i].last = FACTS_END;
        add_words(doctor, &doctor->node[i], &errands[i].arguments);
    }
    allow_descriptors();
    rp_status status = errands_run(errands, doctor->count, ABREAST, doctor->patience_s, error);
    for (int i = 0; i < doctor->count && !status; i++)
        take(doctor, &doctor->node[i], &errands[i]);
    if (!status && doctor_all_answer(doctor))
        findings_add(&doctor->findings, "answer", FOUND_FINE, NULL, NULL, "%d %s without a question",
                     doctor->count, doctor->count == 1 ? "node answers" : "nodes answer");
    return status;
}

void doctor_part(struct doctor *doctor)
{
    if (!doctor->errands)
        return;
    errands_end(doctor->errands, doctor->count);
    for (int i = 0; i < doctor->count; i++)
        errand_free(&doctor->errands[i]);
    free(doctor->errands);
    doctor->errands = NULL;
}
