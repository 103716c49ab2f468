/* Holdings: memory of the board that the user holds. Shares are copies that tasks read by their
 * number; allocations are read and written in place by everybody on the node; commons are copies of what the
 * items of one map read. Alone they are memory of this process.
 *
 * What is given up may still be read by tasks that were posted before: it is freed when the last
 * of their posts has ended, and the net, which pins what it reads, has done with it. */
#ifndef RANKPOOL_RUN_HOLDING_H
#define RANKPOOL_RUN_HOLDING_H

#include "run/manager.h"

/* Copies `size` bytes to where every task can read them; RP_NO_MEMORY. */
rp_status holding_share(struct manager *manager, const void *data, size_t size, rp_share_id *id,
                        struct error *error);

/* A share of another node's manager, under its number: where its bytes go, NULL without memory; and once
 * they are there, tasks find it. False: no memory. Of several places of one number the last counts; bytes may
 * still come to the others, which stay until they are dropped: one that nobody was shown is free at once. */
void *holding_take_share(struct manager *manager, rp_share_id id, size_t size);
bool holding_show_share(struct manager *manager, rp_share_id id);
void holding_drop_share(struct manager *manager, const void *place);

/* RP_INVALID: there is no such share. */
rp_status holding_unshare(struct manager *manager, rp_share_id id, struct error *error);

/* `size` bytes, aligned for any type, contents undefined; NULL without memory. */
void *holding_alloc(struct manager *manager, size_t size);

/* False: that memory is not from holding_alloc. */
bool holding_free(struct manager *manager, void *memory);

/* A copy of what a map's or stream's items have in common, or room for that (data: NULL): its offset on the
 * board, 0 without memory. Then all posts of that map have ended: nobody here reads it, and no node is waited
 * for. */
uint64_t holding_common(struct manager *manager, const void *data, size_t size);
void holding_end_common(struct manager *manager, uint64_t map, uint64_t offset);
void holding_drop_common(struct manager *manager, uint64_t offset); /* of which nobody knows */

/* What lies there is read by others than posts; NULL: it lies in no holding, which is fine to unpin. And
 * whether it has more pins than one. */
struct holding *holding_pin(struct manager *manager, const void *memory);
void holding_unpin(struct manager *manager, struct holding *holding);
bool holding_is_read(const struct holding *holding);

/* The offset on the board of `size` bytes at `memory`, where they lie in one allocation; 0: they do
 * not. */
uint64_t holding_offset(const struct manager *manager, const void *memory, size_t size);

/* The share as this process sees it; NULL: there is none of that number. */
const void *holding_find(const struct manager *manager, rp_share_id id, size_t *size);

/* Frees what was given up, as far as nobody needs it; all of it at the pool's end. */
void holding_sweep(struct manager *manager);
void holding_fini(struct manager *manager);

#endif
