#include "base/spin.h"

#include "check.h"

static bool third_time(void *state)
{
    int *looks = state;
    return ++*looks == 3;
}

static bool never(void *state)
{
    ++*(int *)state;
    return false;
}

TEST_CASE(spinning_ends_with_the_look_that_finds_something)
{
    int looks = 0;
    CHECK(spin_until(third_time, &looks));
    CHECK_INT(looks, 3);
}

TEST_CASE(spinning_gives_up)
{
    int looks = 0;
    CHECK(!spin_until(never, &looks));
    CHECK(looks > 0);
}
