/* Two threads that each write a word and look at the other's: one of them must see the other. */
#include "base/barrier.h"

#include <pthread.h>
#include <sched.h>

#include "check.h"

enum { ROUNDS = 20000 };

static struct {
    _Alignas(128) _Atomic uint32_t often;
    _Alignas(128) _Atomic uint32_t seldom;
    _Alignas(128) _Atomic uint32_t round;
    _Alignas(128) _Atomic uint32_t ended;
    bool cheap;
    uint32_t seen[ROUNDS + 1]; /* by the one that writes often */
} duel;

/* Where the other one has no core it gets this one. */
static void await(_Atomic uint32_t *word, uint32_t value)
{
    for (int looks = 1; atomic_load(word) != value; looks++)
        if (looks % 1000 == 0)
            sched_yield();
}

static void *write_often(void *ignored)
{
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        await(&duel.round, round);
        barrier_store(&duel.often, round, duel.cheap);
        duel.seen[round] = atomic_load(&duel.seldom);
        atomic_store(&duel.ended, round);
    }
    return ignored;
}

TEST_CASE(of_two_that_write_and_look_one_sees_the_other)
{
    pthread_t thread;
    check_seconds(60);
    duel.cheap = barrier_enroll();
    check_note("the kernel orders others: %s", duel.cheap ? "yes" : "no");
    REQUIRE(pthread_create(&thread, NULL, write_often, NULL) == 0);
    int blind = 0;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        atomic_store(&duel.round, round);
        for (volatile uint32_t wait = round % 200; wait; wait--) /* they meet at every distance */
            ;
        atomic_store(&duel.seldom, round);
        if (duel.cheap)
            barrier_heavy();
        uint32_t seen = atomic_load(&duel.often);
        await(&duel.ended, round);
        blind += seen != round && duel.seen[round] != round;
    }
    pthread_join(thread, NULL);
    CHECK_INT(blind, 0);
}

TEST_CASE(who_can_enroll_can_order_others)
{
    CHECK(!barrier_enroll() || barrier_works());
}
