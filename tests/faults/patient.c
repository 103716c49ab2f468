/* A program that does random work (work.h) while another process kills and stops its workers.
 *
 *     patient open|comm SEED RETRIES
 *
 * It opens its pool by rp_open, or runs MPI itself and uses rp_open_comm. To standard output it says
 *     pids P M W...     the process that was started, the manager and the workers
 *     rest              all that was begun has ended: after each line of its standard input "rest"
 *     verdict ...       at last, once its standard input has ended: "right", "broken" (nobody was left), or
 *                       "wrong"; the exit status is 0, 3 or 1 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <rankpool/mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "work.h"

static const char *const verdicts[] = {"right", "wrong", "", "broken"};

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

static rp_status open_pool(struct work *work, bool isolates)
{
    if (isolates)
        return rp_open(RP_OPTIONS(.isolate = 1, .timeout = 1, .task_memory = (size_t)64 << 20,
                                  .initializer = nothing, .finalizer = nothing),
                       &work->pool);
    return rp_open(RP_OPTIONS(.retries = work->retries, .initializer = nothing, .finalizer = nothing),
                   &work->pool);
}

static void tell_pids(const struct work *work)
{
    printf("pids %ld", (long)getpid());
    for (int i = 1; i <= rp_workers(work->pool); i++) {
        rp_worker_info info = {0};
        rp_worker(work->pool, i, &info);
        printf(" %ld", info.pid);
    }
    printf("\n");
    fflush(stdout);
}

/* Whether to go on: what a line asks for is done, the end ends it. */
static bool obey(void)
{
    char line[64];
    struct pollfd input = {.fd = 0, .events = POLLIN};
    while (poll(&input, 1, 0) > 0) {
        if (!fgets(line, sizeof line, stdin))
            return false;
        printf("rest\n");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) /* until it may go on */
            return false;
    }
    return true;
}

/* A rank that dies in the middle of rp_open_comm, which is collective, may leave others there. */
static void await_workers(struct work *work)
{
    rp_task_options options = RP_TASK_OPTIONS_INIT;
    for (options.worker = 1; options.worker <= rp_workers(work->pool); options.worker++) {
        rp_future *future = NULL;
        if (rp_submit_with(work->pool, nothing, NULL, 0, &options, &future) || rp_result(future, NULL))
            work_fail(work, "the first task: %s", rp_last_error(work->pool));
        rp_release(&future);
        work->submitted++;
    }
}

static int manage(struct work *work)
{
    await_workers(work);
    tell_pids(work);
    while (!work->wrong && !work->broken && obey())
        work_some(work);
    rp_status status = rp_close(&work->pool);
    if (status == RP_POOL_BROKEN)
        work->broken = true;
    else if (status)
        work_fail(work, "rp_close: %s", rp_last_error(NULL));
    int code = work->wrong ? 1 : work->broken ? 3 : 0;
    printf("verdict %s after %d\n", verdicts[code], work->kinds);
    fflush(stdout);
    return code;
}

static int run_comm(struct work *work)
{
    int code = 0;
    MPI_Init(NULL, NULL);
    if (rp_open_comm(MPI_COMM_WORLD, 0,
                     RP_OPTIONS(.retries = work->retries, .initializer = nothing, .finalizer = nothing),
                     &work->pool))
        return fprintf(stderr, "faults: %s\n", rp_last_error(NULL)), 1;
    if (rp_is_manager(work->pool)) {
        code = manage(work);
    } else {
        rp_serve(work->pool);
        rp_close(&work->pool);
    }
    MPI_Finalize();
    return code;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    setvbuf(stdin, NULL, _IONBF, 0);
    struct work work = {.seed = strtoull(argv[2], NULL, 10), .retries = atoi(argv[3])};
    if (strcmp(argv[1], "comm") == 0)
        return run_comm(&work);
    work.open = open_pool;
    if (open_pool(&work, false))
        return fprintf(stderr, "faults: %s\n", rp_last_error(NULL)), 1;
    return manage(&work);
}
