/* A manager's bell and those of two leaders, in one process. */
#define _GNU_SOURCE
#include "net/bell.h"

#include "check.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"

enum { LEADERS = 2 };

#define LONG_NS UINT64_C(5000000000) /* that a sleeper whom nobody rings has */

struct belfry {
    struct bell *manager, *leader[LEADERS];
    struct bell_invitation invitation;
};

static void open_some(struct belfry *belfry, int leaders)
{
    *belfry = (struct belfry){0};
    REQUIRE_STATUS(bell_open(LEADERS, true, &belfry->manager, NULL), RP_OK);
    REQUIRE_STATUS(bell_invite(belfry->manager, &belfry->invitation, NULL), RP_OK);
    for (int i = 0; i < leaders; i++) {
        REQUIRE_STATUS(bell_open(1, true, &belfry->leader[i], NULL), RP_OK);
        bell_answer(belfry->leader[i], &belfry->invitation, i);
    }
}

static void close_all(struct belfry *belfry)
{
    bell_close(belfry->manager);
    for (int i = 0; i < LEADERS; i++)
        bell_close(belfry->leader[i]);
}

/* Letters come when they come. */
static bool dozes_soon(struct bell *bell)
{
    for (int i = 0; i < 10000; i++) {
        if (bell_doze(bell))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

static void open_belfry(struct belfry *belfry)
{
    open_some(belfry, LEADERS);
    REQUIRE(dozes_soon(belfry->manager));
    bell_rouse(belfry->manager);
    for (int i = 0; i < LEADERS; i++) {
        REQUIRE(dozes_soon(belfry->leader[i]));
        bell_rouse(belfry->leader[i]);
    }
}

/* What was said to it before has been heard. */
static void sleep_until_rung(struct bell *bell)
{
    _Atomic uint32_t *const words[] = {bell_word(bell)};
    uint64_t deadline = clock_ns() + LONG_NS;
    while (atomic_load(words[0]) && clock_ns() < deadline)
        futex_wait_all_set(words, 1, deadline);
    CHECK(!atomic_load(words[0]));
}

TEST_CASE(who_sleeps_wakes_when_something_is_said)
{
    struct belfry belfry;
    open_belfry(&belfry);
    CHECK(bell_doze(belfry.leader[1]));
    bell_said(belfry.manager, 1);
    sleep_until_rung(belfry.leader[1]);
    close_all(&belfry);
}

TEST_CASE(the_manager_is_woken_by_any_leader)
{
    struct belfry belfry;
    open_belfry(&belfry);
    for (int i = 0; i < LEADERS; i++) {
        CHECK(bell_doze(belfry.manager));
        bell_said(belfry.leader[i], 0);
        sleep_until_rung(belfry.manager);
        bell_heard(belfry.manager, i);
    }
    close_all(&belfry);
}

TEST_CASE(who_falls_asleep_while_a_message_is_on_its_way_wakes_at_once)
{
    struct belfry belfry;
    open_belfry(&belfry);
    bell_said(belfry.manager, 0);
    CHECK(bell_doze(belfry.leader[0]));
    sleep_until_rung(belfry.leader[0]);
    close_all(&belfry);
}

TEST_CASE(who_has_said_what_is_not_heard_is_woken_to_move_it)
{
    struct belfry belfry;
    open_belfry(&belfry);
    bell_said(belfry.manager, 0);
    CHECK(bell_doze(belfry.leader[0]));
    sleep_until_rung(belfry.leader[0]);
    CHECK(bell_doze(belfry.manager));
    CHECK(bell_doze(belfry.leader[0]));
    sleep_until_rung(belfry.manager);
    close_all(&belfry);
}

TEST_CASE(a_message_that_was_rung_for_and_has_not_come_rings_again)
{
    struct belfry belfry;
    open_belfry(&belfry);
    bell_said(belfry.manager, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(bell_doze(belfry.leader[0]));
        sleep_until_rung(belfry.leader[0]);
    }
    bell_heard(belfry.leader[0], 0);
    CHECK(bell_doze(belfry.leader[0]));
    bell_said(belfry.manager, 0);
    sleep_until_rung(belfry.leader[0]);
    close_all(&belfry);
}

TEST_CASE(who_has_not_met_everybody_may_not_sleep)
{
    struct belfry belfry;
    open_some(&belfry, 1);
    CHECK(dozes_soon(belfry.leader[0])); /* so the manager has met this one */
    CHECK(!bell_doze(belfry.manager));
    bell_lose(belfry.manager, 1);
    CHECK(bell_doze(belfry.manager));
    close_all(&belfry);
}

TEST_CASE(who_does_not_know_the_secret_is_not_met)
{
    struct belfry belfry;
    open_some(&belfry, 0);
    struct bell_invitation wrong = belfry.invitation;
    wrong.secret[0] ^= 1;
    REQUIRE_STATUS(bell_open(1, true, &belfry.leader[0], NULL), RP_OK);
    bell_answer(belfry.leader[0], &wrong, 0);
    REQUIRE_STATUS(bell_open(1, true, &belfry.leader[1], NULL), RP_OK);
    bell_answer(belfry.leader[1], &belfry.invitation, 1);
    CHECK(dozes_soon(belfry.leader[1])); /* which was said after it */
    CHECK(!bell_doze(belfry.manager));
    close_all(&belfry);
}

/* Somebody through whom all letters between the manager and leader 0 go, who keeps them. */
struct courier {
    int fd;
    struct sockaddr_in manager, leader;
    unsigned char letter[256]; /* the last one */
    size_t size;
};

static void stand_between(struct courier *courier, struct belfry *belfry)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    struct bell_invitation changed = belfry->invitation;
    courier->manager = here;
    courier->manager.sin_port = changed.port;
    courier->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(!bind(courier->fd, (struct sockaddr *)&here, size));
    REQUIRE(!getsockname(courier->fd, (struct sockaddr *)&here, &size));
    changed.port = here.sin_port;
    REQUIRE_STATUS(bell_open(1, true, &belfry->leader[0], NULL), RP_OK);
    bell_answer(belfry->leader[0], &changed, 0);
}

static void deliver(const struct courier *courier, bool to_manager)
{
    const struct sockaddr_in *to = to_manager ? &courier->manager : &courier->leader;
    CHECK_INT(sendto(courier->fd, courier->letter, courier->size, 0, (const struct sockaddr *)to, sizeof *to),
              courier->size);
}

/* The next letter, and hands it on. */
static void carry(struct courier *courier, bool to_manager)
{
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t got =
        recvfrom(courier->fd, courier->letter, sizeof courier->letter, 0, (struct sockaddr *)&from, &length);
    REQUIRE(got > 0 && (from.sin_port != courier->manager.sin_port) == to_manager);
    courier->size = (size_t)got;
    if (to_manager)
        courier->leader = from;
    deliver(courier, to_manager);
}

TEST_CASE(who_has_heard_letters_rings_nobody_with_them)
{
    struct belfry belfry;
    struct courier courier;
    open_some(&belfry, 0);
    bell_lose(belfry.manager, 1);
    stand_between(&courier, &belfry);
    carry(&courier, true);
    carry(&courier, false);
    REQUIRE(dozes_soon(belfry.manager));
    carry(&courier, false);
    bell_said(belfry.leader[0], 0);
    carry(&courier, true); /* which rings */
    sleep_until_rung(belfry.manager);
    bell_heard(belfry.manager, 0);
    REQUIRE(bell_doze(belfry.manager));
    deliver(&courier, true);
    courier.letter[8]++; /* one that was never written */
    deliver(&courier, true);
    REQUIRE_STATUS(bell_open(1, true, &belfry.leader[1], NULL), RP_OK);
    bell_answer(belfry.leader[1], &belfry.invitation, 1);
    REQUIRE(dozes_soon(belfry.leader[1])); /* so the manager has read what came before */
    CHECK(atomic_load(bell_word(belfry.manager)));
    close(courier.fd);
    close_all(&belfry);
}
