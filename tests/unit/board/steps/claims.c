/* Claims against everything that may happen between their steps. */
#include "board/post.h"

#include "check.h"
#include "claimer.h"

/* Worker 2 claims all of the post, and the manager retires it and uses its descriptor again. */
static void begin_next_life(struct crowd *crowd, int post, uint32_t items, int owner)
{
    struct post_offer offer;
    while (crowd_claim(crowd, 2, 100, &offer))
        continue;
    post_retire(&crowd->posts, &crowd->board[0], post);
    REQUIRE(crowd_post(crowd, items, false, owner, 2) == post);
}

TEST_CASE(a_claim_delayed_past_retirement_and_reuse_fails)
{
    struct crowd crowd;
    struct actor actor;
    crowd_open(&crowd, 2);
    struct claimer claimer = claimer_of(&crowd, 1);
    int post = crowd_post(&crowd, 3, false, 0, 1);
    actor_start(&actor, claim_once, &claimer, "claim: announced");
    begin_next_life(&crowd, post, 3, 0);
    CHECK(!post_announcement_covers(&crowd.board[0], post_announcement(&crowd.board[0], 1), post, 0));
    actor_end(&actor);
    CHECK(claimer.offered && !claimer.claimed);
    CHECK_UINT(post_next(&crowd.board[0], post), 0);
    crowd_close(&crowd);
}

TEST_CASE(a_claim_delayed_past_retirement_alone_fails)
{
    struct crowd crowd;
    struct actor actor;
    struct post_offer offer;
    crowd_open(&crowd, 2);
    struct claimer claimer = claimer_of(&crowd, 1);
    int post = crowd_post(&crowd, 3, false, 0, 1);
    actor_start(&actor, claim_once, &claimer, "claim: announced");
    crowd_claim(&crowd, 2, 3, &offer);
    post_retire(&crowd.posts, &crowd.board[0], post);
    actor_end(&actor);
    CHECK(!claimer.claimed);
    CHECK_UINT(crowd_post(&crowd, 3, false, 0, 1), post);
    CHECK_UINT(crowd_claim(&crowd, 2, 3, &offer), 3);
    CHECK_UINT(offer.next, 0);
    crowd_close(&crowd);
}

/* The look read the cursor of one life and reads the limit and the owner of the next. */
TEST_CASE(a_look_delayed_past_reuse_offers_nothing_that_can_be_claimed)
{
    for (int owner = 0; owner <= 2; owner++) {
        struct crowd crowd;
        struct actor actor;
        crowd_open(&crowd, 2);
        struct claimer claimer = claimer_of(&crowd, 1);
        int post = crowd_post(&crowd, 3, false, 0, 1);
        check_note("owner %d", owner);
        actor_start(&actor, claim_once, &claimer, "peek: cursor read");
        begin_next_life(&crowd, post, 1000, owner);
        actor_end(&actor);
        CHECK(!claimer.claimed);
        CHECK_UINT(post_next(&crowd.board[0], post), 0);
        claim_once(&claimer); /* and has not been kept from the next life */
        CHECK_INT(claimer.claimed, owner != 2);
        crowd_close(&crowd);
    }
}

TEST_CASE(who_lost_the_race_announces_in_vain_until_it_leaves)
{
    struct crowd crowd;
    struct actor actor;
    struct post_offer offer;
    const struct board *manager = &crowd.board[0];
    crowd_open(&crowd, 2);
    struct claimer claimer = claimer_of(&crowd, 1);
    int post = crowd_post(&crowd, 2, false, 0, 1);
    actor_start(&actor, claim_once, &claimer, "claim: announced");
    CHECK_UINT(crowd_claim(&crowd, 2, 1, &offer), 1);
    CHECK(post_announcement_covers(manager, post_announcement(manager, 1), post, 0));
    actor_go(&actor, "claim: lost the race");
    CHECK(post_announcement_covers(manager, post_announcement(manager, 1), post, 0));
    actor_end(&actor);
    CHECK(!claimer.claimed);
    claim_once(&claimer); /* the other item */
    CHECK(claimer.claimed);
    CHECK(!post_announcement_covers(manager, post_announcement(manager, 1), post, 0));
    CHECK(post_announcement_covers(manager, post_announcement(manager, 1), post, 1));
    post_leave(&crowd.board[1]);
    CHECK(!post_announcement_covers(manager, post_announcement(manager, 1), post, 1));
    crowd_close(&crowd);
}

