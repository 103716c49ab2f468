/* A program as `rankpool run` starts it: what it does is its first argument.
 *
 *     who        a line for each worker: its number, host, CPUs and folder, and the variable JOB_SAYS there
 *     echo N     copies standard input to standard output, and ends with status N
 *     last N     says "begins", maps N items of a tenth of a second each, and says how many ran
 *     hold N     says "holds" when N tasks run that last for an hour
 *     late       sets a handler for SIGTERM when the pool is open, and gets one; each worker says its host;
 *                ends with standard input
 *     early N    ends with status N before it opens the pool, on the host that JOB_HOST names
 */
#define _GNU_SOURCE
#include <rankpool/rankpool.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static rp_pool *pool;
static int number; /* the second argument */

static int fail(void)
{
    fprintf(stderr, "job: %s\n", rp_last_error(pool));
    return 1;
}

static int say_who(rp_call *call, const void *in, size_t size)
{
    char text[4096], folder[1024] = "";
    rp_worker_info here;
    const char *says = getenv("JOB_SAYS");
    (void)in, (void)size;
    if (rp_here(call, &here) || !getcwd(folder, sizeof folder))
        return rp_fail(call, "no folder");
    int length = snprintf(text, sizeof text, "%d %s %s %s %s", here.worker, here.host, here.cpus, folder,
                          says ? says : "-");
    return rp_return(call, text, (size_t)length + 1);
}

static int who(void)
{
    for (int worker = 1; worker <= rp_workers(pool); worker++) {
        rp_future *future;
        rp_view said;
        if (rp_submit_with(pool, say_who, NULL, 0, RP_TASK_OPTIONS(.worker = worker), &future) ||
            rp_result(future, &said))
            return fail();
        puts(said.data);
        rp_release(&future);
    }
    return 0;
}

static int echo(void)
{
    char line[256];
    while (fgets(line, sizeof line, stdin))
        fputs(line, stdout);
    return number;
}

static int take_a_while(rp_call *call, const void *in, size_t size)
{
    char one = 1;
    (void)in, (void)size;
    usleep(100000);
    return rp_return(call, &one, sizeof one);
}

static int last(void)
{
    char *ran = calloc((size_t)number, 1);
    int sum = 0;
    puts("begins");
    fflush(stdout);
    if (rp_map_with(pool, take_a_while, NULL, 0, (size_t)number, ran, 1, RP_MAP_OPTIONS(.chunk = 1), NULL))
        return fail();
    for (int i = 0; i < number; i++)
        sum += ran[i];
    printf("%d ran\n", sum);
    free(ran);
    return 0;
}

static int take_an_hour(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    sleep(3600);
    return rp_fail(call, "nobody ended this");
}

/* Leaders keep to their own work. */
static int hold(void)
{
    for (int i = 0; i < number; i++) {
        rp_future *future;
        if (rp_submit(pool, take_an_hour, NULL, 0, &future))
            return fail();
        while (rp_state_of(future) != RP_RUNNING)
            rp_wait(future, 0.01);
    }
    puts("holds");
    fflush(stdout);
    rp_next(pool, RP_FOREVER);
    return 0;
}

static volatile sig_atomic_t came;

static void note(int signal_number)
{
    came = signal_number;
}

static int say_host(rp_call *call, const void *in, size_t size)
{
    rp_worker_info here;
    (void)in, (void)size;
    if (rp_here(call, &here) || dprintf(1, "%s\n", here.host) < 0)
        return rp_fail(call, "no output");
    return 0;
}

/* What the manager itself sends to the first process is not passed on. */
static int late(void)
{
    char command[64];
    signal(SIGTERM, note);
    snprintf(command, sizeof command, "kill -TERM %ld", (long)getppid());
    if (system(command))
        return 1;
    while (!came)
        usleep(1000);
    for (int worker = 1; worker <= rp_workers(pool); worker++)
        if (rp_submit_with(pool, say_host, NULL, 0, RP_TASK_OPTIONS(.worker = worker), NULL))
            return fail();
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future))
        if (rp_result(future, &(rp_view){0}))
            return fail();
    while (getchar() != EOF)
        ;
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} things[] = {{"who", who}, {"echo", echo}, {"last", last}, {"hold", hold}, {"late", late}, {"early", who}};

int main(int count, char **arguments)
{
    char host[256] = "";
    const char *thing = count > 1 ? arguments[1] : "", *early = getenv("JOB_HOST");
    number = count > 2 ? atoi(arguments[2]) : 0;
    gethostname(host, sizeof host - 1);
    if (strcmp(thing, "early") == 0 && early && strcmp(early, host) == 0)
        return number;
    if (rp_open(NULL, &pool))
        return fail();
    for (size_t i = 0; i < sizeof things / sizeof *things; i++) {
        if (strcmp(thing, things[i].name) != 0)
            continue;
        int status = things[i].run();
        rp_close(&pool);
        return status;
    }
    fprintf(stderr, "job: does not know \"%s\"\n", thing);
    return 2;
}
