#define _GNU_SOURCE
#include "cli/draw.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- Marks ------------------------------------------------------------------------------- */

enum mark { MARK_WORKER, MARK_SHARED, MARK_FREE, MARK_FORBIDDEN, MARKS };

static const struct {
    const char *plain, *block, *colour, *meaning;
} marks[MARKS] = {
    {"#", "█", "\033[32m", "a worker's"},
    {"~", "▒", "\033[33m", "workers move over these"},
    {"o", "░", "\033[2m", "left free"},
    {"-", "·", "\033[2m", "not ours to use"},
};

static const char *mark_text(enum mark mark, const struct draw_style *style)
{
    return style->blocks ? marks[mark].block : marks[mark].plain;
}

/* Workers that are not bound use whatever may be used. */
static enum mark mark_of(const struct spread_node *node, const struct node_object *thread)
{
    if (thread->worker == NODE_FORBIDDEN)
        return MARK_FORBIDDEN;
    if (!node->bind)
        return node->workers ? MARK_SHARED : MARK_FREE;
    return thread->worker >= 1 && thread->worker <= node->workers ? MARK_WORKER : MARK_FREE;
}

struct draw_style draw_style_of(FILE *out)
{
    struct draw_style style = {.width = 80};
    struct winsize size;
    if (!isatty(fileno(out)))
        return style;
    setlocale(LC_CTYPE, "");
    style.blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    style.colour = !getenv("NO_COLOR");
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        style.width = size.ws_col;
    return style;
}

/* ---- A line of cores --------------------------------------------------------------------- */

#define NAME_COLUMNS 13 /* "package 123  " */

struct pen {
    const struct spread_node *node;
    const struct draw_style *style;
    FILE *out;
    enum node_kind column[NODE_KINDS]; /* the kinds that hold cores, the outermost first */
    int columns;
    int margin, at; /* columns of the terminal: before the first core, and where the pen is */
    enum mark last; /* whose colour is on */
};

static void pen_colour(struct pen *pen, enum mark mark)
{
    if (pen->style->colour && mark != pen->last)
        fprintf(pen->out, "\033[0m%s", mark < MARKS ? marks[mark].colour : "");
    pen->last = mark;
}

static void pen_margin(struct pen *pen)
{
    pen_colour(pen, MARKS);
    fprintf(pen->out, "%*s", pen->margin - pen->at, "");
    pen->at = pen->margin;
}

/* The threads from `first` on that are in the core before them, or one that is in none. */
static int core_threads(const struct node_tree *tree, int first)
{
    int count = 0;
    while (first + count < tree->count && tree->object[first + count].kind == NODE_THREAD)
        count++;
    return count;
}

static void pen_core(struct pen *pen, int first, int threads)
{
    const struct node_tree *tree = &pen->node->offer->tree;
    if (pen->at + threads > pen->style->width && pen->at > pen->margin) {
        fprintf(pen->out, "\n");
        pen->at = 0;
        pen_margin(pen);
    }
    for (int i = 0; i < threads; i++) {
        enum mark mark = mark_of(pen->node, &tree->object[first + i]);
        pen_colour(pen, mark);
        fprintf(pen->out, "%s", mark_text(mark, pen->style));
    }
    fprintf(pen->out, " ");
    pen->at += threads + 1;
}

/* ---- A node ------------------------------------------------------------------------------ */

/* In its column; on a line of its own where the one of before has cores, or a name there, already. */
static void pen_name(struct pen *pen, const struct node_object *object)
{
    int column = 0;
    while (column < pen->columns && pen->column[column] != object->kind)
        column++;
    int begin = 2 + column * NAME_COLUMNS;
    if (pen->at > begin) {
        pen_colour(pen, MARKS);
        fprintf(pen->out, "\n");
        pen->at = 0;
    }
    char name[32];
    snprintf(name, sizeof name, "%s %d", node_kind_names[object->kind], object->index);
    fprintf(pen->out, "%*s%-*s", begin - pen->at, "", NAME_COLUMNS, name);
    pen->at = begin + NAME_COLUMNS;
}

static void find_columns(struct pen *pen, const struct node_tree *tree)
{
    for (int i = 0; i < tree->count; i++) {
        enum node_kind kind = tree->object[i].kind;
        bool known = kind == NODE_CORE || kind == NODE_THREAD;
        for (int k = 0; k < pen->columns; k++)
            known |= pen->column[k] == kind;
        if (!known)
            pen->column[pen->columns++] = kind;
    }
    pen->margin = 2 + pen->columns * NAME_COLUMNS;
}

static void draw_head(const struct spread_node *node, FILE *out)
{
    fprintf(out, "%s: %d worker%s", node->host, node->workers, node->workers == 1 ? "" : "s");
    if (node->workers < node->offer->plan.workers && node->workers == node->slots)
        fprintf(out, ", as many as it has slots");
    fprintf(out, "\n");
    for (const char *line = node->offer->plan.reason; *line;) {
        int length = (int)strcspn(line, "\n");
        fprintf(out, "  %.*s\n", length, line);
        line += length + (line[length] == '\n');
    }
}

void draw_node(const struct spread_node *node, const struct draw_style *style, FILE *out)
{
    const struct node_tree *tree = &node->offer->tree;
    struct pen pen = {.node = node, .style = style, .out = out, .last = MARKS};
    find_columns(&pen, tree);
    draw_head(node, out);
    for (int i = 0; i < tree->count; i++) {
        const struct node_object *object = &tree->object[i];
        if (object->kind == NODE_CORE)
            continue;
        if (object->kind != NODE_THREAD) {
            pen_name(&pen, object);
            continue;
        }
        /* Threads in no core stand alone. */
        int threads = i && tree->object[i - 1].kind == NODE_CORE ? core_threads(tree, i) : 1;
        if (pen.at < pen.margin)
            pen_margin(&pen);
        pen_core(&pen, i, threads);
        i += threads - 1;
    }
    pen_colour(&pen, MARKS);
    fprintf(out, "\n");
}

void draw_legend(const struct draw_style *style, FILE *out)
{
    fprintf(out, "hardware threads, core by core:");
    for (int mark = 0; mark < MARKS; mark++)
        fprintf(out, "%s %s%s%s %s", mark ? "," : "", style->colour ? marks[mark].colour : "",
                mark_text((enum mark)mark, style), style->colour ? "\033[0m" : "", marks[mark].meaning);
    fprintf(out, "\n");
}
