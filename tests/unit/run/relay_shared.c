/* What tasks read besides their inputs, on a node that is led from elsewhere. */
#include <string.h>

#include "check.h"
#include "outpost.h"

static struct outpost post;

static uint64_t answer_of(uint64_t block, uint32_t item)
{
    const struct outpost_note *said = outpost_find(&post, block, item);
    uint64_t answer;
    REQUIRE(said && said->payload && said->note.status == RP_OK);
    memcpy(&answer, said->payload + (item - said->note.from) * sizeof answer, sizeof answer);
    return answer;
}

static int tell_common(rp_call *call, const void *in, size_t size)
{
    (void)in;
    return rp_return(call, rp_common(call, &size), sizeof(uint64_t));
}

/* ---- What items have in common ------------------------------------------------------------- */

TEST_CASE(a_block_waits_for_what_its_items_have_in_common)
{
    static unsigned char common[200000];
    memset(common, 7, sizeof common);
    outpost_start_far(&post, 2, 0, 2000);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    struct wire_message message = {
        .type = WIRE_COMMON, .pool = OUTPOST_POOL, .common = {.id = 3, .size = sizeof common}};
    outpost_send_apart(&post, &message, NULL, 0, common, sizeof common);
    struct wire_message block = outpost_squares(1, 100);
    block.block.function = outpost_name(tell_common);
    block.block.common = 3;
    block.block.common_size = sizeof common;
    uint64_t in[100] = {0};
    outpost_send(&post, &block, in, sizeof in);
    message = (struct wire_message){.type = WIRE_FORGET, .pool = OUTPOST_POOL, .forget = {.id = 3}};
    outpost_send(&post, &message, NULL, 0);
    outpost_await_items(&post, 100);
    for (uint32_t i = 0; i < 100; i++)
        CHECK_UINT(answer_of(1, i), UINT64_C(0x0707070707070707));
    outpost_end(&post);
}

/* ---- Shares ------------------------------------------------------------------------------ */

/* How many bytes of the share that the input names are 6, plus one; 0: there is no such share. */
static int look_at_share(rp_call *call, const void *in, size_t size)
{
    rp_share_id id;
    uint64_t sixes = 0;
    memcpy(&id, in, sizeof id);
    const unsigned char *share = rp_shared(call, id, &size);
    for (size_t i = 0; share && i < size; i++)
        sixes += share[i] == 6;
    sixes += share != NULL;
    return rp_return(call, &sixes, sizeof sixes);
}

static uint64_t ask_for_share(uint64_t block, uint64_t number)
{
    struct wire_message message = outpost_squares(block, 1);
    uint64_t before = post.items;
    message.block.function = outpost_name(look_at_share);
    outpost_send_squares(&post, &message, number);
    outpost_await_items(&post, before + 1);
    return answer_of(block, 0);
}

static void share(uint64_t number, const void *data, size_t size, bool apart)
{
    struct wire_message message = {
        .type = WIRE_SHARE, .pool = OUTPOST_POOL, .share = {.number = number, .size = size}};
    if (apart)
        outpost_send_apart(&post, &message, NULL, 0, data, size);
    else
        outpost_send(&post, &message, data, size);
}

TEST_CASE(tasks_find_shares_by_the_managers_numbers_until_they_are_given_up)
{
    static unsigned char data[200000];
    memset(data, 6, sizeof data);
    outpost_start_far(&post, 2, 0, 500);
    outpost_open_pool(&post, NULL, NULL, NULL, 0);
    share(UINT64_C(1) << 40 | 77, data, sizeof data, true);
    CHECK_UINT(ask_for_share(1, UINT64_C(1) << 40 | 77), sizeof data + 1);
    CHECK_UINT(ask_for_share(2, UINT64_C(1) << 40 | 78), 0);
    for (uint64_t i = 0; i < 300; i++)
        share(UINT64_C(2) << 40 | i, data, i, false);
    CHECK_UINT(ask_for_share(3, UINT64_C(2) << 40 | 299), 300);
    CHECK_UINT(ask_for_share(4, UINT64_C(2) << 40 | 1), 2);
    struct wire_message message = {
        .type = WIRE_UNSHARE, .pool = OUTPOST_POOL, .unshare = {UINT64_C(2) << 40 | 1}};
    outpost_send(&post, &message, NULL, 0);
    CHECK_UINT(ask_for_share(5, UINT64_C(2) << 40 | 1), 0);
    CHECK_UINT(ask_for_share(6, UINT64_C(1) << 40 | 77), sizeof data + 1);
    outpost_end(&post);
}
