/* Who answers a manager's invitation (pulse.h): strangers come, too, and those of ours may be slow, so nobody
 * is waited for alone. */
#ifndef RANKPOOL_NET_PULSE_DOOR_H
#define RANKPOOL_NET_PULSE_DOOR_H

#include "net/pulse_socket.h"

#define PULSE_CALLERS 256 /* that have not yet shown who they are */

struct pulse_caller {
    int fd;
    bool greeted;
    struct pulse_hello hello;
    struct pulse_challenge challenge;
    uint64_t until; /* clock_ns */
};

/* With a listener, the secret of the invitation and how many are invited; zeroed otherwise. */
struct pulse_door {
    int listener, nodes;
    const uint8_t *secret;
    struct pulse_caller caller[PULSE_CALLERS]; /* the oldest first */
    int callers;
};

/* The next one who has shown that it knows the secret, and as whom it comes; -1: the time is up, or nobody
 * can be let in. */
int pulse_door_next(struct pulse_door *door, uint64_t deadline, int *node);

/* The others are left alone. */
void pulse_door_close(struct pulse_door *door);

#endif
