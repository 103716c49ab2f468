#define _GNU_SOURCE
#include "board/roster.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "board/step.h"

#define MAGIC UINT64_C(0x726f737465723031)

static uint64_t bit_of(int member)
{
    return UINT64_C(1) << (member % 64);
}

static _Atomic uint64_t *word_of(struct roster *roster, int member)
{
    return &roster->shared->asleep[member / 64];
}

rp_status roster_create(struct roster *roster, int workers, enum memory_kind kind, struct error *error)
{
    if (workers > BOARD_WORKERS_MAX)
        return error_set(error, RP_INVALID, "%d workers on one node: no more than %d are possible", workers,
                         BOARD_WORKERS_MAX);
    struct memory memory;
    size_t members = (size_t)workers + 1;
    size_t size = sizeof(struct roster_shared) + members * sizeof(struct roster_member);
    rp_status status = memory_create(kind, size, &memory, error);
    if (status)
        return status;
    *roster = (struct roster){.shared = memory.base, .memory = memory};
    roster->shared->members = (uint32_t)members;
    roster->shared->first = 1;
    roster->shared->magic = MAGIC;
    return RP_OK;
}

rp_status roster_attach(struct roster *roster, const struct memory_handle *handle, int self,
                        struct error *error)
{
    struct memory memory;
    rp_status status = memory_attach(handle, &memory, error);
    if (status)
        return status;
    struct roster_shared *shared = memory.base;
    if (memory.size < sizeof *shared || shared->magic != MAGIC || self < 0 ||
        (uint32_t)self >= shared->members) {
        memory_release(&memory);
        return error_set(error, RP_CLOSED, "the shared memory of process %ld is not a roster of this version",
                         (long)handle->pid);
    }
    *roster = (struct roster){.shared = shared, .memory = memory, .self = self};
    return RP_OK;
}

void roster_release(struct roster *roster)
{
    memory_release(&roster->memory);
    roster->shared = NULL;
}

void roster_enter(struct roster *roster, int rank, const char *host, const char *cpus, int numa_node)
{
    struct roster_member *member = &roster->shared->member[roster->self];
    member->rank = rank;
    member->pid = getpid();
    member->numa_node = numa_node;
    snprintf(member->host, sizeof member->host, "%s", host);
    snprintf(member->cpus, sizeof member->cpus, "%s", cpus);
}

static bool is_asleep(struct roster *roster, int member)
{
    return atomic_load(word_of(roster, member)) & bit_of(member);
}

static bool take_bit(struct roster *roster, int member)
{
    return atomic_fetch_and(word_of(roster, member), ~bit_of(member)) & bit_of(member);
}

/* Wakes one that was seen asleep, unless somebody else was faster. Whoever took the bit owns the wake:
 * nothing was counted before, so there is nothing to undo. */
static bool wake(struct roster *roster, int member)
{
    STEP("ring: sleeper seen");
    if (!take_bit(roster, member)) {
        STEP("ring: in vain");
        return false;
    }
    STEP("ring: bit taken");
    atomic_fetch_add(&roster->shared->searching, 1);
    STEP("ring: counted");
    atomic_store(&roster->shared->member[member].bell, 0);
    STEP("ring: bell cleared");
    futex_wake(&roster->shared->member[member].bell);
    return true;
}

static bool anybody_asleep(struct roster *roster)
{
    for (uint32_t w = 0; w <= (roster->shared->members - 1) / 64; w++)
        if (atomic_load(&roster->shared->asleep[w]))
            return true;
    return false;
}

/* After a death only those who sleep are counted: who searches in vain does so soon. */
static uint32_t count_searching(struct roster *roster)
{
    return atomic_load(&roster->shared->shaken) ? 0 : atomic_load(&roster->shared->searching);
}

bool roster_is_hungry(struct roster *roster)
{
    return count_searching(roster) || anybody_asleep(roster);
}

