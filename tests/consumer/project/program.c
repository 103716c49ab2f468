/* A user's program, in C and in C++ alike: squares on all cores. */
#include <rankpool/rankpool.h>

#include <stdio.h>
#include <string.h>

static int square(rp_call *call, const void *in, size_t in_size)
{
    double x;
    if (in_size != sizeof x)
        return rp_fail(call, "%zu bytes are no number", in_size);
    memcpy(&x, in, sizeof x);
    x *= x;
    return rp_return(call, &x, sizeof x);
}

int main(void)
{
    rp_options options = RP_OPTIONS_INIT;
    rp_pool *pool;
    if (rp_options_set(&options, "workers", "2") || rp_open(&options, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 1;

    double in[1000], out[1000];
    for (int i = 0; i < 1000; i++)
        in[i] = i;
    rp_status status = rp_map(pool, square, in, sizeof *in, 1000, out, sizeof *out);
    if (status)
        fprintf(stderr, "%s: %s\n", rp_strerror(status), rp_last_error(pool));
    for (int i = 0; i < 1000 && !status; i++)
        if (out[i] != in[i] * in[i])
            status = RP_INVALID;
    return rp_close(&pool) != RP_OK || status != RP_OK;
}
