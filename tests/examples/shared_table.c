/* shared_table: a table of 100 MiB that all workers read, with one copy of it in the machine.
 *
 *     ./shared_table
 *
 * The table has the smallest prime factor of each number, so that numbers are factored by looking
 * up. rp_share copies it once to where all workers can read it; the number that it gives is the
 * tasks' input, and rp_shared finds the table by that. One task for each worker factors random
 * numbers, and tells how much memory of its process is shared and how much is its own. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rankpool/rankpool.h>

enum { COUNT = (100 << 20) / sizeof(uint32_t), DRAWS = 4000 };

struct answer {
    unsigned factors, primes;
    double shared, own; /* MiB in memory */
};

/* A line of /proc/self/status in MiB; below 0 if it is not there. */
static double memory_of(const char *name)
{
    char line[128];
    double kib = -1024;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtod(line + strlen(name), NULL);
    if (status)
        fclose(status);
    return kib / 1024;
}

static int factor(rp_call *call, const void *in, size_t in_size)
{
    (void)in_size;
    const uint32_t *smallest = rp_shared(call, *(const rp_share_id *)in, NULL);
    if (!smallest)
        return rp_fail(call, "there is no table");
    struct answer answer = {0};
    uint64_t random = rp_call_index(call);
    for (int draw = 0; draw < DRAWS; draw++) {
        random = random * 6364136223846793005 + 1442695040888963407;
        uint32_t n = (uint32_t)(2 + (random >> 33) % (COUNT - 2));
        answer.primes += smallest[n] == n;
        for (; n > 1; n /= smallest[n])
            answer.factors++;
    }
    answer.shared = memory_of("RssShmem:");
    answer.own = memory_of("RssAnon:");
    return rp_return(call, &answer, sizeof answer);
}

/* Each number that is not crossed out yet is a prime; it crosses out its multiples. */
static void fill(uint32_t *smallest)
{
    for (uint32_t p = 2; p < COUNT; p++) {
        if (smallest[p])
            continue;
        smallest[p] = p;
        for (uint64_t n = (uint64_t)p * p; n < COUNT; n += p)
            if (!smallest[n])
                smallest[n] = p;
    }
}

/* What was shared stays until rp_unshare or rp_close; the array that it was copied from need not. */
static rp_status share_table(rp_pool *pool, rp_share_id *id)
{
    uint32_t *table = calloc(COUNT, sizeof *table);
    if (!table)
        return RP_NO_MEMORY;
    fill(table);
    rp_status status = rp_share(pool, table, COUNT * sizeof *table, id);
    free(table);
    return status;
}

int main(void)
{
    rp_pool *pool;
    rp_share_id table;
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), EXIT_FAILURE;

    rp_status status = share_table(pool, &table);
    for (int worker = 1; worker <= rp_workers(pool) && !status; worker++)
        status = rp_submit_with(pool, factor, &table, sizeof table, RP_TASK_OPTIONS(.worker = worker), NULL);
    for (rp_future *future; !status && (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_view view;
        rp_task_info info;
        if ((status = rp_result(future, &view)) || (status = rp_info(future, &info)))
            continue;
        const struct answer *a = view.data;
        printf("worker %d, process %ld: of %d numbers %u are prime, all have %u factors; "
               "memory: %.1f MiB shared, %.1f MiB its own\n",
               info.worker, info.pid, DRAWS, a->primes, a->factors, a->shared, a->own);
    }
    if (status)
        fprintf(stderr, "%s: %s\n", rp_strerror(status), rp_last_error(pool));
    return rp_close(&pool) || status ? EXIT_FAILURE : EXIT_SUCCESS;
}
