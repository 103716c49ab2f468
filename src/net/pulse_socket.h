/* The sockets of a pulse (pulse.h): where this machine can be reached, and a connection to whom it was
 * invited by. */
#ifndef RANKPOOL_NET_PULSE_SOCKET_H
#define RANKPOOL_NET_PULSE_SOCKET_H

#include "net/pulse.h"

/* Who connects shows to the other end that it knows the secret, and hears the same of it, without a word by
 * which anybody else could: the leader says hello, the manager answers with a challenge that it alone could
 * have made, and the leader with the digest that it alone can make of that. */
struct pulse_hello {
    uint8_t nonce[16];
    int32_t node;
};

struct pulse_challenge {
    uint8_t nonce[16];
    uint64_t digest; /* the manager's */
};

enum pulse_side { PULSE_MANAGER = 1, PULSE_LEADER };

/* Of both nonces and the node, as one side says it. */
uint64_t pulse_digest(const uint8_t *secret, enum pulse_side side, const struct pulse_hello *hello,
                      const uint8_t *nonce);

/* The kernels ask each other now and then, so that after this silence the connection ends. False and errno:
 * that cannot be had. */
bool pulse_keep_alive(int fd, int silence_s);

/* A connection of `node` to the manager who invited it; -1 and errno. */
int pulse_reach(const struct pulse_invitation *invitation, int node, double seconds);

#endif
