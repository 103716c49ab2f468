#include "costs.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COSTS_ROW(name, usual, unit, from, what)                                                             \
    {#name, usual, unit, from, what, offsetof(struct costs, name)},
static struct {
    const char *name;
    double usual;
    const char *unit, *from, *what;
    size_t offset;
} rows[] = {COSTS(COSTS_ROW)};

#define ROWS (sizeof rows / sizeof *rows)

static double *value_of(struct costs *costs, size_t row)
{
    return (double *)(void *)((char *)costs + rows[row].offset);
}

struct costs costs_usual(void)
{
    struct costs costs;
    for (size_t i = 0; i < ROWS; i++)
        *value_of(&costs, i) = rows[i].usual;
    return costs;
}

/* The words that rows may say of where they are from. */
static const char *find_from(const char *word)
{
    static const char *const words[] = {"measured", "assumed", "library", "chosen"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return words[i];
    return "given";
}

static bool set(struct costs *costs, const char *word, const char *from)
{
    const char *equals = strchr(word, '=');
    for (size_t i = 0; equals && i < ROWS; i++) {
        if (strlen(rows[i].name) != (size_t)(equals - word) ||
            strncmp(rows[i].name, word, (size_t)(equals - word)))
            continue;
        char *end;
        double value = strtod(equals + 1, &end);
        if (end == equals + 1 || *end || !(value >= 0))
            break;
        *value_of(costs, i) = value;
        rows[i].from = from;
        return true;
    }
    fprintf(stderr, "bench_sim: %s is no cost\n", word);
    return false;
}

bool costs_set(struct costs *costs, const char *word)
{
    return set(costs, word, "given");
}

bool costs_read(struct costs *costs, const char *path)
{
    char line[256], word[128], from[64];
    FILE *file = fopen(path, "r");
    bool good = file != NULL;
    if (!file)
        perror(path);
    while (good && fgets(line, sizeof line, file)) {
        line[strcspn(line, "#\n")] = 0;
        int words = sscanf(line, "%127s %63s", word, from);
        if (words > 0)
            good = set(costs, word, find_from(words < 2 ? "" : from));
    }
    if (file)
        fclose(file);
    return good;
}

void costs_print(const struct costs *costs, FILE *to, const char *before)
{
    for (size_t i = 0; i < ROWS; i++)
        fprintf(to, "%s%-19s %10g %-9s %-9s %s\n", before, rows[i].name, *value_of((struct costs *)costs, i),
                rows[i].unit, rows[i].from, rows[i].what);
}
