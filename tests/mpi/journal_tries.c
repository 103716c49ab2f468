/* The journal beside items that are tried again: it has what came of the last try alone. */
#define _GNU_SOURCE
#include <signal.h>

#include "suite/resume.h"

enum { TRIED = 30 };

/* Ends its process in the first tries, as often as its number modulo 3. */
static int fall(rp_call *call, const void *in, size_t size)
{
    const struct ticket *ticket = in;
    int code = task_mark(call, in, size);
    if (rp_call_attempt(call) <= (int)(ticket->number % 3))
        raise(SIGKILL);
    return code;
}

static int draw_ticket(void *state, rp_view *item)
{
    static struct ticket ticket;
    size_t *drawn = state;
    ticket = ticket_of(*drawn);
    *item = (rp_view){&ticket, sizeof ticket};
    return (*drawn)++ < TRIED;
}

static int give_nothing(void *state, size_t index, rp_status status, rp_view result, const char *error)
{
    (void)state, (void)index, (void)status, (void)result, (void)error;
    return 0;
}

static void map_falls(rp_pool *pool)
{
    static size_t out[TRIED];
    rp_map(pool, fall, tickets(TRIED), sizeof(struct ticket), TRIED, out, sizeof *out);
}

static void stream_falls(rp_pool *pool)
{
    size_t drawn = 0;
    rp_stream(pool, fall, draw_ticket, give_nothing, &drawn, RP_MAP_OPTIONS(.chunk = 1));
}

static void submit_falls(rp_pool *pool)
{
    for (size_t i = 0; i < TRIED; i++)
        REQUIRE_STATUS(rp_submit(pool, fall, &tickets(TRIED)[i], sizeof(struct ticket), NULL), RP_OK);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future))
        continue;
}

TEST_CASE(only_what_came_of_the_last_try_is_stored)
{
    static void (*const ways[])(rp_pool *) = {map_falls, stream_falls, submit_falls};
    static const struct {
        int retries;
        size_t runs;
    } turns[] = {{1, TRIED / 3 * (1 + 2 + 2)}, {2, TRIED / 3 * 3}, {2, 0}};
    for (int way = 0; way < 3; way++) {
        begin();
        for (int turn = 0; turn < 3; turn++) {
            check_note("way %d, run %d", way, turn);
            rp_pool *pool = open_with(RP_OPTIONS(.isolate = 1, .retries = turns[turn].retries));
            ways[way](pool);
            CHECK_UINT(count_runs(), turns[turn].runs);
            suite_close(pool);
        }
        finish();
    }
}
