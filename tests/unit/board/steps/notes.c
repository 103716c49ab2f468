/* Notes on their way against the manager that goes to sleep, and against a full outbox. */
#include "board/outbox.h"

#include "actor.h"
#include "base/clock.h"
#include "board/crowd.h"
#include "check.h"

/* A worker that notes items, and says so. */
struct writer {
    struct crowd *crowd;
    int member;
    uint32_t items;
};

static void write_notes(void *state)
{
    struct writer *writer = state;
    for (uint32_t i = 0; i < writer->items; i++) {
        CHECK(crowd_note(writer->crowd, writer->member, 0, i, 1));
        outbox_notify(&writer->crowd->board[writer->member], 1, false);
    }
}

/* A manager that waits for items as run/wait.c does, without a tick to help it. */
struct reader {
    struct crowd *crowd;
    uint32_t items, taken;
};

static uint32_t take_ready(struct crowd *crowd)
{
    uint32_t taken = 0;
    struct note note;
    for (uint64_t bits = outbox_ready(&crowd->board[0], 0); bits; bits &= bits - 1)
        taken += (uint32_t)crowd_take(crowd, __builtin_ctzll(bits), &note);
    return taken;
}

static void await_items(void *state)
{
    struct reader *reader = state;
    struct board *board = &reader->crowd->board[0];
    while (reader->taken < reader->items) {
        outbox_doze(board, reader->items - reader->taken);
        if (atomic_load(&board->shared->ready[0]))
            outbox_rouse(board);
        else
            outbox_sleep(board, CLOCK_NEVER);
        reader->taken += take_ready(reader->crowd);
    }
}

static const char *const writing[] = {"note: written", "note: published", "note: ready"};

#define EACH_PLACE(i) for (size_t i = 0; i < sizeof writing / sizeof *writing; i++)

TEST_CASE(a_note_is_seen_from_its_publication_on_also_without_its_bit)
{
    EACH_PLACE(i)
    {
        struct crowd crowd;
        struct actor actor;
        struct note note;
        check_note("%s", writing[i]);
        crowd_open(&crowd, 1);
        struct writer writer = {&crowd, 1, 1};
        actor_start(&actor, write_notes, &writer, writing[i]);
        CHECK_UINT(outbox_ready(&crowd.board[0], 0), i == 2 ? 2 : 0);
        CHECK_INT(crowd_take(&crowd, 1, &note), i > 0);
        actor_end(&actor);
        crowd_close(&crowd);
    }
}

TEST_CASE(a_manager_that_dozes_while_a_note_is_on_its_way_is_woken)
{
    EACH_PLACE(i)
    {
        struct crowd crowd;
        struct actor worker, manager;
        check_note("%s", writing[i]);
        crowd_open(&crowd, 1);
        struct writer writer = {&crowd, 1, 1};
        struct reader reader = {&crowd, 1, 0};
        actor_start(&worker, write_notes, &writer, writing[i]);
        actor_start(&manager, await_items, &reader, NULL);
        actor_await_stop(&manager); /* it sleeps, or has seen it */
        actor_end(&worker);
        actor_end(&manager);
        CHECK_UINT(reader.taken, 1);
        crowd_close(&crowd);
    }
}

TEST_CASE(a_note_written_while_the_manager_falls_asleep_is_seen)
{
    static const char *const places[] = {"manager: dozes", "manager: sleeps"};
    for (int i = 0; i < 2; i++) {
        struct crowd crowd;
        struct actor manager;
        check_note("%s", places[i]);
        crowd_open(&crowd, 1);
        struct writer writer = {&crowd, 1, 3};
        struct reader reader = {&crowd, 3, 0};
        actor_start(&manager, await_items, &reader, places[i]);
        write_notes(&writer);
        actor_end(&manager);
        CHECK_UINT(reader.taken, 3);
        crowd_close(&crowd);
    }
}

/* A worker found the manager asleep, and comes to wake it when it has slept and dozed anew. */
TEST_CASE(a_late_call_wakes_the_manager_early_but_never_too_late)
{
    struct crowd crowd;
    struct actor late, manager;
    crowd_open(&crowd, 2);
    struct writer first = {&crowd, 1, 1}, second = {&crowd, 2, 4};
    struct reader reader = {&crowd, 5, 0};
    actor_start(&manager, await_items, &reader, NULL);
    actor_await_sleep(&manager);
    actor_start(&late, write_notes, &first, "notify: manager sleeps");
    outbox_wake_manager(
        &crowd.board[2]); /* something urgent: it takes the late one's note, and dozes for 4 */
    actor_await_sleep(&manager);
    actor_end(&late);
    write_notes(&second);
    actor_end(&manager);
    CHECK_UINT(reader.taken, 5);
    crowd_close(&crowd);
}

TEST_CASE(notes_that_follow_each_other_are_all_seen_wherever_the_manager_looks)
{
    EACH_PLACE(i)
    for (int before = 0; before <= 1; before++) {
        struct crowd crowd;
        struct actor worker;
        struct note note;
        check_note("%s, a note before it %s", writing[i], before ? "waits" : "was taken");
        crowd_open(&crowd, 1);
        crowd_note(&crowd, 1, 0, 0, 1);
        uint32_t taken = before ? 0 : take_ready(&crowd);
        struct writer writer = {&crowd, 1, 1};
        actor_start(&worker, write_notes, &writer, writing[i]);
        taken += take_ready(&crowd);
        actor_end(&worker);
        taken += take_ready(&crowd);
        CHECK_UINT(taken, 2);
        CHECK_INT(crowd_take(&crowd, 1, &note), 0);
        crowd_close(&crowd);
    }
}

/* ---- A full outbox --------------------------------------------------------------------------- */

/* Waits for room in the order of calls that board/outbox.h asks for. */
static void wait_for_room(void *state)
{
    struct crowd *crowd = state;
    struct note note = {.from = 77};
    outbox_say_spilled(&crowd->board[1], true);
    while (!outbox_put(&crowd->board[1], &note)) {
        roster_search(&crowd->roster[1]);
        roster_doze(&crowd->roster[1]);
        if (outbox_put(&crowd->board[1], &note)) {
            roster_rouse(&crowd->roster[1]);
            break;
        }
        roster_sleep(&crowd->roster[1], CLOCK_NEVER);
    }
    outbox_say_spilled(&crowd->board[1], false);
}

TEST_CASE(room_made_at_any_step_of_falling_asleep_is_found)
{
    static const char *const places[] = {"search: counted", "doze: not searching", "doze: bell set",
                                         "doze: bit set", "sleep: about to"};
    for (int i = 0; i < 5; i++) {
        struct crowd crowd;
        struct actor worker;
        struct note note;
        check_note("%s", places[i]);
        crowd_open(&crowd, 1);
        while (crowd_note(&crowd, 1, 0, 0, 1))
            continue;
        actor_start(&worker, wait_for_room, &crowd, places[i]);
        crowd_take(&crowd, 1, &note);
        actor_end(&worker);
        CHECK_INT(crowd_take(&crowd, 1, &note), 1);
        CHECK_UINT(note.from, 77);
        crowd_close(&crowd);
    }
}
