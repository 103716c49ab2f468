#define _GNU_SOURCE
#include "api/meet.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "func/func.h"
#include "node/node.h"

/* ---- Who they are ------------------------------------------------------------------------ */

#define NODE_SIZE   "RANKPOOL_NODE_SIZE"   /* for tests: so many ranks are a node */
#define NODE_FANOUT "RANKPOOL_NODE_FANOUT" /* none leads more others than that; 0: the manager leads all */

enum { NUMBER_NONE = -1, NUMBER_BAD = -2 }; /* a variable says nothing, or what makes no sense */

static rp_status lack_memory(const struct comm *comm, struct error *error)
{
    return error_set(error, RP_NO_MEMORY, "no memory to meet %d ranks", comm_ranks(comm));
}

/* What each rank tells the others. */
struct hello {
    uint64_t program;  /* module id; 0: it has none */
    uint64_t node;     /* the same on ranks that share memory */
    int64_t node_size; /* what it was told: a number, or NUMBER_NONE or _BAD */
    int64_t fanout;    /* the same */
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

/* FNV-1a, by Fowler, Noll and Vo. */
static uint64_t digest(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* Processes can look at each other where they run on one kernel and count processes alike. */
uint64_t meet_kernel(void)
{
    char node[96], boot[48], space[40];
    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[length > 0 ? length : 0] = '\0';
    snprintf(node, sizeof node, "%s %s", boot, space);
    return digest(node);
}

static int64_t read_number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text || !*text)
        return NUMBER_NONE;
    errno = 0;
    long number = strtol(text, &end, 10);
    return errno || *end || number < 0 || number > INT_MAX ? NUMBER_BAD : number;
}

void meet_name_host(char host[ROSTER_HOST_LENGTH])
{
    if (gethostname(host, ROSTER_HOST_LENGTH))
        strcpy(host, "localhost");
    host[ROSTER_HOST_LENGTH - 1] = '\0';
}

static rp_status name_hosts(struct comm *comm, int rank, char first[], char other[], struct error *error)
{
    meet_name_host(first);
    meet_name_host(other);
    rp_status status = comm_broadcast(comm, 0, first, ROSTER_HOST_LENGTH, error);
    return status ? status : comm_broadcast(comm, rank, other, ROSTER_HOST_LENGTH, error);
}

/* All ranks come to the same answer, since they look at the same table. */
static rp_status compare(struct comm *comm, const struct hello *all, int manager, struct error *error)
{
    char first[ROSTER_HOST_LENGTH], other[ROSTER_HOST_LENGTH];
    int ranks = comm_ranks(comm);
    if (all[manager].node_size == NUMBER_BAD || all[manager].node_size == 0)
        return error_set(error, RP_INVALID, NODE_SIZE " takes a number of ranks, 1 or more");
    if (all[manager].fanout == NUMBER_BAD || all[manager].fanout == 1)
        return error_set(error, RP_INVALID,
                         NODE_FANOUT " takes a number of nodes, 2 or more, or 0: the manager leads all");
    for (int i = 0; i < ranks; i++)
        if (!all[i].program)
            return error_set(
                error, RP_INVALID,
                "the program has no build-id by which its functions are found on other ranks: link it "
                "with -Wl,--build-id");
    for (int i = 1; i < ranks; i++) {
        if (all[i].program == all[0].program)
            continue;
        rp_status status = name_hosts(comm, i, first, other, error);
        return status ? status
                      : error_set(error, RP_MISMATCH,
                                  "rank %d on %s runs another build of the program than rank 0 on %s: "
                                  "install the same file on both",
                                  i, other, first);
    }
    return RP_OK;
}

static uint64_t kernel_of(const struct nodes *nodes, int rank)
{
    return nodes->one[nodes->node[rank]].key;
}

static rp_status find_nodes(struct comm *comm, const struct hello *all, int manager, struct nodes *nodes,
                            struct error *error)
{
    int ranks = comm_ranks(comm), size = (int)all[manager].node_size;
    uint64_t *keys = calloc((size_t)ranks, sizeof *keys);
    if (!keys)
        return lack_memory(comm, error);
    for (int i = 0; i < ranks; i++)
        keys[i] = all[i].node;
    rp_status status = nodes_make(nodes, keys, ranks, manager, size == NUMBER_NONE ? 0 : size, error);
    free(keys);
    return status;
}

