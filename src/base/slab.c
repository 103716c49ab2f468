#include "base/slab.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#define BLOCK_SIZE ((size_t)1 << 20) /* a block begins at a multiple of it: so an object finds its own */
#define ALIGN      ((size_t)16)
#define SPARE_MOST 256 /* empty blocks that are kept: the system takes long to give pages */

struct slab_free {
    struct slab_free *next;
};

struct slab_block {
    struct slab_block *before, *behind; /* among the roomy ones */
    struct slab_free *free;             /* objects given back */
    size_t used;
    size_t fresh; /* bytes of the block that were never given out begin here */
};

void slab_init(struct slab *slab, size_t size)
{
    *slab = (struct slab){.size = (size + ALIGN - 1) / ALIGN * ALIGN};
    assert(slab->size <= BLOCK_SIZE / 4);
}

static void link_roomy(struct slab *slab, struct slab_block *block)
{
    block->before = NULL;
    block->behind = slab->roomy;
    if (slab->roomy)
        slab->roomy->before = block;
    slab->roomy = block;
}

static void unlink_roomy(struct slab *slab, struct slab_block *block)
{
    if (block->before)
        block->before->behind = block->behind;
    else
        slab->roomy = block->behind;
    if (block->behind)
        block->behind->before = block->before;
}

static struct slab_block *new_block(struct slab *slab)
{
    struct slab_block *block = slab->spare;
    if (block) {
        slab->spare = block->behind;
        slab->spares--;
    } else {
        block = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);
    }
    if (block) {
        block->free = NULL;
        block->used = 0;
        block->fresh = (sizeof *block + ALIGN - 1) / ALIGN * ALIGN;
        link_roomy(slab, block);
    }
    return block;
}

static int is_full(const struct slab *slab, const struct slab_block *block)
{
    return !block->free && block->fresh + slab->size > BLOCK_SIZE;
}

void *slab_take(struct slab *slab)
{
    struct slab_block *block = slab->roomy ? slab->roomy : new_block(slab);
    if (!block)
        return NULL;
    void *object = block->free;
    if (object) {
        block->free = block->free->next;
    } else {
        object = (char *)block + block->fresh;
        block->fresh += slab->size;
    }
    block->used++;
    if (is_full(slab, block))
        unlink_roomy(slab, block);
    return object;
}

void slab_give(struct slab *slab, void *object)
{
    struct slab_block *block = (struct slab_block *)((uintptr_t)object / BLOCK_SIZE * BLOCK_SIZE);
    struct slab_free *given = object;
    if (is_full(slab, block))
        link_roomy(slab, block);
    given->next = block->free;
    block->free = given;
    if (--block->used)
        return;
    unlink_roomy(slab, block);
    if (slab->spares == SPARE_MOST) {
        free(block);
        return;
    }
    block->behind = slab->spare;
    slab->spare = block;
    slab->spares++;
}

void slab_fini(struct slab *slab)
{
    assert(!slab->roomy);
    while (slab->spare) {
        struct slab_block *block = slab->spare;
        slab->spare = block->behind;
        free(block);
    }
    slab->spares = 0;
}
