/* What the manager of a reduction holds: results of parts whose siblings (sched/tree.h) have not
 * come yet. When both are there, they are combined, in any order of arrival.
 *
 * A long result stays where its worker has put it, until it is combined into another one; a short
 * one is copied, so that its worker has the memory back, and so is any one where regions are small.
 *
 * Combinations are the program's code, which may use other pools and wait there, while notes come for this
 * one: so they never run while a note is taken in, or a message, but behind that. */
#ifndef RANKPOOL_RUN_MAP_REDUCE_H
#define RANKPOOL_RUN_MAP_REDUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct manager;
struct map;
struct note;
struct partial;

struct partials {
    struct partial *table; /* by a hash of their starts */
    size_t room, count;    /* the room is a power of two */
    struct partial *fresh; /* not looked at yet */
    size_t fresh_room, fresh_count;
};

/* Takes in the result of the items from..from+count-1 of the note, of which item 0 stands at position
 * `first`; `payload` is NULL where it lies in the larder of this process. True: the payload, a
 * parcel, is kept. */
bool map_reduce_take(struct map *map, size_t first, const struct note *note, const void *payload);

/* It is one of its manager's reductions; it is none any more, and what it still holds is given up. */
void map_reduce_begin(struct map *map);
void map_reduce_end(struct map *map);

/* Combines what has come; for all reductions of a manager. */
void map_reduce_combine(struct map *map);
void map_reduce_combine_all(struct manager *manager);

/* Writes the result of all items, which have been done, to the caller's. */
void map_reduce_finish(struct map *map);

/* Gives up all that is held: nobody will want the result. */
void map_reduce_forget(struct map *map);

#endif
