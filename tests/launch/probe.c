/* A program as users write them, on the launch layer alone: started plainly it starts itself
 * again. The manager does what its arguments say; workers wait until it tells them to end, or is
 * gone.
 *
 *     PROBE_RANKS=n        3 by default; 1 runs the action here, as a plain program
 *     PROBE_BEFORE=name    does something before it starts itself again
 *     PROBE_CPUS=a/b/c     the plan's lists, one a rank
 *     PROBE_WORKERS=busy   workers compute for ever and take no notice
 *
 * The exit status is the action's, and 100 more if a worker was dead then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "launch/launch.h"

enum { MOST_RANKS = 16 };

struct probe {
    struct launch launch;
    struct launch_joined joined;
    int ranks;
    char job[32];
    long pids[MOST_RANKS];
    char cpus[MOST_RANKS][64]; /* as the kernel lists them */
};

/* ---- Before ------------------------------------------------------------------------------ */

static bool before(const char *name)
{
    const char *wanted = getenv("PROBE_BEFORE");
    return wanted && strcmp(wanted, name) == 0;
}

static bool is_rank(int rank)
{
    const char *text = getenv("PMIX_RANK");
    return text && atoi(text) == rank;
}

static void do_before(char **argv)
{
    if (before("chdir") && chdir("below"))
        exit(90);
    for (char *cut = argv[1]; before("cut") && (cut = strchr(cut, ','));)
        *cut++ = '\0';
    if (before("clearenv"))
        clearenv();
    if (before("setenv"))
        setenv("PROBE_SET", getenv("PROBE_SET") ? "twice" : "once", 1);
    if (before("print")) {
        printf("before ");
        setvbuf(stdin, NULL, _IONBF, 0);
    }
    if ((before("worker-ends") && is_rank(1)) || (before("manager-ends") && is_rank(0)))
        exit(41);
    if (before("delete"))
        unlink(argv[0]);
    if (before("mask")) {
        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, SIGUSR2);
        sigprocmask(SIG_BLOCK, &mask, NULL);
    }
}

/* ---- The manager's actions --------------------------------------------------------------- */

static int show_args(struct probe *probe, int argc, char **argv)
{
    (void)probe;
    for (int i = 0; i < argc; i++)
        printf("%zu:%s\n", strlen(argv[i]), argv[i]);
    return 0;
}

static int show_env(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc, (void)argv;
    for (char **item = environ; *item; item++)
        puts(*item);
    return 0;
}

static int show_cwd(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc, (void)argv;
    char path[PATH_MAX];
    return puts(getcwd(path, sizeof path) ? path : strerror(errno)) < 0;
}

static int copy_from(int from)
{
    char some[65536];
    for (ssize_t got; (got = read(from, some, sizeof some)) > 0;)
        for (ssize_t at = 0, put; at < got; at += put)
            if ((put = write(1, some + at, (size_t)(got - at))) < 0)
                return 91;
    return 0;
}

static int copy_stdin(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc, (void)argv;
    return copy_from(0);
}

static int copy_file(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc;
    return copy_from(open(argv[2], O_RDONLY | O_CLOEXEC));
}

static int copy_descriptor(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc;
    return copy_from(atoi(argv[2]));
}

static int run_shell(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc;
    int status = system(argv[2]);
    return WEXITSTATUS(status);
}

static int end_by_exit(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc;
    exit(atoi(argv[2]));
}

static int end_by__exit(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc;
    _exit(atoi(argv[2]));
}

static int end_by_signal(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(atoi(argv[2]), SIG_DFL); /* a sanitizer has a handler */
    raise(atoi(argv[2]));
    return 0;
}

/* "job 123 pids 10 11 12", the manager first. */
static void say_pids(const struct probe *probe)
{
    printf("job %s pids", probe->job);
    for (int i = 0; i < probe->ranks; i++)
        printf(" %ld", probe->pids[i]);
    printf("\n");
    fflush(stdout);
}

static int wait_for_ever(struct probe *probe, int argc, char **argv)
{
    (void)argc, (void)argv;
    say_pids(probe);
    while (pause())
        ;
    return 0;
}

static int until_stdin_ends(struct probe *probe, int argc, char **argv)
{
    (void)argc, (void)argv;
    say_pids(probe);
    char some[64];
    while (read(0, some, sizeof some) > 0 || errno == EINTR)
        errno = 0;
    return 0;
}

/* "got 15" for each. */
static void say_signal(int number)
{
    char text[] = "got 00\n";
    text[4] = (char)('0' + number / 10);
    text[5] = (char)('0' + number % 10);
    if (write(1, text, sizeof text - 1) < 0)
        _exit(96);
}

/* Takes the signals named until standard input ends. */
static int take_signals(struct probe *probe, int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        sigaction(atoi(argv[i]), &(struct sigaction){.sa_handler = say_signal}, NULL);
    until_stdin_ends(probe, argc, argv);
    return 5;
}

static int show_streams(struct probe *probe, int argc, char **argv)
{
    (void)probe, (void)argc, (void)argv;
    char line[256];
    printf("%d%d%d\n", isatty(0), isatty(1), isatty(2));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin))
        printf("read %s", line);
    return 0;
}

