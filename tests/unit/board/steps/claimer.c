#include "claimer.h"

struct claimer claimer_of(struct crowd *crowd, int member)
{
    return (struct claimer){.crowd = crowd, .member = member, .run = 1};
}

void claim_once(void *state)
{
    struct claimer *claimer = state;
    struct board *board = &claimer->crowd->board[claimer->member];
    do {
        claimer->offered = post_peek(board, 0, &claimer->offer);
        claimer->claimed = claimer->offered && post_claim(board, &claimer->offer, claimer->run);
    } while (claimer->offered && !claimer->claimed && claimer->stubborn);
}
