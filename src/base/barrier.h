/* A fence that only one side pays for. Where two processes each write a word and then look at the
 * other's, both need a fence between, or neither may see the other. If one of them does so often and
 * the other seldom, the second can make the kernel order the first's memory, too (membarrier(2)):
 *
 *     often:   barrier_store(..., cheap); look     `cheap` once barrier_enroll was true here, and
 *     seldom:  write; barrier_heavy(); look        barrier_works for everybody on the other side
 */
#ifndef RANKPOOL_BASE_BARRIER_H
#define RANKPOOL_BASE_BARRIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* From now on others can order this process's memory; false: this system cannot. */
bool barrier_enroll(void);

/* Whether this process can order that of others that have enrolled. */
bool barrier_works(void);

/* Every process that has enrolled has passed a fence between call and return. */
void barrier_heavy(void);

/* Writes a word before a look at others. */
static inline void barrier_store(_Atomic uint32_t *word, uint32_t value, bool cheap)
{
    if (cheap) {
        atomic_store_explicit(word, value, memory_order_release);
        atomic_signal_fence(memory_order_seq_cst); /* the compiler keeps the order, too */
    } else {
        atomic_store(word, value);
    }
}

#endif
