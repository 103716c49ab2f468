/* A performer with nobody around it: a larder that counts, and a sink that keeps what it is told. */
#ifndef RANKPOOL_TESTS_RUN_PERFORM_HALL_H
#define RANKPOOL_TESTS_RUN_PERFORM_HALL_H

#include "run/perform.h"

#define HALL_NOTES 64

struct said {
    struct note note;
    char payload[SENTENCE_LENGTH]; /* zeros behind it */
    bool has_payload;
};

extern struct hall {
    struct performer performer;
    struct crew *crew;
    struct said said[HALL_NOTES];
    int count;
    int taken, given; /* of the larder */
    int left;         /* that it has; below 0: without end */
    int runs;         /* counted by the tasks themselves */
    int looks;        /* between items, that are left until the program drains */
} hall;

void hall_open(void);
void hall_close(void);

/* The program drains before item `items` of what runs next, counted from 0. */
void hall_drain_after(int items);

/* A note_sink, whose state is the hall. */
void hall_note_down(void *state, struct note *note, const void *payload);

#endif
