/* Whether nodes reach each other, apart from any MPI: each listens on a port for a while, the others connect
 * to all of its addresses, and what listens says a word that only it can know.
 *
 *     listen_open     on each node: says where it will listen, and
 *     listen_serve    listens, in a process that stays: what started it may end all it started by its end
 *     listen_reach    on each node: connects to what listens on others
 *     listen_end      from anywhere: what listens there ends; unreached, it does so when nobody reads its
 *                     standard output any more, or after LISTEN_S */
#ifndef RANKPOOL_CLI_LISTEN_H
#define RANKPOOL_CLI_LISTEN_H

#include "base/error.h"
#include "launch/list.h"

#define LISTEN_S 60
#define REACH_S  4 /* that a connection may take */

struct listener {
    int server;
    char cookie[17]; /* 16 digits */
};

/* Adds the facts "port" and "cookie". RP_LAUNCH. */
rp_status listen_open(struct listener *listener, struct list *facts, struct error *error);

/* Until it is to end. */
void listen_serve(struct listener *listener);

enum listen_answer {
    LISTEN_REACHED,
    LISTEN_REFUSED,  /* somebody answers that there is nobody */
    LISTEN_SILENT,   /* nobody answers */
    LISTEN_STRANGER, /* it is somebody else's address, too */
    LISTEN_ANSWERS,
};

struct listen_place {
    const char *address, *cookie;
    int port;
    enum listen_answer answer; /* set by listen_reach */
};

/* Connects to all at a time. */
void listen_reach(struct listen_place *places, int count);

void listen_end(const struct listen_place *places, int count);

#endif
