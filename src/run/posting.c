#include "run/posting.h"

#include <assert.h>
#include <stdlib.h>

#include "run/holding.h"

struct block *posting_block(struct manager *manager, size_t size)
{
    struct block *block = malloc(sizeof *block);
    uint64_t offset = block ? arena_take(&manager->arena, size) : ARENA_NONE;
    if (offset == ARENA_NONE) {
        free(block);
        return NULL;
    }
    *block = (struct block){.offset = offset, .size = size, .users = 1};
    return block;
}

void posting_give_block(struct manager *manager, struct block *block)
{
    if (--block->users > 0)
        return;
    arena_give(&manager->arena, block->offset, block->size);
    free(block);
}

int posting_take(struct manager *manager, const struct posting_ops *ops, void *work, uint32_t items,
                 uint32_t room, size_t size, struct block *shared)
{
    struct block *block = shared ? shared : posting_block(manager, size);
    int post = block ? post_take(&manager->posts) : -1;
    if (block && shared)
        block->users++;
    if (post < 0 || lease_begin(&manager->postings[post].lease, items, room)) {
        if (block)
            posting_give_block(manager, block);
        if (post >= 0)
            post_retire(&manager->posts, &manager->board, post);
        return -1;
    }
    struct posting *posting = &manager->postings[post];
    *posting = (struct posting){.ops = ops,
                                .work = work,
                                .serial = ++manager->postings_made,
                                .lease = posting->lease,
                                .block = block};
    return post;
}

void posting_retire(struct manager *manager, int post)
{
    struct posting *posting = &manager->postings[post];
    assert(posting->ops && posting->lease.open == 0);
    posting_give_block(manager, posting->block);
    free(posting->tasks);
    posting->tasks = NULL;
    posting->ops = NULL;
    post_retire(&manager->posts, &manager->board, post);
    holding_sweep(manager);
}

void posting_free(struct posting *posting)
{
    if (posting->ops && --posting->block->users == 0)
        free(posting->block);
    free(posting->tasks);
    lease_free(&posting->lease);
}
