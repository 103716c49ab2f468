#include "run/holding.h"

#include <stdlib.h>
#include <string.h>

#include "board/share.h"
#include "run/road.h"

#define GIVEN_UP_MOST ((size_t)16 << 20) /* bytes that are left to themselves */

struct holding {
    struct holding *behind;
    char *memory;    /* in this process */
    uint64_t offset; /* on the board; 0 alone */
    size_t size;
    rp_share_id share; /* 0: an allocation */
    bool given_up;
    uint64_t given_up_at; /* posts made before may still read it */
    unsigned pins;        /* others that do */
};

static struct holding *take(struct manager *manager, size_t size)
{
    struct holding *holding = calloc(1, sizeof *holding);
    if (!holding || size > SIZE_MAX / 2)
        goto fail;
    if (manager_is_alone(manager)) {
        holding->memory = aligned_alloc(ARENA_ALIGN, (size / ARENA_ALIGN + 1) * ARENA_ALIGN);
        if (!holding->memory)
            goto fail;
    } else {
        holding->offset = arena_take(&manager->arena, size);
        if (holding->offset == ARENA_NONE)
            goto fail;
        holding->memory = board_at(&manager->board, holding->offset);
    }
    holding->size = size;
    holding->behind = manager->holdings;
    manager->holdings = holding;
    return holding;
fail:
    free(holding);
    return NULL;
}

static void release(struct manager *manager, struct holding *holding)
{
    if (manager_is_alone(manager))
        free(holding->memory);
    else
        arena_give(&manager->arena, holding->offset, holding->size);
    free(holding);
}

static uint64_t oldest_post(const struct manager *manager)
{
    uint64_t oldest = UINT64_MAX;
    for (int i = 0; !manager_is_alone(manager) && i < BOARD_POSTS; i++)
        if (manager->postings[i].ops && manager->postings[i].serial < oldest)
            oldest = manager->postings[i].serial;
    return oldest;
}

/* Who gives up memory faster than its bytes leave for other nodes waits for them, but for no node that nobody
 * serves: that one's keep their memory. Who is led itself does not wait: who leads it waits for it. */
static void give_up(struct manager *manager, struct holding *holding, uint64_t posts, size_t most)
{
    holding->given_up = true;
    holding->given_up_at = posts;
    manager->given_up++;
    manager->given_up_bytes += holding->size;
    holding_sweep(manager);
    if (manager->given_up_bytes <= most || manager->setup.outlying)
        return;
    road_await_taken(manager);
    holding_sweep(manager);
}

/* What a node takes late, or never, holds back that alone which it was sent. */
void holding_sweep(struct manager *manager)
{
    if (!manager->given_up)
        return;
    uint64_t oldest = oldest_post(manager);
    for (struct holding **link = &manager->holdings; *link;) {
        struct holding *holding = *link;
        if (!holding->given_up || holding->given_up_at >= oldest || holding->pins) {
            link = &holding->behind;
            continue;
        }
        *link = holding->behind;
        manager->given_up--;
        manager->given_up_bytes -= holding->size;
        release(manager, holding);
    }
}

void holding_fini(struct manager *manager)
{
    while (manager->holdings) {
        struct holding *holding = manager->holdings;
        manager->holdings = holding->behind;
        release(manager, holding);
    }
}

struct holding *holding_pin(struct manager *manager, const void *memory)
{
    struct holding *holding = manager->holdings;
    const char *at = memory;
    while (holding && (at < holding->memory || at >= holding->memory + holding->size))
        holding = holding->behind;
    if (holding)
        holding->pins++;
    return holding;
}

void holding_unpin(struct manager *manager, struct holding *holding)
{
    if (holding && --holding->pins == 0 && holding->given_up)
        holding_sweep(manager);
}

bool holding_is_read(const struct holding *holding)
{
    return holding->pins > 1;
}

/* ---- What is in common ------------------------------------------------------------------- */

uint64_t holding_common(struct manager *manager, const void *data, size_t size)
{
    struct holding *holding = take(manager, size);
    if (!holding)
        return 0;
    if (data)
        memcpy(holding->memory, data, size);
    return holding->offset;
}

/* The next one that is as large has to wait if this one does not leave. */
void holding_end_common(struct manager *manager, uint64_t map, uint64_t offset)
{
    struct holding *holding = manager->holdings;
    while (holding->offset != offset)
        holding = holding->behind;
    if (manager->agents)
        road_forget(manager, map, holding->memory);
    give_up(manager, holding, 0, GIVEN_UP_MOST + holding->size);
}

