/* What is to happen, by time; what happens at the same time, in the order in which it was added. */
#ifndef RANKPOOL_BENCH_SIM_EVENTS_H
#define RANKPOOL_BENCH_SIM_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct event {
    double time;
    uint64_t serial;
    uint32_t kind, who;
    void *what;
    uint64_t from, to;
};

struct events {
    struct event *heap;
    size_t count, room;
    uint64_t serial;
};

void events_add(struct events *events, struct event event);
struct event events_take(struct events *events); /* there is one */
void events_close(struct events *events);

/* Memory, or the end of the program. Zeros. */
void *events_memory(size_t count, size_t size);

/* A larger `memory`, of room for one element more than `count` at least. */
void *events_grow(void *memory, size_t *room, size_t count, size_t size);

#endif
