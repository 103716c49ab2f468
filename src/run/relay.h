/* The relay: a pool on a node that is not its manager's. Its work are blocks, items of the manager's board
 * that come over the net, of whatever kind: each becomes a post of this node's board, and what the workers
 * note of it goes back. To this node's manager it is a kind of work as maps and submitted tasks are
 * (posting.h), so deaths are seen to here (recover.h). An item that a dead worker ran has a note like any
 * other: whether there is another try of it the manager of the pool decides.
 *
 * A block. Its inputs are received where the workers read them; where there is no room, in memory of this
 * process, until there is. Blocks that have come whole are posted in that order as soon as there is room and
 * what they have in common has come, too. A block ends when each of its items has a note or was given back.
 *
 * Notes leave in batches: when many have gathered (relay_runs.c), when one has waited for as long as its block
 * says, or of a map, in the hope of neighbours, some times as long, and at once when the node has nothing more
 * to run. Runs of
 * results that lie one behind the other leave as one note, results together with it, or if they are long, by
 * themselves from where they lie.
 *
 * What can go wrong. A message that makes no sense, or no memory for one, has the same end as a worker that
 * cannot serve the pool: all workers of the node refuse it with a sentence, what nobody has begun is given
 * back, and so is what comes later. Other pools go on. A pool that could not be opened here is a relay, too.
 *
 * Order of calls: relay_open, relay_take for each message about the pool, relay_turn again and again,
 * relay_free once relay_has_closed, or when the manager quits or is lost. */
#ifndef RANKPOOL_RUN_RELAY_H
#define RANKPOOL_RUN_RELAY_H

#include "net/net.h"
#include "run/manager.h"
#include "wire/message.h"

struct relay;

/* What the relays of a node have in common. */
struct relay_home {
    struct net *net;
    struct bell *bell;     /* beside it; or NULL */
    int peer;              /* the manager's */
    struct roster *roster; /* of the node */
    struct crew *crew;     /* of the node, and of those that are led from here */
    struct road *road;     /* to these; or NULL */
    enum memory_kind memory;
    const uint32_t *kin; /* who leads other nodes and is a peer, too: the first worker of each node */
    int kin_count;
    bool lost;       /* the manager is: nothing is sent any more */
    bool visits;     /* the process serves when its program wants it ... */
    bool away;       /* ... and does not at present */
    uint32_t visit;  /* see WIRE_VISIT */
    uint32_t closes; /* that have come */
};

/* The peers of the net behind the manager. */
static inline int relay_kin_peer(int kin)
{
    return kin + 1;
}

/* Bytes that the net brings or takes away: what its tokens stand for. */
struct delivery {
    void (*end)(struct delivery *delivery, bool done); /* not done: the manager was lost before */
};

/* Sends a message without segments; it may be lost with the manager. */
void relay_send(struct relay_home *home, const struct wire_message *message);

/* An OPEN; the modules are those of its functions, unless they could not be kept, and `lacking` says why.
 * NULL: there is not even memory to refuse it. */
struct relay *relay_open(struct relay_home *home, const struct net_event *event,
                         const struct wire_message *message, const struct board_module *modules,
                         uint32_t module_count, const char *lacking);

/* What came for a pool; NULL: one that is not open here, or a message that cannot be read, with the reason.
 */
void relay_take(struct relay *relay, const struct net_event *event, const struct wire_message *message);
void relay_take_nonsense(struct relay_home *home, const struct net_event *event, uint64_t pool,
                         const char *why);

/* What another leader wants; and that one is lost. */
void relay_take_want(struct relay *relay, int peer, const struct wire_want *want);
void relay_lose_kin(struct relay *relay, int peer);

/* A message that nobody wants. */
void relay_take_nothing(struct relay_home *home, const struct net_event *event);

/* Takes in notes, sees to deaths, posts what waits, sends what is due at `now` (clock_ns: which may be the
 * next turn's). True if anything has happened. */
bool relay_turn(struct relay *relay, uint64_t now);

/* The next turn sees to those who are known to have died. */
void relay_look(struct relay *relay);

/* Sends the notes that there are. */
void relay_flush(struct relay *relay);

/* As the process goes away: what nobody has begun goes back to the manager, and what was to be combined is
 * sent as it is; and whether nothing is left of what it has sent. */
void relay_return(struct relay *relay);
bool relay_is_empty(const struct relay *relay);

/* What workers that have died were to get from queues, and have not seen, goes back. The manager is to know
 * before it hears of the death: nothing then waits in vain for what is still to come. */
void relay_return_wishes(struct relay *relay);

/* The same while this process hears nothing; and what has begun is told. */
void relay_leave_alone(struct relay *relay);

/* This node takes no part in the pool from now on, and why. */
void relay_refuse(struct relay *relay, const char *why);

/* The same, and ends its part once what was begun is done: relay_board is NULL then. */
void relay_part(struct relay *relay, const char *why);

/* Before this process runs a claim on the board, for as long as that takes. True: it may be long, and the
 * manager is told what has started; then nothing is to wait here for this process. */
bool relay_begin(struct relay *relay, const struct post_offer *offer);

/* It has run, and the manager is told before anything else starts: should this process end with that, then
 * with that alone. */
void relay_end(struct relay *relay);

/* What the leader asks. */
uint64_t relay_pool(const struct relay *relay);
struct relay **relay_behind(struct relay *relay);     /* the next one in the leader's list */
struct board *relay_board(struct relay *relay);       /* NULL: it could not be opened, or has been closed */
bool relay_is_posted(const struct relay *relay);      /* workers may join */
const char *relay_refusal(const struct relay *relay); /* NULL: it serves */
bool relay_has_bytes_under_way(const struct relay *relay);
size_t relay_leaving(const struct relay *relay);  /* bytes under way to the manager */
bool relay_is_settled(const struct relay *relay); /* it needs no look before notes or messages come */
bool relay_is_aloof(const struct relay *relay);   /* others than member 1 serve the pool */
bool relay_is_called(const struct relay *relay); /* so they do, yet are busy, and tasks lie there unclaimed */
uint64_t relay_count(const struct relay *relay); /* items of blocks that have not run */
bool relay_is_running(const struct relay *relay);  /* they do, or what they came to is being combined */
uint64_t relay_due(const struct relay *relay);     /* when notes are to leave: clock_ns, or CLOCK_NEVER */
bool relay_was_awaited(const struct relay *relay); /* it has a finalizer: the manager waits for CLOSED */
uint64_t relay_wished(const struct relay *relay);  /* when a task last went to a queue: clock_ns */
bool relay_is_closing(const struct relay *relay);  /* CLOSE has come */
bool relay_has_closed(const struct relay *relay);  /* CLOSED was said */

/* What is open is given up. Memory that the net may still write to stays. */
void relay_free(struct relay *relay);

#endif
