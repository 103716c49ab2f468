#include "sched/task.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

TEST_CASE(tasks_stand_in_the_order_in_which_they_came)
{
    struct task_list list = {0};
    struct task tasks[4] = {0};
    for (int i = 0; i < 4; i++)
        task_append(&list, &tasks[i]);
    CHECK_UINT(list.count, 4);
    for (int i = 0; i < 4; i++) {
        CHECK_PTR(list.first, &tasks[i]);
        task_remove(&list, list.first);
    }
    CHECK_PTR(list.first, NULL);
    CHECK_PTR(list.last, NULL);
    CHECK_UINT(list.count, 0);
}

/* Against an array that is shifted by hand. */
TEST_CASE(any_task_may_leave_and_come_back)
{
    enum { TASKS = 40 };
    struct task_list list = {0};
    struct task tasks[TASKS] = {0};
    int order[TASKS], count = 0;
    bool listed[TASKS] = {false};
    srand(9);
    for (int step = 0; step < 50000; step++) {
        int i = rand() % TASKS;
        if (listed[i]) {
            int at = 0;
            task_remove(&list, &tasks[i]);
            while (order[at] != i)
                at++;
            memmove(order + at, order + at + 1, (size_t)(count - at - 1) * sizeof *order);
            count--;
        } else {
            task_append(&list, &tasks[i]);
            order[count++] = i;
        }
        listed[i] = !listed[i];
        REQUIRE(list.count == (size_t)count);
        const struct task *forth = list.first, *back = list.last;
        for (int k = 0; k < count; k++, forth = forth->behind, back = back->before) {
            REQUIRE(forth == &tasks[order[k]]);
            REQUIRE(back == &tasks[order[count - 1 - k]]);
        }
        REQUIRE(!forth && !back);
    }
}

TEST_CASE(results_of_any_size_are_kept_as_a_copy)
{
    static const size_t sizes[] = {0, 1, TASK_INLINE - 1, TASK_INLINE, TASK_INLINE + 1, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct task task = {0};
        unsigned char *data = malloc(sizes[i] + 1), *same = malloc(sizes[i] + 1);
        REQUIRE(data && same);
        memset(data, (int)i + 1, sizes[i] + 1);
        memcpy(same, data, sizes[i] + 1);
        check_note("%zu bytes", sizes[i]);
        REQUIRE_STATUS(task_keep_result(&task, data, sizes[i]), RP_OK);
        memset(data, 0xee, sizes[i] + 1);
        CHECK_UINT(task.size, sizes[i]);
        CHECK(task.result != NULL);
        CHECK_UINT((uintptr_t)task.result % 16, 0);
        CHECK_MEM(task.result, same, sizes[i]);
        free(data);
        free(same);
        task_clear(&task);
        task_clear(&task);
    }
}

/* So that sanitizers leave it to the program what to do without memory. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

TEST_CASE(a_result_without_memory_is_refused)
{
    struct task task = {0};
    CHECK_STATUS(task_keep_result(&task, NULL, SIZE_MAX / 2), RP_NO_MEMORY);
    CHECK_PTR(task.result, NULL);
    task_clear(&task);
}