/* ---- Shares ------------------------------------------------------------------------------ */

rp_status holding_share(struct manager *manager, const void *data, size_t size, rp_share_id *id,
                        struct error *error)
{
    struct holding *holding = size < SIZE_MAX / 2 ? take(manager, sizeof(struct share_head) + size) : NULL;
    if (!holding)
        return error_set(error, RP_NO_MEMORY, "no memory to share %zu bytes", size);
    struct share_head *head = (struct share_head *)holding->memory;
    if (size)
        memcpy(head + 1, data, size);
    head->size = size;
    manager->shares_made++;
    holding->share = manager_is_alone(manager) ? manager->shares_made
                                               : share_number(manager->shares_made, holding->offset);
    atomic_store(&head->magic, SHARE_MAGIC ^ holding->share);
    *id = holding->share;
    if (manager->agents)
        road_share(manager, *id, head + 1, size);
    return RP_OK;
}

static struct holding *find_share(const struct manager *manager, rp_share_id id)
{
    for (struct holding *holding = manager->holdings; id && holding; holding = holding->behind)
        if (holding->share == id && !holding->given_up)
            return holding;
    return NULL;
}

void *holding_take_share(struct manager *manager, rp_share_id id, size_t size)
{
    struct holding *before = find_share(manager, id);
    struct holding *holding = size < SIZE_MAX / 2 ? take(manager, sizeof(struct share_head) + size) : NULL;
    if (!holding)
        return NULL;
    if (before)
        before->share = 0;
    struct share_head *head = (struct share_head *)holding->memory;
    atomic_store(&head->magic, 0);
    head->size = size;
    holding->share = id;
    return head + 1;
}

bool holding_show_share(struct manager *manager, rp_share_id id)
{
    struct holding *holding = find_share(manager, id);
    if (!holding || !share_list(&manager->board, &manager->arena, id, holding->offset))
        return false;
    atomic_store(&((struct share_head *)holding->memory)->magic, SHARE_MAGIC ^ id);
    return true;
}

static void drop(struct manager *manager, const char *memory)
{
    struct holding **link = &manager->holdings;
    while (*link && (*link)->memory != memory)
        link = &(*link)->behind;
    struct holding *holding = *link;
    if (!holding)
        return;
    *link = holding->behind;
    release(manager, holding);
}

void holding_drop_share(struct manager *manager, const void *place)
{
    drop(manager, (const char *)place - sizeof(struct share_head));
}

void holding_drop_common(struct manager *manager, uint64_t offset)
{
    drop(manager, board_at(&manager->board, offset));
}

rp_status holding_unshare(struct manager *manager, rp_share_id id, struct error *error)
{
    struct holding *holding = find_share(manager, id);
    if (!holding)
        return error_set(error, RP_INVALID, "nothing is shared under the number %llu",
                         (unsigned long long)id);
    atomic_store(&((struct share_head *)holding->memory)->magic, 0);
    if (manager->agents)
        road_unshare(manager, id);
    give_up(manager, holding, manager->postings_made, GIVEN_UP_MOST);
    return RP_OK;
}

const void *holding_find(const struct manager *manager, rp_share_id id, size_t *size)
{
    const struct holding *holding = find_share(manager, id);
    if (!holding)
        return NULL;
    *size = holding->size - sizeof(struct share_head);
    return holding->memory + sizeof(struct share_head);
}

/* ---- Allocations ------------------------------------------------------------------------- */

void *holding_alloc(struct manager *manager, size_t size)
{
    struct holding *holding = take(manager, size ? size : 1);
    return holding ? holding->memory : NULL;
}

bool holding_free(struct manager *manager, void *memory)
{
    for (struct holding *holding = manager->holdings; holding; holding = holding->behind) {
        if (holding->memory != memory || holding->share || holding->given_up)
            continue;
        give_up(manager, holding, manager->postings_made, GIVEN_UP_MOST);
        return true;
    }
    return false;
}

uint64_t holding_offset(const struct manager *manager, const void *memory, size_t size)
{
    for (const struct holding *holding = manager->holdings; holding; holding = holding->behind) {
        const char *start = holding->memory, *at = memory;
        if (!holding->share && !holding->given_up && at >= start && at <= start + holding->size &&
            size <= (size_t)(start + holding->size - at))
            return holding->offset ? holding->offset + (uint64_t)(at - start) : 0;
    }
    return 0;
}
