/* mandelbrot: a picture of the Mandelbrot set, as a PNG.
 *
 *     ./mandelbrot picture.png                on all cores
 *     mpirun -n 3 ./mandelbrot picture.png    the same picture, on two ranks beside the manager's
 *
 * Each row of pixels is an item of one rp_map_range. A row through the middle of the set costs
 * hundreds of times as much as one at the edge, and nothing here cares: workers claim rows as they
 * get to them. Each row tells who drew it and for how long, which shows how evenly all were busy. The
 * rows lie in memory of rp_alloc, where the workers write them and libpng reads them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <png.h>
#include <rankpool/rankpool.h>

enum { WIDTH = 900, HEIGHT = 600, LIMIT = 2000 };

struct row {
    int worker;
    double seconds;
    unsigned char pixels[WIDTH][3];
};

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* How many steps of z = z * z + c, from 0, until |z| is above 2; LIMIT is for ever. */
static int steps_from(double re, double im)
{
    double x = 0, y = 0;
    int steps = 0;
    for (; steps < LIMIT && x * x + y * y <= 4; steps++) {
        double next = x * x - y * y + re;
        y = 2 * x * y + im;
        x = next;
    }
    return steps;
}

/* The task: the number of a row in, a struct row out. */
static int draw(rp_call *call, const void *in, size_t size)
{
    const uint64_t *y = in;
    double began = now();
    rp_worker_info here;
    struct row *row = rp_reserve(call, sizeof *row);
    if (size != sizeof *y || !row || rp_here(call, &here))
        return rp_fail(call, "row %ju cannot be drawn", (uintmax_t)*y);
    for (int x = 0; x < WIDTH; x++) {
        int steps = steps_from(-2.25 + 3.0 * x / WIDTH, -1 + 2 * (double)*y / HEIGHT);
        for (int colour = 0; colour < 3; colour++)
            row->pixels[x][colour] = (unsigned char)(steps == LIMIT ? 0 : steps * (3 + 4 * colour));
    }
    row->worker = here.worker;
    row->seconds = now() - began;
    return 0;
}

static int save(const struct row *rows, const char *path)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = WIDTH, .height = HEIGHT, .format = PNG_FORMAT_RGB};
    if (png_image_write_to_file(&image, path, 0, rows->pixels, sizeof *rows, NULL))
        return 0;
    return fprintf(stderr, "mandelbrot: %s: %s\n", path, image.message), 1;
}

static void tell(const rp_pool *pool, const struct row *rows, double seconds)
{
    printf("%d rows, %d workers, %.2f s\n", HEIGHT, rp_workers(pool), seconds);
    for (int worker = 0; worker <= rp_workers(pool); worker++) {
        double busy = 0;
        int drawn = 0;
        for (int y = 0; y < HEIGHT; y++)
            if (rows[y].worker == worker) {
                busy += rows[y].seconds;
                drawn++;
            }
        if (drawn)
            printf("worker %d: %d rows, busy for %.1f %% of the time\n", worker, drawn, 100 * busy / seconds);
    }
}

int main(int argc, char **argv)
{
    rp_pool *pool;
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "mandelbrot: %s\n", rp_last_error(NULL)), EXIT_FAILURE;

    double began = now();
    struct row *rows = rp_alloc(pool, HEIGHT * sizeof *rows);
    int failed = !rows || rp_map_range(pool, draw, 0, HEIGHT, rows, sizeof *rows);
    double seconds = now() - began;
    if (failed)
        fprintf(stderr, "mandelbrot: %s\n", rp_last_error(pool));
    else
        failed = save(rows, argc > 1 ? argv[1] : "mandelbrot.png");
    if (!failed)
        tell(pool, rows, seconds);
    return rp_close(&pool) || failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
