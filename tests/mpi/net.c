/* The cases about any net (unit/net/roles.h) over MPI: rank 0 has the manager's end, the others are leaders.
 */
#define _GNU_SOURCE
#include "net/mpi.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"
#include "office.h"
#include "roles.h"

#define MOST_RANKS 16

/* One a net, and none is freed before the last: MPI gives numbers of freed ones to new ones, which would get
 * letters that nobody has taken. */
static MPI_Comm comms[100];
static int used, rank, ranks;

/* An end; the manager's has leaders from number `idle` on, and before and behind them peers that never speak.
 */
static struct net *open_net(int idle)
{
    static const int manager = 0;
    int peers = 2 * idle + ranks - 1;
    int *leaders = calloc((size_t)peers + 1, sizeof *leaders);
    struct net *net = NULL;
    struct error error;
    REQUIRE(leaders);
    for (int i = 1; i < ranks; i++)
        leaders[idle + i - 1] = i;
    MPI_Comm_dup(MPI_COMM_WORLD, &comms[used]);
    rp_status status = rank == 0 ? net_open_mpi(&comms[used], leaders, peers, &net, &error)
                                 : net_open_mpi(&comms[used], &manager, 1, &net, &error);
    used++;
    free(leaders);
    REQUIRE_STATUS(status, RP_OK);
    return net;
}

/* What MPI has been given to send. */
enum { PIECE = 1 << 20, BRIEF = 16 };
static int isends, pieces; /* calls; those of PIECE and more bytes ... */
static int pieces_ahead;   /* ... before the last one of BRIEF bytes: none but a segment is so short */

int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    isends++;
    pieces += count >= PIECE;
    pieces_ahead = count == BRIEF ? pieces : pieces_ahead;
    return PMPI_Isend(data, count, type, to, tag, comm, request);
}

static void run(void (*manager)(struct net *), void (*leader)(struct net *, int))
{
    struct net *net = open_net(0);
    if (rank == 0)
        manager(net);
    else
        leader(net, rank - 1);
    net_close(net);
}

