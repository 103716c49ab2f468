#include "office.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* ---- Letters ---- */

struct letter {
    uint64_t seed;
    size_t head_size, size[NET_SEGMENTS];
    int segments;
};

/* On its way out, or coming in. */
struct bundle {
    bool coming;
    struct letter letter;
    unsigned char *data[NET_SEGMENTS];
};

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
static uint64_t word_of(uint64_t seed)
{
    seed *= UINT64_C(0x9e3779b97f4a7c15);
    seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
    return seed ^ seed >> 31;
}

static size_t length(uint64_t random, size_t most, bool exact)
{
    return exact ? most : (size_t)(random % 4 == 0 ? random / 4 % 100 % (most + 1) : random / 4 % (most + 1));
}

static struct letter letter_of(const struct office_style *style, int from, int to, int number)
{
    struct letter letter = {.seed = word_of((uint64_t)from << 48 | (uint64_t)to << 32 | (uint32_t)number)};
    uint64_t random = letter.seed;
    size_t head = length(random = word_of(random + 1), style->head, style->exact);
    letter.head_size = head < 16 ? 16 : head;
    letter.segments =
        style->exact ? style->segments : (int)(word_of(random + 2) % (size_t)(style->segments + 1));
    size_t most = style->exact ? style->segment : style->segment >> random % 8 * 2; /* short ones, too */
    for (int i = 0; i < letter.segments; i++)
        letter.size[i] = length(random = word_of(random + 3), most, style->exact);
    return letter;
}

/* Half of all segments, and half of all places (NET_SEGMENTS). */
static bool is_copied(const struct letter *letter, int segment)
{
    return letter->seed >> segment & 1;
}

static void fill(unsigned char *at, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i += 8, seed++) {
        uint64_t word = word_of(seed);
        memcpy(at + i, &word, size - i < 8 ? size - i : 8);
    }
}

static bool is_filled(const unsigned char *at, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i += 8, seed++) {
        uint64_t word = word_of(seed);
        if (memcmp(at + i, &word, size - i < 8 ? size - i : 8) != 0)
            return false;
    }
    return true;
}

static struct bundle *bundle_new(const struct letter *letter, bool coming, bool thrown)
{
    struct bundle *bundle = calloc(1, sizeof *bundle);
    bundle->letter = *letter;
    bundle->coming = coming;
    for (int i = 0; i < letter->segments && !thrown; i++) {
        bundle->data[i] = malloc(letter->size[i] + 1);
        bundle->data[i][letter->size[i]] = 0xa5; /* what must not be written */
    }
    return bundle;
}

static void bundle_free(struct bundle *bundle)
{
    for (int i = 0; i < NET_SEGMENTS; i++)
        free(bundle->data[i]);
    free(bundle);
}

/* ---- Offices ---- */

void office_open(struct office *office, struct net *net, int self, const struct office_style *style)
{
    *office = (struct office){.net = net, .self = self, .end = net->peers, .style = *style};
}

/* Who a peer is, by the numbers of offices. */
static int office_at(const struct office *office, int peer)
{
    return office->self == 0 ? peer - office->base + 1 : 0;
}

void office_send(struct office *office, int peer)
{
    static _Thread_local unsigned char head[NET_HEAD];
    struct net_segment segment[NET_SEGMENTS] = {{0}};
    struct letter letter =
        letter_of(&office->style, office->self, office_at(office, peer), office->sent[peer]++);
    struct bundle *bundle = bundle_new(&letter, false, false);
    fill(head, letter.head_size, letter.seed);
    for (int i = 0; i < letter.segments; i++) {
        fill(bundle->data[i], letter.size[i], letter.seed + (uint64_t)i);
        segment[i] = (struct net_segment){bundle->data[i], letter.size[i], is_copied(&letter, i)};
    }
    struct error error;
    if (!CHECK_STATUS(
            net_send(office->net, peer, head, letter.head_size, segment, letter.segments, bundle, &error),
            RP_OK))
        bundle_free(bundle);
    else if (letter.segments > 0)
        office->sending[peer]++;
    else
        bundle_free(bundle);
    memset(head, 0, letter.head_size); /* it was copied */
}

static void take_head(struct office *office, const struct net_event *event)
{
    struct letter letter = letter_of(&office->style, office_at(office, event->peer), office->self,
                                     office->headed[event->peer]++);
    CHECK_UINT(event->head_size, letter.head_size);
    CHECK_UINT((uintptr_t)event->head % 16, 0);
    CHECK(event->head_size == letter.head_size && is_filled(event->head, letter.head_size, letter.seed));
    CHECK_INT(event->segments, letter.segments);
    for (int i = 0; i < letter.segments && i < event->segments; i++)
        CHECK_UINT(event->size[i], letter.size[i]);
    if (event->segments == 0 || event->segments != letter.segments)
        return;
    struct bundle *bundle = bundle_new(&letter, true, office->style.thrown);
    if (is_copied(&letter, NET_SEGMENTS))
        net_receive_copied(office->net, event, (void *const *)bundle->data, bundle);
    else
        net_receive(office->net, event, (void *const *)bundle->data, bundle);
    office->receiving[event->peer]++;
}

static void take_body(struct office *office, int peer, struct bundle *bundle)
{
    CHECK(bundle->coming);
    for (int i = 0; i < bundle->letter.segments && !office->style.thrown; i++) {
        CHECK(is_filled(bundle->data[i], bundle->letter.size[i], bundle->letter.seed + (uint64_t)i));
        CHECK_UINT(bundle->data[i][bundle->letter.size[i]], 0xa5);
    }
    office->receiving[peer]--;
    office->bodied++;
    bundle_free(bundle);
}

static void take_sent(struct office *office, int peer, struct bundle *bundle)
{
    CHECK(!bundle->coming);
    office->sending[peer]--;
    office->returned++;
    bundle_free(bundle);
}

static void take_lost(struct office *office, int peer, struct bundle *bundle)
{
    if (!bundle) {
        office->lost[peer]++;
        return;
    }
    *(bundle->coming ? &office->receiving[peer] : &office->sending[peer]) -= 1;
    *(bundle->coming ? &office->lost_receiving : &office->lost_sending) += 1;
    bundle_free(bundle);
}

bool office_turn(struct office *office)
{
    struct net_event event;
    if (!net_poll(office->net, &event)) {
        sched_yield();
        return false;
    }
    CHECK(event.peer >= 0 && event.peer < office->net->peers);
    if (event.kind == NET_HEADED)
        take_head(office, &event);
    else if (event.kind == NET_BODY)
        take_body(office, event.peer, event.token);
    else if (event.kind == NET_SENT)
        take_sent(office, event.peer, event.token);
    else
        take_lost(office, event.peer, event.token);
    return true;
}

static bool is_finished(const struct office *office, int letters)
{
    for (int peer = office->first; peer < office->end; peer++)
        if (office->headed[peer] < letters || office->sending[peer] > 0 || office->receiving[peer] > 0)
            return false;
    return true;
}

void office_finish(struct office *office, int letters)
{
    while (!is_finished(office, letters) || !net_is_quiet(office->net))
        office_turn(office);
    for (int peer = office->first; peer < office->end; peer++)
        CHECK_INT(office->headed[peer], letters);
}

void office_await_loss(struct office *office, int peer)
{
    while (!office->lost[peer])
        office_turn(office);
}
