/* What the journal knows of submitted tasks: one that is stored is done when it is submitted. */
#include "record/journal.h"
#include "run/submit_state.h"

bool submit_find_stored(struct manager *manager, struct task *task, const void *in, size_t in_size,
                        struct board_function function)
{
    struct journal *journal = manager->setup.journal;
    struct journal_work about = {.kind = "tasks",
                                 .label = task->label,
                                 .items = JOURNAL_UNKNOWN,
                                 .module = function.module,
                                 .offset = function.offset};
    rp_view result;
    if (!journal)
        return false;
    struct journal_digest digest =
        journal_digest_item(journal, journal_digest_work(journal, &about), in, in_size);
    task->digest[0] = digest.low;
    task->digest[1] = digest.high;
    if (!manager->tasks_part) {
        about.label = NULL; /* each has its own */
        manager->tasks_part = journal_begin(journal, &about);
    }
    if (!manager->tasks_part || !journal_find(manager->tasks_part, task->index, digest, &result) ||
        !result.data || task_keep_result(task, result.data, result.size))
        return false;
    submit_settle(manager, task, RP_OK, NULL);
    return true;
}

void submit_store(struct manager *manager, const struct task *task, const struct note *note,
                  const void *payload)
{
    if (!manager->tasks_part)
        return;
    journal_store(manager->tasks_part, &(struct journal_done){.item = task->index,
                                                              .digest = {task->digest[0], task->digest[1]},
                                                              .result = payload ? payload : "",
                                                              .size = note->size,
                                                              .label = task->label,
                                                              .worker = task->worker,
                                                              .attempt = task->attempts,
                                                              .ran = (double)note->ran,
                                                              .ended = note->ended});
}
