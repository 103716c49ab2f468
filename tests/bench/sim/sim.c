/* The simulator: bench_sim [WORD...]
 *
 *     nodes=N workers=K      N nodes of K workers each; levels=0 is one node of K
 *     task=5ms  kind=equal   what an item takes in the mean, and how that varies: see tasks.h
 *     each=40  items=N       items a worker, or in all
 *     most=8000000           items of a sweep's points, where each lasts 100 ms or has `each` for a worker
 *     levels=auto|0|1|2      of managers; auto adds a second where one manager is the limit
 *     fan=N                  stations of the second level
 *     schedule=NAME chunk=N wait=100us credits=N slow=N seed=N own=N separate shares lone: see model.h
 *     costs=FILE  NAME=VALUE
 *     sweep=1us:1s           one line for each task length, three a factor of ten; and the shortest with half
 *                            and with 95 % efficiency
 *
 * Prints the costs, then lines as the other benches do: begins, lacks and ends say when workers had nothing
 * to do (model.h). The same words give the same lines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* ns that each point of a sweep lasts at least, if that takes no more than `most` items. */
#define SPAN 100e6

struct request {
    struct model_options options;
    double each;
    uint64_t items, most;
    bool finds_levels;
    double from, to; /* of a sweep; 0: none */
};

/* Nanoseconds of "5ms" and the like; below 0: it is none. */
static double parse_time(const char *text, char **end)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    double value = strtod(text, end);
    for (unsigned i = 0; *end != text && i < sizeof units / sizeof *units; i++) {
        size_t length = strlen(units[i].name);
        if (strncmp(*end, units[i].name, length) == 0) {
            *end += length;
            return value * units[i].ns;
        }
    }
    return -1;
}

static bool take_time(double *ns, const char *text)
{
    char *end;
    *ns = parse_time(text, &end);
    return *ns >= 0 && !*end;
}

static bool take_number(uint32_t *number, const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    *number = (uint32_t)value;
    return end != text && !*end && value <= UINT32_MAX;
}

static bool take_count(uint64_t *count, const char *text)
{
    char *end;
    *count = strtoull(text, &end, 10);
    return end != text && !*end;
}

static bool take_levels(struct request *request, const char *text)
{
    request->finds_levels = strcmp(text, "auto") == 0;
    return request->finds_levels ||
           (take_number(&request->options.levels, text) && request->options.levels <= 2);
}

static bool take_sweep(struct request *request, const char *text)
{
    char *end;
    request->from = parse_time(text, &end);
    return request->from > 0 && *end == ':' && take_time(&request->to, end + 1) &&
           request->to >= request->from;
}

static bool take_each(struct request *request, const char *text)
{
    request->each = strtod(text, NULL);
    return request->each > 0;
}

static bool take_word(struct request *request, const char *word)
{
    struct model_options *options = &request->options;
    char name[32];
    const char *value = strchr(word, '=');
    if (!value)
        return strcmp(word, "separate") == 0 ? (options->separate = true)
               : strcmp(word, "shares") == 0 ? (options->shares = true)
               : strcmp(word, "lone") == 0   ? (options->lone = true)
                                             : false;
    snprintf(name, sizeof name, "%.*s", (int)(value++ - word), word);
#define WORD(text, take)                                                                                     \
    if (strcmp(name, text) == 0)                                                                             \
        return take;
    WORD("nodes", take_number(&options->nodes, value) && options->nodes)
    WORD("workers", take_number(&options->workers, value) && options->workers)
    WORD("task", take_time(&options->tasks.mean, value))
    WORD("kind", tasks_find(value, &options->tasks))
    WORD("each", take_each(request, value))
    WORD("items", take_count(&request->items, value))
    WORD("most", take_count(&request->most, value))
    WORD("levels", take_levels(request, value))
    WORD("fan", take_number(&options->fan, value))
    WORD("schedule", schedule_find(value, &options->schedule))
    WORD("chunk", take_count(&options->chunk, value))
    WORD("credits", take_number(&options->credits, value))
    WORD("wait", take_time(&options->wait, value))
    WORD("slow", take_number(&options->slow, value))
    WORD("own", take_number(&options->own, value))
    WORD("seed", take_count(&options->tasks.seed, value))
    WORD("costs", costs_read(&options->costs, value))
    WORD("sweep", take_sweep(request, value))
#undef WORD
    return costs_set(&options->costs, word);
}

