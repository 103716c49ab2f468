/* The board's protocol, 4 of 5: the manager that waits for results, outboxes that are full. See claim.pml for
 * the manner.
 *
 *   outbox[w]   notes; ROOM of them fit
 *   ready       a bit for each outbox that may hold notes
 *   asleep      the manager's word: 1 while it sleeps or is about to
 *   awaited     how many more items must finish before it wants to be woken
 *   spilled[w]  worker w has notes that had no room
 *   idle        a bit for each worker that sleeps (sleep.pml says how)
 *
 *   Worker, after a task: puts the note; sets its ready bit unless it is set; if `asleep`: awaited - items,
 *     and if that leaves nothing, or this was the ROOMth note since the last such one, it swaps asleep 1 ->
 *     0; who swapped wakes. A note without room is kept, and so are all that follow, in order: spilled := 1.
 *     The worker goes on claiming and tries to put what it keeps with each note; before it sleeps it sets its
 *     idle bit and tries once more.
 *   Manager: takes all ready bits away, then reads those outboxes; after it has made room in one, it rings
 *     the worker if it has spilled. To wait: awaited := k, asleep := 1, looks at `ready` once more, sleeps.
 *     From time to time (a tick) it is awake anyway and learns who has died.
 *
 * What is shown: whenever nobody can move but tasks that run, the manager does not sleep while k items are in
 * the outboxes, and no worker sleeps on notes that have room; every item is collected once.
 *
 * Rules
 *   W1  Put, ready bit, then a look at `asleep` (NOTE_LAST, READY_FIRST); the manager takes the bit, then
 *       reads (READY_LATE).
 *   W2  asleep := 1, then another look at `ready` (UNCHECKED). Whether awaited is written before or after
 *       asleep makes no difference: a decrement that is lost belongs to a note that this look finds. A late
 *       one of an earlier wait only wakes too early.
 *   W3  Who brings awaited to nothing or below it wakes (EXACT): a note of two items passes over 0.
 *   W4  An outbox that fills wakes the manager whatever it awaits (FILL_UNWOKEN), which may be more than
 *       fits; also while the worker puts what it had kept. Of any ROOM notes in a row one must wake.
 *   W5  Room rings who has spilled (SPILL_UNRUNG), who tries once more after its idle bit is set
 *       (SPILL_UNTRIED).
 *   W6  A worker may die between its swap and its wake. So ticks wake the manager whatever the word says
 *       (TICK_HEEDS: only while the word is 1), and so must any other sign of a death.
 *   A kept note waits for the task that its worker has begun since: results may be late, not lost.
 *
 * Cases: ITEMS, DEATHS. */
#define WORKERS 2
#ifndef ITEMS
#define ITEMS 4
#endif
#define ROOM 2

/* Shared memory. */
byte unclaimed = ITEMS;
chan outbox[WORKERS] = [ROOM] of { byte };
byte ready;
bool asleep;
short awaited;
bool spilled[WORKERS];
byte idle;
bool quit;

/* The kernel's: who waits on a futex. */
bool manager_queued, queued[WORKERS];

/* The observer's. */
bool busy[WORKERS], known[WORKERS];
byte carries[WORKERS], noted, wanted;

#include "killer.pml"

#define BIT(w) (1 << (w))

inline manager_wake()
{
    atomic { won = asleep; asleep = false }
    atomic {
        if
        :: won -> manager_queued = false; won = false
        :: else
        fi
    }
}

inline put()
{
#ifdef BREAK_READY_FIRST
    ready = ready | BIT(w);
#endif
    atomic {
        kept?count;
        outbox[w]!count;
        put_so_far = (put_so_far + 1) % ROOM;
        noted = noted + count;
        carries[w] = carries[w] - count
    }
#ifndef BREAK_READY_FIRST
    ready = ready | BIT(w)
#endif
}

#ifdef BREAK_FILL_UNWOKEN
#define FILLS false
#else
#define FILLS (put_so_far == 0)
#endif

inline notify()
{
    if
    :: asleep ->
        atomic {
            awaited = (awaited >= count -> awaited - count : -1);
#ifdef BREAK_EXACT
            won = (awaited == 0 || FILLS)
#else
            won = (awaited <= 0 || FILLS)
#endif
        }
        if
        :: won -> manager_wake()
        :: !won
        fi
    :: !asleep
    fi
}

/* Puts what is kept, as far as there is room. */
inline flush()
{
    do
    :: atomic { nempty(kept) && nfull(outbox[w]) -> skip }
#ifdef BREAK_NOTE_LAST
       atomic { kept?<count> }
       notify();
       put();
#else
       put();
       notify();
#endif
       count = 0
    :: atomic { nempty(kept) && full(outbox[w]) -> skip }
       break
    :: atomic { empty(kept) -> skip }
       if
       :: spilled[w] -> spilled[w] = false
       :: else
       fi;
       break
    od
}

