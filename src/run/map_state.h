/* A map under way: shared by the files map*.c alone. */
#ifndef RANKPOOL_RUN_MAP_STATE_H
#define RANKPOOL_RUN_MAP_STATE_H

#include "record/journal.h"
#include "run/map.h"
#include "run/map_reduce.h"

/* Positions low..high-1 are not posted yet. */
struct share {
    size_t low, high;
    int owner;          /* the worker that runs them, 0: any */
    bool mine;          /* the manager's own, never posted */
    unsigned workers;   /* who take from it */
    unsigned posts;     /* on the board */
    uint64_t in_flight; /* bytes of these */
};

struct map {
    struct manager *manager;
    const struct map_work *work;
    uint64_t id;
    struct board_function function, combine;
    uint32_t flags;   /* post_flags */
    uint64_t *order;  /* position -> index, NULL: the same */
    size_t positions; /* items but those that the journal had */
    struct share *shares;
    int share_count;
    uint64_t common;              /* offset of its copy on the board */
    uint64_t in_place, out_place; /* offsets of arrays that lie on the board already; 0: they do not */
    size_t posted;                /* items on the board that have not ended */
    size_t done, failed, cancelled;
    size_t first_failed; /* index; n: none */
    size_t chunks;
    rp_status status;  /* of the first failed */
    rp_status stopped; /* why nothing more is started: RP_CANCELLED, RP_POOL_BROKEN; RP_OK: it goes on */
    double item_ns;    /* measured here, ... */
    uint64_t measured; /* ... of so many items */
    struct error *error;
    void *gathered; /* inputs of a run in the order of costs */
    void *answers;  /* results of a run, until they are known to be good */
    size_t answers_size;
    struct partials partials;     /* of a reduction, ... */
    struct map *reduction_behind; /* ... among those of the manager */
    struct map_again *again;      /* items that are tried again here, alone */
    size_t again_count, again_room;
    struct journal_part *part;             /* NULL: nothing is stored */
    struct journal_digest known, *digests; /* of the map; of items, NULL: made when they end */
};

static inline size_t map_index(const struct map *map, size_t position)
{
    return map->order ? map->order[position] : position;
}

/* The worker that a share's items are for. What was meant for one that is gone is for all. */
static inline int map_owner(const struct map *map, const struct share *share)
{
    return manager_has(map->manager, share->owner) ? share->owner : 0;
}

/* map_take.c: items from..from+count-1, whose results of `note->size` bytes each begin at `results`
 * for item 0 that stands at `first`, have ended. `payload` is what take_note gets, and so is what is
 * returned. */
bool map_absorb(struct map *map, size_t first, const struct note *note, const char *results,
                const void *payload, int worker, int attempt);

/* map_post.c and map_take.c: what maps do about their posts. */
extern const struct posting_ops map_posting_ops;
bool map_take_note(void *work, int post, const struct note *note, const void *payload, int worker);

/* Gives a post back once all its items have ended. */
void map_leave_post(struct map *map, int post);

/* Items of a post that nobody runs end with the status of the map's stop. */
void map_end_unstarted(struct map *map, int post, uint32_t from, uint32_t count);

/* The same of positions that are on no post. */
void map_end_range(struct map *map, size_t low, size_t high);

/* Nothing more is started: what nobody has claimed ends with `status`. */
void map_stop(struct map *map, rp_status status);

/* The map could not begin: nothing of it runs. */
void map_refuse(struct map *map, rp_status status);

/* map_post.c: bytes that a post takes up until it has ended. */
uint64_t map_weigh_post(const struct map *map, const struct posting *posting);

/* map_post.c: posts ahead what the board should hold. */
void map_feed(struct map *map);

/* map_journal.c: results are written over inputs. */
bool map_arrays_overlap(const struct map_work *work);

/* map_journal.c: puts stored results in their places, and leaves their items out. RP_NO_MEMORY. */
rp_status map_journal_begin(struct map *map);
void map_journal_store(struct map *map, size_t first, const struct note *note, const char *results,
                       int worker, int attempt);
void map_journal_end(struct map *map);

/* map_again.c: a manager that is alone keeps items for another try. map_again_note: true if the item at
 * that position has one, so that its note counts for nothing; map_again_take: the next one that is due, from
 * which on it is the caller's to run; map_again_rest: sleeps until then, false if none waits. */
struct map_again {
    uint64_t due; /* clock_ns */
    size_t position;
    int attempt;
};
bool map_again_note(struct map *map, size_t position, const struct note *note, int attempt);
bool map_again_take(struct map *map, struct map_again *again);
bool map_again_rest(const struct map *map);
void map_again_give_up(struct map *map);
void map_again_free(struct map *map);

/* map_bite.c: runs some items here; false: there are none to run. */
bool map_bite(struct map *map);
void map_bite_free(struct map *map);

#endif
