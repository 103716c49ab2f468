/* Segments that grow while two processes use them: the page of an isolated child, where results of any
 * size are put.
 *
 * A growing segment is a memfd that both have mapped as far as it may ever reach, yet whose file ends
 * where it was last extended to: what lies behind answers a touch with SIGBUS, so that a process that
 * writes everywhere takes no more memory than it was given. The file is sealed against shrinking: what
 * growing_size has said can be read for ever, whatever the other process does. */
#ifndef RANKPOOL_BOARD_GROWING_H
#define RANKPOOL_BOARD_GROWING_H

#include "board/memory.h"

/* RP_UNSUPPORTED, with a sentence: there are no memfds here, or nobody could attach one. */
rp_status growing_is_possible(struct error *error);

/* Creates a segment that may grow to `reach` bytes (memory->size). RP_NO_MEMORY, RP_UNSUPPORTED. */
rp_status growing_create(size_t reach, size_t size, struct memory *memory, struct error *error);

/* Attaches all that it may ever reach; RP_CLOSED when it is gone. */
rp_status growing_attach(const struct memory_handle *handle, struct memory *memory, struct error *error);

/* Creator: how far it reaches at present, and at least `size` bytes of it; false: no memory. */
size_t growing_size(const struct memory *memory);
bool growing_extend(const struct memory *memory, size_t size);

/* The other process: the same; it keeps no descriptor that a task could close. */
bool growing_extend_by_handle(const struct memory_handle *handle, size_t size);

/* In a process that was forked: unmaps all of this library's segments, and closes their descriptors; shared
 * memory of MPI's, and whatever is mapped from below /dev, can only be read from then on. With `all` also
 * closes sockets, pipes and what else has no name in the file system, but for descriptors below 3. */
void growing_forget_inherited(bool all);

#endif
