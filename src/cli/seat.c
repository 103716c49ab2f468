#define _GNU_SOURCE
#include <stdlib.h>

#include "cli/command.h"
#include "launch/seat.h"

enum { KEY_SEATS = 256, KEY_DIRECTORY, KEY_JOINS };

static const struct argp_option options[] = {
    {"seats", KEY_SEATS, "SEATS", 0, "the CPUs of the ranks of each node", 0},
    {"directory", KEY_DIRECTORY, "DIR", 0, "to run in", 0},
    {"joins", KEY_JOINS, NULL, 0, "the rank will join a pool's manager", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct seat *seat = state->input;
    switch (key) {
    case KEY_SEATS:
        seat->seats = value;
        return 0;
    case KEY_DIRECTORY:
        seat->directory = value;
        return 0;
    case KEY_JOINS:
        seat->joins = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Started by mpirun or srun for each rank, with the program's path and how it was called. */
int command_seat(int count, char **arguments)
{
    static const struct argp argp = {options, parse, NULL, "Becomes a rank, bound where its plan wants it.",
                                     NULL,    NULL,  NULL};
    struct seat seat = {.seats = ""};
    struct error error = {0};
    int first = count, ended = command_read(&argp, count, arguments, &first, &seat);
    if (ended >= 0)
        return ended;
    if (first + 1 >= count)
        error_set(&error, RP_INVALID, "rankpool seat is started by rankpool run");
    seat.path = first < count ? arguments[first] : NULL;
    seat.arguments = arguments + first + 1;
    int status = error.status ? 127 : seat_take(&seat, &error);
    if (error.status)
        command_fail(&error);
    return status;
}
