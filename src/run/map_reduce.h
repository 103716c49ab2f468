/* What the manager of a reduction holds: results of parts whose siblings (sched/tree.h) have not
 * come yet. As soon as both are there, they are combined, in any order of arrival.
 *
 * A long result stays where its worker has put it, until it is combined into another one; a short
 * one is copied, so that its worker has the memory back, and so is any one where regions are small. */
#ifndef RANKPOOL_RUN_MAP_REDUCE_H
#define RANKPOOL_RUN_MAP_REDUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map;
struct note;
struct partial;

struct partials {
    struct partial *table; /* by a hash of their starts */
    size_t room, count;    /* the room is a power of two */
};

/* Takes in the result of the items from..from+count-1 of the note, of which item 0 stands at position
 * `first`; `payload` is NULL where it lies in the larder of this process. True: the payload, a
 * parcel, is kept. */
bool map_reduce_take(struct map *map, size_t first, const struct note *note, const void *payload);

/* Writes the result of all items, which have been done, to the caller's. */
void map_reduce_finish(struct map *map);

/* Gives up all that is held: nobody will want the result. */
void map_reduce_forget(struct map *map);

#endif
