#include "config/silence.h"

#include <stdlib.h>

#define VARIABLE  "RANKPOOL_SILENCE"
#define QUESTIONS 4 /* that a kernel may leave without an answer, at most */

rp_status silence_read(int *seconds, struct error *error)
{
    const char *text = getenv(VARIABLE);
    char *end = NULL;
    long value = text && *text ? strtol(text, &end, 10) : SILENCE_DEFAULT_S;
    if ((end && *end) || value < SILENCE_LEAST_S || value > SILENCE_MOST_S)
        return error_set(error, RP_INVALID, VARIABLE "=%.100s: it takes whole seconds, from %d to %d", text,
                         SILENCE_LEAST_S, SILENCE_MOST_S);
    *seconds = (int)value;
    return RP_OK;
}

struct silence_parts silence_divide(int seconds)
{
    int ask = seconds / 6 > 1 ? seconds / 6 : 1;
    int questions = seconds / ask / 2 < QUESTIONS ? seconds / ask / 2 : QUESTIONS;
    return (struct silence_parts){seconds - questions * ask, ask, questions};
}
