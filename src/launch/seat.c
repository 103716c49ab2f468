#define _GNU_SOURCE
#include "launch/seat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/handover.h"
#include "launch/list.h"
#include "launch/process.h"

/* ---- Which seat -------------------------------------------------------------------------- */

static int number_of(const char *const *names)
{
    for (; *names; names++)
        if (getenv(*names))
            return atoi(getenv(*names));
    return -1;
}

/* This node's part of the seats: behind its name, where they have names. */
static const char *node_part(const char *seats)
{
    const char *name = getenv("SLURMD_NODENAME");
    size_t length = name ? strlen(name) : 0;
    for (const char *part = seats; strchr(seats, '='); part += *part == '/') {
        if (length && strncmp(part, name, length) == 0 && part[length] == '=')
            return part + length + 1;
        part += strcspn(part, "/");
        if (!*part)
            return NULL;
    }
    return seats;
}

/* The CPUs of the rank; "" for none. */
static bool find_cpus(const char *seats, int place, char *cpus, size_t size)
{
    const char *part = node_part(seats);
    for (int i = 0; part && i < place; i++) {
        part += strcspn(part, ";/");
        part = *part == ';' ? part + 1 : NULL;
    }
    if (!part || place < 0)
        return false;
    return snprintf(cpus, size, "%.*s", (int)strcspn(part, ";/"), part) < (int)size;
}

static rp_status find_seat(const struct seat *seat, struct process *process, cpu_set_t **set,
                           struct error *error)
{
    static const char *const places[] = {"OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID", NULL};
    char cpus[4096];
    *set = NULL;
    if (!find_cpus(seat->seats, number_of(places), cpus, sizeof cpus))
        return error_set(error, RP_INVALID, "rankpool seat: there is no seat for this rank in \"%s\"",
                         seat->seats);
    rp_status status = *cpus ? process_cpus(cpus, set, &process->cpus_size, error) : RP_OK;
    process->cpus = *set;
    return status;
}

/* ---- As the rank's parent ---------------------------------------------------------------- */

static void pass_on_until_its_end(pid_t rank, int *status)
{
    sigset_t all;
    siginfo_t about;
    sigfillset(&all);
    for (;;) {
        int number = sigwaitinfo(&all, &about);
        if (waitpid(rank, status, WNOHANG) == rank)
            return;
        if (number > 0 && number != SIGCHLD)
            kill(rank, number);
    }
}

static void say_end(int status)
{
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", NULL};
    dprintf(1, "\n" SEAT_WORD "%d %d\n", number_of(ranks), status);
}

static int run_as_parent(struct process *process, struct error *error)
{
    struct list environment = {0};
    struct handover *handover = NULL;
    int file = -1, ended = 127 << 8;
    pid_t rank;
    sigset_t all, none;
    struct launch_plan nobody = {0};
    struct list plain = {0};
    for (char **item = environ; *item; item++) {
        list_add(&environment, *item);
        if (!handover_owns(*item))
            list_add(&plain, *item);
    }
    rp_status status =
        plain.items ? handover_make(&nobody, plain.items, &file, &handover, error) : RP_NO_MEMORY;
    handover_add_variable(&environment, file);
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    process->environment = environment.items;
    process->keep = file;
    process->mask = &none;
    process->death_signal = SIGKILL;
    if (!status && environment.short_of_memory)
        status = error_set(error, RP_NO_MEMORY, "no memory to start a rank");
    if (!status)
        status = process_start(process, &rank, error);
    if (!status)
        pass_on_until_its_end(rank, &ended);
    if (status || !atomic_load(&handover->manager_joined))
        say_end(ended);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
}

/* ---- As the rank ------------------------------------------------------------------------- */

static int become(const struct seat *seat, const struct process *process, struct error *error)
{
    if (process->cpus && sched_setaffinity(0, process->cpus_size, process->cpus)) {
        error_set(error, RP_LAUNCH, "CPUs of \"%s\" are not to be had: %s", seat->seats, strerror(errno));
        return 127;
    }
    if (seat->directory && chdir(seat->directory))
        errno = 0;
    execv(seat->path, seat->arguments);
    error_set(error, RP_LAUNCH, "%s could not be started: %s", seat->path, strerror(errno));
    return 127;
}

int seat_take(const struct seat *seat, struct error *error)
{
    struct process process = {.path = seat->path, .arguments = seat->arguments, .directory = seat->directory};
    cpu_set_t *set;
    pid_t parent = getppid(); /* process 1 too, in a container */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || find_seat(seat, &process, &set, error))
        return 127;
    return seat->joins ? run_as_parent(&process, error) : become(seat, &process, error);
}
