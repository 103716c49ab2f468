/* Single items of 2.5 GiB, whose contents are checked page by page. They lie across the offset 2^31,
 * and the third of three behind 2^32. */
#ifndef RANKPOOL_TESTS_MPI_LARGE_H
#define RANKPOOL_TESTS_MPI_LARGE_H

#include <stdlib.h>

#include "suite/suite.h"

#define ITEM ((size_t)2560 << 20)
#define PAGE ((size_t)4096)
#define GIB  ((size_t)1 << 30)

/* The first word and the last byte of each page. */
static inline void large_mark(unsigned char *data, uint64_t seed)
{
    for (size_t at = 0; at < ITEM; at += PAGE) {
        uint64_t word = data_mix(seed + at);
        memcpy(data + at, &word, sizeof word);
        data[at + PAGE - 1] = (unsigned char)(word >> 32);
    }
}

static inline size_t large_count_wrong(const unsigned char *data, uint64_t seed)
{
    size_t wrong = 0;
    for (size_t at = 0; at < ITEM; at += PAGE) {
        uint64_t word = data_mix(seed + at);
        wrong += memcmp(data + at, &word, sizeof word) || data[at + PAGE - 1] != (unsigned char)(word >> 32);
    }
    return wrong;
}

static inline unsigned char *large_make(void)
{
    unsigned char *item = malloc(ITEM);
    REQUIRE(item);
    large_mark(item, 0);
    return item;
}

/* Checks its input, item `index`, and answers one marked by 100 more. */
static inline int large_answer(rp_call *call, const void *in, size_t size)
{
    size_t index = rp_call_index(call), wrong = size == ITEM ? large_count_wrong(in, index) : ITEM;
    if (wrong)
        return rp_fail(call, "%zu bytes, of which %zu pages are wrong", size, wrong);
    unsigned char *room = rp_reserve(call, ITEM);
    if (!room)
        return rp_fail(call, "no room");
    large_mark(room, 100 + index);
    return 0;
}

/* A pool, where so much memory is left. */
static inline rp_pool *large_open(size_t gib)
{
    check_seconds(240);
    suite_need_memory(gib * GIB);
    return suite_open(NULL);
}

#endif
