/* Nine ranks, each a node, of which six leaders are killed, one after the other, while much is being sent to
 * them and on from them: as a share of 20 MB begins, or a round's own time later. Every round's map over that
 * share gives all of its results. It says so; nobody finalizes MPI, which would wait for the dead. */
#define _GNU_SOURCE
#include <rankpool/rankpool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 6, ITEMS = 400, SHARED = 20 << 20, STEP_US = 3000 };

struct item {
    rp_share_id share;
    size_t number;
};

/* What every 4096th byte from the item's number on gives together. */
static uint64_t add_up(const unsigned char *data, size_t size, size_t number)
{
    uint64_t sum = 0;
    for (size_t at = number; at < size; at += 4096)
        sum += data[at];
    return sum;
}

static int add_shared(rp_call *call, const void *in, size_t size)
{
    struct item item;
    memcpy(&item, in, size);
    const unsigned char *data = rp_shared(call, item.share, &size);
    if (!data)
        return 1;
    uint64_t sum = add_up(data, size, item.number);
    return rp_return(call, &sum, sizeof sum);
}

static void require(bool held, const char *what, const rp_pool *pool)
{
    if (held)
        return;
    printf("not so: %s: %s\n", what, rp_last_error(pool));
    fflush(stdout);
    _exit(1);
}

static void kill_later(const rp_pool *pool, int worker, int after_us)
{
    rp_worker_info victim;
    require(!rp_worker(pool, worker, &victim), "there is a victim", pool);
    if (fork() > 0)
        return;
    usleep((useconds_t)after_us);
    kill((pid_t)victim.pid, SIGKILL);
    _exit(0);
}

static void play(rp_pool *pool, unsigned char *data, int round)
{
    static struct item item[ITEMS];
    static uint64_t sum[ITEMS];
    rp_share_id share;
    memset(data, round + 1, SHARED);
    kill_later(pool, 1 + round, round * STEP_US);
    require(!rp_share(pool, data, SHARED, &share), "it is shared", pool);
    for (size_t i = 0; i < ITEMS; i++)
        item[i] = (struct item){share, i};
    require(!rp_map(pool, add_shared, item, sizeof *item, ITEMS, sum, sizeof *sum), "all items are run",
            pool);
    for (size_t i = 0; i < ITEMS; i++)
        require(sum[i] == add_up(data, SHARED, i), "each result is right", pool);
    require(!rp_unshare(pool, share), "the share is given up", pool);
}

int main(void)
{
    rp_pool *pool;
    unsigned char *data = malloc(SHARED);
    require(!rp_open(NULL, &pool) && data, "the pool is open", NULL);
    for (int round = 0; round < ROUNDS; round++)
        play(pool, data, round);
    printf("manager: all is well\n");
    fflush(stdout);
    _exit(0);
}
