/* A program of which a process ends in the middle.
 *
 *     survive open|comm worker|manager|nobody HOW [LATER]
 *
 * A task of a worker, or the manager, ends its process by HOW, while the workers wait by LATER: "idle",
 * "busy" in endless tasks, or "queue", at one that nobody puts into. It says how many of its results are
 * right, and what rp_close gave; in "comm" each rank that has called MPI_Finalize says so. */
#define _GNU_SOURCE
#include <rankpool/mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TASKS = 300, LAST = 50 };

static void end_by_signal(int number)
{
    signal(number, SIG_DFL); /* whatever MPI does about it */
    raise(number);
}

static void end_process(const char *how)
{
    if (strcmp(how, "exit") == 0)
        exit(3);
    if (strcmp(how, "exit-well") == 0)
        exit(0);
    if (strcmp(how, "_exit") == 0)
        _exit(3);
    if (strcmp(how, "MPI_Abort") == 0)
        MPI_Abort(MPI_COMM_WORLD, 3);
    if (strcmp(how, "MPI_Finalize") == 0) {
        MPI_Finalize();
        return;
    }
    if (strcmp(how, "MPI_Init") == 0) {
        MPI_Init(NULL, NULL);
        return;
    }
    end_by_signal(atoi(how));
}

struct item {
    uint64_t number;
    char how[16]; /* item LAST ends its first process so; "": it does not */
};

static int square(rp_call *call, const void *in, size_t size)
{
    struct item item;
    memcpy(&item, in, size);
    if (item.how[0] && item.number == LAST && rp_call_attempt(call) == 1)
        end_process(item.how);
    usleep(500);
    item.number *= item.number;
    return rp_return(call, &item.number, sizeof item.number);
}

static int wait_for_ever(rp_call *call, const void *in, size_t size)
{
    rp_queue_id queue;
    memcpy(&queue, in, size);
    if (!queue)
        for (;;)
            usleep(10000);
    return rp_call_get(call, queue, NULL, RP_FOREVER) ? rp_fail(call, "nothing came") : 0;
}

static int use_tasks(rp_pool *pool, const char *how)
{
    int right = 0;
    struct item item = {0};
    snprintf(item.how, sizeof item.how, "%s", how);
    for (; item.number < TASKS; item.number++)
        rp_submit(pool, square, &item, sizeof item, NULL);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        rp_view view;
        uint64_t answer = 0, index = rp_index(future);
        if (rp_result(future, &view))
            fprintf(stderr, "%s\n", rp_error(future));
        else
            memcpy(&answer, view.data, sizeof answer);
        right += answer == index * index && view.size == sizeof answer;
    }
    return right;
}

static int use_map(rp_pool *pool)
{
    static struct item items[TASKS];
    static uint64_t answers[TASKS];
    int right = 0;
    for (uint64_t i = 0; i < TASKS; i++)
        items[i].number = i;
    if (rp_map(pool, square, items, sizeof *items, TASKS, answers, sizeof *answers))
        fprintf(stderr, "%s\n", rp_last_error(pool));
    for (uint64_t i = 0; i < TASKS; i++)
        right += answers[i] == i * i;
    return right;
}

static void occupy(rp_pool *pool, const char *later)
{
    rp_queue *queue;
    rp_queue_id number = 0;
    if (strcmp(later, "idle") == 0)
        return;
    if (strcmp(later, "queue") == 0 && !rp_queue_open(pool, 0, &queue))
        number = rp_queue_id_of(queue);
    rp_future *futures[64];
    for (int i = 0; i < rp_workers(pool); i++)
        rp_submit(pool, wait_for_ever, &number, sizeof number, &futures[i]);
    for (int i = 0; i < rp_workers(pool); i++)
        while (rp_state_of(futures[i]) == RP_PENDING)
            rp_wait(futures[i], 0.01);
}

static int manage(rp_pool *pool, char **arguments)
{
    int right = use_tasks(pool, strcmp(arguments[1], "worker") ? "" : arguments[2]);
    right += use_map(pool);
    if (strcmp(arguments[1], "manager") == 0) {
        occupy(pool, arguments[3] ? arguments[3] : "idle");
        end_process(arguments[2]);
    }
    rp_status status = rp_close(&pool);
    printf("%d of %d are right, close %d\n", right, 2 * TASKS, (int)status);
    fflush(stdout);
    return right != 2 * TASKS || status;
}

static int run_open(char **arguments)
{
    rp_pool *pool;
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 2;
    return manage(pool, arguments);
}

static int run_comm(char **arguments)
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
            printf("%s\n", rp_last_error(pool));
        rp_close(&pool);
    }
    MPI_Finalize();
    printf("rank %d has finalized\n", rank);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    return strcmp(argv[1], "open") ? run_comm(argv + 1) : run_open(argv + 1);
}
