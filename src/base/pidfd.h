/* Whether another process is alive: the kernel says so, whatever became of its number. */
#ifndef RANKPOOL_BASE_PIDFD_H
#define RANKPOOL_BASE_PIDFD_H

#include <stdbool.h>

/* A descriptor that polls readable once the process has ended. -1 where the kernel has none, where no
 * descriptor is left, or the process is gone. */
int pidfd_of(long pid);

/* Whether it has ended, by its number: for those that there is no descriptor of. */
bool pidfd_is_gone(long pid);

#endif
