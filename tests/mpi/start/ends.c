/* A program that ends in different ways while its pool is open, for ends.c: its first argument says how.
 * It first writes the numbers of its processes to standard output. */
#define _GNU_SOURCE
#include <rankpool/rankpool.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int nap(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    sleep(1000);
    return 0;
}

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

static void write_pids(const rp_pool *pool)
{
    printf("processes");
    for (int i = 0; i <= rp_workers(pool); i++) {
        rp_worker_info info;
        if (rp_worker(pool, i, &info) == RP_OK)
            printf(" %ld", info.pid);
    }
    printf("\n");
    fflush(stdout);
}

/* Arguments, a variable, and the lines of standard input. */
static int repeat(int argc, char **argv)
{
    char line[256];
    for (int i = 2; i < argc; i++)
        printf("[%s]", argv[i]);
    printf(" %s\n", getenv("ENDS_VARIABLE"));
    while (fgets(line, sizeof line, stdin))
        printf("%zu %s", strlen(line), line);
    return 21;
}

static void end(const char *how)
{
    if (strcmp(how, "exit") == 0)
        exit(7);
    if (strcmp(how, "_exit") == 0)
        _exit(5);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "kill") == 0)
        raise(SIGKILL);
    pause();
}

int main(int argc, char **argv)
{
    rp_pool *pool;
    if (argc < 2 || rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 3;
    if (strcmp(argv[1], "repeat") == 0)
        return rp_close(&pool) ? 4 : repeat(argc, argv);
    write_pids(pool);
    if (argc > 2 && strcmp(argv[2], "busy") == 0)
        for (int i = 0; i < 10; i++)
            rp_submit(pool, nap, NULL, 0, NULL);
    else
        rp_map_range(pool, nothing, 0, 1000, NULL, 0);
    end(argv[1]);
    return 6;
}
