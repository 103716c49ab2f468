#include "check.h"

#include <string.h>

#include "base/error.h"

TEST_CASE(every_status_has_a_text_of_its_own)
{
    static const rp_status statuses[] = {
#define STATUS(name, text) name,
        RP_STATUSES(STATUS)
#undef STATUS
    };
    const size_t n = sizeof statuses / sizeof *statuses;
    CHECK_STR(rp_strerror(RP_OK), "success");
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(rp_strerror(statuses[i]), rp_strerror(statuses[j])) != 0);
}

TEST_CASE(a_number_that_is_no_status_has_a_text_too)
{
    CHECK_STR(rp_strerror((rp_status)1000), "unknown status");
    CHECK_STR(rp_strerror((rp_status)-1), "unknown status");
    CHECK_STR(rp_strerror((rp_status)(RP_JOURNAL + 1)), "unknown status");
}

TEST_CASE(an_error_holds_the_status_and_the_sentence)
{
    struct error error = {0};
    CHECK_STATUS(error_set(&error, RP_INVALID, "workers is %d", -3), RP_INVALID);
    CHECK_STATUS(error.status, RP_INVALID);
    CHECK_STR(error.text, "workers is -3");
}

TEST_CASE(a_cleared_error_says_nothing)
{
    struct error error = {.status = RP_MPI, .text = "gone"};
    error_clear(&error);
    CHECK_STATUS(error.status, RP_OK);
    CHECK_STR(error.text, "");
}

TEST_CASE(without_an_error_the_status_is_passed_on)
{
    CHECK_STATUS(error_set(NULL, RP_NO_MEMORY, "nobody reads %s", "this"), RP_NO_MEMORY);
}

TEST_CASE(a_long_sentence_is_cut_to_fit)
{
    struct error error;
    char longer[2 * sizeof error.text];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    error_set(&error, RP_INVALID, "%s", longer);
    CHECK_UINT(strlen(error.text), sizeof error.text - 1);
    CHECK_MEM(error.text, longer, sizeof error.text - 1);
}
