#define _GNU_SOURCE
#include "net/pulse.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pidfd.h"

#define BACKLOG   4096
#define IDLE_S    8 /* before a kernel is asked whether it is there ... */
#define ASK_S     3 /* ... each time it has not answered ... */
#define QUESTIONS 4 /* ... until it is taken for gone */
#define HELLO_MS  1000

_Static_assert(IDLE_S + ASK_S * QUESTIONS == PULSE_SILENCE_S, "what the header says");

/* What a leader says. */
struct hello {
    uint8_t secret[16];
    int32_t node;
};

struct pulse {
    int listener; /* the manager's; -1 */
    int epoll;    /* the manager's; -1 */
    int nodes;
    uint8_t secret[16];
    int *fd; /* of a node; -1: it is not heard. A leader has one, the manager's */
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

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void pulse_close(struct pulse *pulse)
{
    if (!pulse)
        return;
    for (int i = 0; i < pulse->nodes; i++)
        close_fd(pulse->fd[i]);
    close_fd(pulse->listener);
    close_fd(pulse->epoll);
    free(pulse->fd);
    free(pulse);
}

static rp_status fail(const char *what, struct error *error)
{
    return error_set(error, RP_UNSUPPORTED, "no connection by which to hear whether nodes live: %s: %s", what,
                     strerror(errno));
}

/* The kernels ask each other now and then. */
static bool keep_alive(int fd)
{
    static const struct {
        int level, name, value;
    } settings[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
                    {IPPROTO_TCP, TCP_KEEPIDLE, IDLE_S},
                    {IPPROTO_TCP, TCP_KEEPINTVL, ASK_S},
                    {IPPROTO_TCP, TCP_KEEPCNT, QUESTIONS}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (setsockopt(fd, settings[i].level, settings[i].name, &settings[i].value, sizeof settings[i].value))
            return false;
    return true;
}

/* ---- Manager ----------------------------------------------------------------------------- */

rp_status pulse_open(int nodes, struct pulse **made, struct error *error)
{
    struct pulse *pulse = NULL;
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
    pulse->fd[node] = fd;
    return true;
}

void pulse_watch(struct pulse *pulse, int node, long leader)
{
    int fd = pidfd_of(leader);
    if (!hear_by(pulse, node, fd))
        close_fd(fd);
}

rp_status pulse_invite(struct pulse *pulse, struct pulse_invitation *invitation, struct error *error)
{
    struct pulse_invitation made = {0};
    *invitation = made;
    if (getrandom(pulse->secret, sizeof pulse->secret, 0) != sizeof pulse->secret)
        return fail("getrandom", error);
    made.count = address_list(made.address);
    if (!made.count)
        return fail("getifaddrs", error);
    pulse->listener = address_bind(SOCK_STREAM, false, &made.port);
    if (pulse->listener < 0 || listen(pulse->listener, BACKLOG))
        return fail("listen", error);
    memcpy(made.secret, pulse->secret, sizeof pulse->secret);
    *invitation = made;
    return RP_OK;
}

static bool read_hello(int fd, struct hello *hello)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, HELLO_MS) == 1 &&
           recv(fd, hello, sizeof *hello, MSG_DONTWAIT) == (ssize_t)sizeof *hello;
}

/* Whoever does not know the secret is none of ours. */
static bool take(struct pulse *pulse, int fd)
{
    struct hello hello;
    if (!read_hello(fd, &hello) || memcmp(hello.secret, pulse->secret, sizeof hello.secret) ||
        hello.node < 0 || hello.node >= pulse->nodes || pulse->fd[hello.node] >= 0 || !keep_alive(fd))
        return false;
    return hear_by(pulse, hello.node, fd);
}

void pulse_gather(struct pulse *pulse)
{
    int fd;
    while ((fd = accept4(pulse->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        if (!take(pulse, fd))
            close(fd);
    close_fd(pulse->listener);
    pulse->listener = -1;
}

bool pulse_hears(const struct pulse *pulse, int node)
{
    return pulse->fd[node] >= 0;
}

int pulse_lost(struct pulse *pulse)
{
    struct epoll_event event;
    if (epoll_wait(pulse->epoll, &event, 1, 0) != 1)
        return -1;
    int node = event.data.fd;
    close_fd(pulse->fd[node]);
    pulse->fd[node] = -1;
    return node;
}

/* ---- Leader ------------------------------------------------------------------------------ */

/* What became of a connection that is being made. */
static int finish(int fd, uint64_t deadline)
{
    struct pollfd poller = {.fd = fd, .events = POLLOUT};
    uint64_t now = clock_ns();
    int failed = 0, left = now < deadline ? (int)((deadline - now) / 1000000) : 0;
    socklen_t size = sizeof failed;
    if (poll(&poller, 1, left) != 1)
        return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) ? errno : failed;
}

static int connect_by(const struct address *address, uint16_t port, uint64_t deadline)
{
    struct sockaddr_storage to;
    socklen_t length = address_to_socket(address, port, false, &to);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int failed = connect(fd, (struct sockaddr *)&to, length) ? errno : 0;
    if (failed == EINPROGRESS)
        failed = finish(fd, deadline);
    if (!failed)
        return fd;
    close(fd);
    errno = failed;
    return -1;
}

/* All addresses get an equal part of the time. */
static int connect_to(const struct pulse_invitation *invitation, double seconds)
{
    int fd = -1, count = invitation->count < ADDRESSES ? invitation->count : ADDRESSES;
    errno = EADDRNOTAVAIL;
    for (int i = 0; fd < 0 && i < count; i++)
        fd = connect_by(&invitation->address[i], invitation->port, clock_deadline(seconds / count));
    return fd;
}

static rp_status answer_by(int fd, const struct hello *hello, struct error *error)
{
    if (fd < 0)
        return fail("connect", error);
    if (!keep_alive(fd))
        return fail("setsockopt", error);
    if (send(fd, hello, sizeof *hello, MSG_NOSIGNAL) != (ssize_t)sizeof *hello)
        return fail("send", error);
    return RP_OK;
}

rp_status pulse_answer(const struct pulse_invitation *invitation, int node, double seconds,
                       struct pulse **made, struct error *error)
{
    struct hello hello = {.node = node};
    struct pulse *pulse = NULL;
    rp_status status = new_pulse(1, &pulse, error);
    if (status)
        return status;
    memcpy(hello.secret, invitation->secret, sizeof hello.secret);
    pulse->fd[0] = connect_to(invitation, seconds);
    status = answer_by(pulse->fd[0], &hello, error);
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
