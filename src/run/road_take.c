/* What comes over a road: which node has said it, and whose it is. What concerns no pool, but the node, is
 * taken in here. */
#include "base/clock.h"
#include "run/agent.h"
#include "run/recover.h"

/* Bytes that nobody wants have to go somewhere. */
void road_throw_away(struct road *road, const struct net_event *event)
{
    void *to[NET_SEGMENTS] = {NULL};
    if (event->segments)
        net_receive(road->net, event, to, &road->nowhere);
}

static void lose_worker(struct road_node *node, uint32_t number)
{
    struct road *road = node->road;
    uint32_t worker = road_place(road, number);
    if (!road_is_of(node, worker)) {
        road_give_up(node, "it says that worker %u died, who is not there", number);
        return;
    }
    road_mark_dead(road, (int)worker);
    for (struct agents *pool = road->pools; pool; pool = pool->behind) {
        agents_drop_wish(pool, worker);
        recover_without(pool->manager, (int)worker, 1);
    }
}

static void take_visit(struct road_node *node, const struct wire_visit *visit)
{
    struct road *road = node->road;
    node->visit = visit->visit;
    node->away = !visit->serves;
    node->stayed = visit->closes;
    for (struct agents *pool = road->pools; pool && node->away; pool = pool->behind)
        agent_end_visit(&pool->agent[node - road->node]);
}

static void take_pause(struct road_node *node, const struct wire_pause *pause)
{
    unsigned char head[2 * WIRE_FRAME];
    struct wire_message message = {.type = WIRE_PAUSED, .paused = {pause->pause}};
    node->paused = pause->begins;
    if (pause->begins && !node->lost)
        road_send(node, head, wire_message_pack(&message, head, sizeof head), NULL, 0, NULL,
                  &(struct error){0});
}

static struct agents *find_pool(const struct road *road, uint64_t number)
{
    struct agents *pool = road->pools;
    while (pool && pool->manager->setup.pool != number)
        pool = pool->behind;
    return pool;
}

/* What is said of a pool that has been closed meanwhile is of no interest. */
static void take_message(struct road_node *node, const struct net_event *event)
{
    struct road *road = node->road;
    struct wire_message message;
    struct error error;
    struct agents *pool = NULL;
    if (wire_message_unpack(&message, event->head, event->head_size, event->size, event->segments, &error))
        road_give_up(node, "%s", error.text);
    else if (message.type == WIRE_LOST && !message.pool)
        lose_worker(node, message.lost.worker);
    else if (message.type == WIRE_VISIT && !message.pool)
        take_visit(node, &message.visit);
    else if (message.type == WIRE_PAUSE && !message.pool)
        take_pause(node, &message.pause);
    else if (!(pool = find_pool(road, message.pool)) && (!message.pool || message.pool > road->newest))
        road_give_up(node, "it speaks of pool %llu, which there is not", (unsigned long long)message.pool);
    bool received = pool && !node->lost && agent_take(&pool->agent[node - road->node], event, &message);
    if (!received)
        road_throw_away(road, event);
}

void road_take_event(struct road *road, const struct net_event *event)
{
    int number = road->node_of[event->peer];
    road->heard = clock_ns(); /* once, and not for each note of it */
    if (event->kind == NET_HEADED)
        bell_heard(road->bell, event->peer);
    if (event->token) {
        struct transit *transit = event->token;
        road->moved = road->heard;
        transit->over(transit, event->kind != NET_LOST);
    } else if (number < 0) {
        road_throw_away(road, event);
    } else if (event->kind == NET_HEADED) {
        take_message(&road->node[number], event);
    } else if (event->kind == NET_LOST) {
        road_lose(&road->node[number], "its leader cannot be reached any more");
    }
}
