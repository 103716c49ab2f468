#include "sched/ranking.h"

#include <stdbool.h>
#include <stdlib.h>

#define UNRANKED UINT32_MAX

int ranking_open(struct ranking *ranking, uint32_t room)
{
    size_t n = room ? room : 1;
    ranking->key = malloc(n * sizeof *ranking->key);
    ranking->order = malloc(n * sizeof *ranking->order);
    ranking->place = malloc(n * sizeof *ranking->place);
    ranking->count = 0;
    if (!ranking->key || !ranking->order || !ranking->place)
        return -1;
    for (uint32_t i = 0; i < room; i++)
        ranking->place[i] = UNRANKED;
    return 0;
}

void ranking_close(struct ranking *ranking)
{
    free(ranking->key);
    free(ranking->order);
    free(ranking->place);
    *ranking = (struct ranking){0};
}

static bool is_before(const struct ranking *ranking, uint32_t a, uint32_t b)
{
    return ranking->key[a] > ranking->key[b] || (ranking->key[a] == ranking->key[b] && a < b);
}

static void put(struct ranking *ranking, uint32_t place, uint32_t member)
{
    ranking->order[place] = member;
    ranking->place[member] = place;
}

static void rise(struct ranking *ranking, uint32_t place)
{
    uint32_t member = ranking->order[place];
    while (place && is_before(ranking, member, ranking->order[(place - 1) / 2])) {
        put(ranking, place, ranking->order[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(ranking, place, member);
}

static void sink(struct ranking *ranking, uint32_t place)
{
    uint32_t member = ranking->order[place];
    for (uint32_t below; (below = 2 * place + 1) < ranking->count; place = below) {
        if (below + 1 < ranking->count &&
            is_before(ranking, ranking->order[below + 1], ranking->order[below]))
            below++;
        if (!is_before(ranking, ranking->order[below], member))
            break;
        put(ranking, place, ranking->order[below]);
    }
    put(ranking, place, member);
}

static void settle(struct ranking *ranking, uint32_t member)
{
    rise(ranking, ranking->place[member]);
    sink(ranking, ranking->place[member]);
}

void ranking_set(struct ranking *ranking, uint32_t member, double key)
{
    if (ranking->place[member] == UNRANKED)
        put(ranking, ranking->count++, member);
    ranking->key[member] = key;
    settle(ranking, member);
}

void ranking_remove(struct ranking *ranking, uint32_t member)
{
    uint32_t hole = ranking->place[member];
    if (hole == UNRANKED)
        return;
    uint32_t last = ranking->order[--ranking->count];
    ranking->place[member] = UNRANKED;
    if (last == member)
        return;
    put(ranking, hole, last);
    settle(ranking, last);
}

int ranking_first(const struct ranking *ranking)
{
    return ranking->count ? (int)ranking->order[0] : -1;
}
