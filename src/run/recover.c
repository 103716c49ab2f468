#include "run/recover.h"

#include "board/outbox.h"
#include "board/queue.h"
#include "run/collect.h"
#include "run/road.h"

/* What could be seen before the outboxes were emptied. */
struct sight {
    uint64_t announced[BOARD_WORKERS_MAX + 1]; /* 0 of the dead */
    bool veiled; /* a living worker has notes of former claims that its outbox had no room for */
};

static struct sight look(struct manager *manager)
{
    struct sight sight = {0};
    for (int member = 0; member < manager->crew->here; member++)
        if (!manager->crew->member[member].dead)
            sight.announced[member] = post_announcement(&manager->board, member);
    for (int member = 1; member < manager->crew->here; member++)
        sight.veiled |= !manager->crew->member[member].dead && outbox_has_spilled(&manager->board, member);
    return sight;
}

static bool is_lost(const struct manager *manager, const struct sight *sight, int post, uint32_t item)
{
    if (lease_has_ended(&manager->postings[post].lease, item) || retry_waits(manager, post, item) ||
        road_holds(manager, post, item))
        return false;
    for (int member = 0; member < manager->crew->here; member++)
        if (post_announcement_covers(&manager->board, sight->announced[member], post, item))
            return false;
    return true;
}

/* The dead worker that ran this item when it died; 0: it only held it. */
static int find_runner(struct manager *manager, int post, uint32_t item)
{
    const struct posting *posting = &manager->postings[post];
    uint64_t index = posting->ops->tell(posting->work, post, item).index;
    for (int member = 1; member < manager->crew->here; member++)
        if (manager->crew->member[member].dead &&
            post_announcement_covers(&manager->board, post_announcement(&manager->board, member), post,
                                     item) &&
            atomic_load(&manager->board.slot[member].running) == index)
            return member;
    return 0;
}

static void recover_post(struct manager *manager, const struct sight *sight, int post)
{
    struct posting *posting = &manager->postings[post];
    if (manager->draining)
        return;
    for (uint32_t from = 0; posting->ops && from < posting->suspect; from++) {
        uint32_t end = from;
        int runner = 0;
        while (end < posting->suspect && is_lost(manager, sight, post, end) &&
               !(runner = find_runner(manager, post, end)))
            end++;
        if (end > from && !posting->ops->repost(posting->work, post, from, end - from, false))
            return;
        if (runner && posting->ops)
            retry_lost(manager, post, end, runner);
        from = runner ? end : end > from ? end - 1 : from;
    }
}

/* All that the dead held is accounted for: what they announced means nothing any more. */
static void forget_dead(struct manager *manager)
{
    for (int member = 1; member < manager->crew->here; member++)
        if (manager->crew->member[member].dead)
            atomic_store(&manager->board.slot[member].announce, 0);
}

static void forget_ended(struct posting *posting)
{
    while (posting->suspect && lease_has_ended(&posting->lease, posting->suspect - 1))
        posting->suspect--;
}

void recover_lost(struct manager *manager)
{
    struct sight sight = look(manager);
    collect_all_notes(manager);
    manager->suspect = false;
    for (int post = 0; post < BOARD_POSTS; post++) {
        struct posting *posting = &manager->postings[post];
        if (!sight.veiled)
            recover_post(manager, &sight, post);
        if (posting->ops)
            forget_ended(posting);
        manager->suspect |= posting->ops && posting->suspect;
    }
    if (!manager->suspect)
        forget_dead(manager);
}

/* Nothing that is claimed later is the dead one's: of a descriptor's next life nothing at all. */
static void suspect_claimed(struct manager *manager)
{
    for (int post = 0; post < BOARD_POSTS; post++)
        if (manager->postings[post].ops)
            manager->postings[post].suspect = post_next(&manager->board, post);
}

/* What waits for its owner alone would wait for ever: it becomes a loss like any other. */
static void free_owned(struct manager *manager, int worker, int count)
{
    for (int i = 0; i < BOARD_POSTS; i++) {
        uint32_t owner = atomic_load(&manager->board.post[i].owner);
        if (manager->postings[i].ops && owner - (uint32_t)worker < (uint32_t)count)
            post_freeze(&manager->board, i);
    }
}

void recover_without(struct manager *manager, int worker, int count)
{
    uint32_t left = manager->setup.computes;
    for (int i = 1; i < manager->crew->count; i++)
        left += manager_has(manager, i);
    atomic_store(&manager->board.shared->participants, left);
    road_count_without(manager, worker);
    free_owned(manager, worker, count);
    suspect_claimed(manager);
    recover_lost(manager);
}

void recover_from_death(struct manager *manager, int worker)
{
    if (worker >= manager->crew->here) {
        road_bury(manager->setup.road, worker);
        recover_without(manager, worker, 1);
        return;
    }
    roster_bury(manager->setup.roster, worker);
    queues_shake(&manager->board, worker);
    board_mend_break(&manager->board);
    recover_without(manager, worker, 1);
}

void recover_from_refusals(struct manager *manager)
{
    const struct roster *roster = manager->setup.roster;
    uint32_t said = atomic_load(&roster->shared->refusals);
    if (said == manager->refusals)
        return;
    manager->refusals = said;
    for (int i = 1; i < manager->crew->here; i++) {
        uint64_t bit = UINT64_C(1) << (i % 64);
        if ((manager->refused[i / 64] & bit) || !roster_refusal(roster, manager->setup.pool, i))
            continue;
        manager->refused[i / 64] |= bit;
        if (!manager_has(manager, i))
            recover_without(manager, i, 1);
    }
}
