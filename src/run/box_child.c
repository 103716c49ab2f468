/* The child: runs what the rank orders. It trusts the page, which its own tasks alone can spoil. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "board/arena.h"
#include "board/growing.h"
#include "board/share.h"
#include "run/box_page.h"
#include "run/forker.h"

#define WAKE_NS UINT64_C(1000000) /* between wakes of the rank for notes of an order under way */

/* A copy of what the rank alone could find. */
struct known_share {
    struct known_share *behind;
    uint64_t number, checked; /* in that order it was there still */
    size_t size;
    _Alignas(64) unsigned char bytes[];
};

struct child {
    struct box_page *page;
    struct memory_handle handle;
    struct memory memory;
    size_t reached; /* of the page, at least */
    _Atomic uint32_t *bell;
    struct board board; /* read-only; shared is NULL where there is none */
    struct performer performer;
    struct func_cache functions;
    uint64_t serial; /* of the order under way */
    uint64_t head;
    uint64_t top;   /* what lies below in the area is in use */
    uint64_t woken; /* when the rank was rung last */
    uint64_t requests;
    struct known_share *shares;
};

/* ---- Memory ------------------------------------------------------------------------------ */

static void *area_at(const struct child *child, uint64_t offset)
{
    return (char *)child->memory.base + offset;
}

static uint64_t area_take(struct child *child, size_t size)
{
    uint64_t start = (child->top + BOX_ALIGN - 1) / BOX_ALIGN * BOX_ALIGN;
    if (start > child->memory.size || size > child->memory.size - start)
        return ARENA_NONE;
    if (start + size > child->reached) {
        if (!growing_extend_by_handle(&child->handle, start + size))
            return ARENA_NONE;
        child->reached = start + size;
    }
    child->top = start + size;
    return start;
}

static void *larder_take(void *owner, size_t size, uint64_t *offset)
{
    struct child *child = owner;
    *offset = area_take(child, size);
    return *offset == ARENA_NONE ? NULL : area_at(child, *offset);
}

/* What was taken last goes back; the rest lasts until the order ends. */
static void larder_give(void *owner, uint64_t offset, size_t size)
{
    struct child *child = owner;
    if (offset + size == child->top)
        child->top = offset;
}

/* ---- What the rank does for it ----------------------------------------------------------- */

static rp_status request(struct child *child, enum box_wish wish, uint64_t number, uint64_t deadline,
                         uint64_t offset, size_t *size)
{
    struct box_request *request = &child->page->request;
    request->wish = wish;
    request->number = number;
    request->deadline = deadline;
    request->offset = offset;
    request->size = *size;
    uint64_t serial = atomic_load(&request->made) + 1;
    atomic_store(&request->made, serial);
    forker_ring(child->bell);
    for (;;) {
        uint32_t call = atomic_load(&child->page->call);
        if (atomic_load(&request->met) == serial)
            break;
        futex_wait(&child->page->call, call, CLOCK_NEVER);
    }
    *size = request->size;
    if (offset && wish != BOX_PUT && request->status == RP_OK && child->reached < offset + *size)
        child->reached = offset + *size;
    return request->status;
}

/* The next free place, where the rank will put what it is asked for. */
static uint64_t next_place(const struct child *child)
{
    return (child->top + BOX_ALIGN - 1) / BOX_ALIGN * BOX_ALIGN;
}

static const void *fetch_share(struct child *child, uint64_t number, size_t *size)
{
    uint64_t place = next_place(child);
    size_t bytes = 0;
    if (request(child, BOX_SHARE, number, 0, place, &bytes))
        return NULL;
    struct known_share *share = malloc(sizeof *share + bytes);
    if (!share)
        return NULL;
    *share = (struct known_share){
        .behind = child->shares, .number = number, .checked = child->serial, .size = bytes};
    memcpy(share->bytes, area_at(child, place), bytes);
    child->shares = share;
    *size = bytes;
    return share->bytes;
}

/* It may have been given up since the last order. */
static bool is_there_still(struct child *child, struct known_share *share)
{
    size_t size = 0;
    if (share->checked != child->serial && request(child, BOX_SHARE, share->number, 0, 0, &size))
        return false;
    share->checked = child->serial;
    return true;
}

static const void *find_share(void *owner, uint64_t number, size_t *size)
{
    struct child *child = owner;
    if (child->board.shared)
        return share_find(&child->board, number, size);
    for (struct known_share *share = child->shares; share; share = share->behind)
        if (share->number == number) {
            bool there = is_there_still(child, share);
            *size = there ? share->size : 0;
            return there ? share->bytes : NULL;
        }
    return fetch_share(child, number, size);
}

