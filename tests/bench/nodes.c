/* Between nodes, beside hand-written MPI by turns in the same processes: mpirun -n RANKS bench_nodes MODE ...
 * with RANKPOOL_NODE_SIZE=1, so that each rank but the manager is a leader that works alone.
 *
 *   map LIST N ROUNDS
 *       rp_map; by hand: a manager that keeps two blocks under way to each other rank, which take 1 ms or
 *       have 10,000 items. Also prints what the manager used of a core
 *   echo SIZE N ROUNDS [alloc]
 *       rp_map of items that come back, in arrays of rp_alloc if that is said; raw: ping-pong of the same
 *       items, one after the other, from and to where they lie; hot: of the first one alone, which stays in
 *       the caches; by hand: the items there and back, four under way; bytes are counted in both directions
 *   trip GAP N
 *       round trips of an empty task, GAP microseconds between them */
#define _GNU_SOURCE
#include <mpi.h>
#include <rankpool/mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool.h"

#define DEPTH      4
#define BLOCK_MOST 10000

struct bench {
    int self, ranks;
    rp_pool *pool;
};

static int echo(rp_call *call, const void *in, size_t size)
{
    return rp_return(call, in, size);
}

/* ---- Turns: the pool, then MPI ------------------------------------------------------------ */

/* Nobody else computes while rank 0 measures the speed of the cores. */
static void wait_quietly(void)
{
    MPI_Request request;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    for (int done = 0; !done;) {
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        if (!done)
            usleep(500);
    }
}

static void open_pool(struct bench *bench)
{
    pool_check(NULL, rp_open_comm(MPI_COMM_WORLD, 0, RP_OPTIONS(.progress = -1), &bench->pool));
    if (bench->self)
        rp_serve(bench->pool);
}

