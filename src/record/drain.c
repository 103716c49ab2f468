#define _GNU_SOURCE
#include "record/drain.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define SAME_NS  UINT64_C(1000000000)
#define EARLIER  0.1  /* of the time left */
#define EARLIEST 60.0 /* seconds */

/* ---- Signals ----------------------------------------------------------------------------- */

static const int numbers[] = {SIGTERM, SIGUSR1};

static struct {
    pthread_mutex_t lock;
    int users;
    bool taken[2]; /* from the default action */
    pid_t pid;     /* whose signals they are: not those of a process that the program forks */
    void (*_Atomic tell)(void *of);
    void *of;
    _Atomic int signal;
    _Atomic uint64_t term; /* clock_ns of the first SIGTERM */
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(int number)
{
    int none = 0, before = errno;
    uint64_t first = 0, now = clock_ns();
    atomic_compare_exchange_strong(&process.signal, &none, number);
    void (*tell)(void *of) = number == SIGTERM && process.pid == getpid() ? process.tell : NULL;
    if (tell)
        tell(process.of);
    if (number == SIGTERM && !atomic_compare_exchange_strong(&process.term, &first, now) &&
        now > first + SAME_NS) {
        signal(number, SIG_DFL);
        raise(number);
    }
    errno = before;
}

static bool has_default(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) &&
           action.sa_handler == SIG_DFL;
}

static bool is_ours(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) &&
           action.sa_handler == note;
}

void drain_watch(void (*tell)(void *of), void *of)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    pthread_mutex_lock(&process.lock);
    process.pid = getpid();
    if (tell) {
        process.of = of;
        process.tell = tell;
    }
    for (int i = 0; i < 2 && !process.users; i++) {
        process.taken[i] = has_default(numbers[i]);
        if (process.taken[i])
            sigaction(numbers[i], &action, NULL);
    }
    process.users++;
    pthread_mutex_unlock(&process.lock);
}

/* A handler that the program has set meanwhile stays. */
void drain_forget(void)
{
    for (int i = 0; i < 2; i++)
        if (process.taken[i] && is_ours(numbers[i]))
            signal(numbers[i], SIG_DFL);
}

void drain_unwatch(bool pass_on)
{
    int left = 0;
    pthread_mutex_lock(&process.lock);
    process.users--;
    if (!process.users) {
        drain_forget();
        process.tell = (void (*)(void *))NULL;
        left = atomic_exchange(&process.signal, 0);
        atomic_store(&process.term, 0);
    }
    pthread_mutex_unlock(&process.lock);
    if (left && pass_on)
        raise(left);
}

int drain_signal(void)
{
    return atomic_load_explicit(&process.signal, memory_order_relaxed);
}

/* ---- Deadlines --------------------------------------------------------------------------- */

static bool parse(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    return end > text && !*end && *seconds > 0 && *seconds < 1e12;
}

/* A batch system's time: the run has to end before it. One that has passed is of another job. */
static double before(double left)
{
    double margin = left * EARLIER < EARLIEST ? left * EARLIER : EARLIEST;
    return left > 0 ? left - margin : -1;
}

rp_status drain_deadline(double wall, uint64_t *deadline, const char **variable, struct error *error)
{
    static const struct source {
        const char *variable;
        bool absolute;
    } sources[] = {{"SLURM_JOB_END_TIME", true}, {"PBS_WALLTIME", false}};
    const char *own = getenv("RANKPOOL_DEADLINE");
    double value, left = -1;
    *deadline = CLOCK_NEVER;
    *variable = NULL;
    if (own && *own) {
        bool absolute = *own == '@';
        if (!parse(own + absolute, &value))
            return error_set(
                error, RP_INVALID,
                "RANKPOOL_DEADLINE=%.100s is no time: it takes seconds from now, or @ and a time "
                "in seconds since 1970",
                own);
        left = absolute ? value - wall : value;
        *variable = "RANKPOOL_DEADLINE";
        *deadline = clock_deadline(left > 0 ? left : 0);
        return RP_OK;
    }
    for (size_t i = 0; i < sizeof sources / sizeof *sources && left <= 0; i++) {
        const char *text = getenv(sources[i].variable);
        if (!text || !parse(text, &value))
            continue;
        left = before(sources[i].absolute ? value - wall : value);
        *variable = sources[i].variable;
    }
    if (left > 0)
        *deadline = clock_deadline(left);
    else
        *variable = NULL;
    return RP_OK;
}
