#define _GNU_SOURCE
#include "base/barrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

bool barrier_enroll(void)
{
    return barrier_works() && membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0;
}

bool barrier_works(void)
{
    long commands = membarrier(MEMBARRIER_CMD_QUERY);
    return commands > 0 && commands & MEMBARRIER_CMD_GLOBAL_EXPEDITED;
}

void barrier_heavy(void)
{
    membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}
