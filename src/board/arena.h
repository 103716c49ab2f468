/* An allocator of ranges of a segment for one owner. It keeps its books in private memory, so
 * that nobody else's writes and nobody's death can spoil them. First fit from the low end keeps
 * the same pages in use, and with them the resident memory at what is in use. */
#ifndef RANKPOOL_BOARD_ARENA_H
#define RANKPOOL_BOARD_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_NONE  UINT64_MAX
#define ARENA_ALIGN 64u

struct arena_hole {
    uint64_t start, size;
};

struct arena {
    char *base;               /* of the segment */
    struct arena_hole *holes; /* ordered by start, never touching each other */
    size_t count, room;
    uint64_t in_use; /* bytes */
};

/* The range start..start+size of the segment mapped at `base`. Returns 0, or -1 without memory. */
int arena_init(struct arena *arena, void *base, uint64_t start, uint64_t size);
void arena_fini(struct arena *arena);

/* An offset into the segment, a multiple of ARENA_ALIGN; ARENA_NONE when nothing fits. */
uint64_t arena_take(struct arena *arena, size_t size);

/* Gives back what arena_take gave for the same size. */
void arena_give(struct arena *arena, uint64_t offset, size_t size);

#endif
