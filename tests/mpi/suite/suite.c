#define _GNU_SOURCE
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 30.0

double suite_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* ---- Pools ------------------------------------------------------------------------------- */

rp_pool *suite_open(const rp_options *options)
{
    rp_pool *pool = NULL;
    rp_status status = rp_open(options, &pool);
    if (status) {
        CHECK_FAILED("rp_open: %s: %s", rp_strerror(status), rp_last_error(NULL));
        check_leave();
    }
    return pool;
}

void suite_close(rp_pool *pool)
{
    CHECK_STATUS(rp_close(&pool), RP_OK);
    CHECK(!pool);
}

bool suite_is_alone(const rp_pool *pool)
{
    rp_worker_info info;
    return rp_worker(pool, 1, &info) == RP_OK && info.rank == 0;
}

/* Of the first pool. Nodes are other hosts, or so many ranks each of this one. */
static struct {
    bool split;      /* there are others */
    bool neighbours; /* there are workers on the manager's */
    int most;        /* workers of one, with those that it leads */
} nodes;

static int count_workers_on(rp_pool *pool, const char *host)
{
    int count = 0;
    rp_worker_info info;
    for (int i = 1; i <= rp_workers(pool); i++)
        count += rp_worker(pool, i, &info) == RP_OK && strcmp(info.host, host) == 0;
    return count;
}

/* Where leaders lead others, which go with them: nodes of the largest branch, of so many besides the
 * manager's. */
static int count_in_branch(int others)
{
    const char *text = getenv("RANKPOOL_NODE_FANOUT");
    int fanout = text ? atoi(text) : 0;
    return fanout > 0 && others > fanout ? (others + fanout - 1) / fanout : 1;
}

static void find_nodes(rp_pool *pool)
{
    const char *text = getenv("RANKPOOL_NODE_SIZE");
    int size = text ? atoi(text) : 0;
    rp_worker_info manager, info;
    if (rp_worker(pool, 0, &manager))
        return;
    for (int i = 1; i <= rp_workers(pool); i++) {
        bool other = rp_worker(pool, i, &info) == RP_OK && strcmp(info.host, manager.host) != 0;
        int count = other || !nodes.most ? count_workers_on(pool, info.host) : 0;
        nodes.split |= other;
        nodes.neighbours |= !other;
        nodes.most = count > nodes.most ? count : nodes.most;
    }
    if (size > 0) {
        nodes.split = !suite_is_alone(pool) && rp_workers(pool) >= size;
        nodes.neighbours = size > 1;
        nodes.most = size * count_in_branch(rp_workers(pool) / size);
    }
}

int suite_executors(const rp_pool *pool)
{
    bool launched = getenv("OMPI_COMM_WORLD_SIZE") != NULL;
    return rp_workers(pool) + (launched && !suite_is_alone(pool) && !nodes.split);
}

bool suite_is_split(void)
{
    return nodes.split;
}

bool suite_has_neighbours(void)
{
    return nodes.neighbours;
}

int suite_node_workers(void)
{
    return nodes.split ? nodes.most : 1;
}

void suite_kill(const rp_pool *pool, int worker)
{
    char *command = NULL;
    size_t size;
    FILE *others = open_memstream(&command, &size);
    rp_worker_info manager, info;
    REQUIRE(others && rp_worker(pool, 0, &manager) == RP_OK);
    for (int i = worker ? worker : 1; i <= (worker ? worker : rp_workers(pool)); i++) {
        if (rp_worker(pool, i, &info) || !info.alive)
            continue;
        if (strcmp(info.host, manager.host) == 0)
            kill((pid_t)info.pid, SIGKILL);
        else
            fprintf(others, "ssh %s kill -KILL %ld 2>/dev/null & ", info.host, info.pid);
    }
    fprintf(others, "wait");
    fclose(others);
    CHECK_INT(system(command), 0);
    free(command);
}

void suite_need_workers(rp_pool *pool, int workers)
{
    if (!suite_is_alone(pool) && rp_workers(pool) >= workers)
        return;
    suite_close(pool);
    SKIP_CASE("there are too few workers");
}

void suite_need_memory(size_t bytes)
{
    static char why[100];
    size_t left = process_available();
    snprintf(why, sizeof why, "%zu GiB of memory are needed, %zu are left", bytes >> 30, left >> 30);
    if (left < bytes)
        SKIP_CASE(why);
}

/* ---- The stage --------------------------------------------------------------------------- */

static struct stage *mine;
static char mine_path[sizeof((struct ticket *)NULL)->stage];

static void stage_remove(void)
{
    unlink(mine_path);
}

/* Hosts of a test cluster are one kernel's, but cannot look into each other's processes: there it is a file
 * of a folder that they share. */
static int stage_open(void)
{
    const char *folder = getenv("RANKPOOL_TEST_SHARED");
    int file = folder ? -1 : memfd_create("rankpool-stage", MFD_CLOEXEC);
    if (!folder) {
        snprintf(mine_path, sizeof mine_path, "/proc/%ld/fd/%d", (long)getpid(), file);
        return file;
    }
    snprintf(mine_path, sizeof mine_path, "%s/stage.XXXXXX", folder);
    file = mkostemp(mine_path, O_CLOEXEC);
    atexit(stage_remove);
    return file;
}

static void stage_make(void)
{
    int file = stage_open();
    if (file < 0 || ftruncate(file, sizeof *mine) || !(mine = stage_at(mine_path)))
        perror("the stage of the tests"), exit(2);
}

struct stage *stage(void)
{
    return mine;
}

const char *stage_path(void)
{
    return mine_path;
}

void stage_reset(void)
{
    memset((void *)mine, 0, sizeof *mine);
}

