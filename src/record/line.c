#include "record/line.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "record/event.h"

#define PIECE_MAX 256 /* bytes */
#define LABEL_MAX 40  /* columns */
#define BAR_MIN   8   /* columns, with its ends */
#define BAR_MAX   42

/* ---- Numbers ---- */

/* Three digits and a unit: "0.52", "41.3", "4.12k". */
static void say_rate(double rate, char *text, size_t size)
{
    static const char units[] = {' ', 'k', 'M', 'G', 'T'};
    size_t unit = 0;
    for (; rate >= 999.5 && unit + 1 < sizeof units; unit++)
        rate /= 1000;
    snprintf(text, size, "%.3g%.*s/s", rate, unit > 0, &units[unit]);
}

/* "0:42", "1:02:03" or "5d 3h". */
static void say_time(double seconds, char *text, size_t size)
{
    const double longest = 1e9;
    unsigned long s = (unsigned long)(seconds < longest ? seconds : longest), m = s / 60, h = m / 60;
    if (h >= 100)
        snprintf(text, size, "%lud %luh", h / 24, h % 24);
    else if (h > 0)
        snprintf(text, size, "%lu:%02lu:%02lu", h, m % 60, s % 60);
    else
        snprintf(text, size, "%lu:%02lu", m, s % 60);
}

/* How many of `parts` equal parts are done, never all before the end. */
static int parts_done(const struct line_view *view, int parts)
{
    if (view->done >= view->total)
        return parts;
    int done = (int)((double)parts * (double)view->done / (double)view->total);
    return done < parts ? done : parts - 1;
}

static bool has_total(const struct line_view *view)
{
    return view->total != RECORD_UNKNOWN;
}

/* Seconds; false where there is nothing to tell them from. */
static bool time_left(const struct line_view *view, double *left)
{
    if (!has_total(view) || view->done >= view->total || !(view->rate > 0))
        return false;
    *left = (double)(view->total - view->done) / view->rate;
    return true;
}

/* ---- Labels ---- */

/* How many bytes the UTF-8 character at `text` takes; 0 where there is none, or one that would
 * move the cursor. */
static size_t character_size(const unsigned char *text)
{
    unsigned char first = text[0];
    size_t size = first < 0x80                    ? 1
                  : first >= 0xc2 && first < 0xe0 ? 2
                  : (first & 0xf0) == 0xe0        ? 3
                  : (first & 0xf8) == 0xf0        ? 4
                                                  : 0;
    if (first < 0x20 || first == 0x7f || (first == 0xc2 && text[1] < 0xa0))
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

/* Copies as much of the label as `columns` hold, "?" for bytes that do not belong on a terminal;
 * how many columns it took. Long characters count twice, since some are wide. */
static int copy_label(const char *label, int columns, char text[PIECE_MAX])
{
    const unsigned char *at = (const unsigned char *)(label ? label : "");
    size_t length = 0;
    int used = 0;
    while (*at) {
        size_t size = character_size(at);
        int width = size > 2 ? 2 : 1;
        if (used + width > columns || length + 4 >= PIECE_MAX)
            break;
        memcpy(text + length, size ? (const char *)at : "?", size ? size : 1);
        length += size ? size : 1;
        at += size ? size : 1;
        used += width;
    }
    text[length] = '\0';
    return used;
}

/* ---- The bar's line, in pieces ---- */

enum piece_name { LABEL, COUNT, PERCENT, BAR, RATE, LEFT, FAILED, PIECES };

/* Where the terminal is narrow, this goes first. */
static const enum piece_name expendable[] = {BAR, RATE, LABEL, LEFT, PERCENT, FAILED};

struct piece {
    char text[PIECE_MAX];
    int columns; /* 0: left out */
};

static void count_pieces(const struct line_view *view, struct piece pieces[PIECES])
{
    if (!has_total(view)) {
        snprintf(pieces[COUNT].text, PIECE_MAX, "%zu done", view->done);
        return;
    }
    snprintf(pieces[COUNT].text, PIECE_MAX, "%zu/%zu", view->done, view->total);
    snprintf(pieces[PERCENT].text, PIECE_MAX, "%3d%%", parts_done(view, 100));
}

static void fill_pieces(const struct line_view *view, struct piece pieces[PIECES])
{
    double left;
    memset(pieces, 0, PIECES * sizeof *pieces);
    count_pieces(view, pieces);
    if (view->rate > 0)
        say_rate(view->rate, pieces[RATE].text, PIECE_MAX);
    if (time_left(view, &left)) {
        say_time(left, pieces[LEFT].text, PIECE_MAX);
        strcat(pieces[LEFT].text, " left");
    }
    if (view->failed > 0)
        snprintf(pieces[FAILED].text, PIECE_MAX, "%zu failed", view->failed);
    for (int i = 0; i < PIECES; i++)
        pieces[i].columns = (int)strlen(pieces[i].text);
    pieces[LABEL].columns = copy_label(view->label, LABEL_MAX, pieces[LABEL].text);
    pieces[BAR].columns = has_total(view) ? BAR_MIN : 0;
}

/* Columns of the pieces that are in, with a space between two. */
static int width_of(const struct piece pieces[PIECES])
{
    int width = -1;
    for (int i = 0; i < PIECES; i++)
        if (pieces[i].columns > 0)
            width += pieces[i].columns + 1;
    return width;
}

static void draw_bar(const struct line_view *view, int columns, struct piece *bar)
{
    int inside = columns - 2;
    int full = parts_done(view, inside);
    char *text = bar->text;
    *text++ = '[';
    for (int i = 0; i < inside; i++)
        *text++ = i < full ? '#' : '.';
    *text++ = ']';
    *text = '\0';
    bar->columns = columns;
}

static void join(const struct piece pieces[PIECES], char text[LINE_MAX_BYTES])
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < PIECES; i++)
        if (pieces[i].columns > 0 && length < LINE_MAX_BYTES)
            length += (size_t)snprintf(text + length, LINE_MAX_BYTES - length, "%s%s", length ? " " : "",
                                       pieces[i].text);
}

