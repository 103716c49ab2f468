#include "roles.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "office.h"

/* The same part for both ends. */
#define BOTH(name)                                                                                           \
    static void both_##name(struct net *net, int self);                                                      \
    void manager_##name(struct net *net)                                                                     \
    {                                                                                                        \
        both_##name(net, 0);                                                                                 \
    }                                                                                                        \
    void leader_##name(struct net *net, int index)                                                           \
    {                                                                                                        \
        both_##name(net, index + 1);                                                                         \
    }                                                                                                        \
    static void both_##name(struct net *net, int self)

/* Sends `letters` to each peer, `window` before it looks what has come, and takes in as many. */
static void exchange(struct net *net, int self, const struct office_style *style, int letters, int window)
{
    struct office office;
    office_open(&office, net, self, style);
    for (int i = 0; i < letters; i++) {
        for (int peer = 0; peer < net->peers; peer++)
            office_send(&office, peer);
        if (i % window == window - 1)
            office_turn(&office);
    }
    office_finish(&office, letters);
    CHECK_INT(office.lost_sending + office.lost_receiving, 0);
}

BOTH(heads_arrive_in_the_order_in_which_they_were_sent)
{
    exchange(net, self, &(struct office_style){.head = 16, .exact = true}, 3000, 3);
}

BOTH(heads_of_any_length_arrive)
{
    exchange(net, self, &(struct office_style){.head = NET_HEAD}, 300, 2);
}

BOTH(heads_of_the_greatest_length_arrive)
{
    exchange(net, self, &(struct office_style){.head = NET_HEAD, .exact = true}, 100, 2);
}

BOTH(segments_arrive_where_the_receiver_wants_them)
{
    struct office_style style = {.head = 100, .segment = 100000, .segments = NET_SEGMENTS};
    exchange(net, self, &style, 100, 2);
}

BOTH(segments_of_no_bytes_arrive_too)
{
    struct office_style style = {.head = 16, .exact = true, .segment = 0, .segments = 3};
    exchange(net, self, &style, 100, 2);
}

BOTH(segments_that_nobody_wants_are_thrown_away)
{
    struct office_style style = {.head = 16, .segment = 30000, .segments = 2, .thrown = true};
    exchange(net, self, &style, 100, 2);
}

BOTH(both_ends_may_send_much_before_they_receive_anything)
{
    struct office_style style = {.head = NET_HEAD, .segment = 50000, .segments = NET_SEGMENTS};
    exchange(net, self, &style, 200, 200);
}

BOTH(letters_of_random_sizes_cross_each_other)
{
    struct office_style style = {.head = 500, .segment = 1u << 20, .segments = NET_SEGMENTS};
    exchange(net, self, &style, 200, 3);
}

BOTH(long_segments_arrive)
{
    struct office_style style = {.head = 16, .exact = true, .segment = 5u << 20, .segments = 2};
    exchange(net, self, &style, 3, 1);
}

BOTH(an_answer_follows_each_question)
{
    struct office office;
    office_open(&office, net, self, &(struct office_style){.head = 200, .segment = 20000, .segments = 1});
    for (int peer = 0; peer < net->peers; peer++) {
        for (int i = 0; i < 200; i++) {
            if (self == 0)
                office_send(&office, peer);
            while (office.headed[peer] <= i || office.receiving[peer] > 0)
                office_turn(&office);
            if (self > 0)
                office_send(&office, peer);
        }
    }
    office_finish(&office, 200);
}

/* ---- Loss ---- */

static const struct office_style heavy = {
    .head = 16, .exact = true, .segment = 1u << 20, .segments = NET_SEGMENTS};

/* The leaders say one word and then look no more, so that the manager's letters wait for ever. */
void manager_what_waits_for_a_dropped_peer_comes_back_as_lost(struct net *net)
{
    enum { LETTERS = 20 };
    struct office office;
    office_open(&office, net, 0, &heavy);
    for (int i = 0; i < LETTERS; i++)
        for (int peer = 0; peer < net->peers; peer++)
            office_send(&office, peer);
    for (int peer = 0; peer < net->peers; peer++)
        net_drop(net, peer);
    CHECK(net_is_quiet(net));
    while (office_turn(&office))
        ;
    for (int peer = 0; peer < net->peers; peer++)
        CHECK(office.sending[peer] <= NET_BUFFERS); /* those that had begun */
    CHECK(office.lost_sending >= (LETTERS - NET_BUFFERS) * net->peers);
    for (int peer = 0; peer < net->peers; peer++)
        CHECK_INT(office.lost[peer], 0); /* who drops knows it */
}

void leader_what_waits_for_a_dropped_peer_comes_back_as_lost(struct net *net, int index)
{
    (void)index;
    net_drop(net, 0);
}

BOTH(nothing_is_sent_to_a_dropped_peer_or_heard_of_it)
{
    struct net_event event;
    struct error error;
    (void)self;
    error_clear(&error);
    for (int peer = 0; peer < net->peers; peer++) {
        CHECK_STATUS(net_send(net, peer, "hello", 6, NULL, 0, NULL, &error), RP_OK);
        net_drop(net, peer);
        net_drop(net, peer);
        CHECK_STATUS(net_send(net, peer, "hello", 6, NULL, 0, NULL, &error), RP_WORKER_LOST);
        CHECK(error.text[0]);
    }
    for (int i = 0; i < 1000; i++)
        CHECK(!net_poll(net, &event));
    CHECK(net_is_quiet(net));
}

void manager_an_end_that_closes_is_lost_to_the_other(struct net *net)
{
    struct office office;
    office_open(&office, net, 0, &heavy);
    for (int peer = 0; peer < net->peers; peer++)
        office_await_loss(&office, peer);
    for (int peer = 0; peer < net->peers; peer++)
        CHECK_STATUS(net_send(net, peer, "hello", 6, NULL, 0, NULL, NULL), RP_WORKER_LOST);
    while (office_turn(&office))
        ;
    for (int peer = 0; peer < net->peers; peer++)
        CHECK_INT(office.lost[peer], 1);
}

void leader_an_end_that_closes_is_lost_to_the_other(struct net *net, int index)
{
    (void)net, (void)index;
}

BOTH(an_end_may_close_while_much_waits)
{
    static const unsigned char data[100000];
    struct net_segment segment = {.data = data, .size = sizeof data};
    static int token;
    (void)self;
    for (int i = 0; i < 20; i++)
        for (int peer = 0; peer < net->peers; peer++)
            CHECK_STATUS(net_send(net, peer, "hello", 6, &segment, 1, &token, NULL), RP_OK);
}
