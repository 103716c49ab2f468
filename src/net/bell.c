#define _GNU_SOURCE
#include "net/bell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/siphash.h"

#define GREETINGS   20                 /* until it is left alone */
#define GREETING_NS UINT64_C(10000000) /* between two of them */

enum letter_kind { LETTER_HELLO, LETTER_WELCOME, LETTER_ASLEEP, LETTER_RING };

/* Both ends run the same build. */
struct letter {
    uint64_t digest; /* of what follows, by the secret */
    uint64_t serial; /* from 1 on, of those from one to the other */
    uint64_t heard;  /* by who sleeps */
    int32_t from;    /* as whom the manager knows the sender; -1: it is the manager */
    int32_t to;      /* the same */
    uint32_t kind;
    uint32_t unused;
};

_Static_assert(sizeof(struct letter) == 40, "nothing is signed but what is set");

/* The thread writes where the peer is before it is met. */
struct other {
    struct sockaddr_storage at;
    socklen_t length;
    _Atomic bool met, lost;
    _Atomic bool asleep;      /* it wants to be rung */
    _Atomic uint64_t said;    /* messages to it */
    uint64_t heard;           /* from it */
    _Atomic bool told;        /* that this end sleeps, and nothing has come from it since */
    _Atomic uint64_t letters; /* to it */
    uint64_t newest, seen;    /* serial of its letters; bit i: newest - i has come */
};

struct bell {
    int fd;
    int end[2]; /* a pipe: what is written there ends the thread */
    bool started, near;
    uint16_t port;
    uint8_t secret[16];
    int32_t self;
    struct bell_invitation invitation; /* a leader's */
    int greetings;
    uint64_t greeted; /* clock_ns */
    pthread_t thread;
    _Atomic uint32_t word;
    _Atomic uint64_t rung;
    int peers;
    struct other other[];
};

/* ---- Letters out ------------------------------------------------------------------------- */

static uint64_t sign(const struct bell *bell, const struct letter *letter)
{
    size_t from = offsetof(struct letter, serial);
    return siphash(bell->secret, (const char *)letter + from, sizeof *letter - from);
}

static bool post(struct bell *bell, struct other *other, const struct sockaddr_storage *to, socklen_t length,
                 enum letter_kind kind, uint64_t heard)
{
    struct letter letter = {.serial = atomic_fetch_add(&other->letters, 1) + 1,
                            .heard = heard,
                            .from = bell->self,
                            .to = bell->self < 0 ? (int32_t)(other - bell->other) : -1,
                            .kind = kind};
    letter.digest = sign(bell, &letter);
    return sendto(bell->fd, &letter, sizeof letter, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to,
                  length) == (ssize_t)sizeof letter;
}

static bool post_to(struct bell *bell, struct other *other, enum letter_kind kind, uint64_t heard)
{
    return post(bell, other, &other->at, other->length, kind, heard);
}

static void ring_sleeper(struct bell *bell, struct other *other)
{
    if (atomic_load(&other->asleep) && atomic_exchange(&other->asleep, false))
        post_to(bell, other, LETTER_RING, 0);
}

/* To all addresses where the manager may be. */
static void greet(struct bell *bell)
{
    const struct bell_invitation *to = &bell->invitation;
    uint64_t now = clock_ns();
    if (!to->port || bell->greetings == GREETINGS || now < bell->greeted + GREETING_NS)
        return;
    struct sockaddr_storage own = {0};
    socklen_t length = sizeof own;
    getsockname(bell->fd, (struct sockaddr *)&own, &length);
    bell->greetings++;
    bell->greeted = now;
    for (int i = 0; i < to->count && i < ADDRESSES; i++) {
        struct sockaddr_storage at;
        length = address_to_socket(&to->address[i], to->port, own.ss_family == AF_INET6, &at);
        post(bell, &bell->other[0], &at, length, LETTER_HELLO, 0);
    }
}

/* ---- Letters in: the thread -------------------------------------------------------------- */

static void wake(struct bell *bell)
{
    atomic_store(&bell->rung, clock_ns());
    if (atomic_exchange(&bell->word, 0))
        futex_wake_all(&bell->word);
}

/* Whoever it is from; NULL: it is not for this end, or who wrote it does not know the secret. */
static struct other *sender_of(struct bell *bell, const struct letter *letter)
{
    int number = bell->self < 0 ? letter->from : 0;
    bool ours = bell->self < 0 ? letter->to < 0 : letter->from < 0 && letter->to == bell->self;
    if (!ours || number < 0 || number >= bell->peers || letter->digest != sign(bell, letter))
        return NULL;
    return &bell->other[number];
}

/* Each counts once, whoever sends it again. Some may overtake others. */
static bool is_new(struct other *other, uint64_t serial)
{
    uint64_t ahead = serial > other->newest ? serial - other->newest : 0, behind = other->newest - serial;
    if (ahead) {
        other->seen = (ahead < 64 ? other->seen << ahead : 0) | 1;
        other->newest = serial;
        return true;
    }
    if (behind >= 64 || other->seen >> behind & 1)
        return false;
    other->seen |= UINT64_C(1) << behind;
    return true;
}

