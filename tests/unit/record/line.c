#define _GNU_SOURCE
#include "record/line.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "record/event.h"

static const struct line_view half = {
    .label = "hashing", .total = 2000, .done = 1000, .failed = 3, .elapsed = 10, .rate = 100};

/* Columns of a line on a terminal where every character of three bytes and more is wide. */
static int columns_of(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += ((*text & 0xc0) != 0x80) + ((*text & 0xe0) == 0xe0);
    return columns;
}

TEST_CASE(a_bar_shows_label_count_share_rate_time_left_and_failures)
{
    char text[LINE_MAX_BYTES];
    line_bar(&half, 120, text);
    CHECK_STR(text,
              "hashing 1000/2000  50% [####################....................] 100/s 0:10 left 3 failed");
}

TEST_CASE(a_bar_without_failures_does_not_speak_of_them)
{
    char text[LINE_MAX_BYTES];
    struct line_view view = half;
    view.failed = 0;
    line_bar(&view, 120, text);
    CHECK(strstr(text, "failed") == NULL);
}

TEST_CASE(a_bar_fits_any_width)
{
    static const struct {
        const char *label;
        size_t total;
    } cases[] = {{"hashing", 2000},
                 {"ein \xc3\xa4u\xc3\x9f"
                  "erst langer Name, viel l\xc3\xa4nger als das",
                  2000},
                 {NULL, 2000},
                 {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 2000},
                 {"hashing", RECORD_UNKNOWN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int columns = 0; columns <= LINE_MAX_COLUMNS; columns++) {
            char text[LINE_MAX_BYTES];
            struct line_view view = half;
            view.label = cases[i].label;
            view.total = cases[i].total;
            line_bar(&view, columns, text);
            check_note("case %zu, %d columns: '%s'", i, columns, text);
            CHECK(columns_of(text) <= columns);
        }
    }
}

TEST_CASE(a_narrow_bar_loses_the_least_first)
{
    char text[LINE_MAX_BYTES];
    line_bar(&half, 60, text);
    CHECK_STR(text, "hashing 1000/2000  50% [#####.....] 100/s 0:10 left 3 failed");
    line_bar(&half, 56, text);
    CHECK_STR(text, "hashing 1000/2000  50% [###...] 100/s 0:10 left 3 failed");
    line_bar(&half, 55, text);
    CHECK_STR(text, "hashing 1000/2000  50% 100/s 0:10 left 3 failed");
    line_bar(&half, 47, text);
    CHECK_STR(text, "hashing 1000/2000  50% 100/s 0:10 left 3 failed");
    line_bar(&half, 46, text);
    CHECK_STR(text, "hashing 1000/2000  50% 0:10 left 3 failed");
    line_bar(&half, 35, text);
    CHECK_STR(text, "1000/2000  50% 0:10 left 3 failed");
    line_bar(&half, 24, text);
    CHECK_STR(text, "1000/2000  50% 3 failed");
    line_bar(&half, 18, text);
    CHECK_STR(text, "1000/2000 3 failed");
    line_bar(&half, 9, text);
    CHECK_STR(text, "1000/2000");
}

TEST_CASE(a_bar_of_unknown_total_shows_what_is_known)
{
    char text[LINE_MAX_BYTES];
    struct line_view view = half;
    view.total = RECORD_UNKNOWN;
    line_bar(&view, 79, text);
    CHECK_STR(text, "hashing 1000 done 100/s 3 failed");
}

TEST_CASE(a_bar_is_full_at_the_end_only)
{
    char text[LINE_MAX_BYTES];
    struct line_view view = {.total = SIZE_MAX / 2, .done = SIZE_MAX / 2 - 1};
    line_bar(&view, 79, text);
    CHECK_HAS(text, " 99% ");
    CHECK_HAS(text, "#.]");
    view.done = view.total;
    line_bar(&view, 79, text);
    CHECK_HAS(text, "100% ");
    CHECK_HAS(text, "##]");
    view = (struct line_view){.total = 100, .done = 29};
    line_bar(&view, 79, text);
    CHECK_HAS(text, " 29% ");
    view = (struct line_view){.total = 0};
    line_bar(&view, 79, text);
    CHECK_HAS(text, "0/0 100% ");
}