uint32_t roster_count_hungry(struct roster *roster)
{
    uint32_t count = count_searching(roster);
    for (uint32_t w = 0; w <= (roster->shared->members - 1) / 64; w++)
        count += (uint32_t)__builtin_popcountll(atomic_load(&roster->shared->asleep[w]));
    return count;
}

/* Who falls asleep behind the look at its word looks for work after that. */
static void ring_one(struct roster *roster)
{
    for (uint32_t w = 0; w <= (roster->shared->members - 1) / 64; w++)
        for (uint64_t word = atomic_load(&roster->shared->asleep[w]); word; word &= word - 1)
            if (wake(roster, (int)w * 64 + __builtin_ctzll(word)))
                return;
}

void roster_ring(struct roster *roster)
{
    if (!anybody_asleep(roster))
        return;
    if (atomic_load(&roster->shared->shaken))
        roster_ring_all(roster);
    else if (!atomic_load(&roster->shared->searching))
        ring_one(roster);
}

/* Once round: where there is too little work for all, the first sleep again before the last is rung. */
void roster_ring_all(struct roster *roster)
{
    for (uint32_t m = 1; m < roster->shared->members; m++)
        roster_ring_member(roster, (int)m);
}

void roster_ring_member(struct roster *roster, int member)
{
    if (is_asleep(roster, member))
        wake(roster, member);
}

void roster_search(struct roster *roster)
{
    atomic_fetch_add(&roster->shared->searching, 1);
    STEP("search: counted");
}

bool roster_found(struct roster *roster)
{
    bool last = atomic_fetch_sub(&roster->shared->searching, 1) == 1;
    STEP("found: not searching");
    return (last || atomic_load(&roster->shared->shaken)) && anybody_asleep(roster);
}

void roster_doze(struct roster *roster)
{
    struct roster_member *me = &roster->shared->member[roster->self];
    atomic_fetch_sub(&roster->shared->searching, 1);
    STEP("doze: not searching");
    atomic_store(&me->bell, 1);
    STEP("doze: bell set");
    atomic_fetch_or(word_of(roster, roster->self), bit_of(roster->self));
    STEP("doze: bit set");
}

/* If a ringer took the bit, it has counted us already. */
void roster_rouse(struct roster *roster)
{
    if (take_bit(roster, roster->self)) {
        atomic_fetch_add(&roster->shared->searching, 1);
        atomic_store(&roster->shared->member[roster->self].bell, 0);
        return;
    }
    /* The ringer is about to clear the bell: it must not do so once we doze again. */
    while (atomic_load(&roster->shared->member[roster->self].bell))
        futex_wait(&roster->shared->member[roster->self].bell, 1, CLOCK_NEVER);
}

_Atomic uint32_t *roster_bell(struct roster *roster)
{
    return &roster->shared->member[roster->self].bell;
}

void roster_sleep(struct roster *roster, uint64_t deadline)
{
    _Atomic uint32_t *bell = roster_bell(roster);
    while (atomic_load(bell)) {
        STEP("sleep: about to");
        if (!futex_wait(bell, 1, deadline)) {
            roster_rouse(roster);
            return;
        }
    }
}

/* The dead may have taken somebody's bit without clearing the bell, or cleared the bell without
 * waking: so all are woken, whatever bits and bells say. */
static void wake_all(struct roster *roster)
{
    for (uint32_t m = 1; m < roster->shared->members; m++) {
        take_bit(roster, (int)m);
        atomic_store(&roster->shared->member[m].bell, 0);
        futex_wake(&roster->shared->member[m].bell);
    }
}

void roster_bury(struct roster *roster, int member)
{
    atomic_store(&roster->shared->member[member].dead, 1);
    atomic_store(&roster->shared->shaken, 1);
    if (member == 0)
        atomic_store(&roster->shared->quit, 1);
    wake_all(roster);
}

bool roster_is_orphaned(const struct roster *roster)
{
    return atomic_load(&roster->shared->member[0].dead);
}

/* After this nobody looks who has died. */
void roster_quit(struct roster *roster)
{
    atomic_store(&roster->shared->quit, 1);
    wake_all(roster);
}
