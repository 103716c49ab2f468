/* Notes on their way to the manager, by turns in one thread. */
#include "board/outbox.h"

#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "crowd.h"

TEST_CASE(notes_arrive_in_the_order_of_writing)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    struct board *manager = &crowd.board[0];
    for (uint32_t i = 0; i < 5; i++)
        CHECK(crowd_note(&crowd, 1, 3, i, 1));
    struct outbox_span span = outbox_look(manager, 1);
    CHECK_UINT(span.end - span.first, 5);
    for (uint64_t at = span.first; at < span.end; at++)
        CHECK_UINT(outbox_note(manager, 1, at)->from, at - span.first);
    outbox_take(manager, 1, span.first + 2);
    CHECK_UINT(outbox_look(manager, 1).first, span.first + 2);
    outbox_take(manager, 1, span.end);
    CHECK_UINT(outbox_look(manager, 1).first, outbox_look(manager, 1).end);
    crowd_close(&crowd);
}

TEST_CASE(a_note_is_carried_whole)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    struct note note = {.post = 4095,
                        .flags = NOTE_FIRST,
                        .status = RP_TASK_FAILED,
                        .from = 1000000,
                        .count = 17,
                        .code = -5,
                        .ran = 0.5f,
                        .ended = UINT64_MAX,
                        .size = 24};
    memset(note.result.bytes, 0xa5, NOTE_INLINE);
    struct note got;
    CHECK(outbox_put(&crowd.board[1], &note));
    CHECK_INT(crowd_take(&crowd, 1, &got), 1);
    CHECK_MEM(&got, &note, sizeof note);
    crowd_close(&crowd);
}

TEST_CASE(the_ready_words_name_who_wrote_and_are_cleared_by_reading)
{
    struct crowd crowd;
    crowd_open(&crowd, 5);
    struct board *manager = &crowd.board[0];
    CHECK_UINT(outbox_ready(manager, 0), 0);
    crowd_note(&crowd, 2, 0, 0, 1);
    crowd_note(&crowd, 5, 0, 0, 1);
    crowd_note(&crowd, 5, 0, 0, 1);
    CHECK_UINT(outbox_ready(manager, 0), 1u << 2 | 1u << 5);
    CHECK_UINT(outbox_ready(manager, 0), 0);
    crowd_note(&crowd, 5, 0, 0, 1); /* not taken yet, and one more: it says so again */
    CHECK_UINT(outbox_ready(manager, 0), 1u << 5);
    crowd_close(&crowd);
}

TEST_CASE(the_last_worker_of_a_full_roster_has_its_own_bit_and_ring)
{
    struct error error;
    struct roster roster;
    struct board manager, worker;
    REQUIRE_STATUS(roster_create(&roster, BOARD_WORKERS_MAX, MEMORY_MEMFD, &error), RP_OK);
    REQUIRE_STATUS(board_create(&manager, &roster, 1, MEMORY_MEMFD, &error), RP_OK);
    worker = manager;
    board_see_as(&worker, BOARD_WORKERS_MAX);
    struct note note = {.from = 7};
    CHECK(outbox_put(&worker, &note));
    for (int word = 0; word < BOARD_WORDS; word++)
        CHECK_UINT(outbox_ready(&manager, word), word == BOARD_WORDS - 1 ? UINT64_C(1) << 63 : 0);
    struct outbox_span span = outbox_look(&manager, BOARD_WORKERS_MAX);
    CHECK_UINT(span.end - span.first, 1);
    CHECK_UINT(outbox_note(&manager, BOARD_WORKERS_MAX, span.first)->from, 7);
    CHECK_UINT(outbox_look(&manager, BOARD_WORKERS_MAX - 1).end, 0);
    board_release(&manager);
    roster_release(&roster);
}

TEST_CASE(a_full_outbox_refuses_and_overwrites_nothing)
{
    struct crowd crowd;
    crowd_open(&crowd, 2);
    struct board *manager = &crowd.board[0];
    uint32_t written = 0, read = 0;
    for (int round = 0; round < 5; round++) {
        while (crowd_note(&crowd, 1, 0, written, 1))
            written++;
        CHECK_UINT(written - read, OUTBOX_NOTES);
        CHECK(crowd_note(&crowd, 2, 0, 0, 1)); /* its neighbour is not concerned */
        struct outbox_span span = outbox_look(manager, 1);
        for (int i = 0; i < 700; i++, read++)
            REQUIRE(outbox_note(manager, 1, span.first++)->from == read);
        outbox_take(manager, 1, span.first);
    }
    crowd_close(&crowd);
}

TEST_CASE(who_waits_for_room_is_rung_when_there_is_some)
{
    struct crowd crowd;
    struct note note;
    crowd_open(&crowd, 2);
    while (crowd_note(&crowd, 1, 0, 0, 1))
        continue;
    roster_search(&crowd.roster[1]);
    roster_search(&crowd.roster[2]);
    roster_doze(&crowd.roster[1]);
    roster_doze(&crowd.roster[2]);
    CHECK(!outbox_has_spilled(&crowd.board[0], 1));
    outbox_say_spilled(&crowd.board[1], true);
    CHECK(outbox_has_spilled(&crowd.board[0], 1));
    crowd_take(&crowd, 1, &note);
    CHECK(!crowd_sleeps(&crowd, 1));
    CHECK(crowd_sleeps(&crowd, 2));
    outbox_say_spilled(&crowd.board[1], false);
    roster_doze(&crowd.roster[1]);
    crowd_note(&crowd, 1, 0, 0, 1);
    crowd_take(&crowd, 1, &note);
    CHECK(crowd_sleeps(&crowd, 1));
    crowd_close(&crowd);
}

