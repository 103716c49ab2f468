#include "work.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "run/submit.h"

static uint64_t in[GANG_ITEMS], out[GANG_ITEMS];
static rp_status statuses[GANG_ITEMS];

bool work_map_or_break(struct gang *gang, const struct map_work *like, size_t n)
{
    struct error error;
    rp_map_report report;
    struct map_work work = *like;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        in[i] = i;
        out[i] = 0;
        statuses[i] = RP_INVALID;
    }
    work.fn = work.fn ? work.fn : gang_square;
    work.in = in;
    work.in_size = sizeof *in;
    work.n = n;
    work.out = out;
    work.out_size = sizeof *out;
    work.statuses = statuses;
    rp_status status = map_run(&gang->manager, &work, &report, &error);
    for (size_t i = 0; i < n; i++) {
        done += statuses[i] == RP_OK;
        if (!CHECK(statuses[i] == RP_OK || statuses[i] == status) ||
            !CHECK_UINT(out[i], statuses[i] == RP_OK ? gang_answer(i) : 0))
            break;
    }
    if (status) {
        CHECK_STATUS(status, RP_POOL_BROKEN);
        CHECK_HAS(error.text, "no worker is left");
    }
    CHECK_UINT(report.done, done);
    CHECK_UINT(report.done + report.cancelled, n);
    CHECK_UINT(report.failed, 0);
    return status != RP_OK;
}

void work_map(struct gang *gang, const struct map_work *like, size_t n)
{
    CHECK(!work_map_or_break(gang, like, n));
}

struct task *work_submit(struct gang *gang, rp_fn *fn, uint64_t item)
{
    struct error error = {0};
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = fn;
    task->with_pool = true;
    if (submit_task(&gang->manager, task, &item, sizeof item, &error)) {
        CHECK_STATUS(error.status, RP_POOL_BROKEN);
        free(task);
        return NULL;
    }
    return task;
}

static void check_answer(const struct task *task, uint64_t item)
{
    uint64_t answer = gang_answer(item);
    CHECK_STATUS(task->status, RP_OK);
    if (CHECK_UINT(task->size, sizeof answer))
        CHECK_MEM(task->result, &answer, sizeof answer);
}

void work_check(struct gang *gang, struct task *task, uint64_t item)
{
    REQUIRE(task);
    check_answer(task, item);
    gang->manager.setup.dispose(task);
}

bool work_tasks(struct gang *gang, rp_fn *fn, size_t n, size_t at_once, bool may_break)
{
    static bool delivered[GANG_ITEMS];
    size_t first = gang->manager.submitted, broken = 0;
    memset(delivered, 0, sizeof delivered);
    for (size_t submitted = 0, taken = 0; taken < submitted || submitted < n;) {
        while (submitted < n && submitted - taken < at_once) {
            if (!work_submit(gang, fn, submitted))
                return CHECK(may_break);
            submitted++;
        }
        struct task *task = submit_next(&gang->manager, CLOCK_NEVER);
        REQUIRE(task && task->index - first < submitted && !delivered[task->index - first]);
        delivered[task->index - first] = true;
        taken++;
        if (may_break && task->status == RP_POOL_BROKEN)
            broken++;
        else
            check_answer(task, task->index - first);
        gang->manager.setup.dispose(task);
    }
    CHECK_PTR(submit_next(&gang->manager, CLOCK_NEVER), NULL);
    return broken > 0;
}
