/* What a child says, as the rank reads it: every word may have been written by a task gone wild. What
 * passes here can be taken in without harm; what does not, no child in its senses can have said. */
#ifndef RANKPOOL_RUN_BOX_READ_H
#define RANKPOOL_RUN_BOX_READ_H

#include "run/box_page.h"

/* The order that notes answer: what the rank itself knows of it. */
struct box_expect {
    enum box_way way;
    uint32_t flags; /* post_flags */
    uint32_t count; /* items */
    size_t out_size;
    uint64_t serial;
    uint64_t begun; /* clock_ns */
    size_t known;   /* bytes of the page that can be read */
    bool halted;    /* it has been told to run no more items */
};

/* A note and what it carries; or the result lies on the page, `note.size` bytes at `note.result.offset`, if
 * it is `kept`. */
struct box_said {
    struct note note;
    bool kept;
    char text[SENTENCE_LENGTH];
};

/* The note at `position`, which must be that of item `next` and those behind it; false: it is none. */
bool box_read(const struct box_page *page, uint64_t position, const struct box_expect *expect, uint32_t next,
              struct box_said *said);

/* Whether a parcel of packed results, which was copied from the page, is one of `count` results. */
bool box_is_packed(const void *parcel, size_t size, uint32_t count);

void box_set_guards(struct box_page *page);
bool box_is_intact(const struct box_page *page);

#endif
