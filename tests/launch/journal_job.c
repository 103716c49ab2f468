/* A program with a journal: squares of 0..n-1, as a map, a stream, or submitted tasks. Each item takes
 * some time, and then adds its number to the file JOB_LOG, as a line.
 *
 *     journal_job map|stream|tasks N MICROSECONDS [own]
 *
 * With JOB_HANGS=ITEM:SECONDS that item takes so much longer, with JOB_DWELLS=MICROSECONDS each does, with
 * JOB_FALLS=ITEM it kills its process. With `own` it takes SIGTERM itself, and exits with 5. It ends with 0
 * if all results are right. */
#define _GNU_SOURCE
#include <rankpool/rankpool.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef JOB_BUILD
#define JOB_BUILD 1
#endif

struct job {
    uint64_t number, us;
};

static size_t n, right;
static struct job next;

static void hang(uint64_t number)
{
    unsigned long long item;
    unsigned seconds;
    const char *hangs = getenv("JOB_HANGS"), *dwells = getenv("JOB_DWELLS");
    if (hangs && sscanf(hangs, "%llu:%u", &item, &seconds) == 2 && item == number)
        sleep(seconds);
    usleep(dwells ? (useconds_t)strtoul(dwells, NULL, 10) : 0);
}

static void fall(uint64_t number)
{
    const char *falls = getenv("JOB_FALLS");
    if (falls && strtoull(falls, NULL, 10) == number)
        raise(SIGKILL);
}

static int square(rp_call *call, const void *in, size_t size)
{
    const struct job *job = in;
    uint64_t answer = job->number * job->number + JOB_BUILD;
    char line[32];
    (void)size;
    usleep((useconds_t)job->us);
    hang(job->number);
    fall(job->number);
    int log = open(getenv("JOB_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    int length = snprintf(line, sizeof line, "%llu\n", (unsigned long long)job->number);
    if (log < 0 || write(log, line, (size_t)length) != length)
        return rp_fail(call, "there is no log");
    close(log);
    return rp_return(call, &answer, sizeof answer);
}

static void check(size_t index, rp_view result)
{
    uint64_t answer = 0;
    if (result.size == sizeof answer)
        memcpy(&answer, result.data, sizeof answer);
    right += answer == index * index + JOB_BUILD;
}

static rp_status run_map(rp_pool *pool)
{
    struct job *in = calloc(n, sizeof *in);
    uint64_t *out = calloc(n, sizeof *out);
    if (!in || !out)
        return RP_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        in[i] = (struct job){i, next.us};
    rp_status status = rp_map(pool, square, in, sizeof *in, n, out, sizeof *out);
    for (size_t i = 0; i < n; i++)
        check(i, (rp_view){&out[i], sizeof out[i]});
    free(in);
    free(out);
    return status;
}

static int draw(void *state, rp_view *item)
{
    static struct job drawn;
    (void)state;
    drawn = next;
    *item = (rp_view){&drawn, sizeof drawn};
    return next.number++ < n;
}

static int give(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    (void)state, (void)error;
    if (!status)
        check(index, result);
    return 0;
}

static rp_status run_stream(rp_pool *pool)
{
    return rp_stream(pool, square, draw, give, NULL, NULL);
}

static rp_status run_tasks(rp_pool *pool)
{
    for (size_t i = 0; i < n; i++)
        rp_submit(pool, square, &(struct job){i, next.us}, sizeof next, NULL);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_view view;
        if (!rp_result(future, &view))
            check(rp_index(future), view);
    }
    return RP_OK;
}

static void end(int number)
{
    (void)number;
    _exit(5);
}

int main(int argc, char **argv)
{
    rp_pool *pool;
    if (argc < 4)
        return 2;
    if (argc > 4)
        signal(SIGTERM, end);
    n = strtoull(argv[2], NULL, 10);
    next.us = strtoull(argv[3], NULL, 10);
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 3;
    rp_status status = strcmp(argv[1], "map") == 0      ? run_map(pool)
                       : strcmp(argv[1], "stream") == 0 ? run_stream(pool)
                                                        : run_tasks(pool);
    if (status || right != n)
        return fprintf(stderr, "%zu of %zu: %s\n", right, n, rp_last_error(pool)), 4;
    return rp_close(&pool) ? 6 : 0;
}
