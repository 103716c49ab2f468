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
    if (task->result != task->small)
        free(task->result);
    free(task->sentence);
    task->result = NULL;
    task->sentence = NULL;
}
