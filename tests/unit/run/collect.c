/* Notes of many workers that come in at once. */
#include "run/collect.h"

#include <stdlib.h>

#include "board/outbox.h"
#include "check.h"
#include "gang.h"

enum { WORKERS = 200, NOTES = 40 };

/* Many members in one process, of which the test writes the notes. */
struct hall {
    struct roster roster;
    struct crew *crew;
    struct manager manager;
    struct board board[WORKERS + 1];
    uint64_t last;              /* that was taken in: when it ended */
    uint32_t next[WORKERS + 1]; /* the note of each that comes next */
    uint32_t taken, late, out_of_turn;
};

static bool take_note(void *work, int post, const struct note *note, const void *payload, int worker)
{
    struct hall *hall = work;
    (void)post, (void)payload;
    hall->late += note->ended < hall->last;
    hall->out_of_turn += note->from != hall->next[worker]++;
    hall->last = note->ended;
    hall->taken++;
    return false;
}

static const struct posting_ops ops = {.take_note = take_note};

static void open_hall(struct hall *hall)
{
    struct error error;
    REQUIRE_STATUS(roster_create(&hall->roster, WORKERS, MEMORY_MEMFD, &error), RP_OK);
    hall->crew = crew_of_roster(&hall->roster);
    REQUIRE(hall->crew);
    struct manager_setup setup = {.roster = &hall->roster, .crew = hall->crew, .pool = 1};
    REQUIRE_STATUS(manager_open(&hall->manager, &setup, &error), RP_OK);
    for (int i = 1; i <= WORKERS; i++) {
        hall->board[i] = hall->manager.board;
        board_see_as(&hall->board[i], i);
    }
    hall->manager.postings[0].ops = &ops;
    hall->manager.postings[0].work = hall;
}

static void close_hall(struct hall *hall)
{
    hall->manager.postings[0].ops = NULL;
    manager_close(&hall->manager);
    crew_drop(hall->crew);
    roster_release(&hall->roster);
    free(hall);
}

TEST_CASE(notes_of_many_workers_are_taken_in_by_the_time_at_which_they_ended)
{
    struct hall *hall = calloc(1, sizeof *hall);
    uint32_t random = 1, written[WORKERS + 1] = {0};
    REQUIRE(hall);
    open_hall(hall);
    for (uint64_t ended = 1; ended <= WORKERS * NOTES; ended++) {
        random = random * 1664525u + 1013904223u;
        int worker = 1 + (int)((random >> 8) % WORKERS);
        struct note note = {.from = written[worker]++, .count = 1, .ended = ended};
        REQUIRE(outbox_put(&hall->board[worker], &note));
    }
    CHECK(collect_notes(&hall->manager));
    CHECK_UINT(hall->taken, WORKERS * NOTES);
    CHECK_UINT(hall->late, 0);
    CHECK_UINT(hall->out_of_turn, 0);
    CHECK(!collect_notes(&hall->manager));
    collect_all_notes(&hall->manager);
    CHECK_UINT(hall->taken, WORKERS * NOTES);
    close_hall(hall);
}
