#include "base/clofork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* Of the process, as descriptors are: a bit for each of them. */
static _Atomic uint64_t marked[CLOFORK_MOST / 64];

/* In the child, with one thread and perhaps other locks held for ever: so there is none. */
static void close_marked(void)
{
    for (int word = 0; word < CLOFORK_MOST / 64; word++)
        for (uint64_t bits = atomic_exchange(&marked[word], 0); bits; bits &= bits - 1)
            close(word * 64 + __builtin_ctzll(bits));
}

static void listen(void)
{
    pthread_atfork(NULL, NULL, close_marked);
}

static bool is_known(int fd)
{
    return fd >= 0 && fd < CLOFORK_MOST;
}

void clofork_mark(int fd)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, listen);
    if (is_known(fd))
        atomic_fetch_or(&marked[fd / 64], UINT64_C(1) << (fd % 64));
}

void clofork_close(int fd)
{
    if (is_known(fd))
        atomic_fetch_and(&marked[fd / 64], ~(UINT64_C(1) << (fd % 64)));
    if (fd >= 0)
        close(fd);
}