static void take(struct bell *bell, const struct letter *letter, const struct sockaddr_storage *from,
                 socklen_t length)
{
    struct other *other = sender_of(bell, letter);
    if (!other || !is_new(other, letter->serial))
        return;
    if (!atomic_load(&other->met)) {
        other->at = *from;
        other->length = length;
        atomic_store(&other->met, true);
    }
    if (letter->kind == LETTER_HELLO) {
        post_to(bell, other, LETTER_WELCOME, 0);
    } else if (letter->kind == LETTER_ASLEEP) {
        atomic_store(&other->asleep, true);
        if (atomic_load(&other->said) <= letter->heard)
            return;
        ring_sleeper(bell, other);
        wake(bell);
    } else if (letter->kind == LETTER_RING) {
        atomic_store(&other->told, false);
        wake(bell);
    }
}

static void *listen_on(void *state)
{
    struct bell *bell = state;
    struct pollfd watched[] = {{.fd = bell->fd, .events = POLLIN}, {.fd = bell->end[0], .events = POLLIN}};
    while (poll(watched, 2, -1) >= 0 || errno == EINTR) {
        struct sockaddr_storage from;
        socklen_t length = sizeof from;
        struct letter letter;
        if (watched[1].revents)
            break;
        if (recvfrom(bell->fd, &letter, sizeof letter, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from,
                     &length) == (ssize_t)sizeof letter)
            take(bell, &letter, &from, length);
    }
    return NULL;
}

/* Once the secret is known. */
static rp_status start(struct bell *bell, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bell->started = !pthread_create(&bell->thread, NULL, listen_on, bell);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return bell->started ? RP_OK : error_set(error, RP_UNSUPPORTED, "no thread by which to be woken");
}

/* ---- Life -------------------------------------------------------------------------------- */

rp_status bell_open(int peers, bool near, struct bell **made, struct error *error)
{
    struct bell *bell = calloc(1, sizeof *bell + (size_t)peers * sizeof *bell->other);
    if (!bell)
        return error_set(error, RP_NO_MEMORY, "no memory to be woken by %d nodes", peers);
    bell->self = -1;
    bell->near = near;
    bell->peers = peers;
    bell->end[0] = bell->end[1] = -1;
    bell->fd = futex_waits_for_several() ? address_bind(SOCK_DGRAM, near, &bell->port) : -1;
    if (bell->fd < 0 || pipe2(bell->end, O_CLOEXEC)) {
        bell_close(bell);
        return error_set(error, RP_UNSUPPORTED, "no socket by which to be woken, or no way to wait for it");
    }
    *made = bell;
    return RP_OK;
}

rp_status bell_invite(struct bell *bell, struct bell_invitation *invitation, struct error *error)
{
    struct bell_invitation made = {.port = bell->port, .count = 1, .address = {address_of_loopback()}};
    *invitation = (struct bell_invitation){0};
    if (!bell->near)
        made.count = address_list(made.address);
    if (getrandom(bell->secret, sizeof bell->secret, 0) != sizeof bell->secret)
        return error_set(error, RP_UNSUPPORTED, "no random numbers: getrandom: %s", strerror(errno));
    memcpy(made.secret, bell->secret, sizeof made.secret);
    rp_status status = start(bell, error);
    if (!status)
        *invitation = made;
    return status;
}

void bell_answer(struct bell *bell, const struct bell_invitation *invitation, int self)
{
    bell->self = self;
    bell->invitation = *invitation;
    memcpy(bell->secret, invitation->secret, sizeof bell->secret);
    if (!start(bell, NULL))
        greet(bell);
}

void bell_close(struct bell *bell)
{
    if (!bell)
        return;
    /* A pipe's closing might go unseen: children of tasks may have inherited it. */
    while (bell->started && write(bell->end[1], "", 1) < 0 && errno == EINTR)
        ;
    if (bell->started)
        pthread_join(bell->thread, NULL);
    int fds[] = {bell->fd, bell->end[0], bell->end[1]};
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(bell);
}

/* ---- Messages ---------------------------------------------------------------------------- */

void bell_said(struct bell *bell, int peer)
{
    if (!bell || peer >= bell->peers)
        return;
    atomic_fetch_add(&bell->other[peer].said, 1);
    ring_sleeper(bell, &bell->other[peer]);
}

void bell_heard(struct bell *bell, int peer)
{
    if (!bell || peer >= bell->peers)
        return;
    bell->other[peer].heard++;
    atomic_store_explicit(&bell->other[peer].told, false, memory_order_relaxed);
}

void bell_lose(struct bell *bell, int peer)
{
    if (bell && peer < bell->peers)
        atomic_store(&bell->other[peer].lost, true);
}

/* ---- Sleep ------------------------------------------------------------------------------- */

static bool has_met_all(struct bell *bell)
{
    for (struct other *other = bell->other; other < bell->other + bell->peers; other++)
        if (!atomic_load(&other->met) && !atomic_load(&other->lost))
            return false;
    return true;
}

bool bell_doze(struct bell *bell)
{
    if (!bell || !bell->started)
        return false;
    if (!has_met_all(bell)) {
        greet(bell);
        return false;
    }
    atomic_store(&bell->word, 1);
    for (struct other *other = bell->other; other < bell->other + bell->peers; other++)
        if (!atomic_load(&other->lost) && !atomic_exchange(&other->told, true) &&
            !post_to(bell, other, LETTER_ASLEEP, other->heard))
            atomic_store(&other->told, false);
    return true;
}

void bell_rouse(struct bell *bell)
{
    if (bell)
        atomic_store(&bell->word, 0);
}

_Atomic uint32_t *bell_word(struct bell *bell)
{
    return &bell->word;
}

uint64_t bell_rung(const struct bell *bell)
{
    return bell ? atomic_load_explicit(&bell->rung, memory_order_relaxed) : 0;
}
