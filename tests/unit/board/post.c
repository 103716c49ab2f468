/* Posts by turns in one thread: what is offered to whom, and what a claim takes. */
#include "board/post.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "crowd.h"

TEST_CASE(items_are_claimed_in_order_by_whoever_comes)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 2);
    int post = crowd_post(&crowd, 10, false, 0, 1);
    CHECK_UINT(crowd_claim(&crowd, 1, 4, &offer), 4);
    CHECK_UINT(offer.index, post);
    CHECK_UINT(offer.next, 0);
    CHECK_UINT(offer.available, 10);
    CHECK_UINT(crowd_claim(&crowd, 2, 4, &offer), 4);
    CHECK_UINT(offer.next, 4);
    CHECK_UINT(crowd_claim(&crowd, 1, 4, &offer), 2);
    CHECK_UINT(offer.next, 8);
    CHECK_UINT(crowd_claim(&crowd, 2, 4, &offer), 0);
    crowd_close(&crowd);
}

TEST_CASE(of_two_who_saw_the_same_offer_one_gets_it)
{
    struct crowd crowd;
    struct post_offer first, second;
    crowd_open(&crowd, 2);
    crowd_post(&crowd, 3, false, 0, 1);
    REQUIRE(post_peek(&crowd.board[1], 0, &first));
    REQUIRE(post_peek(&crowd.board[2], 0, &second));
    CHECK(post_claim(&crowd.board[2], &second, 1));
    CHECK(!post_claim(&crowd.board[1], &first, 2));
    REQUIRE(post_peek(&crowd.board[1], 0, &first));
    CHECK_UINT(first.next, 1);
    CHECK(post_claim(&crowd.board[1], &first, 2));
    crowd_close(&crowd);
}

TEST_CASE(a_process_that_is_reserved_claims_what_is_for_it_alone_until_it_is_not)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 2);
    crowd.board[1].reserved = true;
    int for_all = crowd_post(&crowd, 1, false, 0, 1), for_one = crowd_post(&crowd, 1, false, 1, 1);
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 1);
    CHECK_UINT(offer.index, for_one);
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 0);
    crowd.board[1].reserved = false;
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 1);
    CHECK_UINT(offer.index, for_all);
    crowd_close(&crowd);
}

TEST_CASE(the_oldest_post_is_offered_first)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 1);
    int posts[3];
    for (int i = 0; i < 3; i++)
        posts[i] = crowd_post(&crowd, 1, false, 0, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 1);
        CHECK_UINT(offer.index, posts[i]);
    }
    crowd_close(&crowd);
}

TEST_CASE(the_highest_priority_is_offered_first_and_the_oldest_of_these)
{
    static const int32_t priorities[] = {0, 5, -1, 5, 0, 9};
    static const int order[] = {5, 1, 3, 0, 4, 2};
    struct crowd crowd;
    struct post_offer offer;
    int posts[6];
    crowd_open(&crowd, 1);
    for (int i = 0; i < 6; i++) {
        posts[i] = post_take(&crowd.posts);
        atomic_store(&crowd.board[0].post[posts[i]].priority, priorities[i]);
        post_publish(&crowd.board[0], posts[i], 2, false);
    }
    for (int i = 0; i < 12; i++) {
        CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 1);
        CHECK_UINT(offer.index, posts[order[i / 2]]);
        CHECK_UINT(offer.next, i % 2);
    }
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 0);
    for (int i = 0; i < 6; i++)
        post_retire(&crowd.posts, &crowd.board[0], posts[i]);
    CHECK_UINT(crowd.board[0].shared->prioritized, 0);
    crowd_close(&crowd);
}

TEST_CASE(a_post_with_an_owner_is_for_that_worker_alone)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 2);
    int owned = crowd_post(&crowd, 1, false, 2, 1);
    int free = crowd_post(&crowd, 1, false, 0, 1);
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 1);
    CHECK_UINT(offer.index, free);
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 0);
    CHECK_UINT(crowd_claim(&crowd, 2, 1, &offer), 1);
    CHECK_UINT(offer.index, owned);
    crowd_close(&crowd);
}

