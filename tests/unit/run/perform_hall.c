#include "perform_hall.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

struct hall hall;

static void *take(void *owner, size_t size, uint64_t *offset)
{
    (void)owner;
    if (hall.left == 0)
        return NULL;
    hall.left--;
    hall.taken++;
    void *memory = malloc(size);
    *offset = (uint64_t)(uintptr_t)memory;
    return memory;
}

static void give(void *owner, uint64_t offset, size_t size)
{
    (void)owner, (void)size;
    hall.given++;
    free((void *)(uintptr_t)offset);
}

void hall_open(void)
{
    hall = (struct hall){.crew = crew_alone("host", "0", 0), .left = -1};
    REQUIRE(hall.crew);
    performer_init(&hall.performer, 1, hall.crew, 99);
    hall.performer.larder = (struct larder){.take = take, .give = give};
}

void hall_close(void)
{
    performer_fini(&hall.performer);
    CHECK_INT(hall.crew->users, 1);
    crew_drop(hall.crew);
}

static bool is_halted(void *looks)
{
    return (*(int *)looks)-- <= 0;
}

void hall_drain_after(int items)
{
    hall.looks = items;
    hall.performer.is_halted = is_halted;
    hall.performer.halter = &hall.looks;
}

void hall_note_down(void *state, struct note *note, const void *payload)
{
    CHECK_PTR(state, &hall);
    REQUIRE(hall.count < HALL_NOTES);
    struct said *said = &hall.said[hall.count++];
    *said = (struct said){.note = *note, .has_payload = payload};
    if (payload)
        memcpy(said->payload, payload, note->size < SENTENCE_LENGTH ? note->size : SENTENCE_LENGTH);
}
