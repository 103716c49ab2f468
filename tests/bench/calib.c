/* The speed of a core: bench_calib prints the steps a microsecond (work.h) for BENCH_SPEED. */
#include <stdio.h>

#include "work.h"

int main(void)
{
    double speed[51];
    size_t n = sizeof speed / sizeof *speed;
    for (size_t i = 0; i < n; i++) {
        const int64_t steps = 2000000;
        double begun = work_now();
        work_answer(steps);
        speed[i] = (double)steps / ((work_now() - begun) * 1e6);
    }
    work_sort(speed, n);
    printf("SPEED median=%.1f least=%.1f most=%.1f\n", speed[n / 2], speed[0], speed[n - 1]);
    return 0;
}
