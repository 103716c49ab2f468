/* Objects of one size that come and go by the million: cheaper than malloc, and beyond 256 MiB that
 * are kept for what comes next, memory goes back to the system. For one thread. */
#ifndef RANKPOOL_BASE_SLAB_H
#define RANKPOOL_BASE_SLAB_H

#include <stddef.h>

struct slab_block;

struct slab {
    size_t size;              /* bytes of an object */
    struct slab_block *roomy; /* blocks with free objects */
    struct slab_block *spare; /* empty ones */
    size_t spares;
};

void slab_init(struct slab *slab, size_t size);

/* An object, aligned for any type, contents undefined; NULL without memory. */
void *slab_take(struct slab *slab);
void slab_give(struct slab *slab, void *object);

/* All objects must have been given back. */
void slab_fini(struct slab *slab);

#endif
