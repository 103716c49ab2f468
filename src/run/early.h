/* What comes for a pool before its OPEN does: the modules of its hooks, from the manager, and what other
 * leaders want, who may have opened it sooner. It waits at the leader until the pool is opened. */
#ifndef RANKPOOL_RUN_EARLY_H
#define RANKPOOL_RUN_EARLY_H

#include "run/relay.h"

/* Zeroed, there is nothing. */
struct early {
    struct early_item *items;
    uint64_t lacking; /* the last pool of whose modules one could not be kept, ... */
    const char *why;  /* ... and why */
};

/* A MODULE, or a WANT of a peer. What is wanted without there being memory for it is forgotten: who wants it
 * asks the manager in the end. */
void early_keep(struct early *early, int peer, const struct wire_message *message);

/* Why a pool cannot be opened: a module of its is not here. NULL: all are. */
const char *early_refusal(const struct early *early, uint64_t pool);

/* The modules for a pool, BOARD_MODULES at most: how many. */
uint32_t early_list_modules(const struct early *early, uint64_t pool, struct board_module *modules);

/* The pool is open: gives it what others want of it (NULL: it is not to be had), and forgets all that is for
 * it or for older ones. */
void early_give(struct early *early, uint64_t pool, struct relay *relay);
void early_forget(struct early *early);

#endif
