#define _GNU_SOURCE
#include "api/meet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "func/func.h"
#include "node/node.h"

/* ---- Who they are ------------------------------------------------------------------------ */

/* What each rank tells the others. */
struct hello {
    uint64_t program; /* module id; 0: it has none */
    char node[96];    /* the same on ranks that share memory */
    char host[ROSTER_HOST_LENGTH];
};

static void read_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file || !fgets(text, (int)size, file))
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* Processes can look at each other where they run on one kernel and count processes alike. */
static void name_node(char *node, size_t size)
{
    char boot[48], space[40];
    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[length > 0 ? length : 0] = '\0';
    snprintf(node, size, "%s %s", boot, space);
}

void meet_name_host(char host[ROSTER_HOST_LENGTH])
{
    if (gethostname(host, ROSTER_HOST_LENGTH))
        strcpy(host, "localhost");
    host[ROSTER_HOST_LENGTH - 1] = '\0';
}

/* All ranks come to the same answer, since they look at the same table. */
static rp_status compare(const struct hello *all, int ranks, struct error *error)
{
    for (int i = 0; i < ranks; i++)
        if (!all[i].program)
            return error_set(
                error, RP_INVALID,
                "the program has no build-id by which its functions are found on other ranks: link it "
                "with -Wl,--build-id");
    for (int i = 1; i < ranks; i++)
        if (all[i].program != all[0].program)
            return error_set(
                error, RP_MISMATCH,
                "rank %d on %s runs another build of the program than rank 0 on %s: install the same "
                "file on both",
                i, all[i].host, all[0].host);
    for (int i = 1; i < ranks; i++)
        if (strcmp(all[i].node, all[0].node))
            return error_set(
                error, RP_UNSUPPORTED,
                "rank 0 runs on %s and rank %d on %s: this version uses one node, start all ranks there",
                all[0].host, i, all[i].host);
    return RP_OK;
}

static rp_status greet(struct comm *comm, struct error *error)
{
    struct hello mine = {0}, *all = calloc((size_t)comm_ranks(comm), sizeof *all);
    mine.program = func_program(NULL);
    name_node(mine.node, sizeof mine.node);
    meet_name_host(mine.host);
    rp_status status = all ? comm_all_gather(comm, &mine, sizeof mine, all, error)
                           : error_set(error, RP_NO_MEMORY, "no memory to meet %d ranks", comm_ranks(comm));
    if (!status)
        status = compare(all, comm_ranks(comm), error);
    free(all);
    return status;
}

/* ---- Agreeing ---------------------------------------------------------------------------- */

/* The lowest rank that failed tells the others why. */
rp_status meet_agree(struct comm *comm, rp_status mine, struct error *error)
{
    int ranks = comm_ranks(comm), from = 0;
    rp_status *all = calloc((size_t)ranks, sizeof *all);
    if (!all)
        return error_set(error, RP_NO_MEMORY, "no memory to meet %d ranks", ranks);
    rp_status status = comm_all_gather(comm, &mine, sizeof mine, all, error), worst;
    while (!status && from < ranks - 1 && !all[from])
        from++;
    worst = all[from];
    free(all);
    if (status || !worst)
        return status;
    struct error why = {.status = worst};
    if (from == comm_rank(comm))
        why = *error;
    status = comm_broadcast(comm, from, &why, sizeof why, error);
    return status ? status : error_set(error, worst, "%s", why.text[0] ? why.text : rp_strerror(worst));
}

/* ---- The roster -------------------------------------------------------------------------- */

static int member_of(int rank, int manager)
{
    return rank == manager ? 0 : rank < manager ? rank + 1 : rank;
}

static rp_status share_roster(struct comm *comm, int manager, struct roster *roster, enum memory_kind kind,
                              struct error *error)
{
    struct memory_handle handle = {0};
    rp_status status = RP_OK;
    int rank = comm_rank(comm);
    *roster = (struct roster){0};
    if (rank == manager) {
        status = roster_create(roster, comm_ranks(comm) - 1, kind, error);
        if (!status)
            handle = memory_handle_of(&roster->memory);
    }
    rp_status told = comm_broadcast(comm, manager, &handle, sizeof handle, error);
    if (told)
        status = told;
    else if (rank != manager && handle.size)
        status = roster_attach(roster, &handle, member_of(rank, manager), error);
    status = meet_agree(comm, status, error);
    if (rank == manager && roster->shared)
        memory_forget_name(&roster->memory);
    if (status && roster->shared)
        roster_release(roster);
    return status;
}

/* Memory that not all ranks can attach is exchanged for the other kind. */
static rp_status make_roster(struct comm *comm, int manager, struct roster *roster, enum memory_kind *memory,
                             struct error *error)
{
    *memory = memory_usual();
    rp_status status = comm_broadcast(comm, manager, memory, sizeof *memory, error);
    if (!status)
        status = share_roster(comm, manager, roster, *memory, error);
    if (status && status != RP_MPI && *memory != MEMORY_POSIX) {
        *memory = MEMORY_POSIX;
        status = share_roster(comm, manager, roster, *memory, error);
        if (!status)
            error_clear(error);
    }
    return status;
}

rp_status meet_ranks(struct comm *comm, int manager, struct roster *roster, enum memory_kind *memory,
                     struct error *error)
{
    char host[ROSTER_HOST_LENGTH], cpus[ROSTER_CPUS_LENGTH];
    int numa_node;
    rp_status status = greet(comm, error);
    if (!status)
        status = make_roster(comm, manager, roster, memory, error);
    if (status)
        return status;
    meet_name_host(host);
    node_here("", cpus, sizeof cpus, &numa_node);
    roster_enter(roster, comm_rank(comm), host, cpus, numa_node);
    status = meet_agree(comm, RP_OK, error);
    if (status)
        roster_release(roster);
    return status;
}
