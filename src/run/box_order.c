/* Orders: what the rank would run itself, in words that hold in the child. */
#include <string.h>

#include "base/clock.h"
#include "base/futex.h"
#include "run/box_state.h"

static const char *path_of(const struct box *box, uint64_t module, char *found)
{
    if (box->board)
        return board_find_module(box->board, module);
    return func_module_path(module, found, NULL) ? NULL : found;
}

void box_name(struct box *box, rp_fn *fn, struct box_function *function)
{
    struct func_ref name;
    char found[FUNC_PATH_MAX];
    if (func_encode(&box->functions, fn, &name, NULL))
        name = (struct func_ref){1, 0}; /* which no child finds: it says so */
    if (function->name.module != name.module) {
        const char *path = path_of(box, name.module, found);
        size_t length = path ? strlen(path) : 0;
        if (length >= sizeof function->path)
            length = 0;
        if (length)
            memcpy(function->path, path, length);
        function->path[length] = '\0';
    }
    function->name = name;
}

void box_give(struct box *box)
{
    struct box_page *page = box->page;
    atomic_store(&page->head, 0);
    atomic_store(&page->tail, 0);
    atomic_store(&page->given, ++box->serial);
    atomic_fetch_add(&page->call, 1);
    futex_wake(&page->call);
}

/* ---- Places ------------------------------------------------------------------------------ */

bool box_is_on_board(const struct box *box, const void *bytes)
{
    const char *start = box->board ? (const char *)box->board->shared : NULL;
    return start && (const char *)bytes >= start && (const char *)bytes < start + box->board->memory.size;
}

/* Room in the area of the order. */
static bool take(struct box *box, size_t size, uint64_t *offset)
{
    uint64_t *room = &box->room, start = *room;
    if (size > box->memory.size - start || !box_reaches(box, start + size))
        return false;
    *offset = start;
    *room = (start + size + BOX_ALIGN - 1) / BOX_ALIGN * BOX_ALIGN;
    return true;
}

/* Where the child finds `size` bytes: on the board, or in a copy. */
static bool place(struct box *box, const void *bytes, size_t size, struct box_place *place)
{
    *place = (struct box_place){BOX_NOWHERE, 0};
    if (!bytes)
        return true;
    if (box_is_on_board(box, bytes)) {
        *place = (struct box_place){BOX_ON_BOARD,
                                    (uint64_t)((const char *)bytes - (const char *)box->board->shared)};
        return true;
    }
    if (!take(box, size, &place->offset))
        return false;
    place->where = BOX_ON_PAGE;
    if (size)
        memcpy(box_area(box, place->offset), bytes, size);
    return true;
}

/* ---- Orders ------------------------------------------------------------------------------ */

static bool order_errand(struct job *job, struct box_order *order)
{
    const struct errand *errand = job->errand;
    struct box *box = job->box;
    box_name(box, errand->fn, &order->fn);
    order->combine.name.module = 0;
    order->in_size = errand->in_size;
    order->out_size = 0;
    order->common_size = errand->common_size;
    order->first = errand->index;
    order->map = errand->map;
    order->flags = 0;
    order->attempt = errand->attempt;
    return place(box, errand->in, errand->in_size, &order->in) &&
           place(box, errand->common, errand->common_size, &order->common);
}

static bool order_results(struct job *job, struct box_order *order, uint32_t count)
{
    order->out = (struct box_place){BOX_NOWHERE, 0};
    order->out_size = job->stretch->out_size;
    if (job->way != BOX_RUN || !order->out_size)
        return true;
    if (!take(job->box, count * order->out_size, &job->out))
        return false;
    order->out = (struct box_place){BOX_ON_PAGE, job->out};
    return true;
}

static bool order_stretch(struct job *job, struct box_order *order, uint32_t count)
{
    const struct stretch *stretch = job->stretch;
    struct box *box = job->box;
    uint32_t from = job->next;
    bool packed = job->way == BOX_PACKED, range = stretch->flags & POST_RANGE;
    box_name(box, stretch->fn, &order->fn);
    order->combine.name.module = 0;
    if (stretch->combine)
        box_name(box, (rp_fn *)(void (*)(void))stretch->combine, &order->combine);
    order->in_size = stretch->in_size;
    order->common_size = stretch->common_size;
    order->first = stretch->first + from;
    order->total = stretch->total;
    order->begin = stretch->begin;
    order->map = stretch->map;
    order->flags = stretch->flags;
    order->attempt = stretch->attempt;
    const char *in = range ? NULL : packed ? stretch->in : stretch->in + from * stretch->in_size;
    const uint64_t *indices = stretch->indices ? stretch->indices + from : NULL;
    return place(box, in, packed ? 0 : count * stretch->in_size, &order->in) &&
           place(box, indices, count * sizeof *indices, &order->indices) &&
           place(box, packed ? stretch->inputs + from : NULL, 0, &order->inputs) &&
           place(box, stretch->common, stretch->common_size, &order->common) &&
           order_results(job, order, count);
}

uint64_t box_index(const struct job *job, uint32_t item)
{
    const struct stretch *stretch = job->stretch;
    if (!stretch)
        return job->errand->index;
    return stretch->indices && job->way != BOX_PACKED ? stretch->indices[item] : stretch->first + item;
}

void box_show(const struct job *job, uint32_t item)
{
    atomic_store_explicit(job->box->performer->call.index, box_index(job, item), memory_order_relaxed);
}

bool box_order(struct job *job, uint32_t count)
{
    struct box *box = job->box;
    struct box_order *order = &box->page->order;
    box->room = box->base;
    order->way = job->way;
    order->count = count;
    order->indices = order->inputs = order->out = (struct box_place){BOX_NOWHERE, 0};
    job->order_from = job->next;
    job->position = 0;
    if (!(job->errand ? order_errand(job, order) : order_stretch(job, order, count)))
        return false;
    order->room = box->room;
    job->expect = (struct box_expect){.way = job->way,
                                      .flags = job->stretch ? job->stretch->flags : 0,
                                      .count = count,
                                      .out_size = job->stretch ? job->stretch->out_size : 0,
                                      .serial = box->serial + 1,
                                      .begun = clock_ns()};
    if (count == 1)
        box_show(job, job->next);
    box_give(box);
    return true;
}
