#define _GNU_SOURCE
#include "board/board.h"

#include <stdio.h>
#include <string.h>

#define MAGIC        UINT64_C(0x626f617264303031)
#define PAGE         UINT64_C(4096)
#define LEAST_REACH  ((size_t)64 << 20)
#define POSIX_ARENA  ((size_t)16 << 20)
#define POSIX_REGION ((size_t)2 << 20)
#define ALL_REGIONS  ((size_t)16 << 40) /* address space that the regions of all workers may take */

static uint64_t paged(uint64_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

static struct board_shared plan_layout(uint32_t members, size_t arena, size_t region)
{
    struct board_shared plan = {.members = members, .arena_size = paged(arena), .region_size = paged(region)};
    plan.posts = paged(sizeof plan);
    plan.order = paged(plan.posts + BOARD_POSTS * sizeof(struct post));
    plan.slots = paged(plan.order + BOARD_POSTS * sizeof(uint64_t));
    plan.notes = paged(plan.slots + members * sizeof(struct slot));
    plan.queues = paged(plan.notes + members * OUTBOX_NOTES * sizeof(struct note));
    plan.arena = paged(plan.queues + BOARD_QUEUES * sizeof(struct board_queue));
    return plan;
}

static size_t whole_size(const struct board_shared *plan)
{
    return plan->arena + plan->arena_size + (plan->members - 1) * plan->region_size;
}

static void find_parts(struct board *board)
{
    struct board_shared *shared = board->shared;
    board->post = board_at(board, shared->posts);
    board->order = board_at(board, shared->order);
    board->slot = board_at(board, shared->slots);
    board->notes = board_at(board, shared->notes);
    board->queue = board_at(board, shared->queues);
}

static rp_status create_memory(struct board_shared *plan, enum memory_kind kind, uint32_t members,
                               struct memory *memory, struct error *error)
{
    size_t reach = memory_reach();
    for (;;) {
        size_t share = ALL_REGIONS / members;
        if (kind != MEMORY_MEMFD)
            *plan = plan_layout(members, POSIX_ARENA, POSIX_REGION);
        else
            *plan = plan_layout(members, reach, reach < share ? reach : share);
        rp_status status = memory_create(kind, whole_size(plan), memory, error);
        if (!status || kind != MEMORY_MEMFD || reach / 2 < LEAST_REACH)
            return status;
        reach /= 2; /* the address space is short: a smaller board will do */
    }
}

rp_status board_create(struct board *board, struct roster *roster, uint64_t id, enum memory_kind kind,
                       struct error *error)
{
    struct board_shared plan;
    struct memory memory;
    rp_status status = create_memory(&plan, kind, roster->shared->members, &memory, error);
    if (status)
        return status;
    plan.id = id;
    plan.magic = MAGIC;
    memcpy(memory.base, &plan, sizeof plan);
    *board = (struct board){.shared = memory.base, .memory = memory, .roster = roster};
    find_parts(board);
    board_see_as(board, roster->self);
    return RP_OK;
}

rp_status board_attach(struct board *board, struct roster *roster, uint64_t id,
                       const struct memory_handle *handle, struct error *error)
{
    struct memory memory;
    rp_status status = memory_attach(handle, &memory, error);
    if (status)
        return status;
    struct board_shared *shared = memory.base;
    /* The descriptor's number may belong to something else by now. */
    if (memory.size < sizeof *shared || shared->magic != MAGIC || shared->id != id) {
        memory_release(&memory);
        return error_set(error, RP_CLOSED, "the board of pool %llu is gone", (unsigned long long)id);
    }
    *board = (struct board){.shared = shared, .memory = memory, .roster = roster};
    find_parts(board);
    board_see_as(board, roster->self);
    return RP_OK;
}

void board_release(struct board *board)
{
    memory_release(&board->memory);
    board->shared = NULL;
}

void board_see_for(struct board *board, int first, int end, struct slot *own)
{
    board->self = first;
    board->self_end = end;
    board->own = own;
}

void board_see_as(struct board *board, int member)
{
    board_see_for(board, member, member + 1, &board->slot[member]);
}

uint64_t board_region(const struct board *board, int member)
{
    const struct board_shared *shared = board->shared;
    return shared->arena + shared->arena_size + (uint64_t)(member - 1) * shared->region_size;
}

rp_status board_add_module(struct board *board, uint64_t id, const char *path, struct error *error)
{
    struct board_shared *shared = board->shared;
    uint32_t count = atomic_load(&shared->modules);
    for (uint32_t i = 0; i < count; i++)
        if (shared->module[i].id == id)
            return RP_OK;
    if (count == BOARD_MODULES)
        return error_set(error, RP_UNSUPPORTED, "functions of more than %d modules in one pool",
                         BOARD_MODULES);
    if (strlen(path) >= BOARD_PATH)
        return error_set(error, RP_UNSUPPORTED, "the path of the module %s is longer than %d bytes", path,
                         BOARD_PATH - 1);
    shared->module[count].id = id;
    strcpy(shared->module[count].path, path);
    atomic_store(&shared->modules, count + 1);
    return RP_OK;
}

const char *board_find_module(const struct board *board, uint64_t id)
{
    const struct board_shared *shared = board->shared;
    uint32_t count = atomic_load(&shared->modules);
    for (uint32_t i = 0; i < count; i++)
        if (shared->module[i].id == id)
            return shared->module[i].path;
    return NULL;
}

void board_break(struct board *board, const char *why)
{
    uint32_t whole = 0;
    if (atomic_compare_exchange_strong(&board->shared->broken, &whole, 1)) {
        snprintf(board->shared->why, sizeof board->shared->why, "%s", why);
        atomic_store(&board->shared->broken, 2);
    }
}

void board_mend_break(struct board *board)
{
    uint32_t begun = 1;
    if (atomic_load(&board->shared->broken) != begun)
        return;
    snprintf(board->shared->why, sizeof board->shared->why, "an initializer failed, and its worker died");
    atomic_compare_exchange_strong(&board->shared->broken, &begun, 2);
}
