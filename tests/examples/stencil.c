/* stencil: a program that runs MPI itself, with a pool on half of its ranks for an uneven part.
 *
 *     mpirun -n 4 ./stencil [SIZE]
 *
 * A plate of SIZE x SIZE cells, 48 by default, is cold around, hot near a corner, and carries fuel. In
 * each round the hot cells burn, which takes the longer the hotter they are, so that few rows make most
 * of the work: the first rank maps the rows over a pool on the first half of the ranks. Then each rank
 * gets a strip of rows, and the heat spreads in Jacobi sweeps, before which neighbours exchange rows.
 * All but the map is plain MPI, from which the pool takes nothing.
 *
 * It prints a line for each round and one for the plate at the end: to the last bit the same for any
 * number of ranks, since a map answers in order and what is reduced is a maximum. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rankpool/mpi.h>

#define IGNITION 0.5  /* the heat from which a cell burns */
#define SWEEPS   20   /* a round; even */
#define CALM     2e-3 /* the change of heat in a sweep that ends the program */

struct cell {
    double heat, fuel;
};

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "stencil: %s\n", why);
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    exit(EXIT_FAILURE);
}

/* The task: a row, burnt. The hotter a cell is, the shorter the steps must be. */
static int burn(rp_call *call, const void *in, size_t size)
{
    struct cell *row = rp_reserve(call, size);
    if (!row)
        return rp_fail(call, "no memory for a row");
    memcpy(row, in, size);
    for (struct cell *c = row; c < row + size / sizeof *row; c++) {
        if (!(c->heat < 100))
            return rp_fail(call, "a heat of %g is too much", c->heat);
        int steps = c->heat > IGNITION ? (int)(30 * c->heat * c->heat * c->heat) : 0;
        for (int i = 0; i < steps; i++) {
            double burnt = c->fuel * c->heat / (2 * steps);
            c->fuel -= burnt;
            c->heat += burnt;
        }
    }
    return 0;
}

/* Burns the first rank's `n` rows of `size` bytes. Collective over `half`. */
static void burn_on(MPI_Comm half, const struct cell *rows, size_t size, int n, struct cell *burnt)
{
    rp_pool *pool;
    if (rp_open_comm(half, 0, NULL, &pool))
        die(rp_last_error(NULL));
    if (rp_is_manager(pool) ? rp_map(pool, burn, rows, size, (size_t)n, burnt, size) : rp_serve(pool))
        die(rp_last_error(pool));
    if (rp_close(&pool))
        die("the pool has lost its workers");
}

/* Spreads the heat of `n` rows of `width` cells once, from `now` to `next`, and returns the largest
 * change of a cell. Around them is a border: a neighbour's row, or cells that stay cold. */
static double sweep(MPI_Comm line, MPI_Datatype row, int n, int width, struct cell *now, struct cell *next)
{
    int above, below;
    struct cell *end = now + (n + 1) * width;
    MPI_Cart_shift(line, 0, 1, &above, &below);
    MPI_Sendrecv(now + width, 1, row, above, 0, end, 1, row, below, 0, line, MPI_STATUS_IGNORE);
    MPI_Sendrecv(end - width, 1, row, below, 0, now, 1, row, above, 0, line, MPI_STATUS_IGNORE);
    double change = 0;
    for (int i = width; i < (n + 1) * width; i++) {
        const struct cell *c = now + i;
        if (i % width == 0 || i % width == width - 1)
            continue;
        double heat = (c[-width].heat + c[width].heat + c[-1].heat + c[1].heat) / 4;
        next[i] = (struct cell){heat, c->fuel};
        change = fmax(change, fabs(heat - c->heat));
    }
    return change;
}

/* How the plate begins. */
static void light(struct cell *plate, int size)
{
    for (int i = 0; i < size * size; i++) {
        int x = i % size, y = i / size, dx = x - size / 3, dy = y - size / 4;
        plate[y * (size + 2) + x + 1] = (struct cell){4. * size / (size + dx * dx + dy * dy), 1 + x % 3};
    }
}

int main(int argc, char **argv)
{
    int rank, ranks, size = argc > 1 ? atoi(argv[1]) : 48, width = size + 2;
    MPI_Comm line, half;
    MPI_Datatype row;
    MPI_Init(&argc, &argv);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (size < ranks || size > 4096)
        die("SIZE must be 4096 at most, and a row for each rank");
    MPI_Cart_create(MPI_COMM_WORLD, 1, &ranks, &(int){0}, 0, &line);
    MPI_Comm_rank(line, &rank);
    MPI_Comm_split(line, rank < (ranks + 1) / 2 ? 0 : MPI_UNDEFINED, rank, &half);
    MPI_Type_contiguous(2 * width, MPI_DOUBLE, &row);
    MPI_Type_commit(&row);

    int rows[ranks], first[ranks]; /* of each rank's strip */
    for (int i = 0; i < ranks; i++) {
        first[i] = size * i / ranks;
        rows[i] = size * (i + 1) / ranks - first[i];
    }
    size_t row_size = (size_t)width * sizeof(struct cell), mine = (size_t)rows[rank] + 2;
    struct cell *plate = calloc((size_t)size, row_size), *burnt = calloc((size_t)size, row_size);
    struct cell *strip[2] = {calloc(mine, row_size), calloc(mine, row_size)};
    if (!plate || !burnt || !strip[0] || !strip[1])
        die("no memory");
    light(plate, size);

    double change = INFINITY, heat = 0;
    for (int round = 1; change > CALM; round++) {
        if (half != MPI_COMM_NULL)
            burn_on(half, plate, row_size, size, burnt);
        MPI_Scatterv(burnt, rows, first, row, strip[0] + width, rows[rank], row, 0, line);
        for (int i = 0; i < SWEEPS; i++)
            change = sweep(line, row, rows[rank], width, strip[i % 2], strip[1 - i % 2]);
        MPI_Gatherv(strip[0] + width, rows[rank], row, plate, rows, first, row, 0, line);
        MPI_Allreduce(MPI_IN_PLACE, &change, 1, MPI_DOUBLE, MPI_MAX, line);
        if (rank == 0)
            printf("round %d: the last sweep changed %.17g\n", round, change);
    }
    for (int i = 0; i < size * width; i++)
        heat += plate[i].heat;
    if (rank == 0)
        printf("the heat is %.17g\n", heat);

    free(plate), free(burnt), free(strip[0]), free(strip[1]);
    MPI_Type_free(&row);
    if (half != MPI_COMM_NULL)
        MPI_Comm_free(&half);
    MPI_Comm_free(&line);
    return MPI_Finalize() ? EXIT_FAILURE : EXIT_SUCCESS;
}
