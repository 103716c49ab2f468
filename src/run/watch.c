#define _GNU_SOURCE
#include "run/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

struct watch {
    int count;
    long *pid; /* 0 once it was told of */
    struct pollfd *poll;
    uint64_t looked; /* clock_ns */
};

static int open_pidfd(long pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

struct watch *watch_open(const struct crew *crew)
{
    struct watch *watch = calloc(1, sizeof *watch);
    size_t count = (size_t)crew->count;
    if (!watch)
        return NULL;
    watch->count = crew->count;
    watch->pid = calloc(count, sizeof *watch->pid);
    watch->poll = calloc(count, sizeof *watch->poll);
    if (!watch->pid || !watch->poll) {
        watch_close(watch);
        return NULL;
    }
    watch->poll[0].fd = -1; /* the manager itself */
    for (int i = 1; i < watch->count; i++) {
        watch->pid[i] = crew->member[i].pid;
        watch->poll[i] = (struct pollfd){.fd = open_pidfd(watch->pid[i]), .events = POLLIN};
    }
    return watch;
}

void watch_close(struct watch *watch)
{
    if (!watch)
        return;
    for (int i = 1; watch->poll && i < watch->count; i++)
        if (watch->poll[i].fd >= 0)
            close(watch->poll[i].fd);
    free(watch->poll);
    free(watch->pid);
    free(watch);
}

static bool is_gone(const struct watch *watch, int i)
{
    if (!watch->pid[i])
        return false;
    if (watch->poll[i].fd >= 0)
        return watch->poll[i].revents != 0;
    return kill((pid_t)watch->pid[i], 0) && errno == ESRCH;
}

uint64_t watch_due(const struct watch *watch)
{
    return watch->looked + WATCH_TICK_NS;
}

int watch_dead(struct watch *watch)
{
    watch->looked = clock_ns();
    if (poll(watch->poll, (nfds_t)watch->count, 0) < 0)
        return 0;
    for (int i = 1; i < watch->count; i++) {
        if (!is_gone(watch, i))
            continue;
        watch->pid[i] = 0;
        if (watch->poll[i].fd >= 0)
            close(watch->poll[i].fd);
        watch->poll[i].fd = -1;
        return i;
    }
    return 0;
}
