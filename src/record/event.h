/* What happens in a pool, as one stream of events to which the progress bar listens. (Results go to the
 * journal by a road of their own: journal.h.)
 *
 * A span of work (a map, or the submitted tasks while there are any) is told of by one
 * RECORD_BEGIN, any number of RECORD_ADVANCE and one RECORD_END, each with the whole count so far,
 * so that a listener may miss some. Telling is cheap: listeners decide by the event's own clock
 * whether they do anything. A caller skips even the clock where nobody listens:
 *
 *     if (record_listened(recorder))
 *         record_event(recorder, &(struct record_event){RECORD_ADVANCE, clock_ns(), ...});
 *
 * Order of calls: a zeroed recorder, record_listen for each listener, record_event, record_close.
 * A recorder belongs to one thread. Nothing here fails: who listens copes with its own failures.
 * Spans may overlap (a map within a loop of rp_next): every event stands for itself. */
#ifndef RANKPOOL_RECORD_EVENT_H
#define RANKPOOL_RECORD_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_kind { RECORD_BEGIN, RECORD_ADVANCE, RECORD_END };

#define RECORD_UNKNOWN SIZE_MAX /* total of a span that does not know it */

struct record_event {
    enum record_kind kind;
    uint64_t now;      /* clock_ns */
    const char *label; /* NULL: none; valid during the call */
    size_t total;      /* items, may grow; RECORD_UNKNOWN */
    size_t done;       /* items that ended, failed ones too */
    size_t failed;
};

/* A listener. `close` may be NULL. */
struct record_ops {
    void (*event)(void *state, const struct record_event *event);
    void (*close)(void *state);
};

#define RECORD_LISTENERS 4

struct recorder {
    struct {
        const struct record_ops *ops;
        void *state;
    } listeners[RECORD_LISTENERS];
    unsigned count;
};

/* Adds a listener, which hears all later events and frees `state` in its `close`. */
void record_listen(struct recorder *recorder, const struct record_ops *ops, void *state);

static inline bool record_listened(const struct recorder *recorder)
{
    return recorder->count > 0;
}

/* Tells all listeners, in the order in which they were added. */
void record_event(struct recorder *recorder, const struct record_event *event);

/* Closes all listeners; the recorder is as new. */
void record_close(struct recorder *recorder);

#endif
