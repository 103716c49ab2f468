/* A roster and a board in one process: its members are threads, or the test by turns. */
#ifndef RANKPOOL_TESTS_BOARD_CROWD_H
#define RANKPOOL_TESTS_BOARD_CROWD_H

#include <pthread.h>

#include "board/outbox.h"
#include "board/post.h"

#define CROWD_MAX 8 /* workers */

#if defined(__has_feature)
#define BUILT_WITH(sanitizer) __has_feature(sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define BUILT_WITH(sanitizer)        BUILT_WITH_##sanitizer
#define BUILT_WITH_thread_sanitizer  1
#define BUILT_WITH_address_sanitizer 0
#elif defined(__SANITIZE_ADDRESS__)
#define BUILT_WITH(sanitizer)        BUILT_WITH_##sanitizer
#define BUILT_WITH_thread_sanitizer  0
#define BUILT_WITH_address_sanitizer 1
#else
#define BUILT_WITH(sanitizer) 0
#endif

/* How often a case does something: less often where each access to memory costs more. */
#if BUILT_WITH(thread_sanitizer)
#define TIMES(n) ((n) / 10)
#else
#define TIMES(n) (n)
#endif

struct crowd {
    int workers;
    struct roster roster[CROWD_MAX + 1]; /* as each member sees them; the manager's is 0 */
    struct board board[CROWD_MAX + 1];
    struct posts posts;
};

/* A crowd_small one has an arena of 16 MiB, and 2 MiB for each worker's own results. */
void crowd_open(struct crowd *crowd, int workers);
void crowd_open_small(struct crowd *crowd, int workers);
void crowd_close(struct crowd *crowd);

/* A published post of `items` items for `owner` (0: all) of map `map`; its number. */
int crowd_post(struct crowd *crowd, uint32_t items, bool open, int owner, uint64_t map);

/* Claims up to `run` items of what is offered to a member first; the number of items, 0: none. */
uint32_t crowd_claim(struct crowd *crowd, int member, uint32_t run, struct post_offer *offer);

/* The note of `count` items from `from` on. */
bool crowd_note(struct crowd *crowd, int member, uint32_t post, uint32_t from, uint32_t count);

/* Takes the notes of a member; how many there were. The last one is kept in *note. */
int crowd_take(struct crowd *crowd, int member, struct note *note);

/* Is the member's bell set, and its bit, and who counts as searching. */
bool crowd_sleeps(const struct crowd *crowd, int member);
uint32_t crowd_searching(const struct crowd *crowd);

#endif
