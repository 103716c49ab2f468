/* Pools of rp_open_comm leave nothing behind, in no rank: no object of MPI, no descriptor, no memory. */
#include "suite/heap.h"
#include "suite/ranks.h"

#include <stdio.h>

/* ---- What the library asks of MPI ----------------------------------------------------------- */

/* Objects made and not freed: of this process, by calls that go through these. Where the test itself
 * makes some, it calls PMPI's. */
static int communicators, keys, others;

#define COUNTED(counter, change, call, arguments, given)                                                     \
    int MPI_##call arguments                                                                                 \
    {                                                                                                        \
        counter += change;                                                                                   \
        return PMPI_##call given;                                                                            \
    }

COUNTED(communicators, 1, Comm_dup, (MPI_Comm comm, MPI_Comm *made), (comm, made))
COUNTED(communicators, 1, Comm_idup, (MPI_Comm comm, MPI_Comm *made, MPI_Request *request),
        (comm, made, request))
COUNTED(communicators, 1, Comm_split, (MPI_Comm comm, int color, int key, MPI_Comm *made),
        (comm, color, key, made))
COUNTED(communicators, 1, Comm_split_type, (MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *made),
        (comm, type, key, info, made))
COUNTED(communicators, 1, Comm_create, (MPI_Comm comm, MPI_Group group, MPI_Comm *made), (comm, group, made))
COUNTED(communicators, -1, Comm_free, (MPI_Comm * comm), (comm))
COUNTED(keys, 1, Comm_create_keyval,
        (MPI_Comm_copy_attr_function * copy, MPI_Comm_delete_attr_function *drop, int *key, void *state),
        (copy, drop, key, state))
COUNTED(keys, -1, Comm_free_keyval, (int *key), (key))
COUNTED(others, 1, Comm_group, (MPI_Comm comm, MPI_Group *group), (comm, group))
COUNTED(others, -1, Group_free, (MPI_Group * group), (group))
COUNTED(others, 1, Info_create, (MPI_Info * info), (info))
COUNTED(others, -1, Info_free, (MPI_Info * info), (info))
COUNTED(others, 1, Comm_create_errhandler, (MPI_Comm_errhandler_function * call, MPI_Errhandler *made),
        (call, made))
COUNTED(others, -1, Errhandler_free, (MPI_Errhandler * made), (made))

/* ---- Cases ---------------------------------------------------------------------------------- */

/* Pools until everything is warm; and from one look at what is used to the next. */
enum { EARLY = 20, EACH = 2, LOOKS = 51, POOLS = (LOOKS - 1) * EACH };

/* Blocks of malloc that half of them may leave; and bytes all of them, where MPI has no lists that grow. */
enum { BLOCKS = 12, HEAP = 4096 };

struct looks {
    struct process_usage usage[LOOKS];
    int count;
};

static void look_behind(struct looks *looks, int pool)
{
    if (pool >= EARLY && (pool - EARLY) % EACH == 0)
        looks->usage[looks->count++] = heap_usage();
}

static int nothing(rp_call *call, const void *in, size_t size)
{
    (void)call, (void)in, (void)size;
    return 0;
}

/* Whether it is the lowest rank of its node. */
static bool is_first(MPI_Comm comm)
{
    int rank = rank_in(comm), first = 0;
    while (ranks_node(comm, first) != ranks_node(comm, rank))
        first++;
    return first == rank;
}

/* That a communicator keeps in this rank as long as it lives: one, and over nodes one for each manager under
 * which the rank leads its node, or manages. */
static int kept(MPI_Comm comm, int managers, const int *manager)
{
    int count = 1, rank = rank_in(comm);
    for (int i = 0; i < managers && ranks_nodes(comm) > 1; i++) {
        bool is_beside = ranks_node(comm, rank) == ranks_node(comm, manager[i]);
        count += is_beside ? rank == manager[i] : is_first(comm);
    }
    return count;
}

static int kept_of_all(MPI_Comm comm)
{
    int all[RANKS_MOST], ranks = ranks_in(comm);
    for (int i = 0; i < ranks; i++)
        all[i] = i;
    return kept(comm, ranks, all);
}