TEST_CASE(who_claims_for_several_is_offered_what_is_for_any_of_them)
{
    struct crowd crowd;
    struct post_offer offer;
    struct slot slot = {0};
    crowd_open(&crowd, 2);
    struct board several = crowd.board[0];
    board_see_for(&several, 5, 8, &slot);
    for (uint32_t owner = 4; owner <= 8; owner++)
        atomic_store(&crowd.board[0].post[crowd_post(&crowd, 1, false, 0, 1)].owner, owner);
    for (uint32_t owner = 5; owner <= 7; owner++) {
        REQUIRE(post_peek(&several, 0, &offer));
        CHECK_UINT(atomic_load(&offer.post->owner), owner);
        CHECK(post_claim(&several, &offer, 1));
    }
    CHECK(!post_peek(&several, 0, &offer));
    CHECK(slot.announce != 0);
    for (int member = 0; member <= 2; member++)
        CHECK_UINT(post_announcement(&crowd.board[0], member), 0);
    crowd_close(&crowd);
}

TEST_CASE(a_claimer_may_ask_for_one_map_alone)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 1);
    crowd_post(&crowd, 1, false, 0, 7);
    int wanted = crowd_post(&crowd, 1, false, 0, 8);
    REQUIRE(post_peek(&crowd.board[0], 8, &offer));
    CHECK_UINT(offer.index, wanted);
    CHECK(!post_peek(&crowd.board[0], 9, &offer));
    REQUIRE(post_peek(&crowd.board[0], 0, &offer)); /* what was passed over is still there */
    CHECK_UINT(offer.index, !wanted);
    crowd_close(&crowd);
}

TEST_CASE(an_open_post_offers_what_has_been_added_until_it_is_closed)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 1);
    int post = crowd_post(&crowd, 0, true, 0, 0);
    for (uint32_t items = 1; items < 1000; items++) {
        REQUIRE(crowd_claim(&crowd, 1, 1, &offer) == 0);
        post_extend(&crowd.board[0], post, items);
        REQUIRE(crowd_claim(&crowd, 1, 5, &offer) == 1);
        REQUIRE(offer.next == items - 1);
    }
    post_close(&crowd.board[0], post);
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 0);
    CHECK_UINT(crowd.board[1].seen, 1); /* and is not looked at again */
    crowd_close(&crowd);
}

TEST_CASE(frozen_items_are_out_of_reach)
{
    struct crowd crowd;
    struct post_offer offer, stale;
    crowd_open(&crowd, 1);
    int post = crowd_post(&crowd, 10, false, 0, 1);
    CHECK_UINT(crowd_claim(&crowd, 1, 3, &offer), 3);
    REQUIRE(post_peek(&crowd.board[1], 0, &stale));
    CHECK_UINT(post_freeze(&crowd.board[0], post), 3);
    CHECK(!post_claim(&crowd.board[1], &stale, 1));
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 0);
    CHECK_UINT(post_freeze(&crowd.board[0], post), 10); /* nothing is left to be taken */
    crowd_close(&crowd);
}

TEST_CASE(an_open_post_of_another_worker_is_not_looked_at_again)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 2);
    crowd_post(&crowd, 0, true, 2, 0);
    CHECK(!post_peek(&crowd.board[1], 0, &offer));
    CHECK_UINT(crowd.board[1].seen, 1);
    CHECK(!post_peek(&crowd.board[2], 0, &offer));
    CHECK_UINT(crowd.board[2].seen, 0);
    crowd_close(&crowd);
}

/* ---- Generations ----------------------------------------------------------------------------- */

TEST_CASE(an_offer_of_a_former_life_cannot_be_claimed)
{
    struct crowd crowd;
    struct post_offer offer, stale;
    crowd_open(&crowd, 2);
    int post = crowd_post(&crowd, 5, false, 0, 1);
    REQUIRE(post_peek(&crowd.board[1], 0, &stale));
    CHECK_UINT(crowd_claim(&crowd, 2, 5, &offer), 5);
    post_retire(&crowd.posts, &crowd.board[0], post);
    CHECK(!post_claim(&crowd.board[1], &stale, 1)); /* while it is free */
    CHECK_INT(crowd_post(&crowd, 5, false, 0, 2), post);
    CHECK(!post_claim(&crowd.board[1], &stale, 1)); /* in its next life, at the same item */
    CHECK_UINT(post_next(&crowd.board[0], post), 0);
    crowd_close(&crowd);
}

