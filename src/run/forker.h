/* The forker: a small process of this process's own that forks the children in which isolated tasks run.
 *
 *     this process --fork--> forker --fork--> children, one at each place in use, and a spare one
 *
 * A process that has called MPI_Init, holds a lot of memory, or runs threads had better not fork: so the
 * forker is forked early (forker_start, before MPI_Init), or else when the first pool that isolates is
 * opened (forker_take). It does nothing but fork, wait and send signals. One child is forked ahead, so that
 * a new one is there at once when another has died.
 *
 * A child belongs to a place, which has a bell: a word that the child, or the forker when the child has
 * ended, changes and wakes. So its owner waits for both with one sleep. What a child writes there is not to
 * be trusted: owners look every FORKER_TICK_NS, too.
 *
 * Order of calls: forker_take, then again and again { forker_call; sleep on the bell, forker_look; }, last
 * forker_give. The forker dies with the thread that forked it, children die with the forker: nobody is left
 * behind. Whose forker has died gets FORKER_ENDED with SIGKILL from forker_look, and a new forker at the
 * next forker_call.
 *
 * In a child, and in the forker, forker_is_child is true: there the library's other objects are copies that
 * must not be used. Children have neither the launcher's variables nor the handlers of a process that drains.
 * Those of a forker that was forked late have no sockets and pipes of before either, cannot write into MPI's
 * shared memory, and have no handlers for the signals of a crash. */
#ifndef RANKPOOL_RUN_FORKER_H
#define RANKPOOL_RUN_FORKER_H

#include <stdatomic.h>

#include "board/memory.h"

#define FORKER_PLACES  128
#define FORKER_TICK_NS UINT64_C(250000000)

enum forker_state {
    FORKER_NONE,
    FORKER_WANTED,
    FORKER_RUNNING,
    FORKER_ENDED,  /* by itself, or killed: `status` is what waitpid says */
    FORKER_FAILED, /* it could not be forked: `status` is an errno */
};

/* What a child does: it gets what forker_call was given, and its bell. Ends by returning. */
typedef void forker_work(const struct memory_handle *page, _Atomic uint32_t *bell);

/* Makes the forker, which stays until this process ends; nothing if there is one. */
rp_status forker_start(forker_work *work, struct error *error);

/* A place of one's own, and its end, which kills the child there. With the last one goes a forker that was
 * not made by forker_start. RP_UNSUPPORTED: all are taken; RP_NO_MEMORY: it could not be forked. */
rp_status forker_take(forker_work *work, int *place, struct error *error);
void forker_give(int place);

/* Asks for a child, where none runs. */
rp_status forker_call(int place, const struct memory_handle *page, struct error *error);

_Atomic uint32_t *forker_bell(int place);

/* Rings it: for whoever has changed what its owner looks at. */
void forker_ring(_Atomic uint32_t *bell);

/* How the child is. Whoever has slept for a tick calls forker_check first, which notices that the forker
 * itself has died. */
enum forker_state forker_look(int place, int *status);
void forker_check(int place);

/* Sends a signal to the child and to what it has started. */
void forker_signal(int place, int number);

bool forker_is_child(void);

#endif
