/* Maps: bench_map LIST N REPETITIONS [hints]
 * With `hints` the map is told what each item costs. */
#include <string.h>

#include "pool.h"

int main(int argc, char **argv)
{
    struct work work;
    rp_pool *pool = pool_open();
    work_make(&work, argument(argc, argv, 1, "empty"), argument_count(argc, argv, 2, 100000));
    int repetitions = (int)argument_count(argc, argv, 3, 3);
    bool hints = strcmp(argument(argc, argv, 4, ""), "hints") == 0;
    for (int i = 0; i < repetitions; i++) {
        struct measure measure = measure_begin(&work, pool_cores(pool));
        rp_status status =
            rp_map_with(pool, pool_answer, work.items, sizeof *work.items, work.n, work.results,
                        sizeof *work.results, RP_MAP_OPTIONS(.cost = hints ? work.cost : NULL), NULL);
        pool_check(pool, status);
        measure_end(&measure, hints ? "map-hints" : "map", i);
    }
    work_free(&work);
    return rp_close(&pool) != RP_OK;
}
