#define _GNU_SOURCE
#include "cli/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define COOKIE_SIZE sizeof((struct listener *)0)->cookie
#define BACKLOG     1024

/* What comes from another node is one letter, what goes back the cookie. */
enum { WORD_HELLO = 'h', WORD_END = 'e' };

/* ---- Who listens ------------------------------------------------------------------------- */

/* Of both families where the machine has the newer one. -1: none. It does not block: a guest that poll
 * has told of may be gone when it is to be taken in. */
static int open_port(int *port)
{
    enum { kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK };
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr *address = (struct sockaddr *)(void *)&six;
    socklen_t size = sizeof six;
    int no = 0, server = socket(AF_INET6, kind, 0);
    if (server >= 0)
        setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    if (server < 0 || bind(server, address, size)) {
        if (server >= 0)
            close(server);
        address = (struct sockaddr *)(void *)&four;
        size = sizeof four;
        server = socket(AF_INET, kind, 0);
        if (server >= 0 && bind(server, address, size)) {
            close(server);
            return -1;
        }
    }
    if (server >= 0 && (listen(server, BACKLOG) || getsockname(server, address, &size))) {
        close(server);
        return -1;
    }
    *port = ntohs(address->sa_family == AF_INET6 ? six.sin6_port : four.sin_port);
    return server;
}

/* False: it is to end. Who says nothing is not waited for long. */
static bool answer(int guest, const char *cookie)
{
    char word = 0;
    struct pollfd watched = {.fd = guest, .events = POLLIN};
    if (poll(&watched, 1, 1000) > 0 && read(guest, &word, 1) == 1)
        (void)!send(guest, cookie, COOKIE_SIZE - 1, MSG_NOSIGNAL);
    close(guest);
    return word != WORD_END;
}

void listen_serve(struct listener *listener)
{
    uint64_t until = clock_deadline(LISTEN_S);
    struct pollfd watched[] = {{.fd = listener->server, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    for (bool wanted = true; wanted && clock_ns() < until;) {
        if (poll(watched, 2, 1000) <= 0)
            continue;
        int guest = watched[0].revents ? accept4(listener->server, NULL, NULL, SOCK_CLOEXEC) : -1;
        wanted = !watched[1].revents && (guest < 0 || answer(guest, listener->cookie));
    }
    close(listener->server);
}

rp_status listen_open(struct listener *listener, struct list *facts, struct error *error)
{
    uint64_t random = 0;
    int port = 0;
    listener->server = open_port(&port);
    if (listener->server < 0)
        return error_set(error, RP_LAUNCH, "no port to listen on: %s", strerror(errno));
    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    snprintf(listener->cookie, sizeof listener->cookie, "%016" PRIx64, random);
    list_addf(facts, "port=%d", port);
    list_addf(facts, "cookie=%s", listener->cookie);
    return RP_OK;
}

/* ---- Who connects ------------------------------------------------------------------------ */

struct call {
    struct listen_place *place;
    int socket;
    bool greeted;
    char said[COOKIE_SIZE];
    size_t length;
};

static bool name_address(const struct listen_place *place, struct sockaddr_storage *address, socklen_t *size)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, place->address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)place->port);
        *size = sizeof *four;
        return true;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)place->port);
    *size = sizeof *six;
    return inet_pton(AF_INET6, place->address, &six->sin6_addr) == 1;
}

static void finish(struct call *call, enum listen_answer answer)
{
    call->place->answer = answer;
    if (call->socket >= 0)
        close(call->socket);
    call->socket = -1;
}

static enum listen_answer answer_of(int number)
{
    return number == ECONNREFUSED || number == ECONNRESET ? LISTEN_REFUSED : LISTEN_SILENT;
}

static void dial(struct call *call)
{
    struct sockaddr_storage address;
    socklen_t size;
    call->place->answer = LISTEN_SILENT;
    call->socket = -1;
    if (!name_address(call->place, &address, &size))
        return;
    call->socket = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (call->socket < 0)
        return;
    if (connect(call->socket, (struct sockaddr *)(void *)&address, size) && errno != EINPROGRESS)
        finish(call, answer_of(errno));
}

/* It is connected, or is not: a word goes out. */
static void greet(struct call *call, char word)
{
    int number = 0;
    socklen_t size = sizeof number;
    getsockopt(call->socket, SOL_SOCKET, SO_ERROR, &number, &size);
    if (!number && send(call->socket, &word, 1, MSG_NOSIGNAL) != 1)
        number = errno;
    if (number)
        finish(call, answer_of(number));
}

static void hear(struct call *call)
{
    ssize_t got = read(call->socket, call->said + call->length, sizeof call->said - 1 - call->length);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        call->length += (size_t)got;
    if (got > 0 && call->length < sizeof call->said - 1)
        return;
    finish(call, strcmp(call->said, call->place->cookie) == 0 ? LISTEN_REACHED : LISTEN_STRANGER);
}

/* A call waits to send its word, then to hear. False: none is open, or time is up. */
static bool turn(struct call *calls, struct pollfd *watched, int count, char word, uint64_t until)
{
    uint64_t now = clock_ns();
    int open = 0;
    for (int i = 0; i < count; i++) {
        watched[i] = (struct pollfd){.fd = calls[i].socket, .events = calls[i].greeted ? POLLIN : POLLOUT};
        open += calls[i].socket >= 0;
    }
    if (!open || now >= until)
        return false;
    poll(watched, (nfds_t)count, (int)((until - now) / 1000000) + 1);
    for (int i = 0; i < count; i++) {
        if (!watched[i].revents || calls[i].socket < 0)
            continue;
        if (calls[i].greeted)
            hear(&calls[i]);
        else
            greet(&calls[i], word);
        calls[i].greeted = true;
    }
    return true;
}

static void call_all(struct listen_place *places, int count, char word)
{
    struct call *calls = calloc((size_t)count + 1, sizeof *calls);
    struct pollfd *watched = calloc((size_t)count + 1, sizeof *watched);
    uint64_t until = clock_deadline(REACH_S);
    bool whole = calls && watched;
    for (int i = 0; whole && i < count; i++) {
        calls[i].place = &places[i];
        dial(&calls[i]);
    }
    while (whole && turn(calls, watched, count, word, until))
        continue;
    for (int i = 0; whole && i < count; i++)
        if (calls[i].socket >= 0)
            finish(&calls[i], LISTEN_SILENT);
    free(calls);
    free(watched);
}

void listen_reach(struct listen_place *places, int count)
{
    call_all(places, count, WORD_HELLO);
}

void listen_end(const struct listen_place *places, int count)
{
    struct listen_place *copies = calloc((size_t)count + 1, sizeof *copies);
    if (!copies)
        return;
    memcpy(copies, places, (size_t)count * sizeof *copies);
    call_all(copies, count, WORD_END);
    free(copies);
}
