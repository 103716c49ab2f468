#include "sched/task.h"

#include <stdlib.h>
#include <string.h>

void task_append(struct task_list *list, struct task *task)
{
    task->before = list->last;
    task->behind = NULL;
    if (list->last)
        list->last->behind = task;
    else
        list->first = task;
    list->last = task;
    list->count++;
}

void task_insert(struct task_list *list, struct task *task)
{
    struct task *before = list->last;
    while (before && before->priority < task->priority)
        before = before->before;
    if (before == list->last) {
        task_append(list, task);
        return;
    }
    task->before = before;
    task->behind = before ? before->behind : list->first;
    task->behind->before = task;
    if (before)
        before->behind = task;
    else
        list->first = task;
    list->count++;
}

void task_remove(struct task_list *list, struct task *task)
{
    if (task->before)
        task->before->behind = task->behind;
    else
        list->first = task->behind;
    if (task->behind)
        task->behind->before = task->before;
    else
        list->last = task->before;
    task->before = task->behind = NULL;
    list->count--;
}

void task_watch(struct task *task, struct task_watch *watch)
{
    struct task_watch **link = &task->watches;
    while (*link)
        link = &(*link)->behind;
    watch->behind = NULL;
    *link = watch;
}

void task_unwatch(struct task *task, struct task_watch *watch)
{
    for (struct task_watch **link = &task->watches; *link; link = &(*link)->behind)
        if (*link == watch) {
            *link = watch->behind;
            return;
        }
}

void task_tell(struct task *task)
{
    while (task->watches) {
        struct task_watch *watch = task->watches;
        task->watches = watch->behind;
        watch->tell(watch, task);
    }
}

rp_status task_keep_result(struct task *task, const void *data, size_t size)
{
    void *room = size <= TASK_INLINE ? task->small : malloc(size);
    if (!room)
        return RP_NO_MEMORY;
    if (size)
        memcpy(room, data, size);
    task->result = room;
    task->size = size;
    return RP_OK;
}

void task_drop_input(struct task *task)
{
    free(task->in);
    task->in = NULL;
}

void task_clear(struct task *task)
{
    task_drop_input(task);
    if (task->result != task->small && !task->held)
        free(task->result);
    free(task->sentence);
    free(task->label);
    task->result = NULL;
    task->sentence = NULL;
    task->label = NULL;
}
