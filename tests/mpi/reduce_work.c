#include "reduce.h"

#include <math.h>
#include <stdlib.h>

const char *const reduce_schedules[] = {"auto", "static", "dynamic", "guided", "factoring", "adaptive"};

/* Sums of numbers of very different sizes: another order, other bits. */
static void sum_leaf(size_t i, void *out)
{
    double x = ldexp((double)(data_mix(i) >> 11), (int)(data_mix(i + 77) % 60) - 30);
    if (i % 3 == 1)
        x = -x;
    memcpy(out, &x, sizeof x);
}

void reduce_add(void *into, const void *from, size_t size)
{
    double *a = into;
    const double *b = from;
    *a += size == sizeof *a ? *b : NAN;
}

int reduce_sum_of_input(rp_call *call, const void *in, size_t size)
{
    double x;
    if (size != sizeof(size_t))
        return rp_fail(call, "%zu bytes", size);
    sum_leaf(*(const size_t *)in, &x);
    return rp_return(call, &x, sizeof x);
}

/* Products of 2x2 matrices, modulo 2^64: not commutative. */
static void matrix_leaf(size_t i, void *out)
{
    uint64_t m[4];
    for (unsigned k = 0; k < 4; k++)
        m[k] = data_mix(4 * i + k);
    memcpy(out, m, sizeof m);
}

static void matrix_combine(void *into, const void *from, size_t size)
{
    uint64_t a[4];
    const uint64_t *b = from;
    memcpy(a, into, sizeof a);
    uint64_t c[4] = {a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2],
                     a[2] * b[1] + a[3] * b[3]};
    memcpy(into, c, size);
}

static int matrix_task(rp_call *call, const void *in, size_t size)
{
    void *room = rp_reserve(call, 4 * sizeof(uint64_t));
    if (!room || size != sizeof(size_t))
        return 1;
    matrix_leaf(*(const size_t *)in, room);
    return 0;
}

/* Digests of digests: neither commutative nor associative. */
static void digest_leaf(size_t i, void *out)
{
    data_fill(out, 5000, i);
}

static void digest_combine(void *into, const void *from, size_t size)
{
    uint64_t left = data_digest(into, size), right = data_digest(from, size);
    data_fill(into, size, 3 * left + data_mix(right));
}

static int digest_task(rp_call *call, const void *in, size_t size)
{
    void *room = rp_reserve(call, 5000);
    if (!room || size != sizeof(size_t))
        return 1;
    digest_leaf(*(const size_t *)in, room);
    return 0;
}

const struct operation reduce_sum = {"sum", sizeof(double), reduce_sum_of_input, reduce_add, sum_leaf};
const struct operation reduce_matrix = {"matrix", 4 * sizeof(uint64_t), matrix_task, matrix_combine,
                                        matrix_leaf};
const struct operation reduce_digest = {"digest", 5000, digest_task, digest_combine, digest_leaf};

void reduce_serially(const struct operation *operation, size_t from, size_t n, void *out)
{
    size_t half = 1;
    if (n == 1) {
        operation->leaf(from, out);
        return;
    }
    while (2 * half < n)
        half *= 2;
    void *right = malloc(operation->size);
    REQUIRE(right);
    reduce_serially(operation, from, half, out);
    reduce_serially(operation, from + half, n - half, right);
    operation->combine(out, right, operation->size);
    free(right);
}

size_t *reduce_numbers(size_t n)
{
    size_t *in = malloc((n + 1) * sizeof *in);
    REQUIRE(in);
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    return in;
}

int reduce_sum_of_index(rp_call *call, const void *in, size_t size)
{
    double x;
    (void)in;
    if (size)
        return rp_fail(call, "%zu bytes", size);
    sum_leaf(rp_call_index(call), &x);
    return rp_return(call, &x, sizeof x);
}