TEST_CASE(a_descriptor_lives_through_many_generations)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 2);
    for (uint32_t life = 0; life < 3000; life++) { /* an announcement holds ten bits of a generation */
        int post = crowd_post(&crowd, 1 + life % 3, false, 0, 1 + life);
        REQUIRE(post == 0);
        REQUIRE(crowd_claim(&crowd, 1, 5, &offer) == 1 + life % 3);
        REQUIRE(offer.next == 0);
        REQUIRE(atomic_load(&offer.post->map) == 1 + life);
        REQUIRE(post_announcement_covers(&crowd.board[0], post_announcement(&crowd.board[0], 1), post, 0));
        REQUIRE(crowd_claim(&crowd, 2, 1, &offer) == 0);
        post_retire(&crowd.posts, &crowd.board[0], post);
        REQUIRE(!post_announcement_covers(&crowd.board[0], post_announcement(&crowd.board[0], 1), post, 0));
    }
    crowd_close(&crowd);
}

TEST_CASE(an_announcement_covers_its_items_and_no_others)
{
    struct crowd crowd;
    struct post_offer offer;
    const struct board *manager = &crowd.board[0];
    crowd_open(&crowd, 2);
    int first = crowd_post(&crowd, 10, false, 0, 1), second = crowd_post(&crowd, 10, false, 0, 1);
    CHECK_UINT(post_announcement(manager, 1), 0);
    CHECK_UINT(crowd_claim(&crowd, 1, 3, &offer), 3);
    CHECK_UINT(crowd_claim(&crowd, 1, 4, &offer), 4);
    uint64_t announced = post_announcement(manager, 1);
    for (uint32_t item = 0; item < 10; item++) {
        CHECK_INT(post_announcement_covers(manager, announced, first, item), item >= 3 && item < 7);
        CHECK(!post_announcement_covers(manager, announced, second, item));
        CHECK(!post_announcement_covers(manager, 0, first, item));
    }
    post_leave(&crowd.board[1]);
    CHECK_UINT(post_announcement(manager, 1), 0);
    crowd_close(&crowd);
}

TEST_CASE(a_post_of_the_most_items_is_announced_to_its_last)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 1);
    int post = crowd_post(&crowd, BOARD_POST_ITEMS, false, 0, 1);
    CHECK_UINT(crowd_claim(&crowd, 1, 5, &offer), 5);
    CHECK_UINT(crowd_claim(&crowd, 1, BOARD_POST_ITEMS, &offer), BOARD_POST_ITEMS - 5);
    uint64_t announced = post_announcement(&crowd.board[0], 1);
    CHECK(!post_announcement_covers(&crowd.board[0], announced, post, 4));
    CHECK(post_announcement_covers(&crowd.board[0], announced, post, 5));
    CHECK(post_announcement_covers(&crowd.board[0], announced, post, BOARD_POST_ITEMS - 1));
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 0);
    crowd_close(&crowd);
}

/* ---- The ring of the order ------------------------------------------------------------------- */

TEST_CASE(as_many_posts_live_as_there_are_descriptors)
{
    struct crowd crowd;
    struct post_offer offer;
    static bool seen[BOARD_POSTS];
    memset(seen, 0, sizeof seen);
    crowd_open(&crowd, 1);
    for (int i = 0; i < BOARD_POSTS; i++)
        REQUIRE(crowd_post(&crowd, 1, false, 0, 1) >= 0);
    CHECK_INT(crowd_post(&crowd, 1, false, 0, 1), -1);
    for (int i = 0; i < BOARD_POSTS; i++) {
        REQUIRE(crowd_claim(&crowd, 1, 1, &offer) == 1);
        REQUIRE(!seen[offer.index]);
        seen[offer.index] = true;
    }
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 0);
    crowd_close(&crowd);
}

/* A post that stays unclaimed while the ring goes round many times: it must be found by one who has
 * looked on, by one who looks for the first time, and by one who has passed it over before. */
