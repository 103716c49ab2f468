/* What the simulator is told of the road between nodes: bench_road NODES WORKERS ROUNDS
 * The library's own manager, with so many nodes of so many workers, and its own leader, each against a stage
 * (stage.h): the least processor time of several rounds in several manners, and what of it blocks, items,
 * messages, notes and turns take. Prints a line for each cost, with how far the fit is from what was measured
 * at worst. */
#include <stdlib.h>

#include "stage.h"

int main(int argc, char **argv)
{
    int nodes = argc > 1 ? atoi(argv[1]) : 1000, workers = argc > 2 ? atoi(argv[2]) : 57;
    int rounds = argc > 3 ? atoi(argv[3]) : 9;
    if (nodes < 1 || workers < 1 || rounds < 1)
        stage_fail("what are these numbers? The words stand at the head of tests/bench/sim/road.c");
    stage_measure_manager(nodes, workers, rounds);
    stage_measure_leader(rounds);
    stage_measure_wakes();
    return 0;
}
