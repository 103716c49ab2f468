/* What a node says, but for notes (agent_note.c) and wishes (agent_wish.c). One that says what makes no sense
 * is lost, with a sentence. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/agent.h"
#include "run/collect.h"
#include "run/recover.h"

#define ASKED_NS UINT64_C(1000000)  /* of a node that gives back what it was asked for ... */
#define REST_NS  UINT64_C(10000000) /* ... and what it was not */

static struct agent_block *find_block(struct agent *agent, uint64_t number, uint32_t item, const char *what)
{
    struct agent_block *block = agent_find(agent, number);
    if (block && item < block->count)
        return block;
    road_give_up(agent->node, "it %s item %u of block %llu, which it does not have", what, item,
                 (unsigned long long)number);
    return NULL;
}

/* A block may have ended while it was asked back. */
static void take_recalled(struct agent *agent, const struct wire_recalled *recalled)
{
    struct agent_block *block = agent_find(agent, recalled->block);
    if (!block || recalled->from > block->count || recalled->count > block->count - recalled->from) {
        if (!block && recalled->block / AGENT_BLOCKS <= agent->made)
            return;
        road_give_up(agent->node, "it gives back block %llu, which it does not have",
                     (unsigned long long)recalled->block);
        return;
    }
    struct pace *pace = block->pace;
    bool asked = block->recalled;
    uint32_t count = agent_take_back(block, recalled->from, recalled->from + recalled->count);
    agent_count_returned(agent, pace, count);
    if (!count)
        return;
    agent->rest = clock_ns() + (asked ? ASKED_NS : REST_NS);
    agent->sated = true;
}

/* Who is led from here, and leads others, hands it on. */
static void set_runner(struct agent_block *block, uint32_t item, uint32_t worker)
{
    const struct posting *posting = &block->agent->pool->manager->postings[block->post];
    if (agent_is_open_task(block, item))
        atomic_store(&agent_record(block, item)->state, RECORD_RUNNING);
    if (block->telling)
        block->runner[item] = worker;
    if (posting->ops->started)
        posting->ops->started(posting->work, block->post, block->from + item, (int)worker);
}

static void take_started(struct agent *agent, const struct wire_started *started)
{
    struct agent_block *block = find_block(agent, started->block, started->item, "started");
    uint32_t worker = road_place(agent->node->road, started->worker);
    if (block && !road_is_of(agent->node, worker))
        road_give_up(agent->node, "it says that worker %u started a task, who is not there", started->worker);
    else if (block && !lease_has_ended(&block->said, started->item))
        set_runner(block, started->item, worker);
}

/* A task that was cancelled in time has a note as one that was cancelled here. */
static void take_answer(struct agent *agent, const struct wire_answer *answer)
{
    struct agent_block *block = agent_find(agent, answer->block);
    if (agent->vain) {
        agent->vain--;
        return;
    }
    if (!agent->asked) {
        road_give_up(agent->node, "it answers what it was not asked");
        return;
    }
    agent->asked--;
    if (!block || answer->item >= block->count || !answer->ok || !agent_is_open_task(block, answer->item))
        return;
    struct note note = {.post = (uint16_t)block->post,
                        .flags = NOTE_SKIPPED,
                        .from = block->from + answer->item,
                        .count = 1,
                        .ended = clock_ns()};
    agent_count_ended(agent, block->pace, 1);
    lease_end(&block->said, answer->item);
    lease_end(&block->ended, answer->item);
    agent_leave_block(block);
    collect_note(agent->pool->manager, agent->node->first, &note);
}

static void take_broken(struct agent *agent, const struct wire_message *message)
{
    char why[512];
    size_t size = message->body_size < sizeof why ? message->body_size : sizeof why - 1;
    if (size)
        memcpy(why, message->body, size);
    why[size] = '\0';
    board_break(&agent->pool->manager->board, why);
}

/* Where nobody is left to serve, the leader takes nothing in that it could hand on. */
static void take_refused(struct agent *agent, const struct wire_message *message)
{
    struct manager *manager = agent->pool->manager;
    const struct road_node *node = agent->node;
    uint32_t worker = road_place(node->road, message->refused.worker);
    bool served = agent_serves(agent);
    if (!road_is_of(node, worker)) {
        road_give_up(agent->node, "it says that worker %u refuses, who is not there",
                     message->refused.worker);
        return;
    }
    char *refusal = malloc(message->body_size + 1);
    if (refusal) {
        if (message->body_size)
            memcpy(refusal, message->body, message->body_size);
        refusal[message->body_size] = '\0';
        free(agent->refusal);
        agent->refusal = refusal;
    }
    manager->refused[worker / 64] |= UINT64_C(1) << (worker % 64);
    if (served && !agent_serves(agent))
        agent_tell_lost(agent);
    recover_without(manager, (int)worker, 1);
}

/* Notes that were joined count for one worker: this puts it right. */
static void take_done(struct agent *agent, const struct wire_message *message)
{
    const struct manager *manager = agent->pool->manager;
    struct agents *pool = agent->pool;
    const struct wire_done *told = &message->done;
    uint32_t all = (uint32_t)agent->node->count;
    uint32_t start = (uint32_t)(agent->node->first - manager->crew->here) + told->from;
    if (told->from > all || told->count > all - told->from) {
        road_give_up(agent->node, "it counts for %u workers", told->count);
        return;
    }
    for (uint32_t i = 0; i < told->count; i++) {
        uint64_t change = wire_u64_unpack((const char *)message->body + i * sizeof(uint64_t));
        pool->done[start + i] += change;
        pool->moved[start + i] += change;
    }
    pool->has_moved = true;
}

static void take_closed(struct agent *agent)
{
    if (atomic_load(&agent->pool->manager->board.shared->closing))
        agent->closed = true;
    else
        road_give_up(agent->node, "it has closed a pool that is open");
}

bool agent_take(struct agent *agent, const struct net_event *event, const struct wire_message *message)
{
    switch (message->type) {
    case WIRE_NOTES:
        return agent_take_notes(agent, event, message);
    case WIRE_RECALLED:
        take_recalled(agent, &message->recalled);
        break;
    case WIRE_STARTED:
        take_started(agent, &message->started);
        break;
    case WIRE_ANSWER:
        take_answer(agent, &message->answer);
        break;
    case WIRE_BROKEN:
        take_broken(agent, message);
        break;
    case WIRE_REFUSED:
        take_refused(agent, message);
        break;
    case WIRE_CLOSED:
        take_closed(agent);
        break;
    case WIRE_WISH:
        return agent_take_wish(agent, event, message);
    case WIRE_GOT:
        agent_take_got(agent, &message->got);
        break;
    case WIRE_WANT:
        agent_take_want(agent, &message->want);
        break;
    case WIRE_HANDED:
        agent_take_handed(agent, &message->handed);
        break;
    case WIRE_DONE:
        take_done(agent, message);
        break;
    default:
        road_give_up(agent->node, "it sends message %d, which is the manager's to send", (int)message->type);
        break;
    }
    return false;
}
