#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "traces.h"

/* ---- Starting ---------------------------------------------------------------------------- */

static void set_environment(const struct run *run, const struct run_setting *setting)
{
    setenv("TMPDIR", run->folder, 1);
    setenv("PROBE_FOLDER", run->folder, 1);
    unsetenv("PROBE_RANKS");
    for (const char *const *item = setting->environment; item && *item; item++)
        if (strchr(*item, '='))
            putenv((char *)*item);
        else
            unsetenv(*item);
}

/* In the child: a session whose terminal is `terminal`, or streams that are pipes. */
static void set_streams(const struct run_setting *setting, const int streams[3])
{
    if (setting->terminal) {
        setsid();
        ioctl(streams[0], TIOCSCTTY, 0);
    }
    for (int i = 0; i < 3; i++)
        dup2(streams[i], i);
}

static void become(const struct run *run, const struct run_setting *setting, const int streams[3],
                   const char *const *arguments)
{
    const char *program = setting->program ? setting->program : PROBE, *all[4096] = {program};
    for (size_t i = 0; arguments[i] && i < 4090; i++)
        all[i + 1] = arguments[i];
    set_streams(setting, streams);
    set_environment(run, setting);
    if (setting->directory && chdir(setting->directory))
        _exit(126);
    if (setting->prepare)
        setting->prepare();
    execv(program, (char *const *)all);
    _exit(127);
}

static void open_terminal(struct run *run, int streams[3])
{
    int near = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(near >= 0 && grantpt(near) == 0 && unlockpt(near) == 0);
    int far = open(ptsname(near), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(far >= 0);
    struct termios how;
    tcgetattr(far, &how);
    how.c_lflag &= ~(tcflag_t)ECHO;
    how.c_oflag &= ~(tcflag_t)OPOST;
    tcsetattr(far, TCSANOW, &how);
    streams[0] = streams[1] = streams[2] = far;
    run->in = run->out = near;
    run->err = -1;
}

static void open_pipes(struct run *run, int streams[3])
{
    int in[2], out[2], err[2];
    REQUIRE(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
    run->in = in[1], run->out = out[0], run->err = err[0];
    streams[0] = in[0], streams[1] = out[1], streams[2] = err[1];
}

void run_start(struct run *run, const struct run_setting *setting, const char *const *arguments)
{
    static const struct run_setting usual = {0};
    int streams[3];
    setting = setting ? setting : &usual;
    *run = (struct run){.folder = "/tmp/rankpool-test-XXXXXX"};
    REQUIRE(mkdtemp(run->folder));
    (setting->terminal ? open_terminal : open_pipes)(run, streams);
    run->pid = fork();
    REQUIRE(run->pid >= 0);
    if (run->pid == 0)
        become(run, setting, streams, arguments);
    for (int i = 0; i < (setting->terminal ? 1 : 3); i++)
        close(streams[i]);
}

/* ---- Reading ----------------------------------------------------------------------------- */

const char *run_line(struct run *run)
{
    size_t length = 0;
    for (char next; length + 1 < sizeof run->line && read(run->out, &next, 1) == 1 && next != '\n';)
        run->line[length++] = next;
    run->line[length] = '\0';
    return length ? run->line : NULL;
}

int run_pids(struct run *run, long *pids, int most)
{
    const char *line = run_line(run), *at = line ? strstr(line, " pids") : NULL;
    int count = 0;
    for (at = at ? at + strlen(" pids") : ""; *at == ' ' && count < most; count++) {
        char *end;
        pids[count] = strtol(at, &end, 10);
        at = end;
    }
    return count;
}

struct text {
    char *bytes;
    size_t size, capacity;
};

/* Appends what there is; false at the end. */
static bool append(struct text *text, int from)
{
    if (text->size + 65536 > text->capacity) {
        text->capacity = 2 * text->capacity + 65536;
        text->bytes = realloc(text->bytes, text->capacity + 1);
        REQUIRE(text->bytes);
    }
    ssize_t got = read(from, text->bytes + text->size, 65536);
    text->size += got > 0 ? (size_t)got : 0;
    return got > 0;
}

static bool terminal_of(const struct run *run)
{
    return run->in == run->out;
}

void run_finish(struct run *run, const void *input, size_t size)
{
    struct text said = {0}, wrote = {0};
    struct pollfd ends[3] = {{run->out, POLLIN, 0}, {run->err, POLLIN, 0}, {run->in, POLLOUT, 0}};
    signal(SIGPIPE, SIG_IGN);
    fcntl(run->in, F_SETFL, fcntl(run->in, F_GETFL) | (terminal_of(run) ? 0 : O_NONBLOCK));
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        if (!size && ends[2].fd >= 0) {
            ends[2].fd = -1;
            if (!terminal_of(run))
                close(run->in);
        }
        poll(ends, 3, -1);
        if (ends[0].fd >= 0 && ends[0].revents && !append(&said, run->out))
            ends[0].fd = -1;
        if (ends[1].fd >= 0 && ends[1].revents && !append(&wrote, run->err))
            ends[1].fd = -1;
        if (ends[2].fd >= 0 && ends[2].revents) {
            ssize_t put = write(run->in, input, size);
            if (put < 0 && errno == EPIPE)
                size = 0;
            else if (put > 0)
                input = (const char *)input + put, size -= (size_t)put;
        }
    }
    int status;
    REQUIRE(waitpid(run->pid, &status, 0) == run->pid);
    run->status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    for (int i = 0; i < 2; i++) {
        struct text *text = i ? &wrote : &said;
        text->bytes = text->bytes ? text->bytes : calloc(1, 1);
        text->bytes[text->size] = '\0';
    }
    run->said = said.bytes, run->size = said.size, run->wrote = wrote.bytes;
}

struct run run_through(const struct run_setting *setting, const char *const *arguments)
{
    struct run run;
    run_start(&run, setting, arguments);
    run_finish(&run, NULL, 0);
    return run;
}

/* ---- What is left ------------------------------------------------------------------------ */

static int count_left(const struct run *run)
{
    char item[96];
    snprintf(item, sizeof item, "PROBE_FOLDER=%s", run->folder);
    return count_processes(item) + count_entries(run->folder, "*");
}

void run_clean(struct run *run, double seconds)
{
    uint64_t deadline = clock_deadline(seconds);
    int left;
    while ((left = count_left(run)) > 0 && clock_ns() < deadline)
        usleep(5000);
    CHECK_INT(left, 0);
    if (rmdir(run->folder))
        CHECK_FAILED("%s is not empty", run->folder);
    if (terminal_of(run) || run->said == NULL)
        close(run->in);
    if (!terminal_of(run))
        close(run->out);
    if (run->err >= 0)
        close(run->err);
    free(run->said);
    free(run->wrote);
}
