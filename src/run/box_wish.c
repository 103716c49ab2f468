/* Wishes of a child: what only the rank can do for a task, of which the page may say anything. */
#include <string.h>

#include "base/futex.h"
#include "run/box_state.h"

static rp_status hand_over(struct box *box, const void *bytes, size_t size, uint64_t offset)
{
    if (offset < box->base || offset > box->memory.size || size > box->memory.size - offset ||
        !box_reaches(box, offset + size))
        return RP_NO_MEMORY;
    if (size)
        memcpy(box_area(box, offset), bytes, size);
    return RP_OK;
}

static rp_status grant(struct box *box, const struct box_request *asked, size_t *size)
{
    struct larder *larder = &box->performer->larder;
    rp_view view;
    const void *share;
    rp_status status;
    switch (asked->wish) {
    case BOX_SHARE:
        share = larder->find_share(larder->owner, asked->number, size);
        if (!share || !asked->offset) /* to know whether it is there is enough */
            return share ? RP_OK : RP_INVALID;
        return hand_over(box, share, *size, asked->offset);
    case BOX_PUT:
        if (asked->offset < box->base || !box_reaches(box, asked->offset) ||
            asked->size > box->memory.size - asked->offset || !box_reaches(box, asked->offset + asked->size))
            return RP_INVALID;
        return larder->put(larder->owner, asked->number, box_area(box, asked->offset), asked->size,
                           asked->deadline);
    case BOX_GET:
        status = larder->get(larder->owner, asked->number, &view, asked->deadline);
        *size = status ? 0 : view.size;
        return status ? status : hand_over(box, view.data, view.size, asked->offset);
    default:
        return RP_INVALID;
    }
}

bool box_meet_wish(struct box *box)
{
    struct box_request *request = &box->page->request;
    uint64_t made = atomic_load(&request->made);
    if (made == box->met)
        return false;
    struct box_request asked;
    memcpy(&asked, request, sizeof asked);
    size_t size = 0;
    rp_status status = grant(box, &asked, &size);
    request->status = status;
    request->size = size;
    box->met = made;
    atomic_store(&request->met, made);
    atomic_fetch_add(&box->page->call, 1);
    futex_wake(&box->page->call);
    return true;
}
