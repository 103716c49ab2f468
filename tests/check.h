/* Tests in C, run by GoogleTest (check.cc).
 *
 *     #include "check.h"
 *
 *     TEST_CASE(a_claimed_item_is_not_claimed_again)
 *     {
 *         struct board *board = board_of_items(2);
 *         REQUIRE(board);
 *         CHECK_INT(board_claim(board), 0);
 *         CHECK_INT(board_claim(board), 1);
 *         board_free(board);
 *     }
 *
 * A case is registered by being written down; its name is the sentence that it shows. The suite
 * is the file's name, or TEST_SUITE ("a name") if that is defined before this header. CHECK_...
 * notes a failure and goes on, with its value telling whether it held; REQUIRE... leaves the
 * case, from helper functions too, but frees nothing.
 *
 * A program has this library's main, or one of its own that does something first and then calls
 * check_main, which takes GoogleTest's arguments (--gtest_filter=...) and returns 0 if all passed.
 *
 * A case may take 60 seconds, or what check_seconds says, times RANKPOOL_TEST_TIMEOUT from the
 * environment; then its name is printed and the process ends with its children: a hang is a
 * failure. Time is measured, not processor time, so keep cases short.
 *
 * Threads of a case may CHECK but not REQUIRE. A forked child may do both: its failures count as
 * the case's, REQUIRE ends the child with exit status 1, and it should leave by _exit.
 */
#ifndef RANKPOOL_TESTS_CHECK_H
#define RANKPOOL_TESTS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rankpool/rankpool.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef TEST_SUITE
#define TEST_SUITE NULL
#endif

/* Where a check stands. */
struct check_site {
    const char *file;
    int line;
};

struct check_case {
    const char *suite; /* NULL: the file's name */
    const char *name;
    struct check_site site;
    void (*body)(void);
    struct check_case *next;
};

#define TEST_CASE(title)                                                                                     \
    static void title(void);                                                                                 \
    __attribute__((constructor)) static void title##_register(void)                                          \
    {                                                                                                        \
        static struct check_case self = {TEST_SUITE, #title, {__FILE__, __LINE__}, title, NULL};             \
        check_register(&self);                                                                               \
    }                                                                                                        \
    static void title(void)

#ifdef __cplusplus
#define CHECK_SITE (check_site{__FILE__, __LINE__})
#else
#define CHECK_SITE ((struct check_site){__FILE__, __LINE__})
#endif

/* What a check compares, as written and as found; the shown value first, the wanted one second. */
#define CHECK(held)         check_true(CHECK_SITE, #held, (held))
#define CHECK_INT(a, b)     check_int(CHECK_SITE, #a, #b, (long long)(a), (long long)(b))
#define CHECK_UINT(a, b)    check_uint(CHECK_SITE, #a, #b, (unsigned long long)(a), (unsigned long long)(b))
#define CHECK_PTR(a, b)     check_ptr(CHECK_SITE, #a, #b, (a), (b))
#define CHECK_NEAR(a, b, e) check_near(CHECK_SITE, #a, #b, (double)(a), (double)(b), (double)(e))
#define CHECK_STR(a, b)     check_str(CHECK_SITE, #a, #b, (a), (b))
#define CHECK_MEM(a, b, n)  check_mem(CHECK_SITE, #a, #b, (a), (b), (n))
#define CHECK_STATUS(a, b)  check_status(CHECK_SITE, #a, #b, (a), (b))
/* The text holds the part. */
#define CHECK_HAS(text, part) check_has(CHECK_SITE, #text, #part, (text), (part))

/* Fails, with a sentence as of printf. */
#define CHECK_FAILED(...) check_failed(CHECK_SITE, __VA_ARGS__)

#define REQUIRE(held)        ((held) ? (void)0 : (check_true(CHECK_SITE, #held, false), check_leave()))
#define REQUIRE_STATUS(a, b) (CHECK_STATUS(a, b) ? (void)0 : check_leave())
#define SKIP_CASE(why)       check_skip(CHECK_SITE, (why))

/* Said with every later failure of this case: which round of a loop it was. "" ends it. */
void check_note(const char *format, ...) RP_PRINTF(1, 2);

/* This case may take so many seconds from now. */
void check_seconds(double seconds);

/* Runs the cases; for a main of one's own. */
int check_main(int argc, char **argv);

void check_register(struct check_case *self);
bool check_true(struct check_site, const char *text, bool held);
void check_failed(struct check_site, const char *format, ...) RP_PRINTF(2, 3);
bool check_int(struct check_site, const char *a_text, const char *b_text, long long a, long long b);
bool check_uint(struct check_site, const char *a_text, const char *b_text, unsigned long long a,
                unsigned long long b);
bool check_ptr(struct check_site, const char *a_text, const char *b_text, const void *a, const void *b);
bool check_near(struct check_site, const char *a_text, const char *b_text, double a, double b, double within);
bool check_str(struct check_site, const char *a_text, const char *b_text, const char *a, const char *b);
bool check_has(struct check_site, const char *a_text, const char *b_text, const char *a, const char *b);
bool check_mem(struct check_site, const char *a_text, const char *b_text, const void *a, const void *b,
               size_t size);
bool check_status(struct check_site, const char *a_text, const char *b_text, rp_status a, rp_status b);
void check_leave(void) __attribute__((noreturn));
void check_skip(struct check_site, const char *why) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
