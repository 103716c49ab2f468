/* The progress bar: a listener that shows on a stream how far the span of work has come.
 *
 * On a terminal it is one line, redrawn in place at most ten times a second, from a fifth of a
 * second on (short maps do not flicker), and wiped at the end, so that what is printed next starts
 * on a clean line. Between two drawings the cursor waits at the line's start: what the program
 * prints to the same terminal meanwhile covers the bar instead of following it.
 *
 * Elsewhere (a log file) it is whole lines without control characters: one a second at first, ever
 * fewer as time goes on, one a minute at last; and one at the span's end, unless the span was short
 * and another line was written within the last second.
 *
 * Errors of the stream are ignored: work does not fail because nobody can watch it. */
#ifndef RANKPOOL_RECORD_PROGRESS_H
#define RANKPOOL_RECORD_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "record/event.h"

struct progress_setup {
    FILE *stream;  /* not closed */
    bool terminal; /* it is one, maybe by way of a launcher that passes on what is written */
    int columns;   /* of that terminal; 0: ask the stream each time, else 80 */
    int option;    /* of rp_options: 1 on, -1 off, 0 where it is a terminal */
};

/* Adds a progress bar to the recorder's listeners, if one is wanted; it is freed with the
 * recorder. RP_NO_MEMORY. */
rp_status progress_listen(struct recorder *recorder, const struct progress_setup *setup, struct error *error);

#endif