static int show_cpus(struct probe *probe, int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("[%s] [%s]\n", probe->joined.cpus, probe->joined.text);
    for (int i = 0; i < probe->ranks; i++)
        printf("%s\n", probe->cpus[i]);
    return 0;
}

static int close_input(struct probe *probe, int argc, char **argv)
{
    close(0);
    return wait_for_ever(probe, argc, argv);
}

static int count_ranks(struct probe *probe, int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("%d ranks\n", probe->ranks);
    return fflush(stdout);
}

static const struct action {
    const char *name;
    int (*run)(struct probe *, int argc, char **argv);
} actions[] = {
    {"args", show_args},       {"env", show_env},         {"cwd", show_cwd},
    {"cat", copy_stdin},       {"file", copy_file},       {"descriptor", copy_descriptor},
    {"shell", run_shell},      {"exit", end_by_exit},     {"_exit", end_by__exit},
    {"signal", end_by_signal}, {"wait", wait_for_ever},   {"stdin", until_stdin_ends},
    {"take", take_signals},    {"streams", show_streams}, {"cpus", show_cpus},
    {"close", close_input},    {"ranks", count_ranks},
};

static int act(struct probe *probe, int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof actions / sizeof *actions; i++)
        if (strcmp(argv[1], actions[i].name) == 0)
            return actions[i].run(probe, argc, argv);
    return 92;
}

/* ---- Ranks ------------------------------------------------------------------------------- */

/* "Cpus_allowed_list:\t0-1" of this process. */
static void own_cpus(char *text, size_t size)
{
    char line[4096];
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "Cpus_allowed_list:", 18) == 0)
            snprintf(text, size, "%.*s", (int)strcspn(line + 19, "\n"), line + 19);
    if (status)
        fclose(status);
}

static int serve(const struct probe *probe)
{
    const char *how = getenv("PROBE_WORKERS");
    for (volatile unsigned long busy = 0; how && strcmp(how, "busy") == 0; busy++)
        ;
    for (int told = 0; !told; usleep(2000)) {
        MPI_Iprobe(0, 0, MPI_COMM_WORLD, &told, MPI_STATUS_IGNORE);
        if (kill((pid_t)probe->pids[0], 0))
            _exit(0);
    }
    MPI_Recv(&how, 0, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Finalize();
    return 0;
}

static int manage(struct probe *probe, int argc, char **argv)
{
    int status = act(probe, argc, argv);
    for (int i = 1; i < probe->ranks; i++)
        if (kill((pid_t)probe->pids[i], 0)) {
            fflush(NULL);
            _exit(status + 100); /* one is dead: MPI_Finalize would wait for it */
        }
    for (int i = 1; i < probe->ranks; i++)
        MPI_Send(&status, 0, MPI_BYTE, i, 0, MPI_COMM_WORLD);
    MPI_Finalize();
    return status;
}

static int be_rank(struct probe *probe, int argc, char **argv)
{
    struct error error;
    const char *job = getenv("PMIX_NAMESPACE");
    snprintf(probe->job, sizeof probe->job, "%s", job ? job : "");
    int rank;
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &probe->ranks);
    if (launch_strangers(&probe->launch, probe->ranks, &error) ||
        launch_join(&probe->launch, &probe->joined, &error)) {
        fprintf(stderr, "%s\n", error.text);
        MPI_Finalize();
        return 93;
    }
    long pid = getpid();
    char cpus[64] = "";
    own_cpus(cpus, sizeof cpus);
    MPI_Allgather(&pid, 1, MPI_LONG, probe->pids, 1, MPI_LONG, MPI_COMM_WORLD);
    MPI_Allgather(cpus, sizeof cpus, MPI_CHAR, probe->cpus, sizeof cpus, MPI_CHAR, MPI_COMM_WORLD);
    return rank ? serve(probe) : manage(probe, argc, argv);
}

static int start_again(const struct probe *probe)
{
    struct error error;
    const char *lists[MOST_RANKS] = {0}, *ranks = getenv("PROBE_RANKS");
    char *cpus = getenv("PROBE_CPUS") ? strdup(getenv("PROBE_CPUS")) : NULL;
    for (int i = 0; cpus && i < MOST_RANKS; i++)
        lists[i] = strsep(&cpus, "/");
    struct launch_plan plan = {.ranks = ranks ? atoi(ranks) : 3, .cpus = lists, .text = "two\nlines"};
    rp_status status = launch_again(&probe->launch, &plan, &error);
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    fprintf(stderr, "%s: %s%s\n", rp_strerror(status), error.text,
            sigismember(&mask, SIGTERM) ? " (signals are blocked)" : "");
    return 94;
}

int main(int argc, char **argv)
{
    struct probe probe = {.ranks = 1};
    struct error error;
    do_before(argv);
    if (getenv("PROBE_RANKS") && atoi(getenv("PROBE_RANKS")) == 1)
        return act(&probe, argc, argv);
    if (launch_detect(NULL, &probe.launch, &error))
        return fprintf(stderr, "%s\n", error.text), 95;
    switch (probe.launch.start) {
    case LAUNCH_RANK:
        return be_rank(&probe, argc, argv);
    case LAUNCH_ALONE:
        return start_again(&probe);
    default:
        printf("inline: %s\n", probe.launch.reason);
        return 0;
    }
}
