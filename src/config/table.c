#include "config/table.h"

#include <string.h>

#include "config/options.h"
#include "config/value.h"

const char *const options_per_names[] = {"core", "thread", "l3", "numa", "package", NULL};

#define FIELD(field, upper)                                                                                  \
    .name = #field, .variable = "RANKPOOL_" upper, .offset = offsetof(rp_options, field)
#define CODE(field) .name = #field, .type = &value_code, .offset = offsetof(rp_options, field)

const struct option option_table[] = {
    {FIELD(workers, "WORKERS"), .type = &value_int, .never_negative = true,
     .help = "workers to run; 0: one for each unit of `per` that is usable"},
    {FIELD(per, "PER"), .type = &value_name, .choices = options_per_names, .fallback = "core",
     .help = "what a worker is given when they are counted by the machine"},
    {FIELD(memory_per_worker, "MEMORY_PER_WORKER"), .type = &value_bytes,
     .help = "memory a worker needs: caps the workers of a node by the memory that may be used; 0: no cap"},
    {FIELD(schedule, "SCHEDULE"), .type = &value_name, .choices = schedule_names, .fallback = "auto",
     .help = "how items are handed out"},
    {FIELD(chunk, "CHUNK"), .type = &value_count, .help = "items a claim takes; 0: the schedule's choice"},
    {FIELD(window, "WINDOW"), .type = &value_count,
     .help = "most items a stream draws ahead of its sink; 0: the library's choice"},
    {FIELD(isolate, "ISOLATE"), .type = &value_switch, .help = "run tasks in a supervised child process"},
    {FIELD(timeout, "TIMEOUT"), .type = &value_seconds,
     .help = "seconds a task may run, with isolate; 0: no limit"},
    {FIELD(task_memory, "TASK_MEMORY"), .type = &value_bytes,
     .help = "memory that tasks may take, with isolate; 0: no limit"},
    {FIELD(retries, "RETRIES"), .type = &value_int,
     .help = "further tries after a lost worker, a crash or a timeout; 0: two after a lost worker alone"},
    {FIELD(seed, "SEED"), .type = &value_seed, .help = "of the random words that tasks draw"},
    {FIELD(journal, "JOURNAL"), .type = &value_path, .help = "file of finished results, to resume from"},
    {FIELD(progress, "PROGRESS"), .type = &value_switch,
     .help = "progress bar on standard error; auto: where that is a terminal"},
    {CODE(initializer)},
    {CODE(initarg)},
    {CODE(initarg_size)},
    {CODE(finalizer)},
    {.name = NULL},
};

const struct option *option_find(const char *name)
{
    for (const struct option *option = option_table; option->name; option++)
        if (strcmp(name, option->name) == 0)
            return option;
    return NULL;
}

void *option_field(const struct option *option, rp_options *options)
{
    return (char *)options + option->offset;
}
