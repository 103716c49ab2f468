#include "run/recover.h"

#include <stdlib.h>

#include "board/outbox.h"
#include "run/collect.h"

/* What could be seen before the outboxes were emptied. */
struct sight {
    uint32_t next[BOARD_POSTS];                /* claimed items of each post */
    uint64_t announced[BOARD_WORKERS_MAX + 1]; /* 0 of the dead */
    bool veiled; /* a living worker has notes of former claims that its outbox had no room for */
};

static void look(struct manager *manager, struct sight *sight)
{
    for (int post = 0; post < BOARD_POSTS; post++)
        if (manager->postings[post].ops)
            sight->next[post] = post_next(&manager->board, post);
    for (int member = 0; member < manager->crew->count; member++)
        sight->announced[member] =
            manager->crew->member[member].dead ? 0 : post_announcement(&manager->board, member);
    for (int member = 1; member < manager->crew->count; member++)
        sight->veiled |= !manager->crew->member[member].dead && outbox_has_spilled(&manager->board, member);
}

/* What was seen of a post holds for its present life alone. */
static void forget_retired(const struct manager *manager, struct sight *sight)
{
    for (int post = 0; post < BOARD_POSTS; post++)
        if (!manager->postings[post].ops)
            sight->next[post] = 0;
}

static bool is_lost(const struct manager *manager, const struct sight *sight, int post, uint32_t item)
{
    if (lease_has_ended(&manager->postings[post].lease, item))
        return false;
    for (int member = 0; member < manager->crew->count; member++)
        if (post_announcement_covers(&manager->board, sight->announced[member], post, item))
            return false;
    return true;
}

static void recover_post(struct manager *manager, const struct sight *sight, int post)
{
    struct posting *posting = &manager->postings[post];
    for (uint32_t from = 0; posting->ops && from < sight->next[post]; from++) {
        uint32_t end = from;
        while (end < sight->next[post] && is_lost(manager, sight, post, end))
            end++;
        if (end == from)
            continue;
        if (!posting->ops->repost(posting->work, post, from, end - from))
            return;
        from = end - 1;
    }
}

void recover_lost(struct manager *manager)
{
    struct sight *sight = calloc(1, sizeof *sight);
    if (!sight)
        return; /* again at the next look */
    look(manager, sight);
    collect_all_notes(manager);
    forget_retired(manager, sight);
    for (int post = 0; post < BOARD_POSTS && !sight->veiled; post++)
        recover_post(manager, sight, post);
    free(sight);
}

/* What waits for its owner alone would wait for ever: it becomes a loss like any other. */
static void free_owned(struct manager *manager, int worker)
{
    for (int i = 0; i < BOARD_POSTS; i++) {
        struct posting *posting = &manager->postings[i];
        if (posting->ops && atomic_load(&manager->board.post[i].owner) == (uint32_t)worker)
            post_freeze(&manager->board, i);
    }
}

void recover_from_death(struct manager *manager, int worker)
{
    manager->crew->member[worker].dead = true;
    manager->suspect = true;
    roster_bury(manager->setup.roster, worker);
    board_mend_break(&manager->board);
    free_owned(manager, worker);
    recover_lost(manager);
}
