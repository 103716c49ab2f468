#include "events.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static void *need(void *memory)
{
    if (memory)
        return memory;
    fprintf(stderr, "bench_sim: no memory\n");
    exit(1);
}

void *events_memory(size_t count, size_t size)
{
    return need(calloc(count ? count : 1, size));
}

void *events_grow(void *memory, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return memory;
    *room = *room ? 2 * *room : 16;
    return need(realloc(memory, *room * size));
}

static bool is_sooner(const struct event *a, const struct event *b)
{
    return a->time < b->time || (a->time == b->time && a->serial < b->serial);
}

/* Four children a place: they stand side by side in memory. */
void events_add(struct events *events, struct event event)
{
    events->heap = events_grow(events->heap, &events->room, events->count, sizeof *events->heap);
    event.serial = events->serial++;
    size_t at = events->count++;
    for (; at && is_sooner(&event, &events->heap[(at - 1) / 4]); at = (at - 1) / 4)
        events->heap[at] = events->heap[(at - 1) / 4];
    events->heap[at] = event;
}

static size_t soonest_below(const struct events *events, size_t at)
{
    size_t first = 4 * at + 1, soonest = first;
    for (size_t i = first + 1; i < first + 4 && i < events->count; i++)
        if (is_sooner(&events->heap[i], &events->heap[soonest]))
            soonest = i;
    return soonest;
}

struct event events_take(struct events *events)
{
    struct event first = events->heap[0], last = events->heap[--events->count];
    size_t at = 0;
    while (4 * at + 1 < events->count) {
        size_t below = soonest_below(events, at);
        if (!is_sooner(&events->heap[below], &last))
            break;
        events->heap[at] = events->heap[below];
        at = below;
    }
    events->heap[at] = last;
    return first;
}

void events_close(struct events *events)
{
    free(events->heap);
    *events = (struct events){0};
}
