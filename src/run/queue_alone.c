/* Queues of a manager that is alone: lists of this process. */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "run/queue_state.h"

struct kept_item {
    struct kept_item *behind;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

void alone_open(struct queueing *queue)
{
    queue->number = queue->manager->setup.pool << 32 | ++queue->manager->queues_made;
}

void alone_close(struct queueing *queue)
{
    for (struct kept_item *item = queue->first, *behind; item; item = behind) {
        behind = item->behind;
        free(item);
    }
    queue->first = queue->last = NULL;
}

static rp_status find(const struct manager *manager, uint64_t number, struct queueing **found)
{
    for (struct queueing *queue = manager->queues; queue; queue = queue->behind)
        if (queue->number == number) {
            *found = queue;
            return RP_OK;
        }
    uint64_t serial = number & UINT32_MAX;
    bool was = number >> 32 == (manager->setup.pool & UINT32_MAX) && serial && serial <= manager->queues_made;
    return was ? RP_CLOSED : RP_INVALID;
}

rp_status alone_put(struct manager *manager, uint64_t number, const void *data, size_t size)
{
    struct queueing *queue;
    rp_status status = find(manager, number, &queue);
    if (status)
        return status;
    struct kept_item *item = malloc(sizeof *item + size);
    if (!item)
        return RP_NO_MEMORY;
    item->behind = NULL;
    item->size = size;
    if (size)
        memcpy(item->bytes, data, size);
    if (queue->last)
        queue->last->behind = item;
    else
        queue->first = item;
    queue->last = item;
    return RP_OK;
}

rp_status alone_get(struct manager *manager, uint64_t number, rp_view *view, void **memory)
{
    struct queueing *queue;
    rp_status status = find(manager, number, &queue);
    if (status)
        return status;
    struct kept_item *item = queue->first;
    if (!item)
        return RP_TIMEOUT;
    queue->first = item->behind;
    if (!queue->first)
        queue->last = NULL;
    free(*memory);
    *memory = item;
    *view = (rp_view){item->bytes, item->size};
    return RP_OK;
}
