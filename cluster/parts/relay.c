/*
 * relay A B DELAY_US BITS_PER_SECOND: carries packets between two network interfaces as a long wire would.
 *
 * What comes in at one goes out at the other after it has had its turn at the rate (a packet begins when the
 * one before it is through) and then travelled for the delay; each direction is a wire of its own. As a
 * switch does, a direction drops what would have to wait for its turn for more than a fifth of a second.
 *
 * Packets are taken and put as they are, with what their sender left to the hardware (checksums,
 * segmentation). When both interfaces are heard the program leaves a child that does the work; it ends when
 * one of them goes away.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_BYTES = 1 << 17, SOCKET_BYTES = 32 << 20, LONGEST_TURN_NS = 200000000, AT_ONCE = 64 };

struct packet {
    struct packet *next;
    int64_t due; /* ns */
    size_t size;
    unsigned char bytes[];
};

struct wire {
    int from, to;
    int64_t free_at; /* when its beginning has let the last packet through, ns */
    struct packet *first, **end;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int fail(const char *what)
{
    fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    return -1;
}

/* A socket that hears what comes in at an interface, and nothing of what goes out there. */
static int hear(const char *interface)
{
    int one = 1, bytes = SOCKET_BYTES;
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    at.sll_ifindex = (int)if_nametoindex(interface);
    struct packet_mreq all = {.mr_ifindex = at.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    if (at.sll_ifindex == 0)
        return fail(interface);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) ||
        bind(fd, (struct sockaddr *)&at, sizeof at))
        return fail(interface);
    return fd;
}

/* Whether the interface of a socket is gone, after a call on it that failed. */
static bool is_gone(void)
{
    return errno == ENETDOWN || errno == ENODEV || errno == ENXIO || errno == EBADFD;
}

/* Takes what has come to the beginning of a wire; false when that is gone. */
static bool take(struct wire *w, int64_t delay_ns, double ns_a_byte)
{
    static unsigned char bytes[PACKET_BYTES];
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t size = recv(w->from, bytes, sizeof bytes, 0);
        if (size < 0)
            return !is_gone();
        int64_t now = now_ns();
        if (w->free_at < now)
            w->free_at = now;
        struct packet *p;
        if (w->free_at - now > LONGEST_TURN_NS || (p = malloc(sizeof *p + (size_t)size)) == NULL)
            continue;
        w->free_at += (int64_t)((double)size * ns_a_byte);
        *p = (struct packet){.due = w->free_at + delay_ns, .size = (size_t)size};
        memcpy(p->bytes, bytes, (size_t)size);
        *w->end = p;
        w->end = &p->next;
    }
    return true;
}

/* Puts out what has arrived; false when the end of the wire is gone. What the interface refuses is dropped.
 */
static bool put(struct wire *w)
{
    for (struct packet *p; (p = w->first) != NULL && p->due <= now_ns();) {
        if (send(w->to, p->bytes, p->size, 0) < 0 && is_gone())
            return false;
        w->first = p->next;
        if (w->first == NULL)
            w->end = &w->first;
        free(p);
    }
    return true;
}

/* How long nothing is due; NULL for ever. */
static const struct timespec *time_left(const struct wire wire[2], struct timespec *left)
{
    int64_t due = INT64_MAX, now = now_ns();
    for (int i = 0; i < 2; i++) {
        if (wire[i].first != NULL && wire[i].first->due < due)
            due = wire[i].first->due;
    }
    if (due == INT64_MAX)
        return NULL;
    int64_t ns = due > now ? due - now : 0;
    *left = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return left;
}

static void carry(struct wire wire[2], int64_t delay_ns, double ns_a_byte)
{
    struct timespec left;
    for (bool open = true; open;) {
        struct pollfd polls[2] = {{.fd = wire[0].from, .events = POLLIN},
                                  {.fd = wire[1].from, .events = POLLIN}};
        ppoll(polls, 2, time_left(wire, &left), NULL);
        for (int i = 0; i < 2 && open; i++)
            open = (polls[i].revents == 0 || take(&wire[i], delay_ns, ns_a_byte)) && put(&wire[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5 || atof(argv[4]) <= 0)
        return fprintf(stderr, "usage: relay INTERFACE INTERFACE DELAY_US BITS_PER_SECOND\n"), 2;
    int a = hear(argv[1]), b = hear(argv[2]);
    if (a < 0 || b < 0 || prctl(PR_SET_TIMERSLACK, 1L))
        return 1;
    if (daemon(0, 0))
        return fail("daemon"), 1;
    struct wire wire[2] = {{.from = a, .to = b}, {.from = b, .to = a}};
    for (int i = 0; i < 2; i++)
        wire[i].end = &wire[i].first;
    carry(wire, atoll(argv[3]) * 1000, 8e9 / atof(argv[4]));
    return 0;
}
