#define _GNU_SOURCE
#include "launch/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nameless.h"

static const uint64_t handover_magic = 0x7265766f646e6168; /* "handover" */

static const char *const launchers[] = {"OMPI_", "OPAL_", "PMIX_", "PMI_", "PRTE_", NULL};
static const char *const ours[] = {HANDOVER_VARIABLE "=", NULL};

bool handover_is_launchers(const char *item)
{
    return list_has_prefix(item, launchers);
}

bool handover_owns(const char *item)
{
    return list_has_prefix(item, ours) || handover_is_launchers(item);
}

/* ---- Parent ------------------------------------------------------------------------------ */

static void list_plan(const struct launch_plan *plan, char *const *environment, struct list *strings)
{
    list_add(strings, plan->text ? plan->text : "");
    for (int i = 0; i < plan->ranks; i++)
        list_add(strings, plan->cpus && plan->cpus[i] ? plan->cpus[i] : "");
    for (; *environment; environment++)
        if (**environment)
            list_add(strings, *environment);
}

static struct handover *map_new(size_t size, int *file)
{
    int made = nameless_file();
    if (made < 0)
        return NULL;
    *file = fcntl(made, F_DUPFD_CLOEXEC, 3); /* 0 to 2 may be closed, and are to stay so */
    close(made);
    if (*file < 0 || ftruncate(*file, (off_t)size))
        return NULL;
    struct handover *handover = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *file, 0);
    return handover == MAP_FAILED ? NULL : handover;
}

rp_status handover_make(const struct launch_plan *plan, char *const *environment, int *file,
                        struct handover **handover, struct error *error)
{
    struct list strings = {0};
    list_plan(plan, environment, &strings);
    size_t size = sizeof **handover + 1;
    for (size_t i = 0; i < strings.count; i++)
        size += strlen(strings.items[i]) + 1;

    *file = -1;
    *handover = NULL;
    struct handover *made = strings.short_of_memory ? NULL : map_new(size, file);
    if (made) {
        *made = (struct handover){.magic = handover_magic, .size = size, .ranks = (uint32_t)plan->ranks};
        char *at = made->strings;
        for (size_t i = 0; i < strings.count; i++)
            at = stpcpy(at, strings.items[i]) + 1;
        *handover = made;
    }
    list_free(&strings);
    if (made)
        return RP_OK;
    rp_status status = error_set(error, RP_LAUNCH, "no memory file of %zu bytes for the ranks: %s", size,
                                 strerror(errno ? errno : ENOMEM));
    handover_free(*file, NULL);
    *file = -1;
    return status;
}

void handover_free(int file, struct handover *handover)
{
    if (file >= 0)
        close(file);
    if (handover)
        munmap(handover, handover->size);
}

void handover_add_variable(struct list *environment, int file)
{
    list_addf(environment, HANDOVER_VARIABLE "=%ld:%d", (long)getpid(), file);
}

/* ---- Rank -------------------------------------------------------------------------------- */

bool handover_is_mine(const char *value)
{
    return value && strtol(value, NULL, 10) == (long)getppid();
}

static struct handover *map_named(const char *value, int *file)
{
    const char *number = value ? strchr(value, ':') : NULL;
    *file = number ? atoi(number + 1) : -1;
    struct stat about;
    if (*file < 0 || fstat(*file, &about) || (size_t)about.st_size <= sizeof(struct handover))
        return NULL;
    size_t size = (size_t)about.st_size;
    struct handover *handover = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *file, 0);
    if (handover == MAP_FAILED)
        return NULL;
    if (handover->magic == handover_magic && handover->size == size && !((char *)handover)[size - 1])
        return handover;
    munmap(handover, size);
    return NULL;
}

rp_status handover_open(const char *value, struct handover **handover, struct error *error)
{
    int file;
    struct handover *found = map_named(value, &file);
    if (!found)
        return error_set(error, RP_LAUNCH,
                         "descriptor %d, by which the first process hands over to its ranks, is not what it "
                         "was: the program must not close descriptors above 2 before rp_open",
                         file);
    close(file);
    *handover = found;
    return RP_OK;
}

/* The parent looks whenever it is told of a child. */
void handover_tell_joined(struct handover *handover)
{
    atomic_store(&handover->manager_joined, 1);
    kill(getppid(), SIGCHLD);
}

/* ---- What both say of mpirun ------------------------------------------------------------- */

static bool change_mpirun(struct handover *handover, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong(&handover->mpirun, &from, to);
}

bool handover_holds_mpirun(const struct handover *handover)
{
    return handover && atomic_load(&handover->mpirun) == MPIRUN_HELD;
}

void launch_hold_mpirun(void *parent)
{
    struct handover *handover = parent;
    pid_t group = handover ? atomic_load(&handover->stoppable) : 0;
    if (group && change_mpirun(handover, MPIRUN_RUNS, MPIRUN_HELD))
        kill(-group, SIGSTOP);
}

void launch_release_mpirun(struct handover *parent)
{
    pid_t group = parent ? atomic_load(&parent->stoppable) : 0;
    if (group && change_mpirun(parent, MPIRUN_HELD, MPIRUN_RUNS))
        kill(-group, SIGCONT);
}

bool launch_claim_mpirun(struct handover *parent)
{
    return !parent || change_mpirun(parent, MPIRUN_RUNS, MPIRUN_NEEDED) || !handover_holds_mpirun(parent);
}

/* ---- An environment that was cleared ----------------------------------------------------- */

void handover_heal_environment(void)
{
    size_t size;
    int file;
    char *block = getenv(HANDOVER_VARIABLE) ? NULL : list_read_file("/proc/self/environ", &size);
    if (!block)
        return;
    struct list first = {0};
    list_add_block(&first, block, size);
    const char *value = list_value(first.items, HANDOVER_VARIABLE);
    struct handover *handover = handover_is_mine(value) ? map_named(value, &file) : NULL;
    for (size_t i = 0; handover && i < first.count; i++) {
        if (!handover_owns(first.items[i]))
            continue;
        char *equals = strchr(first.items[i], '=');
        if (!equals)
            continue;
        *equals = '\0';
        setenv(first.items[i], equals + 1, 1);
    }
    if (handover)
        munmap(handover, handover->size);
    list_free(&first);
    free(block);
}
