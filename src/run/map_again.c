/* Items that a manager alone has run, and runs again: see retry.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "run/map_state.h"

static bool make_room(struct map *map)
{
    if (map->again_count < map->again_room)
        return true;
    size_t room = map->again_room ? 2 * map->again_room : 16;
    struct map_again *more = realloc(map->again, room * sizeof *more);
    if (!more)
        return false;
    map->again = more;
    map->again_room = room;
    return true;
}

bool map_again_note(struct map *map, size_t position, const struct note *note, int attempt)
{
    if (map->stopped || !retry_may((rp_status)note->status, attempt, map->work->retries) || !make_room(map))
        return false;
    map->again[map->again_count++] = (struct map_again){retry_time(attempt), position, attempt + 1};
    return true;
}

static size_t find_first(const struct map *map)
{
    size_t first = 0;
    for (size_t i = 1; i < map->again_count; i++)
        if (map->again[i].due < map->again[first].due)
            first = i;
    return first;
}

bool map_again_take(struct map *map, struct map_again *again)
{
    size_t first = map->again_count ? find_first(map) : 0;
    if (!map->again_count || !clock_has_passed(map->again[first].due))
        return false;
    *again = map->again[first];
    map->again[first] = map->again[--map->again_count];
    return true;
}

bool map_again_rest(const struct map *map)
{
    if (map->again_count)
        retry_rest(map->again[find_first(map)].due);
    return map->again_count > 0;
}

void map_again_give_up(struct map *map)
{
    for (size_t i = 0; i < map->again_count; i++)
        map_end_range(map, map->again[i].position, map->again[i].position + 1);
    map->again_count = 0;
}

void map_again_free(struct map *map)
{
    free(map->again);
}
