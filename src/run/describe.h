/* What a user reads of an item or a task that failed. */
#ifndef RANKPOOL_RUN_DESCRIBE_H
#define RANKPOOL_RUN_DESCRIBE_H

#include "board/layout.h"
#include "run/crew.h"
#include "run/perform.h"

#define FAILURE_LENGTH (SENTENCE_LENGTH + 256)

struct failure {
    const char *what; /* "item", "task" or a label */
    size_t index;
    const struct note *note;
    const void *said; /* what the note carries: note->size bytes of a sentence; or NULL */
    int worker, attempt;
};

void describe_failure(const struct failure *failure, const struct crew *crew, char text[FAILURE_LENGTH]);

#endif
