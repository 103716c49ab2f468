/* Random work with random harm for a given time: does anything grow, is anything left?
 *
 *     bench_soak SECONDS [SEED]
 *
 * Life after life of the patient of tests/faults is started alone: its ranks are killed and stopped, and some
 * of its tasks, which are isolated, end their processes. After a while of work, and again at its end, it
 * rests, and its processes are counted, and what they use: descriptors, memory of their own, shared memory.
 * Then it ends: by itself, or something of it is killed, or all at once, as its seed has it; some have no
 * memfds, and can isolate nothing.
 * Prints what each life grew by; the exit status is 1 if something grew, hung, was wrong or was left. */
#define _GNU_SOURCE
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../faults/doctor.h"
#include "../traces.h"

enum { WORKERS = 4, PATIENCE_S = 30, LONG_S = 300 };

#define GROWTH_KIB 8192 /* of a process, its heap and what malloc keeps of it, after the first while */

static int wrong;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- What is used ------------------------------------------------------------------------- */

struct usage {
    long descriptors, own_kib, shared_kib;
};

static long line_of(pid_t pid, const char *name)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name), NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

static struct usage usage_of(pid_t pid)
{
    char folder[64];
    snprintf(folder, sizeof folder, "/proc/%ld/fd", (long)pid);
    return (struct usage){count_entries(folder, "*"), line_of(pid, "RssAnon:"), line_of(pid, "RssShmem:")};
}

/* At a moment of rest. The first process stands behind the ranks. */
struct census {
    int processes;
    struct usage of[DOCTOR_RANKS + 1];
};

/* Of processes there are to be `most`, once those have gone that end just now. */
static bool count_all(struct doctor *doctor, int most, struct census *census)
{
    double end = seconds_now() + 5;
    fprintf(doctor->in, "rest\n");
    fflush(doctor->in);
    if (!doctor_hear(doctor, PATIENCE_S) || strcmp(doctor->line, "rest") != 0)
        return false;
    while ((census->processes = count_processes(doctor->life)) > most && seconds_now() < end)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    for (int i = 0; i <= doctor->ranks; i++)
        census->of[i] = usage_of(i < doctor->ranks ? doctor->pid[i] : doctor->first);
    fprintf(doctor->in, "go\n");
    fflush(doctor->in);
    return true;
}

static long larger(long a, long b)
{
    return a > b ? a : b;
}

static void compare(const struct doctor *doctor, const struct census *early, const struct census *late)
{
    struct usage most = {LONG_MIN, LONG_MIN, LONG_MIN};
    if (late->processes > early->processes - doctor->deaths)
        wrong += printf("  %d processes have become %d, with %d deaths\n", early->processes, late->processes,
                        doctor->deaths) > 0;
    for (int i = 0; i <= doctor->ranks; i++) {
        const struct usage *a = &early->of[i], *b = &late->of[i];
        if (i < doctor->ranks && doctor->dead[i])
            continue;
        most = (struct usage){larger(most.descriptors, b->descriptors - a->descriptors),
                              larger(most.own_kib, b->own_kib - a->own_kib),
                              larger(most.shared_kib, b->shared_kib - a->shared_kib)};
        if (b->descriptors <= a->descriptors && b->own_kib <= a->own_kib + GROWTH_KIB &&
            b->shared_kib <= a->shared_kib + 4 * GROWTH_KIB)
            continue;
        printf("  %s %d grew: descriptors %ld to %ld, own memory %ld to %ld KiB, shared %ld to %ld KiB\n",
               i < doctor->ranks ? "rank" : "the parent", i % doctor->ranks, a->descriptors, b->descriptors,
               a->own_kib, b->own_kib, a->shared_kib, b->shared_kib);
        wrong++;
    }
    printf("  processes %+d with %d deaths; most of one: descriptors %+ld, own memory %+ld KiB, shared %+ld "
           "KiB\n",
           late->processes - early->processes, doctor->deaths, most.descriptors, most.own_kib,
           most.shared_kib);
}

/* ---- What is left ------------------------------------------------------------------------- */

struct traces {
    pid_t mpirun;
    char segments[64], session[256]; /* "" where they are not known */
};

