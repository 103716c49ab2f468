#include <stdlib.h>

#include "model_state.h"

void runs_add(struct runs *runs, struct run run)
{
    if (runs->first > 64 && runs->first > runs->count / 2) {
        for (size_t i = runs->first; i < runs->count; i++)
            runs->run[i - runs->first] = runs->run[i];
        runs->count -= runs->first;
        runs->first = 0;
    }
    runs->run = events_grow(runs->run, &runs->room, runs->count, sizeof *runs->run);
    runs->run[runs->count++] = run;
    runs->items += run.to - run.from;
}

struct run *runs_front(struct runs *runs)
{
    return runs->first < runs->count ? &runs->run[runs->first] : NULL;
}

struct run runs_take(struct runs *runs, uint64_t items)
{
    struct run *front = &runs->run[runs->first], taken = *front;
    if (items < taken.to - taken.from) {
        taken.to = taken.from + items;
        front->from = taken.to;
        front->sent = 0;
    } else if (++runs->first == runs->count) {
        runs->first = runs->count = 0;
    }
    runs->items -= taken.to - taken.from;
    return taken;
}

bool runs_take_last(struct runs *runs, struct run *run)
{
    if (runs->first == runs->count)
        return false;
    *run = runs->run[--runs->count];
    runs->items -= run->to - run->from;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* Neighbours become one. */
void runs_merge(struct runs *runs)
{
    struct run *run = runs->run + runs->first;
    size_t n = runs->count - runs->first, kept = 0;
    qsort(run, n, sizeof *run, compare);
    for (size_t i = 1; i < n; i++) {
        if (run[i].from != run[kept].to) {
            run[++kept] = run[i];
            continue;
        }
        run[kept].to = run[i].to;
        run[kept].since = run[i].since < run[kept].since ? run[i].since : run[kept].since;
        if (!(run[kept].sent > 0)) {
            run[kept].sent = run[i].sent;
            run[kept].besides = run[i].besides;
        }
    }
    runs->count = n ? runs->first + kept + 1 : runs->first;
}

void runs_close(struct runs *runs)
{
    free(runs->run);
    *runs = (struct runs){0};
}
