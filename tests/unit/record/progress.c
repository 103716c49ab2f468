#define _GNU_SOURCE
#include "record/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "check.h"

#define MS UINT64_C(1000000)

/* A progress bar on memory, and a clock that the test turns. */
struct stage {
    struct recorder recorder;
    struct record_event event;
    FILE *stream;
    char *text;
    size_t size;
    size_t taken; /* bytes that stage_read has given */
};

static void stage_open(struct stage *stage, bool terminal, int option)
{
    memset(stage, 0, sizeof *stage);
    stage->stream = open_memstream(&stage->text, &stage->size);
    REQUIRE(stage->stream);
    struct progress_setup setup = {.stream = stage->stream, .terminal = terminal, .option = option};
    REQUIRE_STATUS(progress_listen(&stage->recorder, &setup, NULL), RP_OK);
    stage->event = (struct record_event){.now = 5000 * MS, .label = "work", .total = 1000};
}

static void stage_close(struct stage *stage)
{
    record_close(&stage->recorder);
    fclose(stage->stream);
    free(stage->text);
}

/* What has been written since the last time. */
static const char *stage_read(struct stage *stage)
{
    static char text[100000];
    fflush(stage->stream);
    snprintf(text, sizeof text, "%s", stage->text + stage->taken);
    stage->taken = stage->size;
    return text;
}

