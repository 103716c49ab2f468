#include "run/watch.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/pidfd.h"

struct watch {
    struct crew *crew;
    pthread_mutex_t lock;
    struct pollfd *poll; /* fd -1: none is open, it is looked up */
    int *died;           /* workers in the order of their deaths */
    int deaths;
};

static struct watch *open_watch(struct crew *crew)
{
    struct watch *watch = calloc(1, sizeof *watch);
    size_t count = (size_t)crew->here;
    if (!watch)
        return NULL;
    pthread_mutex_init(&watch->lock, NULL);
    watch->crew = crew;
    watch->died = calloc(count, sizeof *watch->died);
    watch->poll = calloc(count, sizeof *watch->poll);
    if (!watch->died || !watch->poll) {
        watch_close(watch);
        return NULL;
    }
    watch->poll[0].fd = -1; /* the manager itself */
    for (int i = 1; i < crew->here; i++)
        watch->poll[i] = (struct pollfd){.fd = pidfd_of(crew->member[i].pid), .events = POLLIN};
    return watch;
}

struct watch *watch_of(struct crew *crew)
{
    struct watch *watch = atomic_load(&crew->watch), *nobodys = NULL;
    if (watch)
        return watch;
    watch = open_watch(crew);
    if (!watch || atomic_compare_exchange_strong(&crew->watch, &nobodys, watch))
        return watch;
    watch_close(watch); /* another thread was faster */
    return nobodys;
}

void watch_close(struct watch *watch)
{
    if (!watch)
        return;
    for (int i = 1; watch->poll && i < watch->crew->here; i++)
        if (watch->poll[i].fd >= 0)
            close(watch->poll[i].fd);
    pthread_mutex_destroy(&watch->lock);
    free(watch->poll);
    free(watch->died);
    free(watch);
}

static bool is_gone(const struct watch *watch, int i, bool polled)
{
    if (polled && watch->poll[i].fd >= 0)
        return watch->poll[i].revents != 0;
    return pidfd_is_gone(watch->crew->member[i].pid);
}

static void look(struct watch *watch)
{
    /* It fails where the limit of descriptors has been lowered below the number of workers. */
    bool polled = poll(watch->poll, (nfds_t)watch->crew->here, 0) >= 0;
    for (int i = 1; i < watch->crew->here; i++) {
        if (watch->crew->member[i].dead || !is_gone(watch, i, polled))
            continue;
        if (watch->poll[i].fd >= 0)
            close(watch->poll[i].fd);
        watch->poll[i].fd = -1;
        watch->died[watch->deaths++] = i;
        watch->crew->member[i].dead = true;
    }
}

static int count(struct watch *watch, bool looks)
{
    pthread_mutex_lock(&watch->lock);
    if (looks)
        look(watch);
    int deaths = watch->deaths;
    pthread_mutex_unlock(&watch->lock);
    return deaths;
}

int watch_look(struct watch *watch)
{
    return count(watch, true);
}

int watch_known(struct watch *watch)
{
    return count(watch, false);
}

int watch_died(const struct watch *watch, int k)
{
    return watch->died[k];
}
