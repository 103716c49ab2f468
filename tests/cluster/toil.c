/* A program that works for a while on several hosts, of which some may fail meanwhile.
 *
 *     toil ITEMS MILLISECONDS
 *
 * It streams so many items of such a length, and then maps and submits a few: says "begun" once the first
 * results are there, "lost N" whenever workers have been lost, and at last how many results were right, how
 * many came more than once, and what rp_close gave. With TOIL_RUNS_MPI it is a program that runs MPI itself,
 * and the ranks that serve say what rp_serve gave. */
#define _GNU_SOURCE
#ifdef TOIL_RUNS_MPI
#include <rankpool/mpi.h>
#else
#include <rankpool/rankpool.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FEW = 100 };

struct toil {
    rp_pool *pool;
    uint64_t items, next, ended, right, again;
    unsigned char *seen;
    int lost;
    struct item {
        uint64_t number;
        long naps;
    } item;
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int square(rp_call *call, const void *in, size_t size)
{
    struct item item;
    memcpy(&item, in, size);
    nanosleep(&(struct timespec){item.naps / 1000, item.naps % 1000 * 1000000}, NULL);
    item.number *= item.number;
    return rp_return(call, &item.number, sizeof item.number);
}

static int give(void *state, rp_view *input)
{
    struct toil *toil = state;
    if (toil->next == toil->items)
        return 0;
    toil->item.number = toil->next++;
    *input = (rp_view){&toil->item, sizeof toil->item};
    return 1;
}

static void look(struct toil *toil)
{
    int lost = 0;
    rp_worker_info info;
    for (int i = 1; i <= rp_workers(toil->pool); i++)
        lost += !rp_worker(toil->pool, i, &info) && !info.alive;
    if (lost > toil->lost)
        printf("lost %d\n", lost);
    toil->lost = lost;
}

static int take(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    struct toil *toil = state;
    uint64_t answer = 0;
    if (status)
        printf("%s\n", error);
    else
        memcpy(&answer, result.data, sizeof answer);
    toil->right += answer == index * index;
    toil->again += toil->seen[index]++ != 0;
    if (++toil->ended == 20)
        printf("begun\n");
    look(toil);
    return 0;
}

static void map_few(struct toil *toil)
{
    struct item items[FEW];
    uint64_t answers[FEW] = {0};
    for (uint64_t i = 0; i < FEW; i++)
        items[i] = (struct item){i, 1};
    rp_map(toil->pool, square, items, sizeof *items, FEW, answers, sizeof *answers);
    for (uint64_t i = 0; i < FEW; i++)
        toil->right += answers[i] == i * i;
}

static void submit_few(struct toil *toil)
{
    rp_view view;
    for (uint64_t i = 0; i < FEW; i++)
        rp_submit(toil->pool, square, &(struct item){i, 1}, sizeof(struct item), NULL);
    for (rp_future *future; (future = rp_next(toil->pool, RP_FOREVER)); rp_release(&future))
        toil->right += !rp_result(future, &view) && view.size == sizeof(uint64_t) &&
                       *(const uint64_t *)view.data % 10 != 7;
}

static int manage(rp_pool *pool, char **arguments)
{
    double began = seconds();
    struct toil toil = {.pool = pool, .items = strtoull(arguments[0], NULL, 10)};
    toil.item.naps = atol(arguments[1]);
    toil.seen = calloc(toil.items, 1);
    printf("%s\n", rp_describe(pool));
    if (rp_stream(pool, square, give, take, &toil, NULL))
        printf("%s\n", rp_last_error(pool));
    look(&toil);
    map_few(&toil);
    submit_few(&toil);
    look(&toil);
    int workers = rp_workers(pool);
    rp_status status = rp_close(&pool);
    printf("%llu of %llu are right, %llu came again, %d of %d workers are lost, close %d, %.1f s\n",
           (unsigned long long)toil.right, (unsigned long long)toil.items + 2 * FEW,
           (unsigned long long)toil.again, toil.lost, workers, (int)status, seconds() - began);
    free(toil.seen);
    return toil.right != toil.items + 2 * FEW || toil.again || status;
}

#ifdef TOIL_RUNS_MPI
static int run(char **arguments)
{
    int rank, code = 0;
    rp_pool *pool;
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rp_open_comm(MPI_COMM_WORLD, 0, NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 2;
    if (rp_is_manager(pool)) {
        code = manage(pool, arguments);
    } else {
        if (rp_serve(pool))
            printf("rank %d: %s\n", rank, rp_last_error(pool));
        rp_close(&pool);
    }
    MPI_Finalize();
    printf("rank %d has finalized\n", rank);
    return code;
}
#else
static int run(char **arguments)
{
    rp_pool *pool;
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 2;
    return manage(pool, arguments);
}
#endif

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return argc == 3 ? run(argv + 1) : 2;
}