void line_bar(const struct line_view *view, int columns, char text[LINE_MAX_BYTES])
{
    struct piece pieces[PIECES];
    fill_pieces(view, pieces);
    for (size_t i = 0; i < sizeof expendable / sizeof *expendable && width_of(pieces) > columns; i++)
        pieces[expendable[i]].columns = 0;
    if (pieces[BAR].columns > 0) {
        int room = columns - width_of(pieces) + BAR_MIN;
        draw_bar(view, room < BAR_MAX ? room : BAR_MAX, &pieces[BAR]);
    }
    join(pieces, text);
    if (width_of(pieces) > columns)
        text[columns > 0 ? columns : 0] = '\0'; /* the count alone, which is ASCII */
}

/* ---- Plain lines ---- */

static void add(char text[LINE_MAX_BYTES], const char *before, const char *what, const char *after)
{
    size_t length = strlen(text);
    snprintf(text + length, LINE_MAX_BYTES - length, "%s%s%s", before, what, after);
}

static void begin_plain(const struct line_view *view, char text[LINE_MAX_BYTES])
{
    char piece[PIECE_MAX];
    text[0] = '\0';
    if (copy_label(view->label, PIECE_MAX, piece) > 0)
        add(text, piece, ": ", "");
    snprintf(piece, sizeof piece, "%zu", view->done);
    add(text, piece, "", "");
    snprintf(piece, sizeof piece, "%zu", view->total);
    add(text, has_total(view) ? " of " : " done", has_total(view) ? piece : "", "");
}

static void end_plain(const struct line_view *view, char text[LINE_MAX_BYTES])
{
    char piece[PIECE_MAX];
    snprintf(piece, sizeof piece, "%zu", view->failed);
    if (view->failed > 0)
        add(text, ", ", piece, " failed");
}

void line_plain(const struct line_view *view, char text[LINE_MAX_BYTES])
{
    char piece[PIECE_MAX];
    double left;
    begin_plain(view, text);
    if (has_total(view)) {
        snprintf(piece, sizeof piece, "%d", parts_done(view, 100));
        add(text, " (", piece, " %)");
    }
    if (view->rate > 0) {
        say_rate(view->rate, piece, sizeof piece);
        add(text, ", ", piece, "");
    }
    if (time_left(view, &left)) {
        say_time(left, piece, sizeof piece);
        add(text, ", ", piece, " left");
    }
    end_plain(view, text);
}

void line_last(const struct line_view *view, char text[LINE_MAX_BYTES])
{
    char piece[PIECE_MAX];
    begin_plain(view, text);
    say_time(view->elapsed, piece, sizeof piece);
    add(text, " in ", piece, "");
    end_plain(view, text);
}
