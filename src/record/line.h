/* How far a span of work has come, as one line of text. Pure. */
#ifndef RANKPOOL_RECORD_LINE_H
#define RANKPOOL_RECORD_LINE_H

#include <stddef.h>

#define LINE_MAX_BYTES   1024
#define LINE_MAX_COLUMNS 200

struct line_view {
    const char *label; /* any bytes; NULL: none */
    size_t total;      /* RECORD_UNKNOWN: not known */
    size_t done;
    size_t failed;
    double elapsed; /* seconds since the span began */
    double rate;    /* items a second; 0: not known yet */
};

/* For a terminal: at most `columns` columns, without an end of line; parts are left out where
 * there is no room: "hashing 120/1000  12% [####......] 4.1k/s 0:42 left 3 failed". */
void line_bar(const struct line_view *view, int columns, char text[LINE_MAX_BYTES]);

/* For a file: "hashing: 120 of 1000 (12 %), 4.1k/s, 0:42 left, 3 failed". */
void line_plain(const struct line_view *view, char text[LINE_MAX_BYTES]);

/* The last one: "hashing: 1000 of 1000 in 1:12, 3 failed". */
void line_last(const struct line_view *view, char text[LINE_MAX_BYTES]);

#endif
