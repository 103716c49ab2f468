/* What the files station*.c share: station.c is its life, station_claim.c claims and performs,
 * station_notes.c tells the manager what has ended. */
#ifndef RANKPOOL_RUN_STATION_STATE_H
#define RANKPOOL_RUN_STATION_STATE_H

#include "run/station.h"

static inline bool station_is_closing(const struct station *station)
{
    return atomic_load(&station->board.shared->closing);
}

static inline uint32_t station_state(const struct station *station)
{
    return atomic_load_explicit(&board_slot(&station->board)->state, memory_order_relaxed);
}

/* station_notes.c: where results are put on the board. */
struct larder station_larder(struct station *station);

/* station_notes.c: how a performer sends its notes. */
void station_send(void *state, struct note *note, const void *payload);

#endif
