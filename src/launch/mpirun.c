#define _GNU_SOURCE
#include "launch/mpirun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/handover.h"
#include "launch/mpirun_words.h"
#include "launch/process.h"
#include "launch/seat.h"

/* ---- Starting ---------------------------------------------------------------------------- */

void mpirun_add_agent(char *const *environment, struct list *list)
{
    const char *told_agent = list_value(environment, "OMPI_MCA_plm_rsh_agent"), *word = told_agent;
    for (size_t length; word && *word && *word != ':'; word += length + strspn(word + length, " ")) {
        length = strcspn(word, " :");
        if (length)
            list_addf(list, "%.*s", (int)length, word);
    }
    if (!told_agent || !*told_agent)
        list_add(list, "ssh");
}

int mpirun_pipe(int ends[2])
{
    int made[2];
    ends[0] = ends[1] = -1;
    if (pipe2(made, O_CLOEXEC))
        return -1;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(made[i], F_DUPFD_CLOEXEC, 3);
        close(made[i]);
    }
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

void mpirun_tell(int stream, const char *text, size_t size)
{
    ssize_t put = 0;
    sigset_t broken;
    for (size_t at = 0; put >= 0 && at < size; at += (size_t)put)
        put = write(stream, text + at, size - at);
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    if (put < 0 && errno == EPIPE)
        sigtimedwait(&broken, NULL, &(struct timespec){0});
}

