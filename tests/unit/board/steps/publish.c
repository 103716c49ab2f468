/* Publishing a post against those who look for one. */
#include "board/post.h"

#include "check.h"
#include "claimer.h"

struct publisher {
    struct crowd *crowd;
    uint32_t items;
    bool open;
    int post;
};

static void publish(void *state)
{
    struct publisher *publisher = state;
    publisher->post = crowd_post(publisher->crowd, publisher->items, publisher->open, 0, 9);
}

/* At each step of publishing, in a new descriptor and in one of which an old entry is known. */
TEST_CASE(a_post_is_offered_whole_or_not_at_all_while_it_is_published)
{
    static const char *const places[] = {"publish: limit written", "publish: cursor live",
                                         "publish: entry written", "publish: tail moved"};
    for (int reused = 0; reused <= 1; reused++)
        for (int i = 0; i < 4; i++) {
            struct crowd crowd;
            struct actor actor;
            struct post_offer offer, stale = {0};
            check_note("%s, reused %d", places[i], reused);
            crowd_open(&crowd, 2);
            if (reused) {
                int post = crowd_post(&crowd, 2, false, 0, 1);
                REQUIRE(post_peek(&crowd.board[1], 0, &stale));
                crowd_claim(&crowd, 2, 2, &offer);
                post_retire(&crowd.posts, &crowd.board[0], post);
            }
            struct publisher publisher = {.crowd = &crowd, .items = 50};
            actor_start(&actor, publish, &publisher, places[i]);
            if (reused)
                CHECK(!post_claim(&crowd.board[1], &stale, 1));
            bool offered = post_peek(&crowd.board[2], 0, &offer);
            CHECK_INT(offered, i == 3);
            if (offered) {
                CHECK_UINT(offer.available, 50);
                CHECK_UINT(atomic_load(&offer.post->map), 9);
            }
            actor_end(&actor);
            CHECK_UINT(crowd_claim(&crowd, 2, 50, &offer), 50); /* who looked has passed nothing over */
            crowd_close(&crowd);
        }
}

/* A look is held at the first entry while the ring of the order goes round. */
TEST_CASE(a_look_that_the_ring_overtakes_misses_nothing)
{
    struct crowd crowd;
    struct actor actor;
    struct post_offer offer;
    crowd_open(&crowd, 2);
    struct claimer claimer = claimer_of(&crowd, 1);
    claimer.stubborn = true;
    crowd_post(&crowd, 1, false, 0, 1);
    actor_start(&actor, claim_once, &claimer, "peek: cursor read");
    for (int i = 0; i < BOARD_POSTS + 10; i++) {
        REQUIRE(crowd_claim(&crowd, 2, 1, &offer) == 1);
        post_retire(&crowd.posts, &crowd.board[0], (int)offer.index);
        crowd_post(&crowd, 1, false, 0, (uint64_t)i + 2);
    }
    actor_end(&actor);
    CHECK(claimer.claimed);
    CHECK_UINT(atomic_load(&claimer.offer.post->map), BOARD_POSTS + 11);
    CHECK_UINT(crowd_claim(&crowd, 2, 1, &offer), 0);
    crowd_close(&crowd);
}