struct ticket ticket_of(size_t number)
{
    struct ticket ticket = {.number = number};
    memcpy(ticket.stage, mine_path, sizeof ticket.stage);
    return ticket;
}

struct stage *stage_at(const char *path)
{
    static struct stage *mapped;
    if (mapped)
        return mapped;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return NULL;
    void *memory = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    mapped = memory == MAP_FAILED ? NULL : memory;
    return mapped;
}

bool stage_await(_Atomic size_t *count, size_t least)
{
    return stage_await_with(count, least, NULL);
}

bool stage_await_with(_Atomic size_t *count, size_t least, rp_future *future)
{
    double end = suite_seconds() + PATIENCE_S;
    while (atomic_load(count) < least) {
        if (suite_seconds() > end)
            return false;
        if (future)
            rp_state_of(future);
        nap();
    }
    return true;
}

/* ---- Tasks ------------------------------------------------------------------------------- */

static struct stage *begin(rp_call *call, const struct ticket *ticket, size_t size)
{
    struct stage *stage = size == sizeof *ticket ? stage_at(ticket->stage) : NULL;
    if (!stage) {
        rp_fail(call, "there is no stage");
        return NULL;
    }
    atomic_fetch_add(&stage->runs[ticket->number], 1);
    atomic_store(&stage->place[ticket->number], (uint32_t)atomic_fetch_add(&stage->started, 1) + 1);
    atomic_store(&stage->pid[ticket->number], (long)getpid());
    return stage;
}

static int finish(rp_call *call, struct stage *stage, const struct ticket *ticket)
{
    atomic_fetch_add(&stage->ended, 1);
    return rp_return(call, &ticket->number, sizeof ticket->number);
}

int task_echo(rp_call *call, const void *in, size_t size)
{
    return rp_return(call, in, size);
}

int task_twice(rp_call *call, const void *in, size_t size)
{
    uint64_t value;
    if (size != sizeof value)
        return rp_fail(call, "%zu bytes", size);
    memcpy(&value, in, sizeof value);
    value *= 2;
    return rp_return(call, &value, sizeof value);
}

int task_refuse(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    return rp_fail(call, "no");
}

int task_mark(rp_call *call, const void *in, size_t size)
{
    struct stage *stage = begin(call, in, size);
    return stage ? finish(call, stage, in) : 1;
}

int task_gated(rp_call *call, const void *in, size_t size)
{
    struct stage *stage = begin(call, in, size);
    if (!stage)
        return 1;
    for (double end = suite_seconds() + PATIENCE_S; !atomic_load(&stage->gate); nap())
        if (suite_seconds() > end)
            return rp_fail(call, "nobody opened the gate");
    return finish(call, stage, in);
}

void suite_occupy(rp_pool *pool, rp_future **futures)
{
    int workers = rp_workers(pool);
    size_t before = atomic_load(&stage()->started);
    for (int i = 0; i < workers; i++) {
        struct ticket ticket = ticket_of(STAGE_ITEMS - 1 - (size_t)i);
        REQUIRE_STATUS(rp_submit(pool, task_gated, &ticket, sizeof ticket, &futures[i]), RP_OK);
    }
    REQUIRE(stage_await_with(&stage()->started, before + (size_t)workers, futures[0]));
}

void suite_relieve(rp_pool *pool, rp_future **futures)
{
    atomic_store(&stage()->gate, 1);
    for (int i = 0; i < rp_workers(pool); i++) {
        CHECK_STATUS(rp_result(futures[i], NULL), RP_OK);
        rp_release(&futures[i]);
    }
}

rp_future *suite_submit_mark(rp_pool *pool, size_t number)
{
    struct ticket ticket = ticket_of(number);
    rp_future *future = NULL;
    REQUIRE_STATUS(rp_submit(pool, task_mark, &ticket, sizeof ticket, &future), RP_OK);
    return future;
}

rp_future *suite_submit(rp_pool *pool, rp_fn *fn, uint64_t value)
{
    rp_future *future = NULL;
    REQUIRE_STATUS(rp_submit(pool, fn, &value, sizeof value, &future), RP_OK);
    return future;
}

void suite_release(rp_future **futures, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rp_release(&futures[i]);
}

bool suite_maps(rp_pool *pool, size_t n)
{
    uint64_t out[1000];
    if (!CHECK_STATUS(rp_map_range(pool, task_twice, 5, 5 + n, out, sizeof *out), RP_OK))
        return false;
    for (size_t i = 0; i < n; i++)
        if (out[i] != 2 * (5 + i))
            return CHECK_UINT(out[i], 2 * (5 + i));
    return true;
}

/* ---- Data -------------------------------------------------------------------------------- */

uint64_t data_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void data_fill(void *data, size_t size, uint64_t seed)
{
    unsigned char *bytes = data;
    uint64_t word = data_mix(seed + 1);
    for (size_t i = 0; i < size; i += sizeof word) {
        word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        memcpy(bytes + i, &word, size - i < sizeof word ? size - i : sizeof word);
    }
}

uint64_t data_digest(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint64_t digest = data_mix(size + 1), word;
    for (size_t i = 0; i < size; i += sizeof word) {
        word = 0;
        memcpy(&word, bytes + i, size - i < sizeof word ? size - i : sizeof word);
        digest = (digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        digest ^= digest >> 32;
    }
    return digest;
}

/* ---- Starting ---------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    rp_pool *pool;
    if (rp_open(NULL, &pool))
        return fprintf(stderr, "%s\n", rp_last_error(NULL)), 1;
    find_nodes(pool);
    if (rp_close(&pool))
        return fprintf(stderr, "the first pool could not be closed\n"), 1;
    stage_make();
    return check_main(argc, argv);
}