TEST_CASE(more_done_than_the_total_is_all)
{
    char text[LINE_MAX_BYTES];
    struct line_view view = {.total = 5, .done = 7, .rate = 1};
    line_bar(&view, 79, text);
    CHECK_HAS(text, "7/5 100% [");
    CHECK(strstr(text, "left") == NULL);
}

TEST_CASE(rates_and_times_are_short)
{
    static const struct {
        double rate;
        size_t total;
        const char *rate_text, *left_text;
    } cases[] = {
        {0.05, 1, "0.05/s", "0:20 left"},
        {0.5, 31, "0.5/s", "1:02 left"},
        {41.26, 41260, "41.3/s", "16:40 left"},
        {999.4, 1, "999/s", "0:00 left"},
        {999.6, 1, "1k/s", "0:00 left"},
        {4120, 4120 * 3725, "4.12k/s", "1:02:05 left"},
        {2.5e6, 2500000 * (size_t)360000, "2.5M/s", "4d 4h left"},
        {1e-9, SIZE_MAX - 1, "/s", "d "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[LINE_MAX_BYTES], wanted[64];
        struct line_view view = {.total = cases[i].total, .rate = cases[i].rate};
        check_note("case %zu", i);
        line_bar(&view, 120, text);
        snprintf(wanted, sizeof wanted, i == 7 ? "%s" : " %s ", cases[i].rate_text);
        CHECK_HAS(text, wanted);
        CHECK_HAS(text, cases[i].left_text);
    }
}

TEST_CASE(a_label_cannot_move_the_cursor)
{
    static const struct {
        const char *label, *shown;
    } cases[] = {
        {"a\nb\tc\r", "a?b?c? 0/1"},
        {"\033[2Jx", "?[2Jx 0/1"},
        {"\xc2\x9b"
         "2J",
         "??2J 0/1"}, /* the 8-bit form of the same */
        {"na\xc3\xafve", "na\xc3\xafve 0/1"},
        {"\xff\xfe", "?? 0/1"},
        {"cut \xe2\x82", "cut ?? 0/1"},
        {"\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac 0/1"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80 0/1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[LINE_MAX_BYTES];
        struct line_view view = {.label = cases[i].label, .total = 1};
        check_note("case %zu", i);
        line_bar(&view, 79, text);
        CHECK_MEM(text, cases[i].shown, strlen(cases[i].shown));
        line_plain(&view, text);
        CHECK(strpbrk(text, "\n\r\t\033\xff") == NULL);
    }
}

TEST_CASE(random_labels_do_no_harm)
{
    unsigned seed = 1;
    for (int round = 0; round < 2000; round++) {
        char text[LINE_MAX_BYTES];
        size_t size = (size_t)round % 600;
        char *label = malloc(size + 1);
        for (size_t i = 0; i < size; i++)
            label[i] = (char)(rand_r(&seed) % 255 + 1);
        label[size] = '\0';
        struct line_view view = {.label = label, .total = 1};
        line_bar(&view, round % 200, text);
        line_plain(&view, text);
        line_last(&view, text);
        free(label);
    }
}

TEST_CASE(a_plain_line_says_the_same_in_words)
{
    char text[LINE_MAX_BYTES];
    struct line_view view = half;
    line_plain(&view, text);
    CHECK_STR(text, "hashing: 1000 of 2000 (50 %), 100/s, 0:10 left, 3 failed");
    line_last(&view, text);
    CHECK_STR(text, "hashing: 1000 of 2000 in 0:10, 3 failed");
    view = (struct line_view){.total = RECORD_UNKNOWN, .done = 7};
    line_plain(&view, text);
    CHECK_STR(text, "7 done");
    line_last(&view, text);
    CHECK_STR(text, "7 done in 0:00");
}
