/* A worker's place at one pool: it attaches the board, runs the initializer, claims and performs,
 * and leaves. */
#ifndef RANKPOOL_RUN_STATION_H
#define RANKPOOL_RUN_STATION_H

#include "board/parcel.h"
#include "board/post.h"
#include "func/func.h"
#include "run/perform.h"

/* What this worker has learnt of a map. */
struct station_map {
    uint64_t map; /* 0: unused */
    struct board_function function;
    rp_fn *fn;           /* NULL: it, or `combine`, could not be found; `why` says why */
    rp_combine *combine; /* of a reduction, else NULL */
    double item_ns;
    uint64_t measured; /* items that this rests on */
    double combine_ns; /* 0: not known */
    char why[512];
};

#define STATION_MAPS 4

/* A note that found its outbox full. */
struct station_spill {
    struct station_spill *behind;
    struct note note;
};

struct station {
    struct station *behind;
    uint64_t id;
    struct board board;
    struct crew *crew;
    struct performer performer;
    struct box *box;       /* where its tasks run, if they are isolated */
    struct leader *leader; /* this process leads the node, too; or NULL */
    struct parcels parcels;
    struct func_cache functions;
    struct station_map maps[STATION_MAPS];
    unsigned next_map;
    struct station_spill *spill_first, *spill_last;
};

/* RP_CLOSED: the pool is gone. Else it cannot be served here: RP_NO_MEMORY, RP_UNSUPPORTED. */
rp_status station_open(struct roster *roster, uint64_t id, const struct memory_handle *board,
                       struct station **station, struct error *error);

/* Runs the finalizer if this worker has not left yet, and frees the station. */
void station_close(struct station *station);

/* Leaves the pool for a while, and comes back. While it is away nobody waits for it: if the pool
 * closes, its finalizer runs when the station is closed. Notes that wait for room wait on. */
void station_pause(struct station *station);
void station_resume(struct station *station);

/* Sends notes that wait for room; true: none is left. */
bool station_flush(struct station *station);

/* Besides work: the initializer at first and the finalizer at last, which may take their time. */
bool station_must_attend(struct station *station);
void station_attend(struct station *station);

struct station_claim {
    struct post_offer offer;
    uint32_t run;
};

/* Claims what this worker should do next; false: there is nothing. */
bool station_claim(struct station *station, struct station_claim *claim);
void station_perform(struct station *station, const struct station_claim *claim);

/* Whether station_attend or station_claim would find something to do. */
bool station_has_work(struct station *station);

/* Nothing to do: holds no claim any more. */
void station_idle(struct station *station);

#endif