static void close_end(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

/* Where the pipe cannot be opened by its name (the program may be executed but not read), the
 * placeholder looks every second whether the parent is still there. */
static rp_status execute(struct mpirun *mpirun, const char *path, const struct launch_plan *plan,
                         char *const *environment, const int streams[3], struct error *error)
{
    struct list arguments = {0}, variables = {0};
    char script[256];
    snprintf(script, sizeof script,
             "%secho rankpool $$; hold=/proc/%ld/fd/%d; if [ -r $hold ]; then read line <$hold; "
             "else while kill -0 %ld; do sleep 1; done 2>/dev/null; fi; exit 0",
             plan->batch ? "trap '' TERM; " : "", (long)getpid(), mpirun->hold[0], (long)getpid());
    mpirun_fill_arguments(plan, script, environment, &arguments);
    mpirun_fill_environment(plan, environment, &variables);
    sigset_t deaf;
    sigemptyset(&deaf);
    if (plan->batch)
        sigaddset(&deaf, SIGTERM);
    struct process process = {
        .path = path,
        .arguments = arguments.items,
        .environment = variables.items,
        .directory = "/",
        .streams = streams,
        .own_group = true,
        .death_signal = mpirun_signal(plan->batch),
        .mask = &deaf,
    };
    rp_status status = arguments.short_of_memory || variables.short_of_memory
                           ? error_set(error, RP_NO_MEMORY, "no memory for the arguments of mpirun")
                           : process_start(&process, &mpirun->pid, error);
    list_free(&arguments);
    list_free(&variables);
    return status;
}

rp_status mpirun_start(struct mpirun *mpirun, const char *path, const struct launch_plan *plan,
                       char *const *environment, struct error *error)
{
    *mpirun = (struct mpirun){.output = -1,
                              .complaints = -1,
                              .hold = {-1, -1},
                              .ranks = plan->ranks,
                              .far = plan->fars,
                              .batch = plan->batch};
    mpirun->lent = calloc((size_t)plan->ranks, sizeof *mpirun->lent);
    if (!mpirun->lent)
        return error_set(error, RP_NO_MEMORY, "no memory for %d ranks", plan->ranks);

    int output[2], complaints[2] = {-1, -1}, null = -1;
    rp_status status = RP_OK;
    if (mpirun_pipe(output) || mpirun_pipe(complaints) || mpirun_pipe(mpirun->hold) ||
        (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
        status = error_set(error, RP_LAUNCH, "no pipe to mpirun: %s", strerror(errno));
    if (!status)
        status = execute(mpirun, path, plan, environment, (int[]){null, output[1], complaints[1]}, error);
    close_end(&null);
    close_end(&output[1]);
    close_end(&complaints[1]);
    mpirun->output = output[0];
    mpirun->complaints = complaints[0];
    return status;
}

/* ---- What it says ------------------------------------------------------------------------ */

/* Notes what the placeholder of that process id lends, under its rank. */
static rp_status note_placeholder(struct mpirun *mpirun, long pid, struct error *error)
{
    char path[64];
    size_t size;
    snprintf(path, sizeof path, "/proc/%ld/environ", pid);
    char *block = list_read_file(path, &size);
    if (!block)
        return error_set(error, RP_LAUNCH, "%s, the environment of mpirun's process, cannot be read: %s",
                         path, strerror(errno));
    struct list all = {0}, lent = {0};
    list_add_block(&all, block, size);
    free(block);
    for (size_t i = 0; i < all.count; i++)
        if (handover_is_launchers(all.items[i]))
            list_add(&lent, all.items[i]);
    const char *text = list_value(lent.items, "PMIX_RANK");
    int rank = text ? atoi(text) : -1;
    bool short_of_memory = all.short_of_memory || lent.short_of_memory;
    bool usable = rank >= 0 && rank < mpirun->ranks && !mpirun->lent[rank].count && !short_of_memory;
    if (usable) {
        mpirun->lent[rank] = lent;
        mpirun->known++;
    } else {
        list_free(&lent);
    }
    list_free(&all);
    if (usable)
        return RP_OK;
    return error_set(error, short_of_memory ? RP_NO_MEMORY : RP_LAUNCH,
                     short_of_memory ? "no memory for the environment of a rank"
                                     : "the mpirun in PATH does not number its processes as Open MPI's does "
                                       "(PMIX_RANK): put the mpirun of the MPI that this program is linked "
                                       "with first in PATH, or set RANKPOOL_LAUNCH=inline");
}

/* The whole of what other nodes' ranks write goes where this process' output goes. */
static void pass_on(const struct mpirun *mpirun, const char *text, size_t size)
{
    ssize_t put = mpirun->far ? 0 : -1;
    for (size_t at = 0; put >= 0 && at < size; at += (size_t)put)
        put = write(1, text + at, size - at);
}

/* The rank may have been started, and ended, before the manager has joined: then nobody else will. */
static rp_status note_fallen(const char *said, struct error *error)
{
    int rank = 0, status = 0;
    char how[96];
    if (sscanf(said, "%d %d", &rank, &status) != 2)
        return RP_OK;
    process_describe_end(status, how, sizeof how);
    return error_set(
        error, RP_LAUNCH,
        "the program was started again on several nodes, but rank %d %s before it had joined; what "
        "it said is on standard error",
        rank, how);
}

/* A whole line with its end. mpirun may be told to tag its output. */
static rp_status take_line(struct mpirun *mpirun, struct error *error)
{
    static const char word[] = "rankpool ";
    mpirun->line[mpirun->length] = '\0';
    const char *said = strstr(mpirun->line, word), *seat = strstr(mpirun->line, SEAT_WORD);
    size_t length = mpirun->length;
    mpirun->length = 0;
    if (seat)
        return note_fallen(seat + strlen(SEAT_WORD), error);
    if (said && !mpirun_ready(mpirun))
        return note_placeholder(mpirun, strtol(said + strlen(word), NULL, 10), error);
    pass_on(mpirun, mpirun->line, length);
    return RP_OK;
}

/* What cannot be a line of ours is passed on at once. */
static rp_status take_byte(struct mpirun *mpirun, char byte, struct error *error)
{
    mpirun->line[mpirun->length++] = byte;
    if (byte == '\n')
        return take_line(mpirun, error);
    if (mpirun->length + 1 == sizeof mpirun->line) {
        pass_on(mpirun, mpirun->line, mpirun->length);
        mpirun->length = 0;
    }
    return RP_OK;
}

rp_status mpirun_read(struct mpirun *mpirun, struct error *error)
{
    char some[4096];
    ssize_t got = read(mpirun->output, some, sizeof some);
    rp_status status = RP_OK;
    for (ssize_t i = 0; i < got && !status; i++)
        status = take_byte(mpirun, some[i], error);
    if (got == 0) {
        pass_on(mpirun, mpirun->line, mpirun->length);
        close_end(&mpirun->output);
    }
    if (got == 0 && !mpirun_ready(mpirun))
        status = error_set(error, RP_LAUNCH, "mpirun started %d of %d processes, then ended", mpirun->known,
                           mpirun->ranks);
    return status;
}

bool mpirun_ready(const struct mpirun *mpirun)
{
    return mpirun->known == mpirun->ranks;
}

/* What Open MPI 4 says where nothing is wrong: of its own ssh, if that was quicker than it, and of every rank
 * that has died while others go on. */
static const char *const noises[] = {"plm:rsh: Warning: setpgid(", "PMIX ERROR: BAD-PARAM in file"};

static bool is_noise(const char *line, size_t size)
{
    for (size_t i = 0; i < sizeof noises / sizeof *noises; i++)
        if (memmem(line, size, noises[i], strlen(noises[i])))
            return true;
    return false;
}

static void show_complaint(const char *line, size_t size)
{
    if (!is_noise(line, size))
        mpirun_tell(2, line, size);
}

void mpirun_relay(struct mpirun *mpirun, bool show)
{
    char some[4096];
    ssize_t got = read(mpirun->complaints, some, sizeof some);
    if (got == 0)
        close_end(&mpirun->complaints);
    for (char *line = some, *end = some + got; show && line < end;) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t size = newline ? (size_t)(newline + 1 - line) : (size_t)(end - line);
        show_complaint(line, size);
        line += size;
    }
}

/* ---- Ending ------------------------------------------------------------------------------ */

int mpirun_signal(bool batch)
{
    return batch ? SIGINT : SIGTERM;
}

void mpirun_release(struct mpirun *mpirun)
{
    close_end(&mpirun->hold[1]);
}

void mpirun_free(struct mpirun *mpirun)
{
    close_end(&mpirun->output);
    close_end(&mpirun->complaints);
    close_end(&mpirun->hold[0]);
    close_end(&mpirun->hold[1]);
    for (int i = 0; mpirun->lent && i < mpirun->ranks; i++)
        list_free(&mpirun->lent[i]);
    free(mpirun->lent);
    mpirun->lent = NULL;
}
