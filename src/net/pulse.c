#define _GNU_SOURCE
#include "net/pulse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/clofork.h"
#include "base/pidfd.h"
#include "net/pulse_door.h"

#define BACKLOG   4096
#define SPARE_FDS 512 /* for MPI and the program */

struct pulse {
    int listener; /* the manager's; -1 */
    int epoll;    /* the manager's; -1 */
    int nodes;
    struct pulse_invitation invitation; /* the manager's, once it has invited */
    int *fd;                            /* of a node; -1: it is not heard. A leader has one, the manager's */
};

static rp_status new_pulse(int nodes, struct pulse **made, struct error *error)
{
    struct pulse *pulse = calloc(1, sizeof *pulse);
    int *fd = calloc((size_t)nodes, sizeof *fd);
    if (!pulse || !fd) {
        free(pulse);
        free(fd);
        return error_set(error, RP_NO_MEMORY, "no memory to hear from %d nodes", nodes);
    }
    for (int i = 0; i < nodes; i++)
        fd[i] = -1;
    *pulse = (struct pulse){.listener = -1, .epoll = -1, .nodes = nodes, .fd = fd};
    *made = pulse;
    return RP_OK;
}

/* The last word on a connection; a process that dies says none. */
static void say_goodbye(int fd)
{
    if (fd >= 0)
        send(fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT); /* which fails where it is a process that is watched */
}

bool pulse_has_parted(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

void pulse_close(struct pulse *pulse)
{
    if (!pulse)
        return;
    for (int i = 0; i < pulse->nodes; i++) {
        say_goodbye(pulse->fd[i]);
        clofork_close(pulse->fd[i]);
    }
    clofork_close(pulse->listener);
    clofork_close(pulse->epoll);
    free(pulse->fd);
    free(pulse);
}

static rp_status fail(const char *what, struct error *error)
{
    return error_set(error, RP_UNSUPPORTED, "no connection by which to hear whether nodes live: %s: %s", what,
                     strerror(errno));
}

/* ---- Manager ----------------------------------------------------------------------------- */

/* A descriptor for each node is more than a process has by default where there are a thousand. */
static void make_room(int nodes)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)nodes + SPARE_FDS;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

rp_status pulse_open(int nodes, struct pulse **made, struct error *error)
{
    struct pulse *pulse = NULL;
    make_room(nodes);
    rp_status status = new_pulse(nodes, &pulse, error);
    if (status)
        return status;
    pulse->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (pulse->epoll < 0) {
        status = fail("epoll_create1", error);
        pulse_close(pulse);
        return status;
    }
    *made = pulse;
    return RP_OK;
}

/* It is heard by `fd` from now on, which is the pulse's then. */
static bool hear_by(struct pulse *pulse, int node, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = node};
    if (fd < 0 || epoll_ctl(pulse->epoll, EPOLL_CTL_ADD, fd, &event))
        return false;
    clofork_mark(fd);
    pulse->fd[node] = fd;
    return true;
}

void pulse_watch(struct pulse *pulse, int node, long leader)
{
    int fd = pidfd_of(leader);
    if (!hear_by(pulse, node, fd))
        clofork_close(fd);
}

rp_status pulse_invite(struct pulse *pulse, int silence_s, struct pulse_invitation *invitation,
                       struct error *error)
{
    struct pulse_invitation made = {.silence_s = silence_s};
    *invitation = made;
    if (getrandom(made.secret, sizeof made.secret, 0) != sizeof made.secret)
        return fail("getrandom", error);
    made.count = address_list(made.address);
    if (!made.count)
        return fail("getifaddrs", error);
    pulse->listener = address_bind(SOCK_STREAM, false, &made.port);
    if (pulse->listener < 0 || listen(pulse->listener, BACKLOG))
        return fail("listen", error);
    *invitation = pulse->invitation = made;
    return RP_OK;
}

static int count_heard(const struct pulse *pulse)
{
    int heard = 0;
    for (int i = 0; i < pulse->nodes; i++)
        heard += pulse->fd[i] >= 0;
    return heard;
}

/* A leader that comes over several of its addresses is heard once. */
static bool take(struct pulse *pulse, int node, int fd)
{
    return pulse->fd[node] < 0 && pulse_keep_alive(fd, pulse->invitation.silence_s) &&
           hear_by(pulse, node, fd);
}

void pulse_gather(struct pulse *pulse, int nodes, double seconds)
{
    struct pulse_door door = {
        .listener = pulse->listener, .nodes = pulse->nodes, .secret = pulse->invitation.secret};
    uint64_t deadline = clock_deadline(seconds);
    int heard = count_heard(pulse), node = -1, fd;
    while (pulse->listener >= 0 && heard < nodes && (fd = pulse_door_next(&door, deadline, &node)) >= 0) {
        if (take(pulse, node, fd))
            heard++;
        else
            close(fd);
    }
    pulse_door_close(&door);
    clofork_close(pulse->listener);
    pulse->listener = -1;
}

void pulse_forget(struct pulse *pulse, int node)
{
    if (pulse->fd[node] >= 0 &&
        pulse->epoll >= 0) /* closing does not, where a child of the program has it, too */
        epoll_ctl(pulse->epoll, EPOLL_CTL_DEL, pulse->fd[node], NULL);
    clofork_close(pulse->fd[node]);
    pulse->fd[node] = -1;
}

bool pulse_hears(const struct pulse *pulse, int node)
{
    return pulse->fd[node] >= 0;
}

/* Who has said goodbye may listen still: for it this end is no loss, either. What is not read would be a
 * reset. */
static void part_with(int fd)
{
    char byte;
    if (recv(fd, &byte, 1, MSG_DONTWAIT) == 1)
        say_goodbye(fd);
}

int pulse_lost(struct pulse *pulse)
{
    struct epoll_event event;
    while (epoll_wait(pulse->epoll, &event, 1, 0) == 1) {
        bool parted = pulse_has_parted(pulse->fd[event.data.fd]);
        if (parted)
            part_with(pulse->fd[event.data.fd]);
        pulse_forget(pulse, event.data.fd);
        if (!parted)
            return event.data.fd;
    }
    return -1;
}

/* ---- Leader ------------------------------------------------------------------------------ */

rp_status pulse_answer(const struct pulse_invitation *invitation, int node, double seconds,
                       struct pulse **made, struct error *error)
{
    struct pulse *pulse = NULL;
    rp_status status = new_pulse(1, &pulse, error);
    if (status)
        return status;
    pulse->fd[0] = pulse_reach(invitation, node, seconds);
    clofork_mark(pulse->fd[0]);
    if (pulse->fd[0] < 0)
        status = fail("connect", error);
    else if (!pulse_keep_alive(pulse->fd[0], invitation->silence_s))
        status = fail("setsockopt", error);
    if (status)
        pulse_close(pulse);
    else
        *made = pulse;
    return status;
}

rp_status pulse_watch_manager(long manager, struct pulse **made, struct error *error)
{
    struct pulse *pulse = NULL;
    rp_status status = new_pulse(1, &pulse, error);
    if (status)
        return status;
    pulse->fd[0] = pidfd_of(manager);
    if (pulse->fd[0] < 0) {
        status = fail("pidfd_open", error);
        pulse_close(pulse);
        return status;
    }
    *made = pulse;
    return RP_OK;
}

int pulse_fd(const struct pulse *pulse)
{
    return pulse->fd[0];
}