/* What Open MPI says of the job in a rank's environment. */
static struct traces traces_of(const struct doctor *doctor)
{
    struct traces traces = {.mpirun = (pid_t)mpirun_of(doctor->first)};
    char path[64], *item = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "/proc/%ld/environ", (long)doctor->pid[0]);
    FILE *file = fopen(path, "re");
    while (file && getdelim(&item, &room, '\0', file) > 0) {
        if (strncmp(item, "PMIX_NAMESPACE=", 15) == 0)
            snprintf(traces.segments, sizeof traces.segments, "*_segment.*.%lx.*",
                     strtoul(item + 15, NULL, 10));
        if (strncmp(item, "PMIX_SERVER_TMPDIR=", 19) == 0)
            snprintf(traces.session, sizeof traces.session, "%s", item + 19);
    }
    free(item);
    if (file)
        fclose(file);
    return traces;
}

static int count_left(const struct doctor *doctor, const struct traces *traces, bool say)
{
    struct stat about;
    int processes = count_processes(doctor->life), names = 0;
    int segments = traces->segments[0] ? count_entries("/dev/shm", traces->segments) : 0;
    int sessions = traces->session[0] && stat(traces->session, &about) == 0;
    for (int i = 0; i < doctor->ranks; i++)
        names += count_names(doctor->pid[i]);
    int left = processes + names + segments + sessions;
    if (say && left)
        printf("  left: %d processes, %d names of ours, %d of Open MPI's (%s), %d folders (%s)\n", processes,
               names, segments, traces->segments, sessions, traces->session);
    return left;
}

static void check_left(const struct doctor *doctor, const struct traces *traces)
{
    double end = seconds_now() + 10;
    while (count_left(doctor, traces, false) && seconds_now() < end)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    wrong += count_left(doctor, traces, true) > 0;
}

/* ---- Lives -------------------------------------------------------------------------------- */

enum { MANAGER = 1, WORKER = 2, PARENT = 4, MPIRUN = 8 };

static const struct {
    const char *name;
    int killed;
} ends[] = {
    {"by itself", 0},
    {"the manager is killed", MANAGER},
    {"the parent is killed", PARENT},
    {"mpirun is killed", MPIRUN},
    {"the workers are killed", WORKER},
    {"all are killed", MANAGER | WORKER | PARENT | MPIRUN},
    {"parent and mpirun are killed", PARENT | MPIRUN},
};
#define ENDS (sizeof ends / sizeof *ends)

static void end_life(struct doctor *doctor, const struct traces *traces, int killed)
{
    if (killed & PARENT)
        kill(doctor->first, SIGKILL);
    if (killed & MPIRUN && traces->mpirun)
        kill(traces->mpirun, SIGKILL);
    for (int i = 0; i < doctor->ranks; i++)
        if (!doctor->dead[i] && killed & (i ? WORKER : MANAGER))
            kill(doctor->pid[i], SIGKILL);
    bool ended = doctor_finish(doctor, PATIENCE_S);
    bool all_right = ended && doctor->status == (strstr(doctor->line, "right") ? 0 : 3);
    int wanted = killed & PARENT ? 1000 + SIGKILL : 128 + SIGKILL;
    if (doctor->first == 0 && (all_right || (killed & ~WORKER && doctor->status == wanted)))
        return;
    printf("  %s; its status is %d; it said: %s\n", doctor->first ? "it hangs" : "it ended", doctor->status,
           doctor->line);
    wrong++;
}

static void live(uint64_t seed, double seconds)
{
    struct doctor doctor;
    struct census early, late;
    size_t end = seed % ENDS;
    bool no_memfds = seed % 2; /* ENDS is odd: each end in both ways */
    printf("seed %llu%s: %s\n", (unsigned long long)seed, no_memfds ? ", no memfds" : "", ends[end].name);
    fflush(stdout);
    struct doctor_plan plan = {.seed = seed, .workers = WORKERS, .retries = 1000, .no_memfds = no_memfds};
    if (!doctor_start(&doctor, &plan)) {
        printf("  it does not start: %s\n", doctor.line);
        wrong++;
    } else {
        struct traces traces = traces_of(&doctor);
        doctor_harm(&doctor, 0, seconds / 3);
        bool rested = count_all(&doctor, INT_MAX, &early);
        doctor_harm(&doctor, WORKERS - 2, 2 * seconds / 3);
        if (rested && count_all(&doctor, early.processes - doctor.deaths, &late))
            compare(&doctor, &early, &late);
        else
            wrong += printf("  it does not rest: %s\n", doctor.line) > 0;
        end_life(&doctor, &traces, ends[end].killed);
        check_left(&doctor, &traces);
    }
    doctor_leave(&doctor);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 30, end = seconds_now() + seconds;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    signal(SIGPIPE, SIG_IGN);
    for (uint64_t number = 0; seconds_now() < end; number++)
        live(seed + number, seconds < LONG_S ? 3 : 60);
    return wrong > 0;
}
