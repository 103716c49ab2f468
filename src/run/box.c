#include "run/box.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/futex.h"
#include "board/growing.h"
#include "run/box_state.h"

#define LEAVE_S 2.0 /* that a child gets to end by itself */

rp_status box_prepare(struct error *error)
{
    return forker_start(box_child, error);
}

bool box_is_child(void)
{
    return forker_is_child();
}

const struct error *box_refusal(const struct box *box)
{
    return &box->refusal;
}

char *box_area(const struct box *box, uint64_t offset)
{
    return (char *)box->memory.base + offset;
}

bool box_reaches(struct box *box, uint64_t end)
{
    if (end <= box->known)
        return true;
    if (!growing_extend(&box->memory, end))
        return false;
    box->known = growing_size(&box->memory);
    return end <= box->known;
}

/* ---- Opening and closing ----------------------------------------------------------------- */

rp_status box_open(const struct box_setup *setup, struct box **made, struct error *error)
{
    const struct performer *performer = setup->performer;
    if (setup->board_handle.name[0])
        return error_set(error, RP_UNSUPPORTED,
                         "isolate: the tasks' processes could not open the pool's memory later on, since "
                         "processes may not open each other's descriptors here");
    struct box *box = calloc(1, sizeof *box);
    if (!box)
        return error_set(error, RP_NO_MEMORY, "no memory to isolate tasks");
    rp_status status = growing_create(memory_reach(), BOX_AREA, &box->memory, error);
    if (!status)
        status = forker_take(box_child, &box->place, error);
    if (status) {
        memory_release(&box->memory);
        free(box);
        return status;
    }
    box->performer = setup->performer;
    box->board = setup->board;
    box->page = box->memory.base;
    box->known = box->base = BOX_AREA;
    box->told = (struct box_told){.self = performer->self,
                                  .seed = performer->seed,
                                  .task_memory = setup->task_memory,
                                  .halts = performer->is_halted != NULL,
                                  .member = performer->crew->member[performer->self]};
    if (setup->board)
        box->told.board = setup->board_handle;
    *made = box;
    return RP_OK;
}

static void await_end(struct box *box, uint64_t deadline)
{
    _Atomic uint32_t *bell = forker_bell(box->place);
    for (;;) {
        int status;
        uint32_t seen = atomic_load(bell);
        enum forker_state state = forker_look(box->place, &status);
        if ((state != FORKER_RUNNING && state != FORKER_WANTED) || clock_has_passed(deadline))
            return;
        uint64_t tick = clock_ns() + FORKER_TICK_NS;
        if (!futex_wait(bell, seen, tick < deadline ? tick : deadline))
            forker_check(box->place);
    }
}

void box_kill(struct box *box)
{
    if (!box->child)
        return;
    forker_signal(box->place, SIGKILL);
    await_end(box, CLOCK_NEVER);
    box->child = false;
}

void box_close(struct box *box)
{
    if (!box)
        return;
    if (box->child) {
        box->page->order.way = BOX_LEAVE;
        box_give(box);
        await_end(box, clock_deadline(LEAVE_S));
    }
    forker_give(box->place);
    memory_release(&box->memory);
    free(box);
}

/* ---- Children ---------------------------------------------------------------------------- */

rp_status box_start_child(struct box *box, struct error *error)
{
    struct box_page *page = box->page;
    page->told = box->told;
    page->order.room = box->base;
    atomic_store(&page->halt, 0);
    atomic_store(&page->given, 0);
    atomic_store(&page->begun, 0);
    atomic_store(&page->ended, 0);
    atomic_store(&page->head, 0);
    atomic_store(&page->tail, 0);
    atomic_store(&page->running, UINT64_MAX);
    atomic_store(&page->request.made, 0);
    atomic_store(&page->request.met, 0);
    atomic_store(&page->phase, BOX_STARTING);
    page->why[0] = '\0';
    box_set_guards(page);
    box->met = 0;
    box->ready = false;
    struct memory_handle handle = memory_handle_of(&box->memory);
    rp_status status = forker_call(box->place, &handle, error);
    box->child = !status;
    return status;
}