static void close_pool(struct bench *bench)
{
    rp_close(&bench->pool);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* ---- Lists ------------------------------------------------------------------------------- */

static void serve_blocks(void)
{
    static int64_t items[BLOCK_MOST];
    static double results[BLOCK_MOST];
    for (;;) {
        MPI_Status status;
        int count;
        MPI_Recv(items, BLOCK_MOST, MPI_INT64_T, 0, 0, MPI_COMM_WORLD, &status);
        MPI_Get_count(&status, MPI_INT64_T, &count);
        if (!count)
            return;
        for (int i = 0; i < count; i++)
            results[i] = work_answer(items[i]);
        MPI_Send(results, count, MPI_DOUBLE, 0, 0, MPI_COMM_WORLD);
    }
}

/* Blocks under way to a rank, the oldest first. */
struct line {
    size_t first[2], count[2];
    int length;
};

static void send_one(struct work *work, struct line *line, int rank, size_t *next, size_t block)
{
    size_t count = work->n - *next < block ? work->n - *next : block;
    if (!count)
        return;
    MPI_Request request;
    MPI_Isend(work->items + *next, (int)count, MPI_INT64_T, rank, 0, MPI_COMM_WORLD, &request);
    MPI_Request_free(&request);
    line->first[line->length] = *next;
    line->count[line->length++] = count;
    *next += count;
}

static void give_blocks(struct bench *bench, struct work *work)
{
    struct line *line = calloc((size_t)bench->ranks, sizeof *line);
    double each = work->total / (double)work->n / work_nominal(); /* microseconds */
    size_t block = each * BLOCK_MOST > 1000 ? (size_t)(1000 / each) + 1 : BLOCK_MOST, next = 0, done = 0;
    for (int k = 0; k < 2; k++)
        for (int rank = 1; rank < bench->ranks; rank++)
            send_one(work, &line[rank], rank, &next, block);
    while (done < work->n) {
        MPI_Status status;
        MPI_Probe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &status);
        struct line *from = &line[status.MPI_SOURCE];
        MPI_Recv(work->results + from->first[0], (int)from->count[0], MPI_DOUBLE, status.MPI_SOURCE, 0,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        done += from->count[0];
        from->first[0] = from->first[1];
        from->count[0] = from->count[1];
        from->length--;
        send_one(work, from, status.MPI_SOURCE, &next, block);
    }
    for (int rank = 1; rank < bench->ranks; rank++)
        MPI_Send(NULL, 0, MPI_INT64_T, rank, 0, MPI_COMM_WORLD);
    free(line);
}

static void run_map(struct bench *bench, int argc, char **argv)
{
    struct work work;
    work_make(&work, argument(argc, argv, 2, "empty"), argument_count(argc, argv, 3, 1000000));
    int rounds = (int)argument_count(argc, argv, 4, 3), workers = bench->ranks - 1;
    for (int i = 0; i < rounds; i++) {
        open_pool(bench);
        for (int turn = 0; bench->self == 0 && turn < 2; turn++) { /* the first one: it knows no speed yet */
            struct measure measure = measure_begin(&work, workers);
            double used = work_cpu(getpid()), begun = work_now();
            pool_check(bench->pool, rp_map(bench->pool, pool_answer, work.items, sizeof *work.items, work.n,
                                           work.results, sizeof *work.results));
            used = (work_cpu(getpid()) - used) / (work_now() - begun);
            measure_end(&measure, turn ? "nodes" : "nodes-first", i);
            printf("NODES what=manager list=%s repetition=%d turn=%d used=%.4f\n", work.name, i, turn, used);
        }
        close_pool(bench);
        struct measure measure = {0};
        if (bench->self == 0)
            measure = measure_begin(&work, workers);
        wait_quietly();
        measure.begun = work_now();
        if (bench->self)
            serve_blocks();
        else
            give_blocks(bench, &work);
        if (bench->self == 0)
            measure_end(&measure, "blocks", i);
    }
    work_free(&work);
}

/* ---- Payload ----------------------------------------------------------------------------- */

struct payload {
    size_t size, n;
    char *in, *out;
    bool allocs;
};

/* The k-th item, and where it goes: rank 1 has room for some alone. */
static char *place(const struct bench *bench, const struct payload *payload, char *array, size_t k)
{
    return array + (bench->self ? k % DEPTH : k) * payload->size;
}

static void there_and_back(const struct bench *bench, const struct payload *payload, size_t k)
{
    int size = (int)payload->size, other = 1 - bench->self;
    char *in = place(bench, payload, payload->in, k), *out = place(bench, payload, payload->out, k);
    if (bench->self == 0)
        MPI_Send(in, size, MPI_BYTE, other, 0, MPI_COMM_WORLD);
    MPI_Recv(bench->self ? in : out, size, MPI_BYTE, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (bench->self == 1)
        MPI_Send(in, size, MPI_BYTE, other, 0, MPI_COMM_WORLD);
}

static void ping_pong(const struct bench *bench, const struct payload *payload)
{
    for (size_t k = 0; k < payload->n; k++)
        there_and_back(bench, payload, k);
}

static void ping_pong_hot(const struct bench *bench, const struct payload *payload)
{
    for (size_t k = 0; k < payload->n; k++)
        there_and_back(bench, payload, 0);
}

/* What a program does by hand: DEPTH items under way, each received in its place, and copied by the task. */
static void by_hand(const struct bench *bench, const struct payload *payload)
{
    MPI_Request out[DEPTH], in[DEPTH];
    int size = (int)payload->size, other = 1 - bench->self;
    for (int i = 0; i < DEPTH; i++)
        out[i] = in[i] = MPI_REQUEST_NULL;
    for (size_t k = 0; k < payload->n + DEPTH; k++) {
        size_t at = k % DEPTH;
        MPI_Wait(&in[at], MPI_STATUS_IGNORE);
        if (bench->self && k >= DEPTH) {
            MPI_Wait(&out[at], MPI_STATUS_IGNORE);
            memcpy(place(bench, payload, payload->out, k), place(bench, payload, payload->in, k),
                   payload->size);
            MPI_Isend(place(bench, payload, payload->out, k), size, MPI_BYTE, other, 0, MPI_COMM_WORLD,
                      &out[at]);
        }
        if (k >= payload->n)
            continue;
        MPI_Irecv(place(bench, payload, bench->self ? payload->in : payload->out, k), size, MPI_BYTE, other,
                  0, MPI_COMM_WORLD, &in[at]);
        if (!bench->self) {
            MPI_Wait(&out[at], MPI_STATUS_IGNORE);
            MPI_Isend(place(bench, payload, payload->in, k), size, MPI_BYTE, other, 0, MPI_COMM_WORLD,
                      &out[at]);
        }
    }
    MPI_Waitall(DEPTH, out, MPI_STATUSES_IGNORE);
}

static double mbps(const struct payload *payload, double seconds)
{
    return 2e-6 * (double)payload->size * (double)payload->n / seconds;
}

static double timed(const struct bench *bench, const struct payload *payload,
                    void (*run)(const struct bench *, const struct payload *))
{
    MPI_Barrier(MPI_COMM_WORLD);
    double begun = work_now();
    run(bench, payload);
    MPI_Barrier(MPI_COMM_WORLD);
    return mbps(payload, work_now() - begun);
}

static char *make(const struct bench *bench, const struct payload *payload, char *usual)
{
    char *made = payload->allocs ? rp_alloc(bench->pool, payload->size * payload->n) : usual;
    pool_check(bench->pool, made ? RP_OK : RP_NO_MEMORY);
    return made;
}

static double by_pool(struct bench *bench, const struct payload *given)
{
    double rate = 0;
    struct payload own = *given, *payload = &own;
    open_pool(bench);
    if (bench->self == 0) {
        own.in = make(bench, given, given->in);
        own.out = make(bench, given, given->out);
        memmove(own.in, given->in, given->size * given->n);
    }
    for (int turn = 0; bench->self == 0 && turn < 3; turn++) { /* the first one touches the pool's memory */
        memset(payload->out, 0, payload->size * payload->n);
        double begun = work_now();
        pool_check(bench->pool, rp_map(bench->pool, echo, payload->in, payload->size, payload->n,
                                       payload->out, payload->size));
        rate = mbps(payload, work_now() - begun);
        if (memcmp(payload->in, payload->out, payload->size * payload->n)) {
            fprintf(stderr, "the map did not echo its inputs\n");
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }
    close_pool(bench);
    return rate;
}

static void run_echo(struct bench *bench, int argc, char **argv)
{
    struct payload payload = {.size = argument_count(argc, argv, 2, 1 << 16),
                              .n = argument_count(argc, argv, 3, 1000),
                              .allocs = strcmp(argument(argc, argv, 5, ""), "alloc") == 0};
    size_t items = bench->self ? DEPTH : payload.n;
    payload.in = malloc(payload.size * items);
    payload.out = malloc(payload.size * items);
    if (!payload.in || !payload.out)
        MPI_Abort(MPI_COMM_WORLD, 1);
    for (size_t i = 0; i < items; i++)
        memset(payload.in + i * payload.size, (int)(i % 251), payload.size);
    memset(payload.out, 1, payload.size * items);
    for (int i = 0; i < (int)argument_count(argc, argv, 4, 3); i++) {
        double pool = by_pool(bench, &payload), raw = timed(bench, &payload, ping_pong),
               hot = timed(bench, &payload, ping_pong_hot), hand = timed(bench, &payload, by_hand);
        if (bench->self == 0)
            printf("NODES what=echo size=%zu n=%zu repetition=%d mbps=%.0f raw=%.0f hot=%.0f hand=%.0f "
                   "ratio=%.3f by_hand=%.3f\n",
                   payload.size, payload.n, i, pool, raw, hot, hand, pool / raw, pool / hand);
    }
    free(payload.in);
    free(payload.out);
}

/* ---- Trips ------------------------------------------------------------------------------- */

static void run_trip(struct bench *bench, int argc, char **argv)
{
    size_t gap = argument_count(argc, argv, 2, 0), n = argument_count(argc, argv, 3, 100);
    double *us = calloc(n + 1, sizeof *us);
    open_pool(bench);
    for (size_t i = 0; us && !bench->self && i < n; i++) {
        double item = 0, result;
        usleep((useconds_t)gap);
        double begun = work_now();
        pool_check(bench->pool, rp_map(bench->pool, echo, &item, sizeof item, 1, &result, sizeof result));
        us[i] = (work_now() - begun) * 1e6;
    }
    if (!bench->self && us && n) {
        work_sort(us, n);
        printf("NODES what=trip gap=%zu n=%zu least=%.1f median=%.1f most=%.1f\n", gap, n, us[0], us[n / 2],
               us[n - 1]);
    }
    close_pool(bench);
    free(us);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct bench *bench, int argc, char **argv);
        int ranks; /* 0: any */
    } modes[] = {{"map", run_map, 0}, {"echo", run_echo, 2}, {"trip", run_trip, 0}};
    struct bench bench = {0};
    int level;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &bench.self);
    MPI_Comm_size(MPI_COMM_WORLD, &bench.ranks);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(argument(argc, argv, 1, ""), modes[i].name) == 0 && bench.ranks > 1 &&
            (!modes[i].ranks || bench.ranks == modes[i].ranks)) {
            modes[i].run(&bench, argc, argv);
            return MPI_Finalize();
        }
    fprintf(stderr, "usage: mpirun -n RANKS bench_nodes map|echo|trip ...; echo takes two ranks\n");
    return MPI_Abort(MPI_COMM_WORLD, 2);
}
