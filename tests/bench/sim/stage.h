/* What the manager and the leaders of nodes cost, by their own code: a net (net/net.h) whose other end is the
 * program itself. It speaks for the nodes, or for the manager, at once and without a wait, in the thread of
 * the one that is measured; the time that it spends in doing so is taken off.
 *
 *     stage_open(&stage, peers, hear)
 *     stage_say(&stage, peer, &message)   to be given by net_poll, in this order
 *     ... the library runs, and polls and sends on &stage.net ...
 *     stage_close(&stage)
 *
 * What the transport takes is not in it: bench_net measures that. */
#ifndef RANKPOOL_BENCH_SIM_STAGE_H
#define RANKPOOL_BENCH_SIM_STAGE_H

#include "net/net.h"
#include "wire/message.h"

struct stage_head;

struct stage {
    struct net net;
    void (*hear)(struct stage *stage, int peer, const struct wire_message *message);
    struct stage_head *first, **end; /* that were said, and not given */
    struct stage_head *given;        /* what the caller of net_poll looks at */
    unsigned burst, in_a_row;        /* events until net_poll gives none, once; given since */
    uint64_t vain;                   /* times that it gave none */
    double spent;                    /* ns */
};

void stage_open(struct stage *stage, int peers,
                void (*hear)(struct stage *stage, int peer, const struct wire_message *message));
void stage_close(struct stage *stage);
void stage_say(struct stage *stage, int peer, struct wire_message *message);

/* Nanoseconds of this thread that were not spent here. */
double stage_clock(const struct stage *stage);

/* Ends the program. */
_Noreturn void stage_fail(const char *what);

/* What was counted while so many nanoseconds were measured: see stage_fit. */
#define STAGE_COUNTS 5
struct stage_sample {
    double ns, count[STAGE_COUNTS];
};

/* The nanoseconds of each count, none below 0, with which the samples are explained best: least squares of
 * what they are apart, in parts of each. Returns the largest of these. */
double stage_fit(const struct stage_sample *sample, int samples, int counts, double ns[STAGE_COUNTS]);

/* Prints COST lines: what a manager of so many nodes costs, and a leader that works alone on its node. */
void stage_measure_manager(int nodes, int workers, int rounds);
void stage_measure_leader(int rounds);

/* What it takes to wake a sleeper, until it runs, and to nap. */
void stage_measure_wakes(void);

#endif
