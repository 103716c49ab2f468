/* The page of an isolated child: what is no note of its child's is seen. (tests/fuzz/page.c has it of any
 * words.) */
#include "run/box_read.h"

#include <stdlib.h>

#include "check.h"

enum { AREA = 1 << 16, SERIAL = 7 };

static uint64_t state;

static uint64_t draw(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state >> 20 ^ state << 7;
}

static struct box_page *make_page(void)
{
    struct box_page *page = malloc(BOX_AREA + AREA);
    REQUIRE(page);
    for (size_t i = 0; i < (BOX_AREA + AREA) / sizeof(uint64_t); i++)
        ((uint64_t *)(void *)page)[i] = draw();
    return page;
}

TEST_CASE(what_was_not_written_by_a_child_is_no_note)
{
    state = 21;
    struct box_page *page = make_page();
    static struct box_said said;
    struct box_expect expect = {
        .way = BOX_RUN, .count = 10, .out_size = 8, .serial = SERIAL, .known = BOX_AREA};
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

TEST_CASE(items_are_given_back_only_where_that_was_asked_for)
{
    struct box_page *page = make_page();
    static struct box_said said;
    static const struct {
        uint32_t flags;
        bool halted, fine;
    } cases[] = {{0, false, false}, {POST_STOP, false, true}, {0, true, true}};
    struct box_note *place = &page->notes[0];
    place->note = (struct note){.status = RP_CANCELLED, .from = 2, .count = 6};
    place->carried = 0;
    place->seal = box_seal(&place->note, place->text, 0, SERIAL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct box_expect expect = {
            .count = 8, .serial = SERIAL, .flags = cases[i].flags, .halted = cases[i].halted};
        CHECK(box_read(page, 0, &expect, 2, &said) == cases[i].fine);
    }
    free(page);
}
