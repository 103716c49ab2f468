#define _GNU_SOURCE
#include "launch/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/elsewhere.h"
#include "launch/errand.h"

#define ABREAST 32 /* nodes that are asked at a time */

/* ---- The command ------------------------------------------------------------------------- */

bool probe_find_command(char *const *environment, char path[PATH_MAX])
{
    const char *places = list_value(environment, "PATH");
    for (places = places ? places : ""; *places; places += *places == ':') {
        size_t length = strcspn(places, ":");
        struct stat about;
        if (*places == '/' && snprintf(path, PATH_MAX, "%.*s/rankpool", (int)length, places) < PATH_MAX &&
            stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0)
            return true;
        places += length;
    }
    snprintf(path, PATH_MAX, "%s/rankpool", RANKPOOL_BINDIR);
    return access(path, X_OK) == 0;
}

/* ---- What is started --------------------------------------------------------------------- */

static void add_offer(const char *host, const struct allocation *allocation,
                      const struct probe_setting *setting, struct list *words)
{
    struct list offer = {0};
    list_add(&offer, setting->command);
    list_add(&offer, "offer");
    list_addf(&offer, "--per=%s", setting->request.per ? setting->request.per : "core");
    list_addf(&offer, "--memory-per-worker=%zu", setting->request.memory_per_worker);
    if (setting->program)
        list_addf(&offer, "--program=%s", setting->program);
    if (!offer.short_of_memory)
        elsewhere_words(allocation->means, setting->mpirun, host, offer.items, words);
    words->short_of_memory |= offer.short_of_memory;
    list_free(&offer);
}

/* ---- What they say ----------------------------------------------------------------------- */

static rp_status refuse(const char *host, struct errand *errand, const struct probe_setting *setting,
                        struct error *error)
{
    int status = WIFEXITED(errand->status) ? WEXITSTATUS(errand->status) : 0;
    const char *line = errand_last_line(errand);
    if (errand->late)
        return error_set(error, RP_LAUNCH, "host %s has not said within %d s what it offers", host,
                         setting->seconds);
    if (status == PROBE_NO_PROGRAM)
        return error_set(
            error, RP_LAUNCH,
            "host %s has no %s: install it there under the same path, or in a folder that all share", host,
            setting->program);
    if (status == 126 || status == 127)
        return error_set(error, RP_LAUNCH,
                         "host %s has no %s: install rankpool there too, or in a folder that all share (%s)",
                         host, setting->command, line);
    return error_set(error, RP_LAUNCH, "host %s does not say what it offers: %s", host,
                     *line ? line : "it ended without a word");
}

static rp_status take(const char *host, struct errand *errand, const struct probe_setting *setting,
                      struct offer *offer, struct error *error)
{
    struct error why;
    rp_status status = errand->said && !errand->late ? offer_read(errand->said, offer, &why) : RP_INVALID;
    if (status == RP_MISMATCH)
        return error_set(error, RP_LAUNCH, "host %s: %s", host, why.text);
    return status ? refuse(host, errand, setting, error) : RP_OK;
}

/* ---- The whole --------------------------------------------------------------------------- */

rp_status probe_nodes(const struct allocation *allocation, const struct probe_setting *setting,
                      struct offer **offers, struct error *error)
{
    const struct hosts *hosts = &allocation->hosts;
    int *of = calloc((size_t)hosts->count, sizeof *of), asked = 0;
    struct errand *errands = calloc((size_t)hosts->count, sizeof *errands);
    struct offer *made = calloc((size_t)hosts->count, sizeof *made);
    rp_status status =
        of && errands && made ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory to ask nodes");
    if (!status && allocation->means == MEANS_BATCH && !*setting->mpirun && !allocation_is_here(allocation))
        status =
            error_set(error, RP_LAUNCH,
                      "there is no mpirun in PATH, by which the nodes of %s are reached: load its module",
                      allocation->source);
    for (int i = 0; i < hosts->count && !status; i++) {
        if (hosts_is_here(hosts->one[i].name)) {
            status = offer_make(&setting->request, &made[i], error);
            continue;
        }
        add_offer(hosts->one[i].name, allocation, setting, &errands[asked].arguments);
        of[asked++] = i;
    }
    if (!status)
        status = errands_run(errands, asked, ABREAST, setting->seconds, error);
    for (int i = 0; i < asked && !status; i++)
        status = take(hosts->one[of[i]].name, &errands[i], setting, &made[of[i]], error);
    for (int i = 0; errands && i < asked; i++)
        errand_free(&errands[i]);
    for (int i = 0; status && made && i < hosts->count; i++)
        offer_free(&made[i]);
    free(of);
    free(errands);
    if (status)
        free(made);
    else
        *offers = made;
    return status;
}
