#define _GNU_SOURCE
#include "config/silence.h"

#include "check.h"

#include <stdlib.h>

static const struct {
    const char *text;
    int seconds; /* 0: it is refused */
} cases[] = {
    {"", SILENCE_DEFAULT_S},
    {"2", 2},
    {"3600", 3600},
    {"1", 0},
    {"3601", 0},
    {"-5", 0},
    {"2s", 0},
    {"often", 0},
    {"2.5", 0},
    {"99999999999999999999", 0},
};

TEST_CASE(silence_is_what_the_variable_says_and_nonsense_is_named)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int seconds = -1;
        struct error error = {0};
        check_note("%s", cases[i].text);
        setenv("RANKPOOL_SILENCE", cases[i].text, 1);
        CHECK_STATUS(silence_read(&seconds, &error), cases[i].seconds ? RP_OK : RP_INVALID);
        CHECK_INT(seconds, cases[i].seconds ? cases[i].seconds : -1);
        if (!cases[i].seconds)
            CHECK_HAS(error.text, cases[i].text);
    }
    unsetenv("RANKPOOL_SILENCE");
}