inline claim()
{
    if
    :: unclaimed > 0 -> unclaimed--; count = 1
    :: unclaimed > 1 -> unclaimed = unclaimed - 2; count = 2
    fi;
    carries[w] = carries[w] + count;
    busy[w] = true
}

proctype worker(byte w)
{
    chan kept = [ITEMS] of { byte };
    byte count, put_so_far;
    bool won;
    {
        assert(count == 0);
next:
        atomic {
            if
            :: unclaimed > 0 -> claim()
            :: else -> goto sleep
            fi
        }
        /* The task may run for any time. */
        atomic { busy[w] = false; kept!count; count = 0 }
        flush();
        if
        :: nempty(kept) -> spilled[w] = true
        :: empty(kept)
        fi;
        goto next;
sleep:
        idle = idle | BIT(w);
#ifndef BREAK_SPILL_UNTRIED
        flush();
#endif
        atomic {
            if
            :: unclaimed > 0 || quit || !(idle & BIT(w))
            :: else -> queued[w] = true
            fi
        }
        atomic { (!queued[w] || unclaimed > 0 || quit) -> queued[w] = false; idle = idle & ~BIT(w) }
        if
        :: quit
        :: !quit -> flush(); goto next
        fi
    } unless {
        d_step { dead[w] -> busy[w] = false; queued[w] = false; count = 0; put_so_far = 0; won = false }
    }
}

inline ring(w)
{
    atomic {
        if
        :: idle & BIT(w) -> idle = idle & ~BIT(w); won = true
        :: else
        fi
    }
    atomic {
        if
        :: won -> queued[w] = false; won = false
        :: else
        fi
    }
}

/* Reads the head, takes what is there, makes room, rings. */
inline take_in(w)
{
    n = len(outbox[w]);
    atomic {
        do
        :: n > 0 -> outbox[w]?count; noted = noted - count; done = done + count; count = 0; n--
        :: n == 0 -> break
        od
    }
#ifndef BREAK_SPILL_UNRUNG
    if
    :: spilled[w] -> ring(w)
    :: else
    fi
#endif
}

inline look()
{
#ifdef BREAK_READY_LATE
    bits = ready;
#else
    atomic { bits = ready; ready = 0 }
#endif
    if
    :: bits & 1 -> take_in(0)
    :: else
    fi;
    if
    :: bits & 2 -> take_in(1)
    :: else
    fi;
#ifdef BREAK_READY_LATE
    ready = ready & ~bits;
#endif
    bits = 0
}

#define LOST(w) (dead[w] && !known[w])

/* What the dead one had claimed and not put goes to the others. */
inline learn(w)
{
    if
    :: LOST(w) ->
        take_in(w);
        d_step { known[w] = true; unclaimed = unclaimed + carries[w]; carries[w] = 0 }
    :: else
    fi
}

proctype manager()
{
    byte done, count, n, bits;
    bool won;

    do
    :: done == ITEMS -> break
    :: done < ITEMS ->
        atomic {
            wanted = 1;
            do
            :: wanted < ITEMS - done -> wanted++
            :: break
            od
        }
        awaited = wanted;
        asleep = true;
#ifndef BREAK_UNCHECKED
        if
        :: ready != 0
        :: ready == 0 ->
#endif
            atomic {
                if
                :: asleep -> manager_queued = true
                :: else
                fi
            }
            !manager_queued
#ifndef BREAK_UNCHECKED
        fi
#endif
        ;
        asleep = false;
        wanted = 0;
        look();
        learn(0);
        learn(1)
    od;
    assert(done == ITEMS);
    quit = true
}

/* The manager's timeout, as far as it matters. */
proctype tick()
{
end:
    do
#ifdef BREAK_TICK_HEEDS
    :: atomic { manager_queued && asleep && (LOST(0) || LOST(1)) -> asleep = false; manager_queued = false }
#else
    :: atomic { manager_queued && (LOST(0) || LOST(1)) -> manager_queued = false }
#endif
    od
}

/* Nobody will move by himself but for tasks that end. */
#define STILL(w) (dead[w] -> known[w] : busy[w] || queued[w])
#define QUIET (manager_queued && STILL(0) && STILL(1))
#define STUCK(w) (!dead[w] && queued[w] && spilled[w] && nfull(outbox[w]))

proctype observer()
{
end:
    atomic { QUIET && (noted >= wanted || STUCK(0) || STUCK(1)) -> assert(false) }
}

init
{
    atomic {
        run observer();
        run worker(0);
        run worker(1);
#if DEATHS > 0
        run killer();
        run tick();
#endif
        run manager()
    }
}
