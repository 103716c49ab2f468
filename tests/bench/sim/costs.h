/* What everything costs, in the simulator: a table of names, values and where they come from. It is
 * printed with every result, and changed by `name=value` words or a file of such lines, in which #
 * begins a comment and a word behind the value says where it is from ("measured"; by itself it is "given"):
 *
 *     manager_note=61 measured
 */
#ifndef RANKPOOL_BENCH_SIM_COSTS_H
#define RANKPOOL_BENCH_SIM_COSTS_H

#include <stdbool.h>
#include <stdio.h>

/* A fabric cannot be measured where there is none: 2 microseconds one way is what was asked for between
 * neighbours, and 5 at most, in Brightwell and others, "Portals 3.3 on the Sandia/Cray Red Storm system".
 * How much rests on it is the part `links` of ../scale.
 *
 * COST(name, usual value, unit, from, what) */
#define COSTS(COST)                                                                                          \
    COST(manager_block, 3000, "ns", "assumed", "to choose, claim, pack and send a block")                    \
    COST(manager_item, 5, "ns", "assumed", "to post an item, to send it, and to take in what came of it")    \
    COST(manager_message, 1500, "ns", "assumed", "to receive a message")                                     \
    COST(manager_note, 130, "ns", "assumed", "to take in a note, of one item or a run")                      \
    COST(manager_node, 2, "ns", "assumed", "to look round for messages, for each node")                      \
    COST(leader_block, 3000, "ns", "assumed", "to receive a block and to post it")                           \
    COST(leader_item, 3, "ns", "assumed", "the same, for each item")                                         \
    COST(leader_note, 60, "ns", "assumed", "to take a worker's note and to pack it")                         \
    COST(leader_message, 1500, "ns", "assumed", "to send notes")                                             \
    COST(message_byte, 0.2, "ns", "assumed", "at each end, for each byte of a message")                      \
    COST(worker_claim, 200, "ns", "assumed", "to claim a run of items and to write its note")                \
    COST(worker_item, 10, "ns", "assumed", "to run an empty item of a claim")                                \
    COST(wake, 2000, "ns", "assumed", "of who wakes a sleeping worker")                                      \
    COST(wake_delay, 30000, "ns", "assumed", "until it runs")                                                \
    COST(nap_late, 55000, "ns", "assumed", "by which who naps oversleeps")                                   \
    COST(nap_cost, 2000, "ns", "assumed", "of the processor, to nap once")                                   \
    COST(spin, 20000, "ns", "library", "how long who has nothing to do stays awake")                         \
    COST(start, 20000, "ns", "assumed", "to begin and to end a map")                                         \
    COST(latency, 2000, "ns", "assumed", "of a link, one way: a fabric's, see above")                        \
    COST(bandwidth, 12.5, "bytes/ns", "assumed", "of a process's link: 100 Gbit/s")                          \
    COST(in_size, 8, "bytes", "chosen", "an item's input")                                                   \
    COST(out_size, 8, "bytes", "chosen", "an item's result")

#define COSTS_FIELD(name, usual, unit, from, what) double name;
struct costs {
    COSTS(COSTS_FIELD)
};
#undef COSTS_FIELD

struct costs costs_usual(void);

/* Takes a word "name=value", or the lines of a file. False, with a sentence on standard error, where
 * it is neither. */
bool costs_set(struct costs *costs, const char *word);
bool costs_read(struct costs *costs, const char *path);

void costs_print(const struct costs *costs, FILE *to, const char *before);

#endif