TEST_CASE(what_is_stuck_in_the_ring_is_found_however_often_it_goes_round)
{
    enum { STUCK = 5, ROUNDS = 4 };
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 3);
    int stuck[STUCK];
    for (int i = 0; i < STUCK; i++) {
        stuck[i] = crowd_post(&crowd, 1, false, 2, 77);
        for (int k = 0; k < 3; k++)
            crowd_post(&crowd, 1, false, 1, 1);
    }
    for (int i = 0; i < ROUNDS * BOARD_POSTS; i++) {
        REQUIRE(crowd_claim(&crowd, 1, 1, &offer) == 1);
        post_retire(&crowd.posts, &crowd.board[0], (int)offer.index);
        REQUIRE(crowd_post(&crowd, 1, false, 1, 1) >= 0);
        if (i % 1000 == 0)
            REQUIRE(!post_peek(&crowd.board[3], 0, &offer)); /* neither is for worker 3 */
    }
    for (int i = 0; i < STUCK; i++) {
        REQUIRE(crowd_claim(&crowd, 2, 1, &offer) == 1);
        int known = 0;
        for (int k = 0; k < STUCK; k++)
            known += (int)offer.index == stuck[k];
        CHECK_INT(known, 1);
    }
    CHECK_UINT(crowd_claim(&crowd, 2, 1, &offer), 0);
    crowd_close(&crowd);
}

TEST_CASE(an_open_post_that_is_dry_keeps_its_place_in_the_ring)
{
    struct crowd crowd;
    struct post_offer offer;
    crowd_open(&crowd, 2);
    int open = crowd_post(&crowd, 1, true, 0, 0);
    REQUIRE(crowd_claim(&crowd, 1, 1, &offer) == 1);
    REQUIRE(crowd_claim(&crowd, 2, 1, &offer) == 0);
    for (int i = 0; i < BOARD_POSTS + 100; i++) {
        int post = crowd_post(&crowd, 1, false, 0, 1);
        REQUIRE(crowd_claim(&crowd, 1, 1, &offer) == 1 && (int)offer.index == post);
        post_retire(&crowd.posts, &crowd.board[0], post);
    }
    post_extend(&crowd.board[0], open, 2);
    CHECK_UINT(crowd_claim(&crowd, 2, 1, &offer), 1); /* has slept through all of it */
    CHECK_UINT(offer.index, open);
    post_extend(&crowd.board[0], open, 3);
    CHECK_UINT(crowd_claim(&crowd, 1, 1, &offer), 1);
    CHECK_UINT(offer.index, open);
    crowd_close(&crowd);
}

/* A random life of many posts against books kept by hand. */
TEST_CASE(every_item_of_a_random_crowd_of_posts_is_claimed_once)
{
    enum { STEPS = 60000, KEPT = 500 };
    static struct {
        uint32_t items, claimed;
        bool open, live;
    } known[BOARD_POSTS];
    struct crowd crowd;
    struct post_offer offer;
    int live = 0;
    crowd_open(&crowd, 3);
    memset(known, 0, sizeof known);
    srand(33);
    for (int step = 0; step < TIMES(STEPS); step++) {
        int what = rand() % 8;
        if (what < 2 && live < KEPT) {
            uint32_t items = (uint32_t)rand() % 4;
            bool open = rand() % 10 == 0;
            int post = crowd_post(&crowd, items, open, rand() % 8 ? 0 : 1 + rand() % 3, 1);
            REQUIRE(post >= 0 && !known[post].live);
            known[post].items = items, known[post].claimed = 0;
            known[post].open = open, known[post].live = true;
            live++;
        } else if (what < 6) {
            uint32_t count = crowd_claim(&crowd, 1 + rand() % 3, 1 + (uint32_t)rand() % 3, &offer);
            if (!count)
                continue;
            REQUIRE(known[offer.index].live && offer.next == known[offer.index].claimed);
            known[offer.index].claimed += count;
            REQUIRE(known[offer.index].claimed <= known[offer.index].items);
        } else {
            int post = rand() % BOARD_POSTS;
            if (!known[post].live)
                continue;
            if (known[post].open && rand() % 2) {
                known[post].items += (uint32_t)rand() % 3;
                post_extend(&crowd.board[0], post, known[post].items);
            } else if (known[post].open) {
                known[post].open = false;
                post_close(&crowd.board[0], post);
            } else if (known[post].claimed == known[post].items) {
                post_retire(&crowd.posts, &crowd.board[0], post);
                known[post].live = false;
                live--;
            }
        }
    }
    for (int member = 1; member <= 3; member++)
        for (uint32_t count; (count = crowd_claim(&crowd, member, 3, &offer));)
            known[offer.index].claimed += count;
    for (int post = 0; post < BOARD_POSTS; post++)
        if (known[post].live)
            REQUIRE(known[post].claimed == known[post].items);
    crowd_close(&crowd);
}