static rp_status greet(struct comm *comm, int manager, struct meeting *meeting, struct error *error)
{
    struct hello *all = calloc((size_t)comm_ranks(comm), sizeof *all);
    struct hello mine = {.program = func_program(NULL),
                         .node = meet_kernel(),
                         .node_size = read_number(NODE_SIZE),
                         .fanout = read_number(NODE_FANOUT)};
    rp_status status = all ? comm_all_gather(comm, &mine, sizeof mine, all, error) : lack_memory(comm, error);
    if (!status)
        status = compare(comm, all, manager, error);
    if (!status)
        status = meet_agree(comm, find_nodes(comm, all, manager, &meeting->nodes, error), error);
    if (!status)
        meeting->fanout = all[manager].fanout == NUMBER_NONE ? nodes_fanout(meeting->nodes.count)
                                                             : (int)all[manager].fanout;
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
        return lack_memory(comm, error);
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

/* ---- The rosters ------------------------------------------------------------------------- */

static const struct nodes_one *own_node(const struct comm *comm, const struct nodes *nodes)
{
    return &nodes->one[nodes->node[comm_rank(comm)]];
}

static rp_status create_roster(const struct nodes_one *node, enum memory_kind kind, struct roster *roster,
                               struct memory_handle *handle, struct error *error)
{
    rp_status status = roster_create(roster, node->workers, kind, error);
    if (status)
        return status;
    roster->shared->first = (uint32_t)node->first;
    *handle = memory_handle_of(&roster->memory);
    return RP_OK;
}

/* Those who lead make the rosters, the others attach their own node's. */
static rp_status share_rosters(struct comm *comm, struct meeting *meeting, struct error *error)
{
    const struct nodes_one *node = own_node(comm, &meeting->nodes);
    struct roster *roster = &meeting->roster;
    struct memory_handle handle = {0}, *all = calloc((size_t)comm_ranks(comm), sizeof *all);
    bool leads = node->leader == comm_rank(comm);
    rp_status status = all ? RP_OK : lack_memory(comm, error);
    *roster = (struct roster){0};
    if (!status && leads)
        status = create_roster(node, meeting->memory, roster, &handle, error);
    status = meet_agree(comm, status, error);
    if (!status)
        status = comm_all_gather(comm, &handle, sizeof handle, all, error);
    if (!status && !leads)
        status =
            roster_attach(roster, &all[node->leader], nodes_member(&meeting->nodes, comm_rank(comm)), error);
    status = meet_agree(comm, status, error);
    if (leads && roster->shared)
        memory_forget_name(&roster->memory);
    if (status && roster->shared)
        roster_release(roster);
    free(all);
    return status;
}

/* Memory that not all ranks can attach is exchanged for the other kind. */
static rp_status make_rosters(struct comm *comm, int manager, struct meeting *meeting, struct error *error)
{
    meeting->memory = memory_usual();
    rp_status status = comm_broadcast(comm, manager, &meeting->memory, sizeof meeting->memory, error);
    if (!status)
        status = share_rosters(comm, meeting, error);
    if (status && status != RP_MPI && meeting->memory != MEMORY_POSIX) {
        meeting->memory = MEMORY_POSIX;
        status = share_rosters(comm, meeting, error);
        if (!status)
            error_clear(error);
    }
    return status;
}

/* ---- The crew ---------------------------------------------------------------------------- */

static struct crew *make_crew(const struct nodes *nodes, int self, const struct crew_member *all)
{
    struct crew *crew = crew_new(nodes->ranks);
    if (crew)
        crew->here = nodes->one[0].workers + 1;
    for (int rank = 0; crew && rank < nodes->ranks; rank++) {
        struct crew_member *member = &crew->member[nodes->worker[rank]];
        *member = all[rank];
        member->number = nodes->worker[rank];
        member->visible = kernel_of(nodes, rank) == kernel_of(nodes, self);
    }
    return crew;
}

/* Who leads another node is its first worker as well. */
static void enter_roster(struct roster *roster, const struct crew_member *mine, bool leads_workers)
{
    roster_enter(roster, mine->rank, mine->host, mine->cpus, mine->numa_node);
    if (!leads_workers)
        return;
    struct roster second = *roster;
    second.self = 1;
    roster_enter(&second, mine->rank, mine->host, mine->cpus, mine->numa_node);
}

static rp_status gather_crew(struct comm *comm, struct meeting *meeting, struct error *error)
{
    struct crew_member mine = {.rank = comm_rank(comm), .pid = getpid()};
    struct crew_member *all = calloc((size_t)comm_ranks(comm), sizeof *all);
    meet_name_host(mine.host);
    node_here("", mine.cpus, sizeof mine.cpus, &mine.numa_node);
    enter_roster(&meeting->roster, &mine,
                 own_node(comm, &meeting->nodes)->leader == mine.rank && mine.rank != meeting->nodes.manager);
    rp_status status = meet_agree(comm, all ? RP_OK : lack_memory(comm, error), error);
    if (!status)
        status = comm_all_gather(comm, &mine, sizeof mine, all, error);
    if (!status) {
        meeting->crew = make_crew(&meeting->nodes, comm_rank(comm), all);
        status = meet_agree(comm, meeting->crew ? RP_OK : lack_memory(comm, error), error);
    }
    free(all);
    return status;
}

rp_status meet_ranks(struct comm *comm, int manager, struct meeting *meeting, struct error *error)
{
    *meeting = (struct meeting){0};
    rp_status status = greet(comm, manager, meeting, error);
    if (!status)
        status = make_rosters(comm, manager, meeting, error);
    if (!status) {
        status = gather_crew(comm, meeting, error);
        if (status)
            roster_release(&meeting->roster);
    }
    if (status)
        meet_part(meeting);
    return status;
}

void meet_part(struct meeting *meeting)
{
    nodes_free(&meeting->nodes);
}
