/* What the manager makes of a death, in orders of events that are rare: see recover.h. */
#include "run/recover.h"

#include <stdlib.h>
#include <string.h>

#include "board/outbox.h"
#include "check.h"
#include "puppets.h"
#include "run/map.h"
#include "run/submit.h"

enum { ITEMS = 4096 }; /* two posts of a map of 16 bytes an item */

static uint64_t in[ITEMS], out[ITEMS];
static rp_map_report report;

static rp_status map_squares(struct manager *manager, size_t chunk)
{
    struct error error;
    for (uint64_t i = 0; i < ITEMS; i++)
        in[i] = i;
    memset(out, 0, sizeof out);
    struct map_work work = {.fn = gang_square,
                            .in = in,
                            .in_size = sizeof *in,
                            .n = ITEMS,
                            .out = out,
                            .out_size = sizeof *out,
                            .schedule = SCHEDULE_DYNAMIC,
                            .chunk = chunk};
    return map_run(manager, &work, &report, &error);
}

/* Each item was delivered once: how often it was run is for the caller to say. */
static void check_map(rp_status status)
{
    CHECK_STATUS(status, RP_OK);
    CHECK_UINT(report.done, ITEMS);
    for (uint64_t i = 0; i < ITEMS; i++)
        if (!CHECK_UINT(out[i], gang_answer(i)))
            break;
}

static void work_on(void *state)
{
    struct puppets *puppets = state;
    while (puppet_work(&puppets->worker[2], ITEMS))
        continue;
    puppets_at("manager: sleeps", 1, work_on, puppets);
}

/* Worker 1 dies with the first item of post 0; worker 2 has all else done, and thereby post 1, whose
 * descriptor is free again before the lost item is looked for. */
static void lose_first_item(void *state)
{
    struct puppets *puppets = state;
    CHECK(puppet_claim(&puppets->worker[1]));
    puppet_work(&puppets->worker[2], ITEMS);
    gang_kill(&puppets->gang, 1);
    puppets_at("manager: sleeps", 1, work_on, puppets);
}

TEST_CASE(a_descriptor_reused_while_recovering_is_not_judged_by_its_former_life)
{
    struct puppets puppets;
    check_seconds(10);
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, lose_first_item, &puppets);
    check_map(map_squares(&puppets.gang.manager, 8));
    for (int i = 0; i < ITEMS; i++)
        if (!CHECK_UINT(gang_tally->runs[i], 1))
            break;
    puppets_close(&puppets);
}

/* Worker 1 dies while worker 2 has more notes than its outbox holds. */
static void lose_beside_spill(void *state)
{
    struct puppets *puppets = state;
    CHECK(puppet_claim(&puppets->worker[1]));
    CHECK(puppet_work(&puppets->worker[2], OUTBOX_NOTES + 500) > OUTBOX_NOTES + 400);
    CHECK(puppets->worker[2].station->spill_first != NULL);
    gang_kill(&puppets->gang, 1);
    puppets_at("manager: sleeps", 1, work_on, puppets);
}

TEST_CASE(notes_that_wait_for_room_are_not_lost_when_another_worker_dies)
{
    struct puppets puppets;
    check_seconds(10);
    puppets_open(&puppets, 2, NULL);
    puppets_at("manager: sleeps", 1, lose_beside_spill, &puppets);
    check_map(map_squares(&puppets.gang.manager, 1));
    for (int i = 0; i < ITEMS; i++)
        if (!CHECK_UINT(gang_tally->runs[i], 1))
            break;
    puppets_close(&puppets);
}