TEST_CASE(a_hundred_pools_leave_nothing_behind_in_any_rank)
{
    int ranks = ranks_in(MPI_COMM_WORLD);
    struct looks looks = {.count = 0};
    for (int i = 0; i <= EARLY + POOLS; i++) {
        rp_pool *pool = ranks_open(MPI_COMM_WORLD, i % ranks,
                                   RP_OPTIONS(.initarg = "argument", .initarg_size = 9,
                                              .initializer = nothing, .finalizer = nothing));
        if (rp_is_manager(pool)) {
            ranks_map(pool, 50);
            ranks_submit(pool, 50);
        } else {
            CHECK_STATUS(rp_serve(pool), RP_OK);
        }
        CHECK_STATUS(rp_close(&pool), RP_OK);
        look_behind(&looks, i);
    }
    process_check_each(looks.usage, LOOKS, BLOCKS, SIZE_MAX / 2, 4 << 20);
    CHECK_INT(communicators, kept_of_all(MPI_COMM_WORLD));
    CHECK_INT(keys, 2);
    CHECK_INT(others, 0);
}

TEST_CASE(a_hundred_opens_that_are_refused_leave_nothing_behind)
{
    int ranks = ranks_in(MPI_COMM_WORLD);
    size_t heap = ranks_nodes(MPI_COMM_WORLD) > 1 ? SIZE_MAX / 2 : HEAP;
    struct looks looks = {.count = 0};
    for (int i = 0; i <= EARLY + POOLS; i++) {
        rp_pool *pool = NULL;
        CHECK_STATUS(rp_open_comm(MPI_COMM_WORLD, ranks, NULL, &pool), RP_INVALID);
        CHECK_STATUS(rp_open_comm(MPI_COMM_WORLD, i % ranks, RP_OPTIONS(.schedule = "fair"), &pool),
                     RP_INVALID);
        CHECK_STATUS(rp_open_comm(MPI_COMM_WORLD, i % ranks, NULL, NULL), RP_INVALID);
        CHECK(!pool);
        look_behind(&looks, i);
    }
    process_check_each(looks.usage, LOOKS, BLOCKS, heap, 4 << 20);
    CHECK_INT(communicators, kept_of_all(MPI_COMM_WORLD));
}

TEST_CASE(a_communicator_that_is_freed_takes_all_with_it)
{
    struct looks looks = {.count = 0};
    for (int i = 0; i <= EARLY + POOLS; i++) {
        MPI_Comm comm;
        int before = communicators, managers[] = {0, ranks_in(MPI_COMM_WORLD) - 1};
        PMPI_Comm_dup(MPI_COMM_WORLD, &comm);
        for (int manager = 0; manager < 2; manager++)
            ranks_use(comm, managers[manager], 20);
        CHECK_INT(communicators, before + kept(comm, managers[1] > 0 ? 2 : 1, managers));
        PMPI_Comm_free(&comm);
        CHECK_INT(communicators, before);
        look_behind(&looks, i);
    }
    process_check_each(looks.usage, LOOKS, BLOCKS, SIZE_MAX / 2, 4 << 20);
}

TEST_CASE(an_open_pool_outlives_its_communicator)
{
    MPI_Comm comm;
    PMPI_Comm_dup(MPI_COMM_WORLD, &comm);
    rp_pool *pool = ranks_open(comm, 0, NULL);
    PMPI_Comm_free(&comm);
    if (rp_is_manager(pool)) {
        ranks_map(pool, 500);
        ranks_submit(pool, 50);
    } else {
        CHECK_STATUS(rp_serve(pool), RP_OK);
    }
    CHECK_STATUS(rp_close(&pool), RP_OK);
}

int main(int argc, char **argv)
{
    int failed = ranks_main(argc, argv, MPI_THREAD_SINGLE);
    if (communicators || keys || others)
        failed = fprintf(stderr, "%d communicators, %d keys and %d others are left after MPI_Finalize\n",
                         communicators, keys, others);
    return failed != 0;
}
