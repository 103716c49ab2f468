/* Commands that are run for what they say. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "launch/errand.h"

static struct errand errand_of(const char *script, const char *last)
{
    struct errand errand = {.last = last};
    list_add(&errand.arguments, "sh");
    list_add(&errand.arguments, "-c");
    list_add(&errand.arguments, script);
    return errand;
}

TEST_CASE(one_that_stays_is_done_by_its_last_line_and_ends_when_it_is_told_to)
{
    struct errand errands[] = {errand_of("echo facts; echo end; exec sleep 1000", "end"),
                               errand_of("echo ended; exit 3", "end")};
    REQUIRE_STATUS(errands_run(errands, 2, 2, 30, NULL), RP_OK);
    CHECK_STR(errands[0].said, "facts\nend\n");
    CHECK(errands[0].stays && !errands[0].ended && !errands[0].late);
    CHECK(errands[1].ended && !errands[1].stays);
    pid_t pid = errands[0].pid;
    CHECK_INT(kill(pid, 0), 0);
    errands_end(errands, 2);
    CHECK(kill(pid, 0) < 0 && errno == ESRCH);
    for (int i = 0; i < 2; i++)
        errand_free(&errands[i]);
}

TEST_CASE(one_that_does_not_say_its_last_line_is_late)
{
    struct errand errand = errand_of("echo ending; exec sleep 1000", "end");
    REQUIRE_STATUS(errands_run(&errand, 1, 1, 0.2, NULL), RP_OK);
    CHECK(errand.late && errand.ended && !errand.stays);
    errand_free(&errand);
}
