#define _GNU_SOURCE
#include "run/vigil.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clofork.h"
#include "base/pidfd.h"

#define LOOK_MS 1000 /* between looks where the kernel cannot tell by itself */

struct vigil {
    long pid; /* 0: the descriptor alone tells */
    void (*ended)(void *state);
    void *state;
    struct pollfd poll[2]; /* the process, -1 where there is no descriptor of it; the end of the vigil */
    int end;               /* the other side of the latter */
    pthread_t thread;
};

static void *keep(void *state)
{
    struct vigil *vigil = state;
    struct pollfd *watched = &vigil->poll[0];
    for (;;) {
        poll(watched, 2, vigil->poll[0].fd < 0 ? LOOK_MS : -1);
        if (vigil->poll[1].revents)
            return NULL;
        if (vigil->poll[0].revents || (vigil->pid && pidfd_is_gone(vigil->pid)))
            break;
    }
    vigil->ended(vigil->state);
    return NULL;
}

static int start_thread(struct vigil *vigil)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&vigil->thread, NULL, keep, vigil);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void free_vigil(struct vigil *vigil)
{
    clofork_close(vigil->poll[0].fd);
    close(vigil->poll[1].fd);
    close(vigil->end);
    free(vigil);
}

/* The descriptor is the vigil's from now on. */
static struct vigil *start(long pid, int fd, void (*ended)(void *state), void *state)
{
    int ends[2];
    struct vigil *vigil = calloc(1, sizeof *vigil);
    if (!vigil || pipe2(ends, O_CLOEXEC)) {
        free(vigil);
        clofork_close(fd);
        return NULL;
    }
    *vigil = (struct vigil){.pid = pid,
                            .ended = ended,
                            .state = state,
                            .poll = {{.fd = fd, .events = POLLIN}, {.fd = ends[0], .events = POLLIN}},
                            .end = ends[1]};
    if (start_thread(vigil)) {
        free_vigil(vigil);
        return NULL;
    }
    return vigil;
}

struct vigil *vigil_start(long pid, void (*ended)(void *state), void *state)
{
    return start(pid, pidfd_of(pid), ended, state);
}

struct vigil *vigil_start_on(int fd, void (*ended)(void *state), void *state)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    clofork_mark(own);
    return own < 0 ? NULL : start(0, own, ended, state);
}

void vigil_stop(struct vigil *vigil)
{
    if (!vigil)
        return;
    /* Its closing might go unseen: children of tasks may have inherited it. */
    while (write(vigil->end, "", 1) < 0 && errno == EINTR)
        ;
    pthread_join(vigil->thread, NULL);
    free_vigil(vigil);
}
