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

static void leave_block(struct manager *manager, struct block *block)
{
    if (block->users || block->pins)
        return;
    arena_give(&manager->arena, block->offset, block->size);
    free(block);
}

void posting_give_block(struct manager *manager, struct block *block)
{
    block->users--;
    leave_block(manager, block);
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
                                .suspicious = manager->suspecting,
                                .block = block};
    return post;
}

struct block *posting_pin(struct manager *manager, int post)
{
    struct block *block = manager->postings[post].block;
    block->pins++;
    return block;
}

void posting_unpin(struct manager *manager, struct block *block)
{
    block->pins--;
    leave_block(manager, block);
}

/* For a worker of another node. */
static bool is_for_there(const struct manager *manager, int post)
{
    return atomic_load_explicit(&manager->board.post[post].owner, memory_order_relaxed) >=
           (uint32_t)manager->crew->here;
}

void posting_own(struct manager *manager, int post, int owner)
{
    atomic_store_explicit(&manager->board.post[post].owner, (uint32_t)owner, memory_order_relaxed);
    manager->pinned += is_for_there(manager, post);
}

void posting_retire(struct manager *manager, int post)
{
    struct posting *posting = &manager->postings[post];
    assert(posting->ops && posting->lease.open == 0);
    manager->pinned -= is_for_there(manager, post);
    posting_give_block(manager, posting->block);
    free(posting->tasks);
    posting->tasks = NULL;
    posting->ops = NULL;
    post_retire(&manager->posts, &manager->board, post);
    holding_sweep(manager);
}

void posting_free(struct posting *posting)
{
    if (posting->ops && --posting->block->users == 0 && !posting->block->pins)
        free(posting->block);
    free(posting->tasks);
    lease_free(&posting->lease);
}
