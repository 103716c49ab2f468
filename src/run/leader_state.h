/* A leader: shared by the files leader*.c alone: leader.c is its life and its turns, leader_pause.c how it
 * comes to run what is for all, leader_serve.c how it rests, and how it comes and goes. */
#ifndef RANKPOOL_RUN_LEADER_STATE_H
#define RANKPOOL_RUN_LEADER_STATE_H

#include "run/early.h"
#include "run/leader.h"
#include "run/relay.h"

enum leader_pause { PAUSE_NONE, PAUSE_ASKED, PAUSE_GRANTED };

struct leader {
    struct relay_home home;
    struct roster own; /* the same roster, as member 1 sees it */
    struct relay *relays;
    struct early early;
    uint64_t newest; /* of the pools that have been opened */
    uint32_t *kin;   /* the home's */
    struct watch *watch;
    const struct roads *roads; /* or NULL */
    _Atomic uint32_t *below;   /* a bell by which the nodes that it leads wake it; NULL: it has to look */
    int deaths;                /* that the manager has been told of */
    struct pulse *pulse;       /* the manager's, or NULL */
    bool ended;                /* the manager is lost, and all know */
    bool cut;                  /* the net is gone */
    enum leader_pause pause;   /* of the manager's blocks: see WIRE_PAUSE */
    bool running;              /* what may be long */
    bool paused;               /* it has run something in this one */
    uint32_t pauses;           /* the number of the last one */
    uint64_t until;            /* the pool whose end will end this visit, or 0 */
    bool unheard;              /* the manager takes nothing now: before a task it is not waited for */
    bool awaited;              /* CLOSED was said of a pool whose manager waits for that */
    uint64_t turned, looked;   /* the last turn, and the last look at who has died: clock_ns */
    uint64_t active;           /* when something happened last */
    uint64_t heard;            /* the same of what has come by the net */
    uint64_t pieces;           /* of the net's, that were seen */
    uint64_t moved;            /* when bytes beside a head had come, or had left, last */
    bool dozes;                /* the bell will ring */
};

/* leader.c: what is done here of a pool; NULL: it is not open. */
struct relay *leader_find(const struct leader *leader, uint64_t pool);

/* leader.c: says whether it serves. */
void leader_tell_visit(struct leader *leader);

/* leader_serve.c: for who waits for the net alone; and whether that has an end. */
void leader_wait_briefly(struct leader *leader);

/* The same for who could do without: false once the manager has taken nothing for so long. It may do
 * something else, even wait for this process. */
struct leader_hope {
    int room;       /* of the net, when it was looked at last */
    uint64_t since; /* bytes have moved, or there has been more room: clock_ns; 0: it begins */
};
bool leader_hopes(struct leader *leader, struct leader_hope *hope, uint64_t patience_ns);
bool leader_has_bytes_under_way(const struct leader *leader); /* nothing moves them but looks at the net */
bool leader_is_over(const struct leader *leader);

/* leader_pause.c: asks for a pause where one is called for, and ends it; the manager has granted one; there
 * is none any more. */
void leader_see_to_pause(struct leader *leader);
void leader_take_pause(struct leader *leader, const struct wire_paused *granted);
void leader_end_pause(struct leader *leader);

#endif
