#include "reduction.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "run/map.h"

const size_t reduction_sizes[REDUCTION_SIZES] = {8, 24, 104, 20000};

static uint64_t in[100000];

uint64_t reduction_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ (x >> 27);
}

static void fill(uint64_t *words, size_t size, uint64_t item)
{
    for (size_t k = 0; k < size / sizeof *words; k++)
        words[k] = reduction_mix(item + 1000 * k);
}

void reduction_combine(void *into, const void *from, size_t size)
{
    uint64_t *left = into;
    const uint64_t *right = from;
    for (size_t k = 0; k < size / sizeof *left; k++)
        left[k] = reduction_mix(3 * left[k] + reduction_mix(right[k] + k));
}

int reduction_item(rp_call *call, const void *input, size_t size)
{
    uint64_t item, *room = rp_reserve(call, call->capacity);
    if (!room || size != sizeof item)
        return 1;
    memcpy(&item, input, sizeof item);
    if (item < GANG_ITEMS)
        atomic_fetch_add(&gang_tally->runs[item], 1);
    fill(room, call->capacity, item);
    return 0;
}

void reduction_serially(uint64_t from, uint64_t n, uint64_t *out, size_t size)
{
    uint64_t half = 1;
    if (n == 1) {
        fill(out, size, from);
        return;
    }
    while (2 * half < n)
        half *= 2;
    uint64_t *right = malloc(size);
    REQUIRE(right);
    reduction_serially(from, half, out, size);
    reduction_serially(from + half, n - half, right, size);
    reduction_combine(out, right, size);
    free(right);
}

struct map_work reduction_work(const struct map_work *like, size_t n, size_t size, void *out)
{
    struct map_work work = *like;
    for (size_t i = 0; i < n; i++)
        in[i] = i;
    work.fn = work.fn ? work.fn : reduction_item;
    work.combine = work.combine ? work.combine : reduction_combine;
    work.in = in;
    work.in_size = sizeof *in;
    work.n = n;
    work.out = out;
    work.out_size = size;
    return work;
}

void reduction_check(struct gang *gang, const struct map_work *like, size_t n, size_t size)
{
    static uint64_t out[REDUCTION_LONGEST / 8], wanted[REDUCTION_LONGEST / 8];
    struct error error;
    rp_map_report report;
    struct map_work work = reduction_work(like, n, size, out);
    memset(out, 0, sizeof out);
    reduction_serially(0, n, wanted, size);
    if (!CHECK_STATUS(map_run(&gang->manager, &work, &report, &error), RP_OK))
        CHECK_FAILED("%s", error.text);
    CHECK_MEM(out, wanted, size);
    CHECK_UINT(report.done, n);
}

static int parcels_left(const struct station *station)
{
    int left = 0;
    for (size_t i = station->parcels.first; i < station->parcels.end; i++) {
        const struct parcel *parcel =
            (const struct parcel *)board_at(&station->board, station->parcels.sent[i].offset) - 1;
        left += !atomic_load(&parcel->taken);
    }
    return left;
}

void reduction_check_nothing_left(const struct puppets *puppets)
{
    for (int i = 1; i <= puppets->gang.workers; i++)
        CHECK_INT(parcels_left(puppets->worker[i].station), 0);
}

void reduction_in_turns(void *state)
{
    struct puppets *puppets = state;
    for (;;) {
        bool first = puppet_claim(&puppets->worker[1]), second = puppet_claim(&puppets->worker[2]);
        if (second)
            puppet_perform(&puppets->worker[2]);
        if (first)
            puppet_perform(&puppets->worker[1]);
        for (int i = 1; i <= 2; i++)
            station_must_attend(puppets->worker[i].station);
        if (!first && !second)
            break;
    }
    puppets_at("manager: sleeps", 1, reduction_in_turns, puppets);
}
