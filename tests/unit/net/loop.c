#include "net/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "office.h"
#include "roles.h"

#define LEADERS 3

/* ---- Cases of any net, the ends in threads ---- */

struct part {
    pthread_t thread;
    struct net *net;
    int index;
    void (*play)(struct net *net, int index);
};

static void *play(void *given)
{
    struct part *part = given;
    part->play(part->net, part->index);
    net_close(part->net);
    return NULL;
}

static void run(int leaders, void (*manager)(struct net *), void (*leader)(struct net *, int))
{
    struct part part[LEADERS];
    struct net *leads, *led[LEADERS];
    struct error error;
    REQUIRE_STATUS(net_open_loop(leaders, &leads, led, &error), RP_OK);
    for (int i = 0; i < leaders; i++) {
        part[i] = (struct part){.net = led[i], .index = i, .play = leader};
        REQUIRE(!pthread_create(&part[i].thread, NULL, play, &part[i]));
    }
    manager(leads);
    net_close(leads);
    for (int i = 0; i < leaders; i++)
        pthread_join(part[i].thread, NULL);
}

#define CASE(name)                                                                                           \
    TEST_CASE(name)                                                                                          \
    {                                                                                                        \
        run(1, manager_##name, leader_##name);                                                               \
        run(LEADERS, manager_##name, leader_##name);                                                         \
    }
NET_CASES(CASE)

/* ---- What the loop can be told ---- */

static struct net *leads, *led[2];

static void open_loop(void)
{
    struct error error;
    REQUIRE_STATUS(net_open_loop(2, &leads, led, &error), RP_OK);
}

static void close_loop(void)
{
    net_close(leads);
    net_close(led[0]);
    net_close(led[1]);
}

static void say(struct net *net, int peer, const char *text)
{
    CHECK_STATUS(net_send(net, peer, text, strlen(text) + 1, NULL, 0, NULL, NULL), RP_OK);
}

/* How many polls it takes until something comes: 0, nothing did. */
static int polls_until(struct net *net, enum net_kind kind, struct net_event *event)
{
    for (int i = 1; i < 100; i++)
        if (net_poll(net, event))
            return CHECK_INT(event->kind, kind) ? i : 0;
    return 0;
}

TEST_CASE(heads_and_bodies_come_as_many_polls_later_as_was_asked_for)
{
    struct net_event event;
    char place[6] = "";
    int token;
    open_loop();
    net_loop_delay(led[0], 3, 5);
    CHECK_STATUS(
        net_send(leads, 0, "head", 5, &(struct net_segment){.data = "hello", .size = 6}, 1, &token, NULL),
        RP_OK);
    CHECK_INT(polls_until(led[0], NET_HEADED, &event), 4);
    net_receive(led[0], &event, (void *[]){place}, &token);
    CHECK_INT(polls_until(led[0], NET_BODY, &event), 6);
    CHECK_STR(place, "hello");
    CHECK_INT(polls_until(leads, NET_SENT, &event), 1);
    close_loop();
}

TEST_CASE(later_heads_come_before_a_body_that_is_late)
{
    struct net_event event;
    char place[6] = "";
    int token;
    open_loop();
    net_loop_delay(led[0], 0, 5);
    CHECK_STATUS(
        net_send(leads, 0, "head", 5, &(struct net_segment){.data = "hello", .size = 6}, 1, NULL, NULL),
        RP_OK);
    say(leads, 0, "later");
    CHECK_INT(polls_until(led[0], NET_HEADED, &event), 1);
    net_receive(led[0], &event, (void *[]){place}, &token);
    CHECK_INT(polls_until(led[0], NET_HEADED, &event), 1);
    CHECK_STR((const char *)event.head, "later");
    CHECK_INT(polls_until(led[0], NET_BODY, &event), 5);
    CHECK_PTR(event.token, &token);
    close_loop();
}

TEST_CASE(what_a_held_peer_sends_comes_when_it_is_let_go)
{
    struct net_event event;
    open_loop();
    net_loop_hold(leads, 0, true);
    say(led[0], 0, "held");
    say(led[1], 0, "free");
    CHECK_INT(polls_until(leads, NET_HEADED, &event), 1);
    CHECK_STR((const char *)event.head, "free");
    CHECK_INT(event.peer, 1);
    CHECK_INT(polls_until(leads, NET_HEADED, &event), 0);
    CHECK(!net_is_quiet(led[0]));
    net_loop_hold(leads, 0, false);
    CHECK_INT(polls_until(leads, NET_HEADED, &event), 1);
    CHECK_STR((const char *)event.head, "held");
    CHECK_INT(event.peer, 0);
    CHECK(net_is_quiet(led[0]));
    close_loop();
}

/* A body that is on its way, and a letter behind it, when the connection ends. */
static void begin_and_cut(int *sent, int *waiting, int *receiving, char place[6])
{
    struct net_event event;
    struct net_segment segment = {.data = "hello", .size = 6};
    net_loop_delay(led[0], 0, 50);
    CHECK_STATUS(net_send(leads, 0, "head", 5, &segment, 1, sent, NULL), RP_OK);
    CHECK_STATUS(net_send(leads, 0, "next", 5, &segment, 1, waiting, NULL), RP_OK);
    CHECK_INT(polls_until(led[0], NET_HEADED, &event), 1);
    net_receive(led[0], &event, (void *[]){place}, receiving);
    net_loop_cut(leads, 0);
}

TEST_CASE(a_cut_is_told_to_both_ends_with_all_that_waited)
{
    struct net_event event;
    int sent, waiting, receiving;
    char place[6] = "";
    void *told[3], *heard[2];
    open_loop();
    begin_and_cut(&sent, &waiting, &receiving, place);
    for (int i = 0; i < 3; i++)
        told[i] = polls_until(leads, NET_LOST, &event) == 1 ? event.token : &event;
    for (int i = 0; i < 2; i++)
        heard[i] = polls_until(led[0], NET_LOST, &event) == 1 ? event.token : &event;
    CHECK(!told[0] && told[1] == &sent && told[2] == &waiting);
    CHECK(!heard[0] && heard[1] == &receiving);
    CHECK_INT(polls_until(leads, NET_LOST, &event) + polls_until(led[0], NET_LOST, &event), 0);
    CHECK_STR(place, "");
    close_loop();
}

TEST_CASE(of_an_end_that_clings_what_is_copied_comes_back_at_once)
{
    static const struct net_segment segment[] = {{"hello", 6, false}, {"hello", 6, true}};
    struct net_event event;
    int kept, copied;
    open_loop();
    net_loop_cling(leads, true);
    CHECK_STATUS(net_send(leads, 0, "head", 5, &segment[0], 1, &kept, NULL), RP_OK);
    CHECK_STATUS(net_send(leads, 0, "head", 5, &segment[1], 1, &copied, NULL), RP_OK);
    net_drop(leads, 0);
    CHECK_INT(polls_until(leads, NET_LOST, &event), 1);
    CHECK_PTR(event.token, &copied);
    CHECK_INT(polls_until(leads, NET_LOST, &event), 0);
    net_loop_cling(leads, false);
    CHECK_INT(polls_until(leads, NET_LOST, &event), 1);
    CHECK_PTR(event.token, &kept);
    CHECK_INT(polls_until(leads, NET_LOST, &event), 0);
    close_loop();
}

TEST_CASE(a_cut_leaves_the_other_peers_alone)
{
    struct net_event event;
    open_loop();
    net_loop_cut(leads, 0);
    CHECK_INT(polls_until(leads, NET_LOST, &event), 1);
    CHECK_INT(event.peer, 0);
    say(leads, 1, "still there");
    CHECK_INT(polls_until(led[1], NET_HEADED, &event), 1);
    say(led[1], 0, "so am I");
    CHECK_INT(polls_until(leads, NET_HEADED, &event), 1);
    CHECK_INT(event.peer, 1);
    close_loop();
}

TEST_CASE(a_receive_that_begins_when_the_peer_is_lost_already_is_lost_too)
{
    struct net_event event;
    char place[6] = "";
    int token;
    open_loop();
    CHECK_STATUS(
        net_send(leads, 0, "head", 5, &(struct net_segment){.data = "hello", .size = 6}, 1, NULL, NULL),
        RP_OK);
    CHECK_INT(polls_until(led[0], NET_HEADED, &event), 1);
    net_loop_cut(leads, 0);
    net_receive(led[0], &event, (void *[]){place}, &token);
    CHECK_INT(polls_until(led[0], NET_LOST, &event), 1);
    CHECK_PTR(event.token, NULL);
    CHECK_INT(polls_until(led[0], NET_LOST, &event), 1);
    CHECK_PTR(event.token, &token);
    close_loop();
}

TEST_CASE(a_dropped_sender_leaves_the_receive_of_the_other_end_waiting)
{
    struct net_event event;
    int sent, receiving;
    char place[6] = "";
    open_loop();
    net_loop_delay(led[0], 0, 5);
    CHECK_STATUS(
        net_send(leads, 0, "head", 5, &(struct net_segment){.data = "hello", .size = 6}, 1, &sent, NULL),
        RP_OK);
    CHECK_INT(polls_until(led[0], NET_HEADED, &event), 1);
    net_receive(led[0], &event, (void *[]){place}, &receiving);
    net_drop(leads, 0);
    CHECK_INT(polls_until(leads, NET_LOST, &event), 1);
    CHECK_PTR(event.token, &sent);
    CHECK_INT(polls_until(led[0], NET_BODY, &event), 0);
    net_drop(led[0], 0);
    CHECK_INT(polls_until(led[0], NET_LOST, &event), 1);
    CHECK_PTR(event.token, &receiving);
    close_loop();
}

TEST_CASE(peers_are_heard_by_turns)
{
    struct net_event event;
    int heard[2] = {0};
    open_loop();
    for (int i = 0; i < 10; i++)
        say(led[0], 0, "a"), say(led[1], 0, "b");
    for (int i = 0; i < 10; i++)
        heard[polls_until(leads, NET_HEADED, &event) == 1 ? event.peer : 0]++;
    CHECK_INT(heard[0], 5);
    CHECK_INT(heard[1], 5);
    close_loop();
}
