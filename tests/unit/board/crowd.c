#include "crowd.h"

#include "check.h"

static void open_crowd(struct crowd *crowd, int workers, enum memory_kind kind)
{
    struct error error;
    *crowd = (struct crowd){.workers = workers};
    REQUIRE(workers <= CROWD_MAX);
    REQUIRE_STATUS(roster_create(&crowd->roster[0], workers, MEMORY_MEMFD, &error), RP_OK);
    REQUIRE_STATUS(board_create(&crowd->board[0], &crowd->roster[0], 1, kind, &error), RP_OK);
    memory_forget_name(&crowd->board[0].memory); /* nobody attaches it: a case that hangs leaves none behind */
    posts_init(&crowd->posts, &crowd->board[0]);
    for (int i = 1; i <= workers; i++) {
        crowd->roster[i] = crowd->roster[0];
        crowd->roster[i].self = i;
        crowd->board[i] = crowd->board[0];
        board_see_as(&crowd->board[i], i);
        crowd->board[i].roster = &crowd->roster[i];
    }
}

void crowd_open(struct crowd *crowd, int workers)
{
    open_crowd(crowd, workers, MEMORY_MEMFD);
}

void crowd_open_small(struct crowd *crowd, int workers)
{
    open_crowd(crowd, workers, MEMORY_POSIX);
}

void crowd_close(struct crowd *crowd)
{
    board_release(&crowd->board[0]);
    roster_release(&crowd->roster[0]);
}

int crowd_post(struct crowd *crowd, uint32_t items, bool open, int owner, uint64_t map)
{
    int post = post_take(&crowd->posts);
    if (post < 0)
        return post;
    struct post *p = &crowd->board[0].post[post];
    atomic_store_explicit(&p->owner, (uint32_t)owner, memory_order_relaxed);
    atomic_store_explicit(&p->map, map, memory_order_relaxed);
    post_publish(&crowd->board[0], post, items, open);
    return post;
}

uint32_t crowd_claim(struct crowd *crowd, int member, uint32_t run, struct post_offer *offer)
{
    struct board *board = &crowd->board[member];
    while (post_peek(board, 0, offer)) {
        uint32_t count = run < offer->available ? run : offer->available;
        if (post_claim(board, offer, count))
            return count;
    }
    return 0;
}

bool crowd_note(struct crowd *crowd, int member, uint32_t post, uint32_t from, uint32_t count)
{
    struct note note = {.post = (uint16_t)post, .from = from, .count = count};
    return outbox_put(&crowd->board[member], &note);
}

int crowd_take(struct crowd *crowd, int member, struct note *note)
{
    struct board *board = &crowd->board[0];
    struct outbox_span span = outbox_look(board, member);
    if (span.first == span.end)
        return 0;
    *note = *outbox_note(board, member, span.end - 1);
    outbox_take(board, member, span.end);
    return (int)(span.end - span.first);
}

bool crowd_sleeps(const struct crowd *crowd, int member)
{
    const struct roster_shared *shared = crowd->roster[0].shared;
    return atomic_load(&shared->member[member].bell) &&
           atomic_load(&shared->asleep[member / 64]) >> (member % 64) & 1;
}

uint32_t crowd_searching(const struct crowd *crowd)
{
    return atomic_load(&crowd->roster[0].shared->searching);
}
