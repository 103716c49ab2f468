/* A process that is stepped through what it does, and killed after any number of instructions. */
#ifndef RANKPOOL_TESTS_BOARD_STEPPED_H
#define RANKPOOL_TESTS_BOARD_STEPPED_H

#include <stdbool.h>

#include "crowd.h"

#if BUILT_WITH(thread_sanitizer) || BUILT_WITH(address_sanitizer)
enum { STRIDE = 97 };
#else
enum { STRIDE = 5 }; /* 1 takes a minute */
#endif

/* False: it had come to its end before. Between instructions `look` (or NULL) is called by the caller's own
 * process. Leaves the case where processes may not be traced. */
bool stepped_kill(void (*act)(void *state), void (*look)(void *state), void *state, long instructions);

#endif