static enum birth refuse(struct box *box, const char *why)
{
    box->child = false;
    error_set(&box->refusal, RP_POOL_BROKEN, "%s", why);
    return BIRTH_REFUSED;
}

/* None but a task would have spoiled the page. */
static bool has_been_ready(const struct box *box)
{
    return atomic_load(&box->page->phase) == BOX_READY || !box_is_intact(box->page);
}

static enum birth judge_end(struct box *box, int status)
{
    char end[128], why[512];
    const struct crew_member *member = &box->told.member;
    uint32_t phase = atomic_load(&box->page->phase);
    if (has_been_ready(box))
        return BIRTH_READY;
    box->child = false;
    if (phase == BOX_STARTING)
        return BIRTH_AGAIN;
    if (phase == BOX_REFUSED) {
        snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, box->page->why);
        return refuse(box, why);
    }
    box_say_end(end, sizeof end, status);
    snprintf(why, sizeof why, "the initializer crashed on worker %d (%s, process %ld): its process %s",
             member->number, member->host, member->pid, end);
    return refuse(box, why);
}

enum birth box_birth(struct box *box, enum forker_state state, int status)
{
    char why[256];
    if (box->ready)
        return BIRTH_READY;
    switch (state) {
    case FORKER_FAILED:
        snprintf(why, sizeof why, "worker %d (%s, process %ld) cannot fork a process for its tasks: %s",
                 box->told.member.number, box->told.member.host, box->told.member.pid, strerror(status));
        return refuse(box, why);
    case FORKER_ENDED:
        return judge_end(box, status);
    default:
        box->ready = has_been_ready(box);
        return box->ready ? BIRTH_READY : BIRTH_UNDER_WAY;
    }
}

/* ---- Initializer and finalizer ----------------------------------------------------------- */

/* An initarg that lies in this process alone is put where each child finds it. */
static rp_status keep_initializer(struct box *box, rp_fn *fn, const void *in, size_t in_size,
                                  struct error *error)
{
    box_name(box, fn, &box->told.initializer);
    box->told.initarg_size = in_size;
    if (!in || !in_size)
        return RP_OK;
    if (box_is_on_board(box, in)) {
        uint64_t offset = (uint64_t)((const char *)in - (const char *)box->board->shared);
        box->told.initarg = (struct box_place){BOX_ON_BOARD, offset};
        return RP_OK;
    }
    if (!box_reaches(box, box->base + in_size))
        return error_set(error, RP_NO_MEMORY, "no memory for an initarg of %zu bytes", in_size);
    memcpy(box_area(box, box->base), in, in_size);
    box->told.initarg = (struct box_place){BOX_ON_PAGE, box->base};
    box->base = (box->base + in_size + BOX_ALIGN - 1) / BOX_ALIGN * BOX_ALIGN;
    return RP_OK;
}

static rp_status run_initializer(struct box *box, rp_fn *fn, const void *in, size_t in_size,
                                 struct error *error)
{
    rp_status status = keep_initializer(box, fn, in, in_size, error);
    if (status)
        return status;
    struct job job = {.box = box, .way = BOX_LEAVE};
    for (int tries = 0; tries < BOX_TRIES && box_watch(&job).ending == ENDING_AGAIN; tries++)
        ;
    if (box->refusal.status)
        return error_set(error, box->refusal.status, "%s", box->refusal.text);
    return RP_OK;
}

rp_status box_hook(struct box *box, enum hook hook, rp_fn *fn, const void *in, size_t in_size,
                   struct error *error)
{
    if (hook == HOOK_INITIALIZER)
        return run_initializer(box, fn, in, in_size, error);
    if (!box->child)
        return RP_OK; /* nothing has run there */
    struct job job = {.box = box, .way = BOX_FINALIZE, .whose = {0}};
    box_name(box, fn, &box->page->order.fn);
    box->page->order.combine.name.module = 0;
    box->page->order.count = 0;
    box->page->order.way = BOX_FINALIZE;
    box->page->order.room = box->base;
    job.expect = (struct box_expect){.way = BOX_FINALIZE};
    box_give(box);
    job.expect.serial = box->serial;
    box_watch(&job);
    return RP_OK;
}
