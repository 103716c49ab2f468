#include "check.h"

#include <math.h>

#include "base/clock.h"

TEST_CASE(the_clock_never_goes_back)
{
    uint64_t before = clock_ns();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_ns();
        REQUIRE(now >= before);
        before = now;
    }
}

TEST_CASE(a_deadline_lies_the_seconds_given_ahead)
{
    uint64_t before = clock_ns();
    uint64_t deadline = clock_deadline(2.5);
    uint64_t after = clock_ns();
    CHECK(deadline >= before + 2500000000u);
    CHECK(deadline <= after + 2500000000u);
}

TEST_CASE(a_deadline_of_no_seconds_has_come)
{
    CHECK(clock_deadline(0) <= clock_ns());
}

TEST_CASE(forever_and_what_is_no_time_never_come)
{
    const double seconds[] = {RP_FOREVER, -1e-9, 1e300, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        check_note("%g seconds", seconds[i]);
        CHECK_UINT(clock_deadline(seconds[i]), CLOCK_NEVER);
    }
}
