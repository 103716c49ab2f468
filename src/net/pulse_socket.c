#define _GNU_SOURCE
#include "net/pulse_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/siphash.h"
#include "config/silence.h"

bool pulse_keep_alive(int fd, int silence_s)
{
    struct silence_parts parts = silence_divide(silence_s);
    const struct {
        int level, name, value;
    } settings[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
                    {IPPROTO_TCP, TCP_KEEPIDLE, parts.idle_s},
                    {IPPROTO_TCP, TCP_KEEPINTVL, parts.ask_s},
                    {IPPROTO_TCP, TCP_KEEPCNT, parts.questions}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (setsockopt(fd, settings[i].level, settings[i].name, &settings[i].value, sizeof settings[i].value))
            return false;
    return true;
}

uint64_t pulse_digest(const uint8_t *secret, enum pulse_side side, const struct pulse_hello *hello,
                      const uint8_t *nonce)
{
    struct {
        uint32_t side;
        int32_t node;
        uint8_t nonces[2][16];
    } said = {.side = side, .node = hello->node};
    memcpy(said.nonces[0], hello->nonce, sizeof said.nonces[0]);
    memcpy(said.nonces[1], nonce, sizeof said.nonces[1]);
    return siphash(secret, &said, sizeof said);
}

/* ---- Connecting -------------------------------------------------------------------------- */

/* One attempt for each address, all at once. */
struct attempts {
    const struct pulse_invitation *invitation;
    struct pulse_hello hello;
    int left, failed; /* errno of the last that did */
    int found;
    struct pollfd poll[ADDRESSES]; /* fd -1: over */
};

static void give_up(struct attempts *attempts, int i, int failed)
{
    if (attempts->poll[i].fd >= 0)
        close(attempts->poll[i].fd);
    attempts->poll[i].fd = -1;
    attempts->failed = failed;
    attempts->left--;
}

static void begin(struct attempts *attempts, int i)
{
    struct sockaddr_storage to;
    socklen_t length =
        address_to_socket(&attempts->invitation->address[i], attempts->invitation->port, false, &to);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    attempts->poll[i] = (struct pollfd){.fd = fd, .events = POLLOUT};
    attempts->left++;
    if (fd < 0 || (connect(fd, (struct sockaddr *)&to, length) && errno != EINPROGRESS))
        give_up(attempts, i, errno);
}

static void say_hello(struct attempts *attempts, int i)
{
    int fd = attempts->poll[i].fd, failed = 0;
    socklen_t size = sizeof failed;
    attempts->poll[i].events = POLLIN;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) || failed)
        give_up(attempts, i, failed ? failed : errno);
    else if (send(fd, &attempts->hello, sizeof attempts->hello, MSG_NOSIGNAL) !=
             (ssize_t)sizeof attempts->hello)
        give_up(attempts, i, errno);
}

/* Whoever cannot have made it is somebody else who listens at such an address. */
static bool is_managers(const struct attempts *attempts, const struct pulse_challenge *challenge)
{
    return challenge->digest ==
           pulse_digest(attempts->invitation->secret, PULSE_MANAGER, &attempts->hello, challenge->nonce);
}

static void hear_challenge(struct attempts *attempts, int i)
{
    struct pulse_challenge challenge;
    int fd = attempts->poll[i].fd;
    ssize_t got = recv(fd, &challenge, sizeof challenge, MSG_DONTWAIT);
    if (got != (ssize_t)sizeof challenge || !is_managers(attempts, &challenge)) {
        give_up(attempts, i, got < 0 ? errno : ECONNREFUSED);
        return;
    }
    uint64_t proof =
        pulse_digest(attempts->invitation->secret, PULSE_LEADER, &attempts->hello, challenge.nonce);
    if (send(fd, &proof, sizeof proof, MSG_NOSIGNAL) == (ssize_t)sizeof proof)
        attempts->found = i;
    else
        give_up(attempts, i, errno);
}

static void go_on(struct attempts *attempts, int count)
{
    for (int i = 0; i < count && attempts->found < 0; i++) {
        short events = attempts->poll[i].fd >= 0 ? attempts->poll[i].revents : 0;
        if (events && attempts->poll[i].events == POLLOUT)
            say_hello(attempts, i);
        else if (events)
            hear_challenge(attempts, i);
    }
}

static int milliseconds_to(uint64_t deadline)
{
    uint64_t now = clock_ns();
    return now < deadline ? (int)((deadline - now) / 1000000) + 1 : 0;
}

int pulse_reach(const struct pulse_invitation *invitation, int node, double seconds)
{
    struct attempts attempts = {
        .invitation = invitation, .hello.node = node, .failed = EADDRNOTAVAIL, .found = -1};
    if (getrandom(attempts.hello.nonce, sizeof attempts.hello.nonce, 0) !=
        (ssize_t)sizeof attempts.hello.nonce)
        return -1;
    int count = invitation->count < ADDRESSES ? invitation->count : ADDRESSES;
    uint64_t deadline = clock_deadline(seconds);
    for (int i = 0; i < count; i++)
        begin(&attempts, i);
    while (attempts.found < 0 && attempts.left && !clock_has_passed(deadline)) {
        if (poll(attempts.poll, (nfds_t)count, milliseconds_to(deadline)) > 0)
            go_on(&attempts, count);
        else
            attempts.failed = ETIMEDOUT;
    }
    int fd = attempts.found < 0 ? -1 : attempts.poll[attempts.found].fd;
    for (int i = 0; i < count; i++)
        if (attempts.poll[i].fd >= 0 && i != attempts.found)
            close(attempts.poll[i].fd);
    errno = attempts.failed;
    return fd;
}
