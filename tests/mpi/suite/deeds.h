/* Tasks that do to their process what they should not, and good ones among them. */
#ifndef RANKPOOL_TESTS_MPI_DEEDS_H
#define RANKPOOL_TESTS_MPI_DEEDS_H

#include "suite/process.h"
#include "suite/suite.h"

enum deed {
    GOOD,
    SEGFAULT,
    ABORT,
    EXIT_3,
    EXIT_0,
    KILL,
    LOOP,
    OVERFLOW,
    BOMB,
    WILD,     /* writes over all memory that it can reach, until its process ends */
    SCRIBBLE, /* writes over the memory that it shares with the worker, and answers as if nothing was */
    HALF_WAY, /* dies with a large result half written */
    DEEDS,
};

struct item {
    enum deed deed;
    size_t number;
};

/* Takes an item, does its deed, and answers (a size_t) if it still can. */
rp_fn deed_act;

static inline size_t answer_of(size_t number)
{
    return number * 3 + 1;
}

/* Sanitizers have memory and handlers of their own, which some deeds do not suit. */
bool deed_suits(enum deed deed);

/* A pool whose tasks are isolated, with limits of half a second and 64 MiB. */
rp_pool *deed_open(void);

#endif
