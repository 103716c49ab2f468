/* How many items a claim takes: the schedules as pure functions.
 *
 * static     n/P at a time (each worker its own share)
 * dynamic    a fixed chunk, 1 by default: self-scheduling
 * guided     remaining/P: Polychronopoulos and Kuck, "Guided self-scheduling", IEEE Trans.
 *            Computers C-36 (1987)
 * factoring  batches of P equal chunks, each batch half of what remains, FAC2: Hummel, Schonberg
 *            and Flynn, "Factoring", Comm. ACM 35 (1992)
 * adaptive   factoring weighted by the worker's measured speed, after Banicescu and Liu, "Adaptive
 *            factoring", HPC 2000
 * auto       as many items as take some 20 microseconds by measurement, no more than
 *            remaining/(2P): long items go one by one, short ones do not pay for each claim; and no more
 *            than four times as many as were measured behind the first one, which may be shorter than all
 */
#ifndef RANKPOOL_SCHED_POLICY_H
#define RANKPOOL_SCHED_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "config/schedule.h"

struct policy_view {
    enum schedule schedule;
    uint64_t chunk;     /* items; 0: the schedule's choice, of guided and factoring the smallest */
    uint64_t total;     /* items of the map */
    uint64_t remaining; /* items that nobody has claimed, 1 or more */
    uint32_t workers;   /* who share them, 1 or more */
    double item_ns;     /* measured time of an item; 0: not known */
    uint64_t measured;  /* items that this rests on; 0: so many that it can be believed */
    double weight;      /* this worker's speed over the mean; 1: not known */
    double claim_ns;    /* of work that a claim of auto aims at; 0: what suits claims that cost little */
    uint64_t least;     /* of auto: items of a claim, where enough remain */
};

/* Items of the next claim: 1..remaining. */
uint64_t policy_run(const struct policy_view *view);

/* The least items of a claim of a reduction: so many that the manager, who combines what the workers'
 * claims have come to, is busy with that for a quarter of the time or less. `combine_ns` is what one
 * combination takes; 0: not known. */
uint64_t policy_least_reduced(uint32_t workers, double item_ns, double combine_ns);

/* An estimate of an item's time after one more measurement: raised at once, lowered slowly, so
 * that one surprise of long items is not repeated. */
double policy_learn(double item_ns, double measured_ns);

/* The same of a combination's time, which hardly varies: lowered at once, at most doubled, since one
 * that was interrupted says little. */
double policy_learn_combined(double combine_ns, double measured_ns);

#endif
