#define _GNU_SOURCE
#include "run/forker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "run/forker_state.h"

/* The process has one forker, as it has one set of children; pools of several threads share it. */
static struct {
    pthread_mutex_t lock;
    pid_t pid; /* 0: there is none */
    bool stays;
    struct desk *desk;
    struct bells *bells;
    forker_work *work;
    int users;
    bool taken[FORKER_PLACES];
    bool child;
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool forker_is_child(void)
{
    return process.child;
}

/* ---- Making and ending ------------------------------------------------------------------- */

static void *map_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* The memory stays when the forker has died: the next one goes on with it. */
static bool make_memory(void)
{
    if (!process.desk)
        process.desk = map_shared(sizeof *process.desk);
    if (!process.bells)
        process.bells = map_shared(sizeof *process.bells);
    return process.desk && process.bells;
}

static rp_status start(forker_work *work, bool early, struct error *error)
{
    pid_t self = getpid(), pid = -1;
    if (make_memory()) {
        fflush(NULL);
        pid = fork();
    }
    if (pid < 0)
        return error_set(error, RP_NO_MEMORY, "isolate: cannot start the process that forks the tasks': %s",
                         strerror(errno));
    if (pid == 0) {
        process.child = true;
        forker_run(&(struct forker_setup){self, process.desk, process.bells, work, early});
    }
    process.pid = pid;
    return RP_OK;
}

/* Somebody else's wait may have taken its end away. */
static bool is_alive(void)
{
    if (process.pid && waitpid(process.pid, NULL, WNOHANG) != 0)
        process.pid = 0;
    return process.pid != 0;
}

static void stop(void)
{
    if (is_alive()) {
        kill(process.pid, SIGKILL);
        while (waitpid(process.pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    process.pid = 0;
}

rp_status forker_start(forker_work *work, struct error *error)
{
    pthread_mutex_lock(&process.lock);
    rp_status status = is_alive() ? RP_OK : start(work, true, error);
    process.stays = process.stays || !status;
    pthread_mutex_unlock(&process.lock);
    return status;
}

/* ---- Places ------------------------------------------------------------------------------ */

static struct desk_place *place_at(int place)
{
    return &process.desk->place[place];
}

static void ring_forker(void)
{
    atomic_fetch_add(&process.desk->bell, 1);
    futex_wake(&process.desk->bell);
}

static rp_status take(forker_work *work, int *place, struct error *error)
{
    int found = 0;
    while (found < FORKER_PLACES && process.taken[found])
        found++;
    if (found == FORKER_PLACES)
        return error_set(error, RP_UNSUPPORTED,
                         "isolate: %d pools that isolate their tasks are open in one process, and no more "
                         "are possible",
                         FORKER_PLACES);
    rp_status status = is_alive() ? RP_OK : start(work, false, error);
    if (status)
        return status;
    atomic_store(&place_at(found)->state, FORKER_NONE);
    process.work = work;
    process.taken[found] = true;
    process.users++;
    *place = found;
    return RP_OK;
}

rp_status forker_take(forker_work *work, int *place, struct error *error)
{
    pthread_mutex_lock(&process.lock);
    rp_status status = take(work, place, error);
    pthread_mutex_unlock(&process.lock);
    return status;
}

rp_status forker_call(int place, const struct memory_handle *page, struct error *error)
{
    pthread_mutex_lock(&process.lock);
    rp_status status = is_alive() ? RP_OK : start(process.work, false, error);
    pthread_mutex_unlock(&process.lock);
    if (status)
        return status;
    place_at(place)->page = *page;
    atomic_store(&place_at(place)->signal, 0);
    atomic_store(&place_at(place)->state, FORKER_WANTED);
    ring_forker();
    return RP_OK;
}

_Atomic uint32_t *forker_bell(int place)
{
    return &process.bells->place[place].word;
}

void forker_ring(_Atomic uint32_t *bell)
{
    atomic_fetch_add(bell, 1);
    futex_wake(bell);
}

enum forker_state forker_look(int place, int *status)
{
    enum forker_state state = (enum forker_state)atomic_load(&place_at(place)->state);
    *status = place_at(place)->status;
    return state;
}

void forker_check(int place)
{
    uint32_t state = atomic_load(&place_at(place)->state);
    if (state != FORKER_RUNNING && state != FORKER_WANTED)
        return;
    pthread_mutex_lock(&process.lock);
    if (!is_alive()) {
        place_at(place)->status = SIGKILL; /* as the kernel does with its children */
        atomic_store(&place_at(place)->state, FORKER_ENDED);
    }
    pthread_mutex_unlock(&process.lock);
}

void forker_signal(int place, int number)
{
    atomic_store(&place_at(place)->signal, (uint32_t)number);
    ring_forker();
}

static bool has_ended(int place)
{
    int status;
    forker_check(place);
    enum forker_state state = forker_look(place, &status);
    return state != FORKER_RUNNING && state != FORKER_WANTED;
}

void forker_give(int place)
{
    uint32_t seen = atomic_load(forker_bell(place));
    while (!has_ended(place)) {
        forker_signal(place, SIGKILL);
        futex_wait(forker_bell(place), seen, clock_ns() + FORKER_TICK_NS);
        seen = atomic_load(forker_bell(place));
    }
    pthread_mutex_lock(&process.lock);
    process.taken[place] = false;
    if (--process.users == 0 && !process.stays)
        stop();
    pthread_mutex_unlock(&process.lock);
}
