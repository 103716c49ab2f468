/* The monotonic clock of the machine, the same in all its processes. */
#ifndef RANKPOOL_BASE_CLOCK_H
#define RANKPOOL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds since the machine started. */
uint64_t clock_ns(void);

/* The moment `seconds` from now, in nanoseconds; CLOCK_NEVER for a negative number or one that
 * lies beyond the clock's range. */
#define CLOCK_NEVER UINT64_MAX
uint64_t clock_deadline(double seconds);
bool clock_has_passed(uint64_t deadline);

#endif