#define CASE(name)                                                                                           \
    TEST_CASE(name)                                                                                          \
    {                                                                                                        \
        run(manager_##name, leader_##name);                                                                  \
    }
NET_CASES(CASE)

/* ---- What is MPI's alone ---- */

TEST_CASE(heads_that_a_peer_has_no_room_for_wait_with_their_sender)
{
    enum { HEADS = NET_BUFFERS + 1 };
    struct net *net = open_net(0);
    struct net_event event;
    for (int peer = 0; rank == 0 && peer < net->peers; peer++)
        for (int i = 0; i < HEADS; i++)
            CHECK_STATUS(net_send(net, peer, "hello", 6, NULL, 0, NULL, NULL), RP_OK);
    for (int i = 0; rank == 0 && i < 1000; i++)
        CHECK(!net_poll(net, &event));
    CHECK(rank > 0 || !net_is_quiet(net));
    MPI_Barrier(MPI_COMM_WORLD); /* until now the leaders have not looked */
    for (int i = 0; rank > 0 && i < HEADS;)
        i += net_poll(net, &event) && CHECK_INT(event.kind, NET_HEADED);
    net_close(net);
}

TEST_CASE(peers_are_heard_among_many_that_never_speak)
{
    enum { IDLE = 150, LETTERS = 100 };
    struct net *net = open_net(IDLE);
    struct office office;
    office_open(&office, net, rank, &(struct office_style){.head = 100, .segment = 10000, .segments = 2});
    office.base = office.first = rank == 0 ? IDLE : 0;
    office.end = rank == 0 ? IDLE + ranks - 1 : 1;
    for (int i = 0; i < LETTERS; i++)
        for (int peer = office.first; peer < office.end; peer++)
            office_send(&office, peer);
    office_finish(&office, LETTERS);
    for (int peer = 0; peer < net->peers; peer++)
        if (peer < office.first || peer >= office.end)
            net_drop(net, peer);
    net_close(net);
}

/* Longer than MPI_PIECE; how long, in MiB, can be said in the environment. */
TEST_CASE(segments_of_several_pieces_arrive)
{
    const char *said = getenv("NET_MIB");
    size_t size = ((size_t)(said ? atoi(said) : 70) << 20) + 5;
    struct net *net = open_net(0);
    struct office office;
    check_seconds(240);
    office_open(&office, net, rank,
                &(struct office_style){.head = 16, .exact = true, .segment = size, .segments = 2});
    office.end = rank < 2 ? 1 : 0; /* the manager and its first leader */
    if (rank == 0)
        office_send(&office, 0);
    office_finish(&office, rank == 1 ? 1 : 0);
    net_close(net);
}

/* What rank 0 sends to rank 1 at once; what is short is so in each way in which this program is run. */
enum { TRAIN = NET_BUFFERS, SHORT = TRAIN - 1, LAST = SHORT - 1 }; /* all but one are long */

static size_t train_size(int i)
{
    return i == SHORT ? BRIEF : 32 << 20;
}

struct train {
    char *data;
    int sent; /* of them */
    bool is_sent[TRAIN];
};

static void train_start(struct train *train, struct net *net)
{
    *train = (struct train){.data = calloc(1, train_size(0))};
    REQUIRE(train->data);
    for (int i = 0; i < TRAIN; i++)
        CHECK_STATUS(net_send(net, 0, &i, sizeof i,
                              &(struct net_segment){.data = train->data, .size = train_size(i)}, 1,
                              &train->is_sent[i], NULL),
                     RP_OK);
}

static void train_poll(struct train *train, struct net *net)
{
    struct net_event event;
    if (!net_poll(net, &event) || event.kind != NET_SENT) /* other leaders leave */
        return;
    *(bool *)event.token = true;
    train->sent++;
}

static void train_end(struct train *train, struct net *net)
{
    while (train->sent < TRAIN)
        train_poll(train, net);
    free(train->data);
}

static void receive_train(struct net *net, void (*look)(int body, unsigned char *const place[]))
{
    struct net_event event;
    unsigned char *place[TRAIN];
    for (int i = 0; i < TRAIN; i++)
        REQUIRE((place[i] = malloc(train_size(i))) && memset(place[i], 1, train_size(i)));
    for (int bodies = 0; bodies < TRAIN;) {
        if (!net_poll(net, &event))
            continue;
        if (event.kind == NET_HEADED) {
            int i = *(const int *)event.head;
            net_receive(net, &event, (void *[]){place[i]}, &place[i]);
            continue;
        }
        look((int)((unsigned char **)event.token - place), place);
        bodies++;
    }
    for (int i = 0; i < TRAIN; i++)
        free(place[i]);
}

static void see_that_the_last_waits(int body, unsigned char *const place[])
{
    CHECK(body != 0 || place[LAST][0]);
}

TEST_CASE(long_messages_wait_for_those_before_them)
{
    struct net *net = open_net(0);
    struct train train;
    if (rank == 0) {
        train_start(&train, net);
        train_end(&train, net);
    } else if (rank == 1) {
        receive_train(net, see_that_the_last_waits);
    }
    net_close(net);
}

/* Between its head and its end a long message has no event: that it moves is seen by its pieces. */
TEST_CASE(pieces_of_a_long_message_are_counted_at_both_ends)
{
    struct net *net = open_net(0);
    struct net_event event = {.token = NULL};
    size_t size = train_size(0);
    char *data = rank < 2 ? calloc(1, size) : NULL;
    if (rank == 0)
        CHECK_STATUS(
            net_send(net, 0, "", 1, &(struct net_segment){.data = data, .size = size}, 1, &event, NULL),
            RP_OK);
    while (rank < 2 && !event.token)
        if (net_poll(net, &event) && event.kind == NET_HEADED)
            net_receive(net, &event, (void *[]){data}, data);
    CHECK(rank >= 2 || net->pieces > 8);
    uint64_t seen = net->pieces;
    CHECK(!net_moves(net, &seen));
    free(data);
    net_close(net);
}

static void see_that_all_is_there(int body, unsigned char *const place[])
{
    CHECK(!place[body][0] && !place[body][train_size(body) - 1]);
}

TEST_CASE(a_short_message_waits_for_one_piece_of_a_long_one)
{
    struct net *net = open_net(0);
    struct train train;
    int before = pieces;
    if (rank == 0) {
        train_start(&train, net);
        train_end(&train, net);
        CHECK_INT(pieces_ahead - before, 1);
        CHECK(pieces - before > SHORT);
    } else if (rank == 1) {
        receive_train(net, see_that_all_is_there);
    }
    net_close(net);
}

/* Open MPI aborts if it has something short to send over TCP when a peer dies. */
TEST_CASE(behind_a_long_message_mpi_is_given_nothing)
{
    struct net *net = open_net(0);
    struct train train;
    int before = isends;
    if (rank == 0) {
        train_start(&train, net);
        for (int i = 0; i < 1000; i++)
            train_poll(&train, net);
        CHECK_INT(isends - before, 2); /* the first head, and a piece of what it announces */
    }
    MPI_Barrier(MPI_COMM_WORLD); /* until now rank 1 has not looked */
    if (rank == 0)
        train_end(&train, net);
    else if (rank == 1)
        receive_train(net, see_that_the_last_waits);
    net_close(net);
}

TEST_CASE(what_waits_for_a_peer_that_is_lost_comes_back)
{
    struct net *net = open_net(0);
    struct net_event event;
    char *data = rank == 0 ? calloc(1, train_size(0)) : NULL; /* MPI keeps what it has begun to send */
    int number[TRAIN], lost = 0;
    for (int i = 0; rank == 0 && i <= LAST; i++)
        CHECK_STATUS(net_send(net, 0, "", 1, &(struct net_segment){.data = data, .size = train_size(i)}, 1,
                              &number[i], NULL),
                     RP_OK);
    if (rank == 0)
        net_drop(net, 0);
    while (rank == 0 && lost < LAST)
        if (net_poll(net, &event) && event.kind == NET_LOST && event.peer == 0)
            lost += CHECK((int *)event.token > number);
    MPI_Barrier(MPI_COMM_WORLD); /* until now no leader has looked */
    net_close(net);
}

/* ---- What is copied ---- */

static char *map_region(size_t size)
{
    void *region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(region != MAP_FAILED);
    return region;
}

/* Between its head and its end, where the other end still has its place or its bytes. */
static void let_go_of(struct net *net, char *region, size_t size)
{
    net_let_go(net, region, size);
    munmap(region, size);
}

TEST_CASE(copied_memory_that_is_let_go_of_is_neither_read_nor_written)
{
    struct net *net = open_net(0);
    struct net_event event = {.token = NULL};
    size_t size = train_size(0);
    char *region[2] = {NULL};
    bool sends = rank == 0;
    for (int i = 0; rank < 2 && i < 2; i++)
        region[i] = map_region(size);
    for (int i = 0; sends && i < 2; i++)
        CHECK_STATUS(
            net_send(net, 0, "", 1, &(struct net_segment){region[i], size, true}, 1, &region[i], NULL),
            RP_OK);
    if (sends) /* of the first a piece is under way, the second waits for it */
        for (int i = 0; i < 2; i++)
            let_go_of(net, region[i], size);
    for (int heads = 0, ends = 0; rank < 2 && ends < 2;) {
        bool any = net_poll(net, &event);
        if (any && event.kind == NET_HEADED)
            net_receive_copied(net, &event, (void *[]){region[heads]}, &region[heads]), heads++;
        if (any && event.kind == (sends ? NET_SENT : NET_BODY))
            ends++;
        for (int i = 0; !sends && i < heads; i++)
            if (region[i] && net->pieces > 2) {
                let_go_of(net, region[i], size);
                region[i] = NULL;
            }
    }
    net_close(net);
}

TEST_CASE(copied_memory_of_a_lost_peer_comes_back_at_once)
{
    struct net *net = open_net(0);
    struct net_event event;
    size_t size = train_size(0);
    char *region = rank == 0 ? map_region(size) : NULL;
    if (rank == 0) {
        CHECK_STATUS(net_send(net, 0, "", 1, &(struct net_segment){region, size, true}, 1, &region, NULL),
                     RP_OK);
        net_drop(net, 0);
        CHECK(net_poll(net, &event) && event.kind == NET_LOST && event.token == &region);
        munmap(region, size);
    }
    MPI_Barrier(MPI_COMM_WORLD); /* until now no leader has looked */
    net_close(net);
}

int main(int argc, char **argv)
{
    int level;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    int failed = check_main(argc, argv);
    while (used > 0)
        MPI_Comm_free(&comms[--used]);
    MPI_Finalize();
    return failed;
}
