/* A node as a drawing: a line for each L3 cache, NUMA node or package, with a mark for each hardware thread
 * of its cores that says who has it. */
#ifndef RANKPOOL_CLI_DRAW_H
#define RANKPOOL_CLI_DRAW_H

#include <stdbool.h>
#include <stdio.h>

#include "launch/spread.h"

struct draw_style {
    bool colour; /* a terminal */
    bool blocks; /* it shows UTF-8 */
    int width;   /* columns */
};

/* As it suits what `out` is: plain and 80 columns wide where that is no terminal. */
struct draw_style draw_style_of(FILE *out);

void draw_node(const struct spread_node *node, const struct draw_style *style, FILE *out);

/* What the marks mean. */
void draw_legend(const struct draw_style *style, FILE *out);

#endif
