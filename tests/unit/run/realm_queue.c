/* Queues, which stand on the manager's board, and tasks of other nodes. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "realm.h"
#include "run/queue.h"
#include "run/submit.h"

static struct realm realm;

static int put_and_get(rp_call *call, const void *in, size_t size)
{
    rp_queue_id queue;
    rp_status status[2];
    rp_view view;
    (void)size;
    memcpy(&queue, in, sizeof queue);
    status[0] = rp_call_put(call, queue, NULL, 0, RP_FOREVER);
    status[1] = rp_call_get(call, queue, &view, RP_FOREVER);
    return status[0] == RP_UNSUPPORTED && status[1] == RP_UNSUPPORTED;
}

TEST_CASE(a_task_on_another_node_is_told_that_queues_do_not_reach_it)
{
    struct queueing queue;
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    realm_start(&realm, 0, 1, 2);
    realm_open(&realm, NULL);
    REQUIRE_STATUS(queueing_open(&realm.gang.manager, 0, &queue, &error), RP_OK);
    task->fn = put_and_get;
    task->kept = true;
    REQUIRE_STATUS(submit_task(&realm.gang.manager, task, &queue.number, sizeof queue.number, &error), RP_OK);
    CHECK_STATUS(submit_wait(&realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    CHECK_STATUS(task->status, RP_TASK_FAILED);
    CHECK_HAS(task->sentence ? task->sentence : "", "queues reach only tasks on the manager's node");
    realm.gang.manager.setup.dispose(task);
    queueing_free(&queue);
    realm_end(&realm);
}
