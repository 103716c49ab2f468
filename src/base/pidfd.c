#define _GNU_SOURCE
#include "base/pidfd.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int pidfd_of(long pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

bool pidfd_is_gone(long pid)
{
    return kill((pid_t)pid, 0) && errno == ESRCH;
}
