#define _GNU_SOURCE
#include "launch/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "launch/mpirun.h"
#include "launch/process.h"

#define SAID_MOST (1 << 20)
#define PART_S    1 /* that one gets to end by itself, then by a signal */

/* ---- Starting ---------------------------------------------------------------------------- */

static bool find_program(const char *name, char path[PATH_MAX])
{
    const char *places = getenv("PATH");
    if (!*name)
        return false;
    if (strchr(name, '/')) {
        snprintf(path, PATH_MAX, "%s", name);
        return true;
    }
    for (places = places ? places : "/usr/bin:/bin"; *places; places += *places == ':') {
        size_t length = strcspn(places, ":");
        if (snprintf(path, PATH_MAX, "%.*s/%s", (int)length, places, name) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
        places += length;
    }
    return false;
}

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static rp_status start(struct errand *errand, double seconds, struct error *error)
{
    static char *const none[] = {NULL};
    char path[PATH_MAX];
    int out[2] = {-1, -1}, err[2] = {-1, -1}, null = -1;
    sigset_t unblocked;
    sigemptyset(&unblocked);
    rp_status status = RP_OK;
    if (errand->arguments.short_of_memory)
        return error_set(error, RP_NO_MEMORY, "no memory to ask the nodes");
    if (!find_program(errand->arguments.items[0], path))
        return error_set(error, RP_LAUNCH, "there is no %s in PATH", errand->arguments.items[0]);
    if (mpirun_pipe(out) || mpirun_pipe(err) || (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
        status = error_set(error, RP_LAUNCH, "no pipe to %s: %s", path, strerror(errno));
    if (!status)
        status = process_start(&(struct process){.path = path,
                                                 .arguments = errand->arguments.items,
                                                 .environment = environ ? environ : none,
                                                 .streams = (int[]){null, out[1], err[1]},
                                                 .death_signal = SIGKILL,
                                                 .mask = &unblocked},
                               &errand->pid, error);
    if (null >= 0)
        close(null);
    close(out[1]);
    close(err[1]);
    errand->out = out[0];
    errand->err = err[0];
    errand->deadline = clock_deadline(seconds);
    errand->from = wall_clock();
    return status;
}

/* ---- Listening --------------------------------------------------------------------------- */

/* More of what a stream says; the stream is closed, and its descriptor -1, at its end. */
static void listen_to(int *stream, char **text, size_t *size)
{
    char some[4096];
    ssize_t got = read(*stream, some, sizeof some);
    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0) {
        close(*stream);
        *stream = -1;
        return;
    }
    char *larger = *size < SAID_MOST ? realloc(*text, *size + (size_t)got + 1) : NULL;
    if (!larger)
        return;
    *text = larger;
    memcpy(larger + *size, some, (size_t)got);
    *size += (size_t)got;
    larger[*size] = '\0';
}

/* Where the program ignores its children, nobody tells how one ended: what it said has to do. */
static void bury(struct errand *errand)
{
    int *const streams[] = {&errand->out, &errand->err};
    for (int i = 0; i < 2; i++) {
        if (*streams[i] >= 0)
            close(*streams[i]);
        *streams[i] = -1;
    }
    while (waitpid(errand->pid, &errand->status, 0) < 0 && errno == EINTR)
        ;
    errand->pid = 0;
    errand->ended = true;
    errand->to = wall_clock();
}

static bool has_said_last(const struct errand *errand)
{
    const char *line = errand->last ? errand->said : NULL;
    for (size_t length; line && *line; line += length + (line[length] == '\n')) {
        length = strcspn(line, "\n");
        if (line[length] && length == strlen(errand->last) && strncmp(line, errand->last, length) == 0)
            return true;
    }
    return false;
}

static void listen_or_end(struct errand *errand, const struct pollfd pair[2])
{
    if (pair[0].revents)
        listen_to(&errand->out, &errand->said, &errand->said_size);
    if (pair[1].revents)
        listen_to(&errand->err, &errand->wrote, &errand->wrote_size);
    if (errand->out >= 0 && has_said_last(errand)) {
        errand->stays = true;
        errand->to = wall_clock();
    } else if (clock_ns() >= errand->deadline) {
        errand->late = errand->out >= 0; /* else all is said, and somebody holds its standard error */
        kill(errand->pid, SIGKILL);
        bury(errand);
    } else if (errand->out < 0 && errand->err < 0) {
        bury(errand);
    }
}

static int time_left(uint64_t deadline)
{
    uint64_t now = clock_ns();
    return deadline > now ? (int)((deadline - now) / 1000000) + 1 : 0;
}

static void listen_to_all(struct errand *errands, int count, struct pollfd *watched)
{
    uint64_t deadline = CLOCK_NEVER;
    for (int i = 0; i < count; i++) {
        bool runs = errands[i].pid && !errands[i].stays;
        watched[2 * i] = (struct pollfd){.fd = runs ? errands[i].out : -1, .events = POLLIN};
        watched[2 * i + 1] = (struct pollfd){.fd = runs ? errands[i].err : -1, .events = POLLIN};
        if (runs && errands[i].deadline < deadline)
            deadline = errands[i].deadline;
    }
    poll(watched, 2 * (nfds_t)count, time_left(deadline));
    for (int i = 0; i < count; i++)
        if (errands[i].pid && !errands[i].stays)
            listen_or_end(&errands[i], &watched[2 * i]);
}

/* ---- The whole --------------------------------------------------------------------------- */

static int count_running(const struct errand *errands, int count)
{
    int running = 0;
    for (int i = 0; i < count; i++)
        running += errands[i].pid && !errands[i].stays;
    return running;
}

rp_status errands_run(struct errand *errands, int count, int abreast, double seconds, struct error *error)
{
    struct pollfd *watched = calloc(2 * (size_t)count + 1, sizeof *watched);
    rp_status status = watched ? RP_OK : error_set(error, RP_NO_MEMORY, "no memory to ask %d nodes", count);
    int next = 0, running = 0;
    for (int i = 0; i < count; i++)
        errands[i].out = errands[i].err = -1;
    while ((!status && next < count) || running) {
        for (; !status && next < count && running < abreast; next++, running++)
            status = start(&errands[next], seconds, error);
        running = count_running(errands, next);
        if (running)
            listen_to_all(errands, next, watched);
        running = count_running(errands, next);
    }
    free(watched);
    return status;
}

/* Its output ends with it. */
static bool await_end(struct errand *errand, uint64_t deadline)
{
    struct pollfd watched = {.fd = errand->out, .events = POLLIN};
    while (errand->out >= 0 && poll(&watched, 1, time_left(deadline)) > 0)
        listen_to(&errand->out, &errand->said, &errand->said_size);
    return errand->out < 0;
}

void errands_end(struct errand *errands, int count)
{
    static const int stronger[] = {SIGTERM, SIGKILL};
    for (int turn = 0; turn <= 2; turn++) {
        uint64_t deadline = clock_deadline(PART_S);
        for (int i = 0; i < count; i++)
            if (errands[i].stays && turn)
                kill(errands[i].pid, stronger[turn - 1]);
        for (int i = 0; i < count; i++) {
            if (!errands[i].stays || (!await_end(&errands[i], deadline) && turn < 2))
                continue;
            errands[i].stays = false;
            bury(&errands[i]);
        }
    }
}

const char *errand_last_line(struct errand *errand)
{
    char *text = errand->wrote;
    size_t length = text ? strlen(text) : 0;
    while (length && (text[length - 1] == '\n' || text[length - 1] == '\r' || text[length - 1] == ' '))
        text[--length] = '\0';
    char *line = text ? strrchr(text, '\n') : NULL;
    return line ? line + 1 : text ? text : "";
}

void errand_free(struct errand *errand)
{
    list_free(&errand->arguments);
    if (errand->pid && errand->out >= 0)
        close(errand->out);
    if (errand->pid && errand->err >= 0)
        close(errand->err);
    free(errand->said);
    free(errand->wrote);
    errand->said = errand->wrote = NULL;
}
