/* The sockets of a pulse (pulse.h): where this machine can be reached, and a connection to whom it was
 * invited by. */
#ifndef RANKPOOL_NET_PULSE_SOCKET_H
#define RANKPOOL_NET_PULSE_SOCKET_H

#include "net/pulse.h"

/* What a leader says; it is answered with the invitation's answer. */
struct pulse_hello {
    uint8_t secret[16];
    int32_t node;
};

/* The kernels ask each other now and then, so that after this silence the connection ends. False and errno:
 * that cannot be had. */
bool pulse_keep_alive(int fd, int silence_s);

/* A connection to the manager that says hello and is answered; -1 and errno. */
int pulse_reach(const struct pulse_invitation *invitation, const struct pulse_hello *hello, double seconds);

#endif