/* ---- The manager's sleep --------------------------------------------------------------------- */

static bool sleeps(const struct crowd *crowd)
{
    return atomic_load(&crowd->board[0].shared->manager);
}

/* A worker has finished items, and says so. */
static void finish(struct crowd *crowd, int member, uint32_t items, bool urgent)
{
    crowd_note(crowd, member, 0, 0, items);
    outbox_notify(&crowd->board[member], items, urgent);
}

TEST_CASE(the_manager_is_woken_by_the_last_item_that_it_awaits)
{
    struct crowd crowd;
    crowd_open(&crowd, 2);
    outbox_doze(&crowd.board[0], 10);
    finish(&crowd, 1, 4, false);
    finish(&crowd, 2, 5, false);
    CHECK(sleeps(&crowd));
    finish(&crowd, 1, 1, false);
    CHECK(!sleeps(&crowd));
    outbox_sleep(&crowd.board[0], CLOCK_NEVER); /* returns at once */
    outbox_doze(&crowd.board[0], 10);
    finish(&crowd, 1, 1000, false);
    CHECK(!sleeps(&crowd));
    crowd_close(&crowd);
}

TEST_CASE(what_is_urgent_wakes_the_manager_at_once)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    outbox_doze(&crowd.board[0], UINT64_MAX);
    finish(&crowd, 1, UINT32_MAX, false);
    CHECK(sleeps(&crowd));
    finish(&crowd, 1, 1, true);
    CHECK(!sleeps(&crowd));
    outbox_doze(&crowd.board[0], UINT64_MAX);
    outbox_wake_manager(&crowd.board[1]);
    CHECK(!sleeps(&crowd));
    crowd_close(&crowd);
}

/* Short claims of a long map: their notes must not have to wait for each other. */
TEST_CASE(an_outbox_that_fills_wakes_the_manager_before_its_items_are_there)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    outbox_doze(&crowd.board[0], 1000000);
    for (int i = 0; i < OUTBOX_NOTES / 2; i++) {
        CHECK_UINT(crowd.board[0].shared->manager, 1);
        REQUIRE(crowd_note(&crowd, 1, 0, 0, 1));
        outbox_notify(&crowd.board[1], 1, false);
    }
    CHECK_UINT(crowd.board[0].shared->manager, 0);
    crowd_close(&crowd);
}

TEST_CASE(items_that_finish_while_the_manager_is_awake_are_not_counted)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    outbox_doze(&crowd.board[0], 3);
    outbox_rouse(&crowd.board[0]);
    finish(&crowd, 1, 2, false);
    outbox_doze(&crowd.board[0], 3);
    finish(&crowd, 1, 2, false);
    CHECK(sleeps(&crowd));
    crowd_close(&crowd);
}

TEST_CASE(the_manager_sleeps_to_its_deadline)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    outbox_doze(&crowd.board[0], 1);
    uint64_t deadline = clock_deadline(0.02);
    outbox_sleep(&crowd.board[0], deadline);
    CHECK(clock_ns() >= deadline);
    CHECK(!sleeps(&crowd));
    crowd_close(&crowd);
}

TEST_CASE(a_sleeping_manager_is_woken_before_many_notes_fill_a_ring)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    outbox_doze(&crowd.board[0], UINT64_MAX);
    int notes = 0;
    for (; sleeps(&crowd) && notes < OUTBOX_NOTES; notes++)
        finish(&crowd, 1, 1, false);
    CHECK(notes > 1 && notes < OUTBOX_NOTES);
    crowd_close(&crowd);
}

/* ---- Modules and breakdowns ------------------------------------------------------------------ */

TEST_CASE(modules_are_found_by_their_id)
{
    struct crowd crowd;
    struct error error;
    char path[BOARD_PATH + 1];
    crowd_open(&crowd, 1);
    CHECK_PTR(board_find_module(&crowd.board[1], 1), NULL);
    for (uint64_t id = 1; id <= BOARD_MODULES; id++) {
        memset(path, 0, sizeof path);
        memset(path, 'a' + (int)id % 26, id * 7);
        CHECK_STATUS(board_add_module(&crowd.board[0], id, path, &error), RP_OK);
        CHECK_STR(board_find_module(&crowd.board[1], id), path);
    }
    CHECK_STATUS(board_add_module(&crowd.board[0], 5, "again", &error), RP_OK);
    CHECK_STATUS(board_add_module(&crowd.board[0], 1000, "one more", &error), RP_UNSUPPORTED);
    CHECK_HAS(error.text, "64");
    crowd_close(&crowd);
    crowd_open(&crowd, 1);
    memset(path, 'x', BOARD_PATH);
    path[BOARD_PATH] = '\0';
    CHECK_STATUS(board_add_module(&crowd.board[0], 1, path, &error), RP_UNSUPPORTED);
    path[BOARD_PATH - 1] = '\0';
    CHECK_STATUS(board_add_module(&crowd.board[0], 1, path, &error), RP_OK);
    CHECK_STR(board_find_module(&crowd.board[1], 1), path);
    crowd_close(&crowd);
}

TEST_CASE(the_first_to_break_a_board_says_why)
{
    struct crowd crowd;
    char longest[2000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    crowd_open(&crowd, 2);
    board_break(&crowd.board[2], "no licence");
    board_break(&crowd.board[1], "another reason");
    CHECK_UINT(crowd.board[0].shared->broken, 2);
    CHECK_STR(crowd.board[0].shared->why, "no licence");
    crowd_close(&crowd);
    crowd_open(&crowd, 1);
    board_break(&crowd.board[1], longest);
    CHECK_UINT(strlen(crowd.board[0].shared->why), sizeof crowd.board[0].shared->why - 1);
    crowd_close(&crowd);
}
