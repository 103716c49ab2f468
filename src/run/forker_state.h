/* What the forker and the process that forked it share: forker.c is that process's side, forker_run.c the
 * forker. */
#ifndef RANKPOOL_RUN_FORKER_STATE_H
#define RANKPOOL_RUN_FORKER_STATE_H

#include <sys/types.h>

#include "run/forker.h"

struct desk_place {
    _Atomic uint32_t state;  /* forker_state */
    _Atomic uint32_t signal; /* to be sent; 0: none */
    _Atomic uint32_t number; /* of the child */
    int32_t status;
    _Atomic int64_t pid;
    struct memory_handle page;
};

/* Seen by the forker and, until they have work, by its children. */
struct desk {
    _Atomic uint32_t bell;    /* the forker sleeps on it */
    _Atomic uint32_t called;  /* how often a child was given work: the spare one sleeps on it */
    _Atomic uint32_t numbers; /* given to children so far */
    struct desk_place place[FORKER_PLACES];
};

/* Seen by children, too. */
struct bells {
    struct {
        _Alignas(64) _Atomic uint32_t word;
    } place[FORKER_PLACES];
};

struct forker_setup {
    pid_t parent;
    struct desk *desk;
    struct bells *bells;
    forker_work *work;
    bool early;
};

_Noreturn void forker_run(const struct forker_setup *setup);

#endif