/* ---- Running ----------------------------------------------------------------------------- */

/* One manager is the limit where it is busy for most of the time: then a second level may help. */
static struct model_result run(const struct request *request)
{
    struct model_options options = request->options;
    if (!request->finds_levels)
        return model_run(&options);
    options.levels = 1;
    struct model_result one = model_run(&options);
    if (one.manager < 0.5 || options.nodes < 4)
        return one;
    options.levels = 2;
    struct model_result two = model_run(&options);
    return two.makespan < one.makespan ? two : one;
}

static struct model_result print_run(const struct request *request)
{
    const struct model_options *options = &request->options;
    struct model_result result = run(request);
    printf(
        "sim nodes=%u workers=%u levels=%u task=%.6g items=%llu seconds=%.6f bound=%.6f efficiency=%.4f "
        "over=%.4f manager=%.3f middle=%.3f leader=%.3f blocks=%llu messages=%llu notes=%llu recalled=%llu "
        "events=%llu begins=%.4f lacks=%.4f ends=%.4f\n",
        options->nodes, options->nodes * options->workers + options->own, result.levels,
        options->tasks.mean / 1e9, (unsigned long long)options->tasks.n, result.makespan / 1e9,
        result.bound / 1e9, result.efficiency, result.bound > 0 ? result.makespan / result.bound : 1,
        result.manager, result.middle, result.leader, (unsigned long long)result.blocks,
        (unsigned long long)result.messages, (unsigned long long)result.notes,
        (unsigned long long)result.recalled, (unsigned long long)result.events, result.begins, result.lacks,
        result.ends);
    fflush(stdout);
    return result;
}

/* Between two lengths of a sweep, by the logarithm. */
static double length_at(double wanted, double before, double efficiency_before, double task,
                        double efficiency)
{
    double part = (wanted - efficiency_before) / (efficiency - efficiency_before);
    return exp(log(before) + part * (log(task) - log(before)));
}

/* Of a sweep: as many more as let it last for the span, up to `most` in all. */
static void set_items(struct request *request)
{
    struct model_options *options = &request->options;
    double workers = (double)options->nodes * options->workers + options->own, each = request->each;
    if (request->from > 0 && options->tasks.mean > 0)
        each = fmax(each, fmin(SPAN / options->tasks.mean, (double)request->most / workers));
    options->tasks.n = request->items ? request->items : (uint64_t)(each * workers);
}

static void sweep(struct request *request)
{
    static const double wanted[] = {0.5, 0.95};
    double reached[2] = {0, 0}, before = 0, efficiency_before = 0;
    for (int i = 0;; i++) {
        double task = request->from * pow(10, i / 3.0);
        if (task > request->to * 1.001)
            break;
        request->options.tasks.mean = task;
        set_items(request);
        double efficiency = print_run(request).efficiency;
        for (int k = 0; k < 2; k++) {
            if (efficiency < wanted[k])
                reached[k] = 0;
            else if (!(reached[k] > 0))
                reached[k] =
                    i ? length_at(wanted[k], before, efficiency_before, task, efficiency) : request->from;
        }
        before = task;
        efficiency_before = efficiency;
    }
    printf("shortest workers=%u half=%.3g most=%.3g\n", request->options.nodes * request->options.workers,
           reached[0] / 1e9, reached[1] / 1e9);
}

int main(int argc, char **argv)
{
    struct request request = {.options = {.costs = costs_usual(), .nodes = 1000, .workers = 57},
                              .each = 40,
                              .most = 8000000,
                              .finds_levels = true};
    struct model_options *options = &request.options;
    options->tasks = (struct tasks){.kind = TASKS_EQUAL, .mean = 5e6, .seed = 1};
    for (int i = 1; i < argc; i++)
        if (!take_word(&request, argv[i])) {
            fprintf(stderr, "bench_sim: what is %s? The words stand at the head of tests/bench/sim/sim.c\n",
                    argv[i]);
            return 2;
        }
    if (!request.finds_levels && !options->levels)
        options->nodes = 1;
    if (options->lone)
        options->workers = 1;
    set_items(&request);
    costs_print(&options->costs, stdout, "# ");
    if (request.from > 0)
        sweep(&request);
    else
        print_run(&request);
    return 0;
}
