/* The child: begins as it is told, then waits for orders until one says that it leaves. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "board/growing.h"
#include "run/box_child.h"
#include "run/forker.h"

static bool is_halted(void *owner)
{
    const struct child *child = owner;
    return atomic_load_explicit(&child->page->halt, memory_order_relaxed);
}

static rp_status set_up(struct child *child, struct error *error)
{
    const struct box_told *told = &child->page->told;
    struct crew *crew = crew_for(told->self, &told->member);
    if (!crew)
        return error_set(error, RP_NO_MEMORY, "no memory for an isolated process");
    performer_init(&child->performer, told->self, crew, told->seed);
    child->performer.call.index = &child->page->running;
    child->performer.larder = box_larder(child);
    child->performer.is_halted = told->halts ? is_halted : NULL;
    child->performer.halter = child;
    if (!told->board.pid)
        return RP_OK;
    rp_status status = memory_attach_reading(&told->board, &child->board.memory, error);
    child->board.shared = child->board.memory.base;
    return status;
}

static rp_status enter(struct child *child, struct error *error)
{
    const struct box_told *told = &child->page->told;
    rp_fn *fn;
    if (!told->initializer.name.module)
        return RP_OK;
    child->top = child->page->order.room;
    atomic_store(&child->page->phase, BOX_ENTERING);
    rp_status status = box_find(child, &told->initializer, &fn, error);
    return status ? status
                  : perform_hook(&child->performer, HOOK_INITIALIZER, fn, box_place_at(child, told->initarg),
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
        box_obey(child, &page->order);
        atomic_store(&page->ended, given);
        forker_ring(child->bell);
    }
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
