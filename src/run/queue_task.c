/* What tasks do with queues, wherever they run. */
#include <string.h>

#include "base/clock.h"
#include "board/queue.h"
#include "run/queue_state.h"
#include "run/station.h"

#define SLICE_NS UINT64_C(5000000)

/* ---- On the board ------------------------------------------------------------------------ */

static rp_status pack(struct board *board, struct parcels *parcels, const void *data, size_t size,
                      uint64_t *item)
{
    *item = parcel_take(parcels, size);
    if (*item == ARENA_NONE)
        return RP_NO_MEMORY;
    parcel_head(board, *item)->size = size;
    if (size)
        memcpy(board_at(board, *item), data, size);
    return RP_OK;
}

static rp_view view_of(const struct board *board, uint64_t item)
{
    return (rp_view){board_at(board, item), parcel_head(board, item)->size};
}

/* A worker that waits has said what it has done before: notes that its outbox had no room for are
 * sent as there is some. */
static uint64_t slice(struct station *station, uint64_t deadline)
{
    if (station_flush(station))
        return deadline;
    uint64_t soon = clock_ns() + SLICE_NS;
    return soon < deadline ? soon : deadline;
}

static rp_status pass(struct station *station, enum queue_side side, uint64_t number, uint64_t *item,
                      uint64_t deadline)
{
    uint64_t until;
    rp_status status;
    do {
        until = slice(station, deadline);
        status = side == QUEUE_PUT ? queue_put(&station->board, number, *item, until)
                                   : queue_get(&station->board, number, item, until);
    } while (status == RP_TIMEOUT && until < deadline);
    return status;
}

rp_status queueing_task_put(void *owner, uint64_t number, const void *data, size_t size, uint64_t deadline)
{
    struct station *station = owner;
    bool far = station->board.shared->outlying;
    uint64_t item;
    rp_status status = far ? RP_OK : queue_check(&station->board, number);
    if (!status)
        status = pack(&station->board, &station->parcels, data, size, &item);
    if (status)
        return status;
    status = (far ? far_pass : pass)(station, QUEUE_PUT, number, &item, deadline);
    if (status || far) /* a copy of it is there */
        parcel_give(&station->parcels, item);
    return status;
}

rp_status queueing_task_get(void *owner, uint64_t number, rp_view *view, uint64_t deadline)
{
    struct station *station = owner;
    uint64_t item = 0;
    bool far = station->board.shared->outlying;
    rp_status status = (far ? far_pass : pass)(station, QUEUE_GET, number, &item, deadline);
    if (!status)
        *view = view_of(&station->board, item);
    return status;
}

rp_status board_put(struct manager *manager, uint64_t number, const void *data, size_t size)
{
    uint64_t item;
    rp_status status = queue_check(&manager->board, number);
    if (!status && !queue_lets_pass(&manager->board, number, QUEUE_PUT))
        status = RP_TIMEOUT; /* without copying it */
    if (!status)
        status = pack(&manager->board, &manager->parcels, data, size, &item);
    if (status)
        return status;
    status = queue_put(&manager->board, number, item, 0);
    if (status)
        parcel_give(&manager->parcels, item);
    return status;
}

rp_status board_get(struct manager *manager, uint64_t number, rp_view *view)
{
    uint64_t item;
    rp_status status = queue_get(&manager->board, number, &item, 0);
    if (!status)
        *view = view_of(&manager->board, item);
    return status;
}

/* ---- In the manager ---------------------------------------------------------------------- */

rp_status queueing_own_put(void *owner, uint64_t number, const void *data, size_t size, uint64_t deadline)
{
    struct manager *manager = owner;
    (void)deadline;
    return manager_is_alone(manager) ? alone_put(manager, number, data, size)
                                     : board_put(manager, number, data, size);
}

rp_status queueing_own_get(void *owner, uint64_t number, rp_view *view, uint64_t deadline)
{
    struct manager *manager = owner;
    (void)deadline;
    return manager_is_alone(manager) ? alone_get(manager, number, view, &manager->queue_view)
                                     : board_get(manager, number, view);
}
