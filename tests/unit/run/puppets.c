#include "puppets.h"

#include <string.h>

#include "board/step.h"
#include "check.h"

void puppets_open(struct puppets *puppets, int workers, const struct manager_setup *setup)
{
    *puppets = (struct puppets){0};
    gang_start_idle(&puppets->gang, workers);
    gang_open(&puppets->gang, setup);
    struct manager *manager = &puppets->gang.manager;
    struct memory_handle handle = memory_handle_of(&manager->board.memory);
    for (int i = 1; i <= workers; i++) {
        struct puppet *puppet = &puppets->worker[i];
        puppet->roster = puppets->gang.roster;
        puppet->roster.self = i;
        struct error error;
        REQUIRE_STATUS(station_open(&puppet->roster, manager->setup.pool, &handle, &puppet->station, &error),
                       RP_OK);
        REQUIRE(station_must_attend(puppet->station));
        station_attend(puppet->station);
    }
}

void puppets_close(struct puppets *puppets)
{
    board_step = NULL;
    for (int i = 1; i <= puppets->gang.workers; i++)
        station_close(puppets->worker[i].station);
    gang_end(&puppets->gang);
}

bool puppet_claim(struct puppet *puppet)
{
    return station_claim(puppet->station, &puppet->claim);
}

void puppet_perform(struct puppet *puppet)
{
    station_perform(puppet->station, &puppet->claim);
}

int puppet_work(struct puppet *puppet, int most)
{
    int times = 0;
    for (; times < most && puppet_claim(puppet); times++)
        puppet_perform(puppet);
    station_must_attend(puppet->station); /* sends what there is room for */
    return times;
}

static struct {
    const char *place;
    int left;
    void (*act)(void *state);
    void *state;
} planned;

static void pass(const char *place)
{
    if (strcmp(place, planned.place) != 0 || --planned.left)
        return;
    board_step = NULL; /* what follows may pass places too */
    planned.act(planned.state);
}

void puppets_at(const char *place, int k, void (*act)(void *state), void *state)
{
    planned.place = place;
    planned.left = k;
    planned.act = act;
    planned.state = state;
    board_step = pass;
}
