/* A lease: which items of a post have been accounted for. Whoever posts items leases them to the
 * workers; a completion ends the lease of its items, once. */
#ifndef RANKPOOL_SCHED_LEASE_H
#define RANKPOOL_SCHED_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct lease {
    uint64_t *ended; /* a bit an item */
    uint32_t items;  /* leased so far */
    uint32_t open;   /* of these, not ended */
    uint32_t room;   /* items that `ended` has bits for */
};

/* A lease of `items` items that may grow to `room`. Returns 0, or -1 without memory. The memory of
 * an earlier lease in the same struct is reused; zero it at first. */
int lease_begin(struct lease *lease, uint32_t items, uint32_t room);
void lease_grow(struct lease *lease, uint32_t items);
void lease_free(struct lease *lease);

/* Ends the lease of an item; false if it had ended already. */
bool lease_end(struct lease *lease, uint32_t item);

/* Ends a run that is known to be open. */
void lease_end_run(struct lease *lease, uint32_t from, uint32_t count);

bool lease_has_ended(const struct lease *lease, uint32_t item);

#endif
