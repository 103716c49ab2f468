#define _GNU_SOURCE
#include "net/pulse_door.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_NS UINT64_C(1000000000) /* with one that has nothing to show */

static void send_away(struct pulse_door *door, int i, bool closing)
{
    if (closing)
        close(door->caller[i].fd);
    door->callers--;
    memmove(&door->caller[i], &door->caller[i + 1], (size_t)(door->callers - i) * sizeof *door->caller);
}

/* False: nobody else can come in. */
static bool let_in(struct pulse_door *door)
{
    int fd = accept4(door->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return errno != EMFILE && errno != ENFILE;
    door->caller[door->callers++] = (struct pulse_caller){.fd = fd, .until = clock_ns() + PATIENCE_NS};
    return true;
}

static bool challenge(const struct pulse_door *door, struct pulse_caller *caller)
{
    struct pulse_challenge *asked = &caller->challenge;
    caller->greeted = true;
    if (recv(caller->fd, &caller->hello, sizeof caller->hello, 0) != (ssize_t)sizeof caller->hello ||
        caller->hello.node < 0 || caller->hello.node >= door->nodes ||
        getrandom(asked->nonce, sizeof asked->nonce, 0) != (ssize_t)sizeof asked->nonce)
        return false;
    asked->digest = pulse_digest(door->secret, PULSE_MANAGER, &caller->hello, asked->nonce);
    return send(caller->fd, asked, sizeof *asked, MSG_NOSIGNAL) == (ssize_t)sizeof *asked;
}

static bool is_proved(const struct pulse_door *door, const struct pulse_caller *caller)
{
    uint64_t proof;
    return recv(caller->fd, &proof, sizeof proof, 0) == (ssize_t)sizeof proof &&
           proof == pulse_digest(door->secret, PULSE_LEADER, &caller->hello, caller->challenge.nonce);
}

/* The oldest of those who have said something is heard: one that has shown who it is, or -1. */
static int hear(struct pulse_door *door, const struct pollfd *polled, int *node)
{
    for (int i = 0; i < door->callers; i++) {
        struct pulse_caller *caller = &door->caller[i];
        if (!polled[i].revents)
            continue;
        if (!caller->greeted) {
            if (!challenge(door, caller))
                send_away(door, i, true);
            return -1;
        }
        bool proved = is_proved(door, caller);
        int fd = caller->fd;
        *node = caller->hello.node;
        send_away(door, i, !proved);
        return proved ? fd : -1;
    }
    return -1;
}

static int milliseconds_to(const struct pulse_door *door, uint64_t deadline)
{
    uint64_t now = clock_ns();
    uint64_t until = door->callers && door->caller[0].until < deadline ? door->caller[0].until : deadline;
    return now < until ? (int)((until - now) / 1000000) + 1 : 0;
}

int pulse_door_next(struct pulse_door *door, uint64_t deadline, int *node)
{
    struct pollfd polled[PULSE_CALLERS + 1];
    while (!clock_has_passed(deadline)) {
        int count = door->callers;
        bool full = count == PULSE_CALLERS;
        for (int i = 0; i < count; i++)
            polled[i] = (struct pollfd){.fd = door->caller[i].fd, .events = POLLIN};
        polled[count] = (struct pollfd){.fd = full ? -1 : door->listener, .events = POLLIN};
        if (poll(polled, (nfds_t)count + 1, milliseconds_to(door, deadline)) < 0 && errno != EINTR)
            return -1;
        int fd = hear(door, polled, node);
        if (fd >= 0)
            return fd;
        if (polled[count].revents && !let_in(door))
            return -1;
        while (door->callers && clock_has_passed(door->caller[0].until))
            send_away(door, 0, true);
    }
    return -1;
}

void pulse_door_close(struct pulse_door *door)
{
    while (door->callers)
        send_away(door, 0, true);
}
