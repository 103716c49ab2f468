/* sweep: the period of a pendulum over its amplitude, as CSV.
 *
 *     ./sweep 5 175 5 >periods.csv        # degrees: from, to, step
 *
 * A pendulum of length l that swings up to an angle A has the period (l = g = 1)
 *
 *     T(A) = integral from 0 to A of 2 du / sqrt(sin(u / 2) sin(A - u / 2)),
 *
 * which GSL's QAGS integrates in spite of the singularity at u = 0. Each amplitude is a task. Rows
 * come in the order of the sweep, whoever is done first; what cannot be integrated, as at 180
 * degrees, where the pendulum never comes back, is an empty row, named on standard error. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_math.h>
#include <rankpool/rankpool.h>

enum { INTERVALS = 1000 }; /* most that QAGS may divide into */

struct row {
    double period;
    double error; /* GSL's estimate of it, absolute */
    size_t steps; /* values of the integrand that it took */
};

struct swing {
    double amplitude; /* radians */
    size_t steps;
};

static double integrand(double u, void *state)
{
    struct swing *swing = state;
    swing->steps++;
    return 2 / sqrt(sin(u / 2) * sin(swing->amplitude - u / 2));
}

/* The pool's initializer: GSL's workspace is kept from one task to the next. */
static int begin_gsl(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    gsl_set_error_handler_off(); /* which would abort: tasks report failures */
    *rp_local(call) = gsl_integration_workspace_alloc(INTERVALS);
    return *rp_local(call) ? 0 : rp_fail(call, "no memory for %d intervals", INTERVALS);
}

/* The pool's finalizer. */
static int end_gsl(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    gsl_integration_workspace_free(*rp_local(call));
    return 0;
}

/* The task: degrees in, a struct row out. */
static int find_period(rp_call *call, const void *in, size_t size)
{
    const double *degrees = in;
    if (size != sizeof *degrees || !(*degrees > 0 && *degrees <= 180))
        return rp_fail(call, "a pendulum cannot swing up to %g degrees", *degrees);
    struct swing swing = {*degrees * M_PI / 180, 0};
    struct row row = {0};
    gsl_function f = {integrand, &swing};
    int code = gsl_integration_qags(&f, 0, swing.amplitude, 0, 1e-10, INTERVALS, *rp_local(call), &row.period,
                                    &row.error);
    if (code)
        return rp_fail(call, "%g degrees: %s", *degrees, gsl_strerror(code));
    row.steps = swing.steps;
    return rp_return(call, &row, sizeof row);
}

static int complain(const char *why)
{
    return fprintf(stderr, "sweep: %s\n", why), 1;
}

/* Waits for the task. Returns 1 if it failed. */
static int write_row(double degrees, rp_future *future)
{
    rp_view view;
    if (rp_result(future, &view)) {
        printf("%.10g,,,\n", degrees);
        return complain(rp_error(future));
    }
    const struct row *row = view.data;
    printf("%.10g,%.15g,%zu,%.3e\n", degrees, row->period, row->steps, row->error);
    return 0;
}

static int sweep(rp_pool *pool, double from, double to, double step)
{
    double count = floor((to - from) / step + 1e-9) + 1;
    if (!(step > 0 && count >= 1 && count < 1e7))
        return complain("there are no such steps: give degrees from, to, and a step above 0");
    size_t n = (size_t)count, submitted = 0;
    int failed = 0;
    rp_future **futures = calloc(n, sizeof *futures);
    if (!futures)
        return complain("no memory");
    for (; submitted < n; submitted++) {
        double degrees = from + (double)submitted * step;
        if (rp_submit(pool, find_period, &degrees, sizeof degrees, &futures[submitted]))
            break;
    }
    if (submitted < n)
        failed = complain(rp_last_error(pool));
    printf("degrees,period,steps,error\n");
    for (size_t i = 0; i < submitted; i++) {
        failed |= write_row(from + (double)i * step, futures[i]);
        rp_release(&futures[i]);
    }
    free(futures);
    return fflush(stdout) ? complain("the rows cannot be written") : failed;
}

int main(int argc, char **argv)
{
    rp_pool *pool;
    if (rp_open(RP_OPTIONS(.initializer = begin_gsl, .finalizer = end_gsl), &pool))
        return complain(rp_last_error(NULL));

    int failed =
        argc == 4 ? sweep(pool, atof(argv[1]), atof(argv[2]), atof(argv[3])) : sweep(pool, 5, 175, 5);
    return rp_close(&pool) || failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
