/* The places between two steps of the board's protocol. In the library they are nothing; tests
 * build the layer with BOARD_STEPS and stop, reorder or kill the caller at any of them. */
#ifndef RANKPOOL_BOARD_STEP_H
#define RANKPOOL_BOARD_STEP_H

#ifdef BOARD_STEPS
extern void (*board_step)(const char *place);
#define STEP(place)                                                                                          \
    do {                                                                                                     \
        if (board_step)                                                                                      \
            board_step(place);                                                                               \
    } while (0)
#else
#define STEP(place) ((void)0)
#endif

#endif
