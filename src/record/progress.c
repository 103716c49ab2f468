#define _GNU_SOURCE
#include "record/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "record/line.h"

#define MILLISECOND   UINT64_C(1000000)
#define SECOND        (1000 * MILLISECOND)
#define BAR_DELAY     (200 * MILLISECOND)
#define BAR_PERIOD    (100 * MILLISECOND)
#define PLAIN_PERIOD  SECOND
#define PLAIN_LONGEST (60 * SECOND)
#define PLAIN_LINES   20 /* the period grows to this part of the time passed */
#define WIDTH_ELSE    80
#define RATE_WINDOW_S 15.0

struct progress {
    struct progress_setup setup;
    bool active;        /* within a span */
    bool drawn;         /* something of this span: a bar stands on the terminal, or lines in the file */
    bool written;       /* something of any span */
    uint64_t begin;     /* of the span */
    uint64_t shown;     /* when something was written last */
    uint64_t measured;  /* when `rate` was */
    size_t at_measured; /* items done then */
    double rate;        /* items a second */
};

/* ---- The rate: the mean over the span's first seconds, then over its younger half ---- */

static double seconds_between(uint64_t from, uint64_t to)
{
    return to > from ? (double)(to - from) / 1e9 : 0;
}

static double at_least(double a, double b)
{
    return a > b ? a : b;
}

static void measure(struct progress *progress, const struct record_event *event)
{
    double passed = seconds_between(progress->measured, event->now);
    double elapsed = seconds_between(progress->begin, event->now);
    if (passed <= 0)
        return;
    double items = event->done > progress->at_measured ? (double)(event->done - progress->at_measured) : 0;
    double window = elapsed < RATE_WINDOW_S ? elapsed : at_least(RATE_WINDOW_S, elapsed / 2);
    double weight = passed < window ? passed / window : 1;
    progress->rate += weight * (items / passed - progress->rate);
    progress->measured = event->now;
    progress->at_measured = event->done;
}

static struct line_view view_of(const struct progress *progress, const struct record_event *event)
{
    return (struct line_view){
        .label = event->label,
        .total = event->total,
        .done = event->done,
        .failed = event->failed,
        .elapsed = seconds_between(progress->begin, event->now),
        .rate = progress->rate,
    };
}

/* ---- Writing: each time in one piece, so that other processes' output stays whole ---- */

static void write_text(struct progress *progress, const char *text)
{
    fwrite(text, 1, strlen(text), progress->setup.stream);
    fflush(progress->setup.stream);
}

static int columns_of(const struct progress *progress)
{
    struct winsize size = {0};
    int columns = progress->setup.columns, fd = fileno(progress->setup.stream);
    if (columns <= 0 && fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns <= 0)
        columns = WIDTH_ELSE;
    return columns < LINE_MAX_COLUMNS ? columns : LINE_MAX_COLUMNS;
}

static void draw_bar(struct progress *progress, const struct record_event *event)
{
    struct line_view view = view_of(progress, event);
    char line[LINE_MAX_BYTES], text[LINE_MAX_BYTES + 8];
    line_bar(&view, columns_of(progress) - 1, line); /* the last column would move on to the next line */
    snprintf(text, sizeof text, "\r%s\033[K\r", line);
    write_text(progress, text);
}

static void wipe_bar(struct progress *progress)
{
    if (progress->drawn)
        write_text(progress, "\r\033[K");
}

static void write_line(struct progress *progress, const struct record_event *event,
                       void say(const struct line_view *, char *))
{
    struct line_view view = view_of(progress, event);
    char line[LINE_MAX_BYTES], text[LINE_MAX_BYTES + 2];
    say(&view, line);
    snprintf(text, sizeof text, "%s\n", line);
    write_text(progress, text);
}

/* ---- Events ---- */

/* True where nothing was written within the last `period`. */
static bool is_quiet(const struct progress *progress, uint64_t period, uint64_t now)
{
    return !progress->written || now >= progress->shown + period;
}

static uint64_t plain_period(const struct progress *progress, uint64_t now)
{
    uint64_t part = (now - progress->begin) / PLAIN_LINES;
    return part < PLAIN_PERIOD ? PLAIN_PERIOD : part > PLAIN_LONGEST ? PLAIN_LONGEST : part;
}

static bool is_due(const struct progress *progress, uint64_t now)
{
    bool bar = progress->setup.terminal;
    if (now < progress->begin + (bar ? BAR_DELAY : PLAIN_PERIOD))
        return false;
    return is_quiet(progress, bar ? BAR_PERIOD : plain_period(progress, now), now);
}

static void begin_span(struct progress *progress, const struct record_event *event)
{
    progress->active = true;
    progress->begin = progress->measured = event->now;
    progress->at_measured = event->done;
    progress->rate = 0;
}

static void note_writing(struct progress *progress, uint64_t now)
{
    progress->written = true;
    progress->shown = now;
}

static void show(struct progress *progress, const struct record_event *event)
{
    if (!is_due(progress, event->now))
        return;
    measure(progress, event);
    if (progress->setup.terminal)
        draw_bar(progress, event);
    else
        write_line(progress, event, line_plain);
    progress->drawn = true;
    note_writing(progress, event->now);
}

static void end_span(struct progress *progress, const struct record_event *event)
{
    if (progress->setup.terminal) {
        wipe_bar(progress);
    } else if (progress->drawn || is_quiet(progress, PLAIN_PERIOD, event->now)) {
        write_line(progress, event, line_last);
        note_writing(progress, event->now);
    }
    progress->active = progress->drawn = false;
}

static void progress_event(void *state, const struct record_event *event)
{
    struct progress *progress = state;
    if (event->kind == RECORD_END) {
        if (progress->active)
            end_span(progress, event);
        return;
    }
    if (event->kind == RECORD_BEGIN || !progress->active)
        begin_span(progress, event);
    show(progress, event);
}

static void progress_close(void *state)
{
    struct progress *progress = state;
    if (progress->setup.terminal)
        wipe_bar(progress);
    free(progress);
}

static const struct record_ops progress_ops = {.event = progress_event, .close = progress_close};

rp_status progress_listen(struct recorder *recorder, const struct progress_setup *setup, struct error *error)
{
    if (setup->option < 0 || (setup->option == 0 && !setup->terminal))
        return RP_OK;
    struct progress *progress = calloc(1, sizeof *progress);
    if (!progress)
        return error_set(error, RP_NO_MEMORY, "no memory for the progress bar");
    progress->setup = *setup;
    record_listen(recorder, &progress_ops, progress);
    return RP_OK;
}
