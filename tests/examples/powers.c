/* powers: x^x exactly, by two maps over one pool, with the worker that computed each.
 *
 *     ./powers
 *
 * A pool is opened once and used as often as there is work. Results may be of any size: here they
 * are numbers of 1 to 32 digits, computed with libgmp, and the name of the worker behind them. A map's
 * results go to slots of one size; rp_map_options.sizes tells how much of each was used. So little
 * work would all be done by the first worker that is awake: schedule "static" deals it out. */
#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <rankpool/rankpool.h>

enum { HALF = 12, SLOT = 256 /* bytes of a result */ };

/* The input is x, the result a text with an end. */
static int power(rp_call *call, const void *in, size_t size)
{
    (void)size;
    unsigned x = *(const unsigned *)in;
    rp_worker_info me;
    if (rp_here(call, &me))
        return rp_fail(call, "this worker is not known");

    mpz_t result;
    mpz_init(result);
    mpz_ui_pow_ui(result, x, x);
    char text[SLOT];
    int length =
        gmp_snprintf(text, sizeof text, "%Zd (%s/%ld/worker %d)", result, me.host, me.pid, me.worker);
    mpz_clear(result);
    return length < SLOT ? rp_return(call, text, (size_t)length + 1)
                         : rp_fail(call, "%u^%u is too long", x, x);
}

/* Maps over half of the numbers and prints what comes back. */
static rp_status print_powers(rp_pool *pool, const unsigned x[HALF])
{
    char texts[HALF][SLOT];
    size_t sizes[HALF], bytes = 0;
    rp_status status = rp_map_with(pool, power, x, sizeof *x, HALF, texts, sizeof *texts,
                                   RP_MAP_OPTIONS(.schedule = "static", .sizes = sizes), NULL);
    for (size_t i = 0; i < HALF && !status; i++) {
        printf("%2u^%-2u = %s\n", x[i], x[i], texts[i]);
        bytes += sizes[i];
    }
    if (!status)
        printf("%d results of %zu bytes\n", HALF, bytes);
    return status;
}

int main(void)
{
    rp_pool *pool;
    unsigned x[2 * HALF];
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), EXIT_FAILURE;

    for (unsigned i = 0; i < 2 * HALF; i++)
        x[i] = i;
    rp_status status = print_powers(pool, x);
    if (!status)
        status = print_powers(pool, x + HALF);
    if (status)
        fprintf(stderr, "%s\n", rp_last_error(pool));
    return rp_close(&pool) || status ? EXIT_FAILURE : EXIT_SUCCESS;
}
