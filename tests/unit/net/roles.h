/* Cases about any net: what its manager does, and meanwhile each of its leaders. The ends are threads over
 * loop.c, and ranks over mpi.c. */
#ifndef RANKPOOL_TESTS_UNIT_NET_ROLES_H
#define RANKPOOL_TESTS_UNIT_NET_ROLES_H

#include "net/net.h"

#define NET_CASES(CASE)                                                                                      \
    CASE(heads_arrive_in_the_order_in_which_they_were_sent)                                                  \
    CASE(heads_of_any_length_arrive)                                                                         \
    CASE(heads_of_the_greatest_length_arrive)                                                                \
    CASE(an_answer_follows_each_question)                                                                    \
    CASE(segments_arrive_where_the_receiver_wants_them)                                                      \
    CASE(segments_of_no_bytes_arrive_too)                                                                    \
    CASE(segments_that_nobody_wants_are_thrown_away)                                                         \
    CASE(both_ends_may_send_much_before_they_receive_anything)                                               \
    CASE(letters_of_random_sizes_cross_each_other)                                                           \
    CASE(long_segments_arrive)                                                                               \
    CASE(what_waits_for_a_dropped_peer_comes_back_as_lost)                                                   \
    CASE(nothing_is_sent_to_a_dropped_peer_or_heard_of_it)                                                   \
    CASE(an_end_that_closes_is_lost_to_the_other)                                                            \
    CASE(an_end_may_close_while_much_waits)

#define ROLES(name)                                                                                          \
    void manager_##name(struct net *net);                                                                    \
    void leader_##name(struct net *net, int index);
NET_CASES(ROLES)
#undef ROLES

#endif
