#include "calls.h"

#include <math.h>

/* Results of a map of `n` inputs, each a size_t i. */
static void map_numbers(rp_fn *fn, size_t n, void *out, size_t out_size, const rp_map_options *options)
{
    size_t in[64];
    REQUIRE(n <= sizeof in / sizeof *in);
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    rp_pool *pool = suite_open(NULL);
    CHECK_STATUS(rp_map_with(pool, fn, in, sizeof *in, n, out, out_size, options, NULL), RP_OK);
    suite_close(pool);
}

//! [rp_return]
int square(rp_call *call, const void *in, size_t size)
{
    double x = *(const double *)in;
    double answer = x * x;
    return rp_return(call, &answer, sizeof answer);
}
//! [rp_return]

TEST_CASE(a_task_answers)
{
    double in = 3, out = 0;
    rp_pool *pool = suite_open(NULL);
    CHECK_STATUS(rp_map(pool, square, &in, sizeof in, 1, &out, sizeof out), RP_OK);
    CHECK_NEAR(out, 9, 0);
    suite_close(pool);
}

//! [rp_return_large]
static int letters(rp_call *call, const void *in, size_t size)
{
    char text[4096];
    memset(text, 'a', sizeof text);
    return rp_return_large(call, text, sizeof text); /* as rp_return does with what is large */
}
//! [rp_return_large]

TEST_CASE(a_task_answers_much)
{
    char out[2][4096];
    map_numbers(letters, 2, out, sizeof *out, NULL);
    CHECK_INT(out[1][4095], 'a');
}

//! [rp_reserve]
static int table(rp_call *call, const void *in, size_t size)
{
    const size_t n = 100;
    double *roots = rp_reserve(call, n * sizeof *roots);
    if (!roots)
        return rp_fail(call, "no memory for %zu roots", n);
    for (size_t i = 0; i < n; i++)
        roots[i] = sqrt((double)i);
    return 0;
}
//! [rp_reserve]

TEST_CASE(a_task_answers_in_place)
{
    double out[100];
    map_numbers(table, 1, out, sizeof out, NULL);
    CHECK_NEAR(out[81], 9, 0);
}

//! [rp_fail]
static int root(rp_call *call, const void *in, size_t size)
{
    double x = *(const double *)in;
    if (size != sizeof x || x < 0)
        return rp_fail(call, "%g has no root", x);
    x = sqrt(x);
    return rp_return(call, &x, sizeof x);
}
//! [rp_fail]

TEST_CASE(a_task_fails_with_a_sentence)
{
    double in = -4, out = 0;
    rp_pool *pool = suite_open(NULL);
    CHECK_STATUS(rp_map(pool, root, &in, sizeof in, 1, &out, sizeof out), RP_TASK_FAILED);
    CHECK_HAS(rp_last_error(pool), "-4 has no root");
    suite_close(pool);
}

//! [rp_common]
static int scaled(rp_call *call, const void *in, size_t size)
{
    size_t bytes;
    const double *factor = rp_common(call, &bytes);
    if (bytes != sizeof *factor)
        return rp_fail(call, "the map has no factor");
    double answer = *factor * (double)*(const size_t *)in;
    return rp_return(call, &answer, sizeof answer);
}
//! [rp_common]

TEST_CASE(a_map_has_an_argument_for_all_its_items)
{
    double out[8], factor = 2.5;
    map_numbers(scaled, 8, out, sizeof *out, RP_MAP_OPTIONS(.common = &factor, .common_size = sizeof factor));
    CHECK_NEAR(out[4], 10, 0);
}

//! [rp_shared]
static int longest(rp_call *call, const void *in, size_t size)
{
    rp_share_id id = *(const rp_share_id *)in; /* of rp_share */
    size_t bytes;
    const char *text = rp_shared(call, id, &bytes);
    if (!text)
        return rp_fail(call, "nothing is shared under %llu", (unsigned long long)id);
    return rp_return(call, &bytes, sizeof bytes);
}
//! [rp_shared]

TEST_CASE(a_task_reads_what_is_shared)
{
    size_t out = 0;
    rp_share_id id;
    rp_pool *pool = suite_open(NULL);
    REQUIRE_STATUS(rp_share(pool, "some text", 9, &id), RP_OK);
    CHECK_STATUS(rp_map(pool, longest, &id, sizeof id, 1, &out, sizeof out), RP_OK);
    CHECK_UINT(out, 9);
    suite_close(pool);
}

//! [rp_call_index]
static int numbered(rp_call *call, const void *in, size_t size)
{
    char line[32];
    int length = snprintf(line, sizeof line, "item %zu", rp_call_index(call));
    return rp_return(call, line, (size_t)length + 1);
}
//! [rp_call_index]

TEST_CASE(a_task_knows_its_index)
{
    char out[3][32];
    map_numbers(numbered, 3, out, sizeof *out, NULL);
    CHECK_STR(out[2], "item 2");
}

//! [rp_call_attempt]
static int careful(rp_call *call, const void *in, size_t size)
{
    int attempt = rp_call_attempt(call);
    if (attempt > 1)
        fprintf(stderr, "item %zu again: its worker died\n", rp_call_index(call));
    return rp_return(call, &attempt, sizeof attempt);
}
//! [rp_call_attempt]

TEST_CASE(a_task_knows_which_try_it_is)
{
    int out[3];
    map_numbers(careful, 3, out, sizeof *out, NULL);
    CHECK_INT(out[0] + out[1] + out[2], 3);
}

//! [rp_local]
static int buffered(rp_call *call, const void *in, size_t size)
{
    void **buffer = rp_local(call); /* this worker's, kept between its tasks */
    if (!*buffer && !(*buffer = malloc(1 << 20)))
        return rp_fail(call, "no memory for a buffer");
    memset(*buffer, 1, 1 << 20);
    return rp_return(call, in, size);
}

static int unbuffered(rp_call *call, const void *in, size_t size) /* the pool's finalizer */
{
    free(*rp_local(call));
    return 0;
}
//! [rp_local]

TEST_CASE(a_worker_keeps_a_pointer)
{
    size_t in[4] = {1, 2, 3, 4}, out[4] = {0};
    rp_pool *pool = suite_open(RP_OPTIONS(.finalizer = unbuffered));
    CHECK_STATUS(rp_map(pool, buffered, in, sizeof *in, 4, out, sizeof *out), RP_OK);
    CHECK_MEM(out, in, sizeof in);
    suite_close(pool);
}

//! [rp_random]
static int dice(rp_call *call, const void *in, size_t size)
{
    uint64_t words[2];
    rp_random(call, words, 2);
    int sum = 2 + (int)(words[0] % 6) + (int)(words[1] % 6);
    return rp_return(call, &sum, sizeof sum);
}
//! [rp_random]

TEST_CASE(a_task_draws_random_numbers)
{
    int out[60];
    map_numbers(dice, 60, out, sizeof *out, NULL);
    for (int i = 0; i < 60; i++)
        CHECK(out[i] >= 2 && out[i] <= 12);
}

//! [rp_here]
static int where(rp_call *call, const void *in, size_t size)
{
    rp_worker_info info;
    char line[128];
    if (rp_here(call, &info))
        return rp_fail(call, "nowhere");
    snprintf(line, sizeof line, "worker %d: process %ld on %s", info.worker, info.pid, info.host);
    return rp_return(call, line, sizeof line);
}
//! [rp_here]

TEST_CASE(a_task_knows_where_it_runs)
{
    char out[2][128];
    map_numbers(where, 2, out, sizeof *out, NULL);
    CHECK_HAS(out[1], ": process ");
}
