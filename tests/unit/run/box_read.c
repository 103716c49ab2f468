/* The page of an isolated child, whose words may be anything: what passes box_read can be taken in. */
#include "run/box_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"

enum { AREA = 1 << 16, ROUNDS = 200000, SERIAL = 7 };

static uint64_t state;

static uint64_t draw(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state >> 20 ^ state << 7;
}

/* Mostly what is near the edges of what is allowed. */
static uint64_t draw_near(uint64_t edge)
{
    switch (draw() % 4) {
    case 0:
        return draw() % (edge + 1);
    case 1:
        return edge + draw() % 3 - 1;
    case 2:
        return draw();
    default:
        return draw() % 3;
    }
}

static struct box_page *make_page(void)
{
    struct box_page *page = malloc(BOX_AREA + AREA);
    REQUIRE(page);
    for (size_t i = 0; i < (BOX_AREA + AREA) / sizeof(uint64_t); i++)
        ((uint64_t *)(void *)page)[i] = draw();
    return page;
}

static struct box_expect draw_order(void)
{
    return (struct box_expect){.way = (enum box_way)(draw() % BOX_LEAVE),
                               .flags = draw() % 2 ? POST_STOP : 0,
                               .count = (uint32_t)(1 + draw() % 50),
                               .out_size = draw() % 100,
                               .serial = SERIAL,
                               .begun = clock_ns(),
                               .known = BOX_AREA + AREA};
}

static void draw_note(struct box_note *place, const struct box_expect *expect, uint32_t next)
{
    struct note *note = &place->note;
    static const uint32_t statuses[] = {RP_OK, RP_OK, RP_TASK_FAILED, RP_CANCELLED, RP_POOL_BROKEN, 12345};
    static const uint16_t flags[] = {NOTE_PLACED, NOTE_PACKED, 0, NOTE_FIRST, NOTE_SKIPPED, 0xffff};
    note->status = statuses[draw() % 6];
    note->flags = flags[draw() % 6];
    note->from = draw() % 8 ? next : (uint32_t)draw();
    note->count = (uint32_t)draw_near(expect->count - next);
    note->size = draw_near(draw() % 2 ? expect->out_size : AREA);
    note->result.offset = draw() % 2 ? BOX_AREA + draw_near(AREA) / 16 * 16 : draw();
    const uint64_t carried[] = {note->size, 0, draw_near(SENTENCE_LENGTH)};
    place->carried = (uint32_t)carried[draw() % 3];
    if (place->carried <= SENTENCE_LENGTH)
        place->seal = box_seal(note, place->text, place->carried, SERIAL);
}

static void check_said(const struct box_said *said, const struct box_expect *expect, uint32_t next)
{
    const struct note *note = &said->note;
    CHECK(note->from == next && note->count >= 1 && note->count <= expect->count - next);
    CHECK(note->ran >= 0);
    CHECK(note->ended >= expect->begun && note->ended <= clock_ns());
    if (said->kept)
        CHECK(note->result.offset >= BOX_AREA && note->result.offset <= expect->known &&
              note->size <= expect->known - note->result.offset);
    else if (note->flags & NOTE_PLACED)
        CHECK(expect->way == BOX_RUN && note->size <= expect->out_size &&
              (note->count == 1 || note->size == expect->out_size));
    else
        CHECK(note->size <= SENTENCE_LENGTH);
}

TEST_CASE(random_words_never_lead_outside)
{
    state = 20;
    struct box_page *page = make_page();
    static struct box_said said;
    size_t passed = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct box_expect expect = draw_order();
        uint32_t next = (uint32_t)draw() % expect.count;
        uint64_t position = draw();
        draw_note(&page->notes[position % BOX_NOTES], &expect, next);
        if (!box_read(page, position, &expect, next, &said))
            continue;
        passed++;
        check_said(&said, &expect, next);
    }
    CHECK(passed > ROUNDS / 200); /* else nothing is shown */
    free(page);
}

TEST_CASE(what_was_not_written_by_a_child_is_no_note)
{
    state = 21;
    struct box_page *page = make_page();
    static struct box_said said;
    struct box_expect expect = draw_order();
    for (uint64_t i = 0; i < BOX_NOTES; i++)
        CHECK(!box_read(page, i, &expect, 0, &said));
    CHECK(!box_is_intact(page));
    box_set_guards(page);
    CHECK(box_is_intact(page));
    free(page);
}

TEST_CASE(a_changed_bit_is_seen)
{
    state = 22;
    struct box_page *page = make_page();
    static struct box_said said;
    struct box_expect expect = {.way = BOX_ERRAND, .count = 1, .serial = SERIAL, .known = BOX_AREA};
    struct box_note *place = &page->notes[0];
    place->note = (struct note){.count = 1, .size = 8};
    place->carried = 8;
    place->seal = box_seal(&place->note, place->text, 8, SERIAL);
    CHECK(box_read(page, 0, &expect, 0, &said));
    for (size_t bit = 0; bit < 8 * sizeof place->note; bit++) {
        ((unsigned char *)&place->note)[bit / 8] ^= (unsigned char)(1u << bit % 8);
        CHECK(!box_read(page, 0, &expect, 0, &said));
        ((unsigned char *)&place->note)[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    place->text[3] ^= 1;
    CHECK(!box_read(page, 0, &expect, 0, &said));
    place->text[3] ^= 1;
    expect.serial++; /* of another order */
    CHECK(!box_read(page, 0, &expect, 0, &said));
    free(page);
}

TEST_CASE(random_parcels_never_lead_outside)
{
    state = 23;
    for (int i = 0; i < 50000; i++) {
        size_t size = 16 * (1 + draw() % 40);
        uint32_t count = (uint32_t)(1 + draw() % 8), *words = malloc(size);
        for (size_t k = 0; k < size / sizeof *words; k++)
            words[k] = (uint32_t)draw_near(draw() % 2 ? size : 8);
        if (box_is_packed(words, size, count)) {
            const struct packed_results *results = (const void *)words;
            uint64_t at = packed_start(results->room);
            for (uint32_t k = 0; k < count; k++) {
                CHECK(at <= size && results->size[k] <= size - at);
                at = packed_aligned((uint32_t)at + results->size[k]);
            }
        }
        free(words);
    }
}
