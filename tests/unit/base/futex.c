#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"

TEST_CASE(a_wait_ends_at_its_deadline_and_says_so)
{
    _Atomic uint32_t word = 0;
    uint64_t deadline = clock_deadline(0.02);
    while (futex_wait(&word, 0, deadline))
        REQUIRE(clock_ns() < deadline + 1000000000u);
    CHECK(clock_ns() >= deadline);
}

TEST_CASE(a_deadline_that_has_passed_does_not_sleep)
{
    _Atomic uint32_t word = 0;
    CHECK(!futex_wait(&word, 0, clock_ns() - 1));
    CHECK(!futex_wait(&word, 0, 0));
}

/* Two on one core, each of which looks again and again until the other one has had its turn. Who kept the
 * core would spend a slice of it on each turn. */
enum { LOOKS = 4000 };

static void look_in_turns(_Atomic uint32_t *word, uint32_t side)
{
    for (uint32_t turn = side; turn < LOOKS; turn += 2) {
        for (uint32_t now; (now = atomic_load(word)) != turn;)
            futex_wait(word, now, 0);
        atomic_store(word, turn + 1);
    }
}

static void *look_on_the_other_side(void *word)
{
    look_in_turns(word, 1);
    return NULL;
}

static double processor_seconds(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (double)spent.tv_sec + (double)spent.tv_nsec * 1e-9;
}

TEST_CASE(who_looks_again_and_again_leaves_the_core_to_who_changes_the_word)
{
    _Atomic uint32_t word = 0;
    pthread_t thread;
    cpu_set_t all, one;
    REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    double before = processor_seconds();
    REQUIRE(pthread_create(&thread, NULL, look_on_the_other_side, &word) == 0);
    look_in_turns(&word, 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(processor_seconds() - before < 0.1);
    sched_setaffinity(0, sizeof all, &all);
}

TEST_CASE(a_word_that_has_changed_already_is_not_slept_on)
{
    _Atomic uint32_t word = 7;
    CHECK(futex_wait(&word, 0, CLOCK_NEVER));
}

/* Two sides that count a word up in turns, each asleep while it is the other's turn: a wake that
 * does not arrive leaves both asleep. */
enum { TURNS = 20000 };

static void take_turns(_Atomic uint32_t *word, uint32_t side)
{
    for (uint32_t turn = side; turn < TURNS; turn += 2) {
        for (uint32_t now; (now = atomic_load(word)) != turn;)
            futex_wait(word, now, CLOCK_NEVER);
        atomic_store(word, turn + 1);
        futex_wake(word);
    }
}

static void *other_side(void *word)
{
    take_turns(word, 1);
    return NULL;
}

TEST_CASE(a_wake_reaches_a_sleeping_thread)
{
    _Atomic uint32_t word = 0;
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, other_side, &word) == 0);
    take_turns(&word, 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_UINT(word, TURNS);
}

TEST_CASE(a_wake_reaches_a_sleeping_process)
{
    _Atomic uint32_t *word =
        mmap(NULL, sizeof *word, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(word != MAP_FAILED);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        take_turns(word, 1);
        _exit(0);
    }
    take_turns(word, 0);
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    CHECK_UINT(*word, TURNS);
    munmap(word, sizeof *word);
}

/* ---- Several words ------------------------------------------------------------------------ */

static void *clear_later(void *word)
{
    _Atomic uint32_t *bell = word;
    usleep(20000);
    atomic_store(bell, 0);
    futex_wake(bell);
    return NULL;
}

TEST_CASE(a_wait_for_several_words_ends_when_any_of_them_is_woken)
{
    for (unsigned rung = 0; rung < 3; rung++) {
        _Atomic uint32_t bells[3] = {1, 1, 1}, *words[] = {&bells[0], &bells[1], &bells[2]};
        pthread_t thread;
        check_note("word %u", rung);
        REQUIRE(pthread_create(&thread, NULL, clear_later, words[rung]) == 0);
        while (bells[rung]) /* it may return without cause */
            futex_wait_all_set(words, 3, CLOCK_NEVER);
        CHECK_INT(pthread_join(thread, NULL), 0);
    }
}

TEST_CASE(a_wait_for_several_words_does_not_begin_when_one_is_cleared_already)
{
    _Atomic uint32_t bells[2] = {1, 0}, *words[] = {&bells[0], &bells[1]};
    futex_wait_all_set(words, 2, CLOCK_NEVER);
}

TEST_CASE(a_wait_for_several_words_ends_at_its_deadline)
{
    _Atomic uint32_t bells[2] = {1, 1}, *words[] = {&bells[0], &bells[1]};
    uint64_t deadline = clock_deadline(0.02);
    while (clock_ns() < deadline)
        futex_wait_all_set(words, 2, deadline);
    CHECK(clock_ns() < deadline + 1000000000u);
}
