/* Memory that the processes of a node share.
 *
 * One process creates a segment and tells the others its handle, they attach. The segment is a memfd
 * that others open through /proc/PID/fd: it has no name, counts against no file system's limit, and the
 * kernel frees it with its last user, however that ends. Where the kernel has no memfds, it is a file of
 * /dev/shm without a name, and its pages are allocated at once (a full tmpfs would answer a later touch
 * with SIGBUS). Where processes may not open each other's descriptors, it is a POSIX shared memory object,
 * which has a name until the others have attached: a creator that is killed before leaves it.
 *
 * Pages of a memfd exist from their first touch on, so a segment may be far larger than what is
 * used of it. */
#ifndef RANKPOOL_BOARD_MEMORY_H
#define RANKPOOL_BOARD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct memory {
    void *base;
    size_t size;
    int fd;        /* the creator's, -1 elsewhere */
    char name[48]; /* of MEMORY_POSIX, "" for others */
};

/* What another process needs to attach: plain bytes, valid while the creator holds the segment. */
struct memory_handle {
    int64_t pid;
    int32_t fd;
    char name[48];
    uint64_t size;
};

enum memory_kind { MEMORY_MEMFD, MEMORY_SHM, MEMORY_POSIX }; /* see above */

/* The kind of segment that works here. */
enum memory_kind memory_usual(void);

/* Creates a segment of `size` bytes of zeros. But of a memfd all of it is taken from /dev/shm at once. */
rp_status memory_create(enum memory_kind kind, size_t size, struct memory *memory, struct error *error);

/* Attaches a segment of another process; RP_CLOSED when it is gone. */
rp_status memory_attach(const struct memory_handle *handle, struct memory *memory, struct error *error);

/* The same for who only reads: nothing that it does can make it writable. */
rp_status memory_attach_reading(const struct memory_handle *handle, struct memory *memory,
                                struct error *error);

struct memory_handle memory_handle_of(const struct memory *memory);

/* Removes the name, if there is one, once nobody needs to attach any more. */
void memory_forget_name(struct memory *memory);

/* Gives the pages of a range back to the system; they read as zeros afterwards. */
void memory_discard(void *start, size_t size);

/* Unmaps, and closes the creator's descriptor; a zeroed struct is fine. */
void memory_release(struct memory *memory);

/* How many bytes of address space a segment may reasonably have in this process: bounded by the
 * machine's memory and this process's limits. */
size_t memory_reach(void);

#endif