static rp_status put(void *owner, uint64_t queue, const void *data, size_t size, uint64_t deadline)
{
    struct child *child = owner;
    uint64_t top = child->top, place = area_take(child, size);
    if (place == ARENA_NONE)
        return RP_NO_MEMORY;
    if (size)
        memcpy(area_at(child, place), data, size);
    rp_status status = request(child, BOX_PUT, queue, deadline, place, &size);
    child->top = top;
    return status;
}

/* The bytes stay until the order ends. */
static rp_status get(void *owner, uint64_t queue, rp_view *view, uint64_t deadline)
{
    struct child *child = owner;
    uint64_t place = next_place(child);
    size_t size = 0;
    rp_status status = request(child, BOX_GET, queue, deadline, place, &size);
    if (status)
        return status;
    child->top = place + size;
    *view = (rp_view){area_at(child, place), size};
    return RP_OK;
}

/* ---- Notes ------------------------------------------------------------------------------- */

uint64_t box_seal(const struct note *note, const char *text, uint32_t carried, uint64_t serial)
{
    uint64_t words[sizeof *note / sizeof(uint64_t)], sum = serial * BOX_GUARD + carried;
    memcpy(words, note, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        sum = (sum ^ words[i]) * BOX_GUARD + (sum >> 29);
    for (uint32_t i = 0; i < carried; i++)
        sum = (sum ^ (unsigned char)text[i]) * BOX_GUARD;
    return sum ^ sum >> 32;
}

static void await_room(struct child *child)
{
    struct box_page *page = child->page;
    for (;;) {
        uint32_t call = atomic_load(&page->call);
        if (child->head - atomic_load(&page->tail) < BOX_NOTES)
            return;
        forker_ring(child->bell);
        futex_wait(&page->call, call, CLOCK_NEVER);
    }
}

static void send(void *state, struct note *note, const void *payload)
{
    struct child *child = state;
    await_room(child);
    struct box_note *place = &child->page->notes[child->head % BOX_NOTES];
    uint32_t carried = 0;
    if (payload) {
        carried = note->size < SENTENCE_LENGTH ? (uint32_t)note->size : SENTENCE_LENGTH;
        memcpy(place->text, payload, carried);
    }
    place->note = *note;
    place->carried = carried;
    place->seal = box_seal(note, place->text, carried, child->serial);
    atomic_store(&child->page->head, ++child->head);
    bool fills = child->head % (BOX_NOTES / 2) == 0;
    if (fills || note->ended - child->woken > WAKE_NS) {
        child->woken = note->ended;
        forker_ring(child->bell);
    }
}

/* ---- Orders ------------------------------------------------------------------------------ */

static void *at(const struct child *child, struct box_place place)
{
    if (place.where == BOX_ON_BOARD)
        return board_at(&child->board, place.offset);
    return place.where == BOX_ON_PAGE ? area_at(child, place.offset) : NULL;
}

static rp_fn *find(struct child *child, const struct box_function *function, char *why, size_t room)
{
    struct error error;
    rp_fn *fn;
    if (!func_decode(&child->functions, function->name, function->path[0] ? function->path : NULL, &fn,
                     &error))
        return fn;
    snprintf(why, room, "%.*s", (int)room - 1, error.text);
    return NULL;
}

static void refuse(struct child *child, const struct box_order *order, const char *why)
{
    for (uint32_t i = 0; i < order->count; i++) {
        struct note note = {
            .status = RP_MISMATCH, .from = i, .count = 1, .size = strlen(why), .ended = clock_ns()};
        send(child, &note, why);
    }
}

static void run_errand(struct child *child, const struct box_order *order, rp_fn *fn)
{
    struct errand errand = {.fn = fn,
                            .in = at(child, order->in),
                            .in_size = order->in_size,
                            .index = order->first,
                            .attempt = order->attempt,
                            .map = order->map,
                            .common = at(child, order->common),
                            .common_size = order->common_size};
    struct note note = {0};
    perform_errand(&child->performer, &errand, &note, send, child);
}

static uint64_t run_stretch(struct child *child, const struct box_order *order, rp_fn *fn,
                            rp_combine *combine)
{
    static uint64_t (*const ways[])(struct performer *, const struct stretch *, uint32_t, uint32_t,
                                    note_sink *, void *) = {
        [BOX_RUN] = perform_run, [BOX_PACKED] = perform_packed, [BOX_REDUCE] = perform_reduce};
    struct stretch stretch = {.fn = fn,
                              .combine = combine,
                              .in = at(child, order->in),
                              .in_size = order->in_size,
                              .out = at(child, order->out),
                              .out_size = order->out_size,
                              .indices = at(child, order->indices),
                              .inputs = at(child, order->inputs),
                              .first = order->first,
                              .total = order->total,
                              .begin = order->begin,
                              .common = at(child, order->common),
                              .common_size = order->common_size,
                              .map = order->map,
                              .flags = order->flags,
                              .attempt = order->attempt};
    performer_rest(&child->performer);
    return ways[order->way](&child->performer, &stretch, 0, order->count, send, child);
}

static void carry_out(struct child *child, const struct box_order *order)
{
    char why[512];
    rp_combine *combine = NULL;
    rp_fn *fn = find(child, &order->fn, why, sizeof why);
    if (fn && order->combine.name.module)
        combine = (rp_combine *)(void (*)(void))find(child, &order->combine, why, sizeof why);
    if (!fn || (order->combine.name.module && !combine)) {
        if (order->way != BOX_FINALIZE)
            refuse(child, order, why);
        return;
    }
    uint64_t ns = 0;
    if (order->way == BOX_ERRAND)
        run_errand(child, order, fn);
    else if (order->way == BOX_FINALIZE)
        perform_hook(&child->performer, HOOK_FINALIZER, fn, NULL, 0, NULL);
    else
        ns = run_stretch(child, order, fn, combine);
    atomic_store_explicit(&child->page->ns, ns, memory_order_relaxed);
    atomic_store_explicit(&child->page->combine_ns, child->performer.combine_ns, memory_order_relaxed);
}

static void serve(struct child *child)
{
    struct box_page *page = child->page;
    for (;;) {
        uint32_t call = atomic_load(&page->call);
        uint64_t given = atomic_load(&page->given);
        if (given == child->serial) {
            futex_wait(&page->call, call, CLOCK_NEVER);
            continue;
        }
        child->serial = given;
        child->head = 0;
        child->top = page->order.room;
        child->woken = clock_ns();
        if (page->order.way == BOX_LEAVE)
            return;
        atomic_store(&page->begun, given);
        carry_out(child, &page->order);
        atomic_store(&page->ended, given);
        forker_ring(child->bell);
    }
}

/* ---- Beginning --------------------------------------------------------------------------- */

static rp_status set_up(struct child *child, struct error *error)
{
    const struct box_told *told = &child->page->told;
    struct crew *crew = crew_for(told->self, &told->member);
    if (!crew)
        return error_set(error, RP_NO_MEMORY, "no memory for an isolated process");
    performer_init(&child->performer, told->self, crew, told->seed);
    child->performer.call.index = &child->page->running;
    child->performer.larder = (struct larder){larder_take, larder_give, find_share, put, get, child};
    if (!told->board.pid)
        return RP_OK;
    rp_status status = memory_attach_reading(&told->board, &child->board.memory, error);
    child->board.shared = child->board.memory.base;
    return status;
}

static rp_status enter(struct child *child, struct error *error)
{
    const struct box_told *told = &child->page->told;
    const struct box_function *function = &told->initializer;
    rp_fn *fn;
    if (!function->name.module)
        return RP_OK;
    child->top = child->page->order.room;
    atomic_store(&child->page->phase, BOX_ENTERING);
    rp_status status =
        func_decode(&child->functions, function->name, function->path[0] ? function->path : NULL, &fn, error);
    return status ? status
                  : perform_hook(&child->performer, HOOK_INITIALIZER, fn, at(child, told->initarg),
                                 told->initarg_size, error);
}

/* Bytes of memory of its own that this process has. */
static size_t memory_in_use(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    if (file && fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages) != 1) /* NOLINT */
        pages = 0;
    if (file)
        fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit_memory(size_t most)
{
    struct rlimit limit;
    if (!most || getrlimit(RLIMIT_DATA, &limit))
        return;
    size_t whole = memory_in_use() + most;
    if (whole < most || (limit.rlim_max != RLIM_INFINITY && whole > limit.rlim_max))
        return;
    limit.rlim_cur = limit.rlim_max = whole;
    setrlimit(RLIMIT_DATA, &limit);
}

void box_child(const struct memory_handle *handle, _Atomic uint32_t *bell)
{
    static struct child child; /* the process's own */
    struct error error = {0};
    child.handle = *handle;
    child.bell = bell;
    if (growing_attach(handle, &child.memory, &error))
        return;
    child.page = child.memory.base;
    child.reached = BOX_AREA;
    rp_status status = set_up(&child, &error);
    if (!status)
        status = enter(&child, &error);
    if (status)
        snprintf(child.page->why, sizeof child.page->why, "%s", error.text);
    else
        limit_memory(child.page->told.task_memory);
    atomic_store(&child.page->phase, status ? BOX_REFUSED : BOX_READY);
    forker_ring(bell);
    if (!status)
        serve(&child);
}
