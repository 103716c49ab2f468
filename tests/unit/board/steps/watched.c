/* What the manager of a death sees of the living. */
#include "board/outbox.h"

#include "check.h"
#include "claimer.h"

/* A living worker that claims, notes and claims again, beside a manager that looks in the order of
 * board/post.h: its cursor first, then its announcement, then its notes. Wherever the three looks
 * fall among the worker's steps, no item of the living is taken for lost. */
static void work_twice(void *state)
{
    struct claimer *claimer = state;
    for (int i = 0; i < 2; i++) {
        claim_once(claimer);
        crowd_note(claimer->crowd, claimer->member, claimer->offer.index, claimer->offer.next, 1);
    }
    post_leave(&claimer->crowd->board[claimer->member]);
}

static const char *const moments[] = {
    "peek: cursor read", "claim: announced", "claim: held", "note: written", "note: published", "note: ready",
    "peek: cursor read", "claim: announced", "claim: held", "note: written", "note: published", "note: ready",
};

enum { MOMENTS = sizeof moments / sizeof *moments };

struct look {
    uint32_t next;
    uint64_t announced;
    bool noted[2];
};

static void look_at_notes(struct crowd *crowd, struct look *look)
{
    struct outbox_span span = outbox_look(&crowd->board[0], 1);
    for (; span.first < span.end; span.first++)
        look->noted[outbox_note(&crowd->board[0], 1, span.first)->from] = true;
}

static void look_around(struct crowd *crowd, int cursor_at, int announcement_at, int notes_at)
{
    struct actor actor;
    struct look look = {0};
    struct note note;
    struct claimer claimer = claimer_of(crowd, 1);
    int post = crowd_post(crowd, 2, false, 0, 1);
    for (int moment = 0; moment <= MOMENTS; moment++) {
        if (moment == MOMENTS)
            actor_end(&actor);
        else if (moment)
            actor_go(&actor, moments[moment]);
        else
            actor_start(&actor, work_twice, &claimer, moments[0]);
        if (moment == cursor_at)
            look.next = post_next(&crowd->board[0], post);
        if (moment == announcement_at)
            look.announced = post_announcement(&crowd->board[0], 1);
        if (moment == notes_at)
            look_at_notes(crowd, &look);
    }
    for (uint32_t item = 0; item < look.next; item++)
        CHECK(look.noted[item] || post_announcement_covers(&crowd->board[0], look.announced, post, item));
    CHECK_INT(crowd_take(crowd, 1, &note), 2);
    post_retire(&crowd->posts, &crowd->board[0], post);
}

TEST_CASE(no_item_of_the_living_is_taken_for_lost_whenever_the_manager_looks)
{
    struct crowd crowd;
    crowd_open(&crowd, 1);
    for (int cursor_at = 0; cursor_at <= MOMENTS; cursor_at++)
        for (int announcement_at = cursor_at; announcement_at <= MOMENTS; announcement_at++)
            for (int notes_at = announcement_at; notes_at <= MOMENTS; notes_at++) {
                check_note("looks at moments %d, %d and %d", cursor_at, announcement_at, notes_at);
                look_around(&crowd, cursor_at, announcement_at, notes_at);
            }
    crowd_close(&crowd);
}