static void tell(struct stage *stage, enum record_kind kind, uint64_t later_ms, size_t done)
{
    stage->event.kind = kind;
    stage->event.now += later_ms * MS;
    stage->event.done = done;
    record_event(&stage->recorder, &stage->event);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

TEST_CASE(progress_is_shown_on_a_terminal_or_when_it_is_asked_for)
{
    static const struct {
        bool terminal;
        int option;
        bool shown;
    } cases[] = {{true, 0, true},   {true, 1, true},  {true, -1, false},
                 {false, 0, false}, {false, 1, true}, {false, -1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage stage;
        stage_open(&stage, cases[i].terminal, cases[i].option);
        check_note("case %zu", i);
        CHECK_INT(record_listened(&stage.recorder), cases[i].shown);
        tell(&stage, RECORD_BEGIN, 0, 0);
        tell(&stage, RECORD_ADVANCE, 2000, 500);
        CHECK_INT(strlen(stage_read(&stage)) > 0, cases[i].shown);
        stage_close(&stage);
    }
}

TEST_CASE(a_bar_is_redrawn_in_place_and_wiped_at_the_end)
{
    struct stage stage;
    stage_open(&stage, true, 0);
    tell(&stage, RECORD_BEGIN, 0, 0);
    tell(&stage, RECORD_ADVANCE, 500, 250);
    CHECK_STR(stage_read(&stage),
              "\rwork 250/1000  25% [##########..............................] 500/s 0:01 left\033[K\r");
    tell(&stage, RECORD_ADVANCE, 500, 500);
    CHECK_STR(stage_read(&stage),
              "\rwork 500/1000  50% [####################....................] 500/s 0:01 left\033[K\r");
    tell(&stage, RECORD_END, 10, 1000);
    CHECK_STR(stage_read(&stage), "\r\033[K");
    stage_close(&stage);
}

TEST_CASE(a_bar_is_drawn_at_most_ten_times_a_second)
{
    struct stage stage;
    stage_open(&stage, true, 0);
    tell(&stage, RECORD_BEGIN, 0, 0);
    for (size_t i = 1; i <= 1000; i++)
        tell(&stage, RECORD_ADVANCE, 2, i);
    size_t drawn = count(stage_read(&stage), "work ");
    CHECK(drawn <= 20);
    CHECK(drawn >= 15);
    stage_close(&stage);
}

TEST_CASE(short_spans_draw_no_bar)
{
    struct stage stage;
    stage_open(&stage, true, 0);
    for (int i = 0; i < 100; i++) {
        tell(&stage, RECORD_BEGIN, 0, 0);
        tell(&stage, RECORD_ADVANCE, 100, 500);
        tell(&stage, RECORD_END, 50, 1000);
    }
    CHECK_STR(stage_read(&stage), "");
    stage_close(&stage);
}

TEST_CASE(a_bar_left_standing_is_wiped_when_the_pool_closes)
{
    struct stage stage;
    stage_open(&stage, true, 0);
    tell(&stage, RECORD_BEGIN, 0, 0);
    tell(&stage, RECORD_ADVANCE, 500, 250);
    stage_read(&stage);
    record_close(&stage.recorder);
    CHECK_STR(stage_read(&stage), "\r\033[K");
    stage_close(&stage);
}

TEST_CASE(the_total_may_grow_while_it_is_worked_on)
{
    struct stage stage;
    stage_open(&stage, true, 0);
    tell(&stage, RECORD_BEGIN, 0, 0);
    stage.event.total = 4000;
    tell(&stage, RECORD_ADVANCE, 1000, 1000);
    CHECK_HAS(stage_read(&stage), "work 1000/4000  25% [");
    stage.event.total = RECORD_UNKNOWN;
    tell(&stage, RECORD_ADVANCE, 1000, 2000);
    CHECK_HAS(stage_read(&stage), "work 2000 done 1k/s\033[K");
    stage_close(&stage);
}

TEST_CASE(the_rate_counts_what_was_done_since_the_beginning)
{
    struct stage stage;
    stage_open(&stage, true, 0);
    tell(&stage, RECORD_BEGIN, 0, 800); /* resumed: these took no time */
    tell(&stage, RECORD_ADVANCE, 1000, 810);
    CHECK_HAS(stage_read(&stage), " 10/s 0:19 left");
    stage_close(&stage);
}

TEST_CASE(the_rate_follows_a_change_of_pace)
{
    struct stage stage;
    stage_open(&stage, true, 0);
    stage.event.total = RECORD_UNKNOWN;
    size_t done = 0;
    tell(&stage, RECORD_BEGIN, 0, 0);
    for (int i = 0; i < 100; i++)
        tell(&stage, RECORD_ADVANCE, 1000, done += 100);
    CHECK_HAS(stage_read(&stage), " 100/s");
    for (int i = 0; i < 300; i++)
        tell(&stage, RECORD_ADVANCE, 1000, done += 10);
    stage_read(&stage);
    tell(&stage, RECORD_ADVANCE, 1000, done += 10);
    const char *text = stage_read(&stage);
    const char *rate = strstr(text, "done ");
    REQUIRE(rate);
    check_note("%s", text);
    CHECK(atof(rate + 5) >= 10);
    CHECK(atof(rate + 5) < 20); /* the mean would be 32 */
    stage_close(&stage);
}

TEST_CASE(a_span_that_another_one_interrupted_goes_on)
{
    struct stage stage;
    stage_open(&stage, true, 0);
    tell(&stage, RECORD_BEGIN, 0, 0);
    tell(&stage, RECORD_ADVANCE, 500, 100);
    stage.event.label = "inner";
    tell(&stage, RECORD_BEGIN, 500, 0);
    tell(&stage, RECORD_ADVANCE, 500, 100);
    tell(&stage, RECORD_END, 500, 1000);
    stage.event.label = "work";
    stage_read(&stage);
    tell(&stage, RECORD_ADVANCE, 500, 200);
    tell(&stage, RECORD_ADVANCE, 500, 300);
    CHECK_HAS(stage_read(&stage), "work 300/1000  30%");
    tell(&stage, RECORD_END, 500, 1000);
    CHECK_STR(stage_read(&stage), "\r\033[K");
    stage_close(&stage);
}

TEST_CASE(a_file_gets_whole_lines_at_most_one_a_second)
{
    struct stage stage;
    stage_open(&stage, false, 1);
    stage.event.failed = 2;
    tell(&stage, RECORD_BEGIN, 0, 0);
    for (size_t i = 1; i < 500; i++)
        tell(&stage, RECORD_ADVANCE, 10, i);
    tell(&stage, RECORD_ADVANCE, 10, 500);
    const char *text = stage_read(&stage);
    CHECK_UINT(count(text, "\n"), 5);
    CHECK_HAS(text, "work: 100 of 1000 (10 %), 100/s, 0:09 left, 2 failed\nwork: 200 of 1000 ");
    CHECK(strpbrk(text, "\r\033") == NULL);
    tell(&stage, RECORD_END, 10, 1000);
    CHECK_STR(stage_read(&stage), "work: 1000 of 1000 in 0:05, 2 failed\n");
    stage_close(&stage);
}

TEST_CASE(a_long_run_does_not_flood_its_file)
{
    struct stage stage;
    stage_open(&stage, false, 1);
    stage.event.total = 36000;
    tell(&stage, RECORD_BEGIN, 0, 0);
    for (size_t i = 1; i <= 36000; i++) /* ten hours */
        tell(&stage, RECORD_ADVANCE, 1000, i);
    size_t lines = count(stage_read(&stage), "\n");
    CHECK(lines > 600); /* one a minute at least */
    CHECK(lines < 800);
    stage_close(&stage);
}

TEST_CASE(many_short_spans_do_not_flood_a_file)
{
    struct stage stage;
    stage_open(&stage, false, 1);
    for (int i = 0; i < 100; i++) {
        tell(&stage, RECORD_BEGIN, 0, 0);
        tell(&stage, RECORD_END, 100, 1000);
    }
    CHECK_UINT(count(stage_read(&stage), "work: 1000 of 1000 in 0:00\n"), 10);
    stage_close(&stage);
}

/* Draws one bar on a pseudo-terminal of so many columns; columns of what it drew. */
static size_t drawn_width(unsigned short columns, int told)
{
    struct recorder recorder = {.count = 0};
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    int outer = posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE(outer >= 0 && grantpt(outer) == 0 && unlockpt(outer) == 0);
    FILE *inner = fopen(ptsname(outer), "we");
    REQUIRE(inner && ioctl(outer, TIOCSWINSZ, &size) == 0);
    struct progress_setup setup = {.stream = inner, .terminal = isatty(fileno(inner)), .columns = told};
    REQUIRE_STATUS(progress_listen(&recorder, &setup, NULL), RP_OK);
    struct record_event event = {.kind = RECORD_BEGIN, .now = 1, .total = 1000000, .label = "work"};
    record_event(&recorder, &event);
    event = (struct record_event){RECORD_ADVANCE, 900 * MS, "work", 1000000, 123456, 9};
    record_event(&recorder, &event);

    char text[4096] = "";
    ssize_t got = read(outer, text, sizeof text - 1);
    REQUIRE(got > 0);
    text[got] = '\0';
    const char *end = strchr(text, '\033');
    REQUIRE(text[0] == '\r' && end);
    record_close(&recorder);
    fclose(inner);
    close(outer);
    return (size_t)(end - text - 1);
}

TEST_CASE(a_bar_fits_its_terminal)
{
    CHECK_UINT(drawn_width(60, 0), 59);
    CHECK_UINT(drawn_width(70, 0), 69);
    CHECK(drawn_width(30, 0) < 30);
    CHECK(drawn_width(12, 0) < 12);
    CHECK_UINT(drawn_width(0, 0), 79);
    CHECK_UINT(drawn_width(200, 66), 65);
}

/* ---- The recorder itself ---- */

static void count_event(void *state, const struct record_event *event)
{
    *(size_t *)state += event->done;
}

static void count_close(void *state)
{
    *(size_t *)state += 100;
}

TEST_CASE(every_listener_hears_every_event_until_the_recorder_closes)
{
    static const struct record_ops with_close = {.event = count_event, .close = count_close};
    static const struct record_ops without = {.event = count_event};
    struct recorder recorder = {.count = 0};
    size_t one = 0, two = 0;
    record_event(&recorder, &(struct record_event){.done = 1});
    record_listen(&recorder, &with_close, &one);
    record_event(&recorder, &(struct record_event){.done = 2});
    record_listen(&recorder, &without, &two);
    record_event(&recorder, &(struct record_event){.done = 4});
    record_close(&recorder);
    record_event(&recorder, &(struct record_event){.done = 8});
    CHECK_UINT(one, 106);
    CHECK_UINT(two, 4);
}