TEST_CASE(a_claim_is_announced_before_it_is_held)
{
    struct crowd crowd;
    struct actor actor;
    const struct board *manager = &crowd.board[0];
    crowd_open(&crowd, 2);
    struct claimer claimer = claimer_of(&crowd, 1);
    claimer.run = 5;
    int post = crowd_post(&crowd, 9, false, 0, 1);
    actor_start(&actor, claim_once, &claimer, "claim: announced");
    CHECK_UINT(post_next(manager, post), 0);
    for (uint32_t item = 0; item < 9; item++)
        CHECK_INT(post_announcement_covers(manager, post_announcement(manager, 1), post, item), item < 5);
    actor_go(&actor, "claim: held");
    CHECK_UINT(post_next(manager, post), 5);
    CHECK(post_announcement_covers(manager, post_announcement(manager, 1), post, 4));
    actor_end(&actor);
    crowd_close(&crowd);
}

TEST_CASE(a_post_extended_between_look_and_claim_loses_no_item)
{
    static const char *const places[] = {"peek: cursor read", "claim: announced", "claim: held"};
    for (int i = 0; i < 3; i++) {
        struct crowd crowd;
        struct actor actor;
        struct post_offer offer;
        check_note("%s", places[i]);
        crowd_open(&crowd, 2);
        struct claimer claimer = claimer_of(&crowd, 1);
        int post = crowd_post(&crowd, 1, true, 0, 0);
        actor_start(&actor, claim_once, &claimer, places[i]);
        post_extend(&crowd.board[0], post, 2);
        post_extend(&crowd.board[0], post, 3);
        actor_end(&actor);
        CHECK(claimer.claimed);
        CHECK_UINT(claimer.offer.next, 0);
        CHECK_UINT(crowd_claim(&crowd, 2, 5, &offer), 2);
        CHECK_UINT(offer.next, 1);
        crowd_close(&crowd);
    }
}

/* The look at a dry post ends in vain, or finds what was added: never in passing the post for good. */
TEST_CASE(a_dry_post_extended_during_a_look_is_found_now_or_next_time)
{
    struct crowd crowd;
    struct actor actor;
    struct post_offer offer;
    crowd_open(&crowd, 2);
    struct claimer claimer = claimer_of(&crowd, 1);
    int post = crowd_post(&crowd, 1, true, 0, 0);
    CHECK_UINT(crowd_claim(&crowd, 2, 1, &offer), 1);
    actor_start(&actor, claim_once, &claimer, "peek: cursor read");
    post_extend(&crowd.board[0], post, 2);
    post_close(&crowd.board[0], post);
    actor_end(&actor);
    if (!claimer.claimed)
        claim_once(&claimer);
    CHECK(claimer.claimed);
    CHECK_UINT(claimer.offer.next, 1);
    crowd_close(&crowd);
}

TEST_CASE(a_freeze_and_a_claim_never_get_the_same_item)
{
    struct crowd crowd;
    struct actor actor;
    crowd_open(&crowd, 2);
    struct claimer claimer = claimer_of(&crowd, 1);
    claimer.run = 2;
    int post = crowd_post(&crowd, 5, false, 0, 1);
    actor_start(&actor, claim_once, &claimer, "claim: announced");
    CHECK_UINT(post_freeze(&crowd.board[0], post), 0);
    actor_end(&actor);
    CHECK(!claimer.claimed);
    crowd_close(&crowd);

    crowd_open(&crowd, 2);
    post = crowd_post(&crowd, 5, false, 0, 1);
    actor_start(&actor, claim_once, &claimer, "claim: held");
    CHECK_UINT(post_freeze(&crowd.board[0], post), 2);
    actor_end(&actor);
    CHECK(claimer.claimed);
    crowd_close(&crowd);
}

struct freezer {
    struct crowd *crowd;
    int post;
    uint32_t from;
};

static void freeze(void *state)
{
    struct freezer *freezer = state;
    freezer->from = post_freeze(&freezer->crowd->board[0], freezer->post);
}

TEST_CASE(a_claim_in_the_middle_of_a_freeze_keeps_its_items)
{
    for (uint32_t run = 1; run <= 5; run += 2) {
        struct crowd crowd;
        struct actor actor;
        struct post_offer offer, none;
        check_note("%u of 5", run);
        crowd_open(&crowd, 2);
        int post = crowd_post(&crowd, 5, false, 0, 1);
        struct freezer freezer = {&crowd, post, 99};
        actor_start(&actor, freeze, &freezer, "freeze: cursor read");
        CHECK_UINT(crowd_claim(&crowd, 1, run, &offer), run);
        CHECK_UINT(offer.next, 0);
        actor_end(&actor);
        CHECK_UINT(freezer.from, run);
        CHECK_UINT(crowd_claim(&crowd, 2, 5, &none), 0);
        for (uint32_t item = 0; item < 5; item++)
            CHECK_INT(
                post_announcement_covers(&crowd.board[0], post_announcement(&crowd.board[0], 1), post, item),
                item < run);
        crowd_close(&crowd);
    }
}
