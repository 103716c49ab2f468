/* square_cube: two different functions as two tasks, each of which tells where it ran.
 *
 *     ./square_cube
 *
 * A task is any function of this form, static ones too: nothing is registered. It runs in another
 * process, here on the same machine, and answers with bytes: what it answers is copied, so a
 * struct may be of any shape but must not point anywhere. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rankpool/rankpool.h>

struct answer {
    long value, pid;
    char host[HOST_NAME_MAX + 1];
};

static int answer(rp_call *call, long value)
{
    struct answer answer = {.value = value, .pid = (long)getpid()};
    if (gethostname(answer.host, sizeof answer.host))
        return rp_fail(call, "this host has no name");
    return rp_return(call, &answer, sizeof answer);
}

static int square(rp_call *call, const void *in, size_t size)
{
    (void)size;
    long x = *(const long *)in;
    return answer(call, x * x);
}

static int cube(rp_call *call, const void *in, size_t size)
{
    (void)size;
    long x = *(const long *)in;
    return answer(call, x * x * x);
}

static const struct {
    const char *name;
    rp_fn *fn;
} tasks[] = {{"square", square}, {"cube", cube}};
enum { COUNT = sizeof tasks / sizeof *tasks };

int main(void)
{
    rp_pool *pool;
    rp_future *futures[COUNT] = {NULL};
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), EXIT_FAILURE;

    long x = 12;
    rp_status status = RP_OK;
    printf("main is process %ld\n", (long)getpid());
    for (size_t i = 0; i < COUNT && !status; i++)
        status = rp_submit(pool, tasks[i].fn, &x, sizeof x, &futures[i]);
    for (size_t i = 0; i < COUNT && !status; i++) {
        rp_view view;
        if ((status = rp_result(futures[i], &view)))
            break;
        const struct answer *a = view.data;
        printf("the %s of %ld is %ld, says process %ld on %s\n", tasks[i].name, x, a->value, a->pid, a->host);
    }
    if (status)
        fprintf(stderr, "%s\n", rp_last_error(pool));

    for (size_t i = 0; i < COUNT; i++)
        rp_release(&futures[i]);
    return rp_close(&pool) || status ? EXIT_FAILURE : EXIT_SUCCESS;
}
