#include "spread.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "run/holding.h"
#include "run/submit.h"
#include "wire/message.h"
#include "work.h"

/* ---- What the manager sends ---------------------------------------------------------------- */

struct realm spread_realm;
struct spread_sent spread_sent;
static unsigned char goods[SPREAD_LARGE];

static rp_status count_and_send(struct net *net, int peer, const void *head, size_t head_size,
                                const struct net_segment *segment, int segments, void *token,
                                struct error *error)
{
    int type = *(const unsigned char *)head;
    bool has_bytes = segments && (type == WIRE_COMMON || type == WIRE_SHARE);
    void (**act)(void) = type == WIRE_BLOCK ? &spread_sent.at_block : &spread_sent.at_first;
    if (has_bytes)
        spread_sent.bodies[peer]++;
    if (*act && (has_bytes || type == WIRE_BLOCK)) {
        (*act)();
        *act = NULL;
    }
    return spread_sent.ops->send(net, peer, head, head_size, segment, segments, token, error);
}

int spread_count_bodies(void)
{
    int count = 0;
    for (int i = 0; i < SPREAD_NODES; i++)
        count += spread_sent.bodies[i];
    return count;
}

void spread_start(int workers, int each)
{
    static struct net_ops ops;
    for (size_t i = 0; i < SPREAD_LARGE; i++)
        goods[i] = (unsigned char)(i * 2654435761u >> 13);
    realm_start(&spread_realm, workers, SPREAD_NODES, each);
    memset(&spread_sent, 0, sizeof spread_sent);
    spread_sent.ops = spread_realm.net->ops;
    ops = *spread_sent.ops;
    ops.send = count_and_send;
    spread_realm.net->ops = &ops;
    realm_open(&spread_realm, NULL);
}

void spread_end(void)
{
    spread_realm.net->ops = spread_sent.ops;
    realm_end(&spread_realm);
}

int spread_peer(int node, int other)
{
    return other < node ? other + 1 : other;
}

/* ---- Maps ---------------------------------------------------------------------------------- */

static int compare_common(rp_call *call, const void *in, size_t size)
{
    size_t length;
    const void *common = rp_common(call, &length);
    uint64_t same = common && length <= SPREAD_LARGE && !memcmp(common, goods, length) ? length : 0;
    (void)in, (void)size;
    return rp_return(call, &same, sizeof same);
}

void spread_map(size_t size)
{
    spread_map_by(SCHEDULE_STATIC, size);
}

void spread_map_by(enum schedule schedule, size_t size)
{
    enum { ITEMS = 40 };
    uint64_t out[ITEMS] = {0};
    struct error error;
    struct map_work work = {.fn = compare_common,
                            .range = true,
                            .in_size = sizeof(uint64_t),
                            .n = ITEMS,
                            .out = out,
                            .out_size = sizeof *out,
                            .schedule = schedule,
                            .common = goods,
                            .common_size = size};
    if (!CHECK_STATUS(map_run(&spread_realm.gang.manager, &work, NULL, &error), RP_OK))
        CHECK_FAILED("%s", error.text);
    for (size_t i = 0; i < ITEMS; i++)
        CHECK_UINT(out[i], size);
}

/* ---- Shares -------------------------------------------------------------------------------- */

int spread_compare(rp_call *call, const void *in, size_t size)
{
    rp_share_id id;
    memcpy(&id, in, sizeof id);
    const void *share = rp_shared(call, id, &size);
    uint64_t same = share && size <= SPREAD_LARGE && !memcmp(share, goods, size) ? size : 0;
    return rp_return(call, &same, sizeof same);
}

struct task *spread_submit(rp_fn *fn, int worker, rp_share_id id)
{
    struct error error;
    struct task *task = calloc(1, sizeof *task);
    REQUIRE(task);
    task->fn = fn;
    task->kept = true;
    task->owner = worker;
    REQUIRE_STATUS(submit_task(&spread_realm.gang.manager, task, &id, sizeof id, &error), RP_OK);
    return task;
}

void spread_take(struct task *task, void *answer, size_t size)
{
    CHECK_STATUS(submit_wait(&spread_realm.gang.manager, task, CLOCK_NEVER), RP_OK);
    if (CHECK_STATUS(task->status, RP_OK))
        memcpy(answer, task->result, size);
    task->kept = false;
    submit_let_go(&spread_realm.gang.manager, task);
    submit_drop(&spread_realm.gang.manager, task);
}

uint64_t spread_ask_worker(int worker, rp_share_id id)
{
    uint64_t answer = UINT64_MAX;
    spread_take(spread_submit(spread_compare, worker, id), &answer, sizeof answer);
    return answer;
}

void spread_ask_all(rp_share_id id, uint64_t wanted)
{
    for (int i = 0; i < SPREAD_NODES; i++)
        CHECK_UINT(spread_ask_worker(realm_first(&spread_realm, i), id), wanted);
}

rp_share_id spread_share(size_t size)
{
    struct error error;
    rp_share_id id;
    REQUIRE_STATUS(holding_share(&spread_realm.gang.manager, goods, size, &id, &error), RP_OK);
    return id;
}
