/* Messages with random fields, and bodies that fit them. */
#ifndef RANKPOOL_TESTS_UNIT_WIRE_SAMPLE_H
#define RANKPOOL_TESTS_UNIT_WIRE_SAMPLE_H

#include "wire/message.h"

#define SAMPLE_ROOM 4096u

/* All types, in the order of the table. */
extern const enum wire_type sample_types[];
extern const size_t sample_type_count;
const char *sample_name(enum wire_type type);

/* The same message for the same type and seed. */
struct sample {
    struct wire_message message;
    size_t segment[WIRE_PARTS]; /* sizes, if it has any */
    int segments;
    _Alignas(16) unsigned char body[SAMPLE_ROOM];
};
void sample_make(struct sample *sample, enum wire_type type, unsigned seed);

/* Whether two messages say the same. */
bool sample_same(const struct wire_message *a, const struct wire_message *b);

uint64_t sample_word(unsigned *seed);

/* A note with all its fields random, but `bytes`. */
struct wire_note sample_note(unsigned *seed, uint64_t bytes);
struct wire_task sample_task(unsigned *seed, uint64_t in_size);
bool sample_same_note(const struct wire_note *a, const struct wire_note *b);
bool sample_same_task(const struct wire_task *a, const struct wire_task *b);

#endif
