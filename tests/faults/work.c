#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "items.h"

/* ---- Chance and judgement ----------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t work_random(struct work *work, uint64_t below)
{
    work->seed += UINT64_C(0x9e3779b97f4a7c15);
    return mix(work->seed) % below;
}

void work_fail(struct work *work, const char *format, ...)
{
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "faults: %s\n", text);
    work->wrong++;
}

int item_deaths(const struct work *work)
{
    int dead = 0;
    rp_worker_info info;
    for (int i = 1; i <= rp_workers(work->pool); i++)
        dead += rp_worker(work->pool, i, &info) == RP_OK && !info.alive;
    return dead;
}

void item_judge(struct work *work, const char *what, rp_status status, int lost)
{
    if (status == RP_POOL_BROKEN && item_deaths(work) == rp_workers(work->pool))
        work->broken = true;
    else if (status != (lost ? RP_WORKER_LOST : RP_OK))
        work_fail(work, "%s: %s: %s", what, rp_strerror(status), rp_last_error(work->pool));
    if (lost && item_deaths(work) < lost * (work->retries + 1))
        work_fail(work, "%s: %d items were given up after %d deaths", what, lost, item_deaths(work));
}

/* ---- Tasks -------------------------------------------------------------------------------- */

struct item item_of(struct work *work, uint64_t number, uint32_t micros, uint32_t size)
{
    return (struct item){
        .number = number, .micros = micros ? (uint32_t)work_random(work, micros) : 0, .size = size};
}

void item_spend(uint32_t micros)
{
    struct timespec begun, now;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    if (micros % 3 == 0) {
        usleep(micros);
        return;
    }
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begun.tv_sec) * 1000000 + (now.tv_nsec - begun.tv_nsec) / 1000 < micros);
}

void item_fill(uint64_t *words, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        words[i] = mix(number + i + 1);
}

bool item_is_right(const void *data, size_t size, uint64_t number)
{
    uint64_t word;
    for (size_t i = 0; i < size / sizeof word; i++) {
        memcpy(&word, (const char *)data + i * sizeof word, sizeof word);
        if (word != mix(number + i + 1))
            return false;
    }
    return true;
}

int item_answer(rp_call *call, const void *in, size_t size)
{
    struct item item;
    memcpy(&item, in, sizeof item);
    item_spend(item.micros);
    if (size != sizeof item)
        return rp_fail(call, "%zu bytes", size);
    if (item.share) {
        const uint64_t *table = rp_shared(call, item.share, &size);
        if (!table || !item_is_right(table, size, ITEMS_SHARED))
            return rp_fail(call, "the share is not right");
    }
    if (item.queue && rp_call_put(call, item.queue, &item.number, sizeof item.number, RP_FOREVER))
        return rp_fail(call, "the queue takes nothing");
    uint64_t *words = rp_reserve(call, item.size);
    if (!words)
        return rp_fail(call, "no memory");
    item_fill(words, item.size / sizeof *words, item.number);
    return 0;
}

/* ---- All ---------------------------------------------------------------------------------- */

static void (*const kinds[])(struct work *work) = {
    work_map,           work_map_in_place, work_reduce, work_stream, work_submit,
    work_wait_for_many, work_queue,        work_share,  work_beside, work_isolated,
};

void work_some(struct work *work)
{
    kinds[work_random(work, sizeof kinds / sizeof *kinds)](work);
    work->kinds++;
}
