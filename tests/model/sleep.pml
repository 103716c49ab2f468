/* The board's protocol, 3 of 5: workers that fall asleep and are rung. See claim.pml for the manner.
 *
 *   bell[w]     1 while w is asleep or about to be
 *   asleep      a bit for each such worker
 *   searching   how many are awake and look for work without having found any, or have been rung and are
 *               on their way. It spares rings: whoever publishes work while somebody searches rings nobody
 *   shaken      somebody died: `searching` may count the dead
 *
 *   Worker: takes work as long as it finds some. Else searching + 1, and it looks again.
 *     found:   searching - 1; was it the last, or is the board shaken: if there is more work, it rings one.
 *     nothing: searching - 1, bell := 1, sets its bit, looks once more. Work: it takes its bit back. None:
 *              it waits for its bell. Who takes a bit back from `asleep` counts itself and clears its bell;
 *              who finds its bit gone was rung: the ringer has counted it, and is about to clear the bell.
 *   Ring: nothing if nobody is asleep or somebody searches. Else takes a bit, searching + 1, clears the bell,
 *     wakes. Whoever took the bit owns that wake. If shaken, this for each sleeper, whoever searches.
 *   Manager: publishes, then rings. For work that has an owner it rings the owner, if its bit is set.
 *     On a death: shaken := 1, then for everybody: takes the bit, clears the bell, wakes.
 *     To quit: quit := 1, and everybody is woken.
 *
 * What is shown: whenever nobody can move but tasks that run (they may run for ever) and the manager has
 * returned from its calls, no worker sleeps beside work that it may claim; and all leave at the end.
 *
 * Rules
 *   S1  Bell, bit, then another look, which sees `quit` too (NO_RECHECK, QUIT_UNCHECKED; BELL_LAST: the
 *       bell after the bit is set for ever if the ring came between). Publish, then ring (RING_FIRST).
 *   S2  searching - 1 comes before the bit and the last look (COUNTED_ASLEEP): a publisher that saw the count
 *       relied on that look.
 *   S3  The last searcher rings for what is left (NO_CHAIN), and looks for it after it has lowered the count
 *       (CHAIN_EARLY): what was published meanwhile relied on it.
 *   S4  Who finds work in the last look is a searcher again and has the duty of S3 (FOUND_UNCOUNTED), once
 *       (TWICE_COUNTED: a rung one that counts itself again leaves the count too high for ever). A ring that
 *       came meanwhile is not to be dropped (RING_DROPPED).
 *   S5  A ringer takes a bit, then counts, then clears the bell. Who counts first and finds no bit to take
 *       must take back what others may have relied on meanwhile (COUNTED_FIRST):
 *           R, last searcher, has found work, sees more and X asleep
 *           M, for that, takes X's bit: X wakes, finds nothing any more, lowers the count
 *           R: searching 0 -> 1, finds no bit
 *           X sets its bit, looks, sleeps
 *           M publishes, sees X asleep and searching 1: rings nobody
 *           R: searching 1 -> 0, runs its task
 *       and X sleeps beside M's item until R's task ends. Two that ring two sleepers at once do no harm.
 *   S6  Nor may the count be last (COUNTED_LAST): the woken one lowers it first, to -1, which looks like a
 *       searcher to a publisher.
 *   S7  After a death nobody heeds the count (NO_SHAKEN): neither publishers nor the last searcher
 *       (CHAIN_HEEDS). All are woken once (NO_RING_ALL), whether or not their bit is set (RING_BITS_ONLY):
 *       the dead one may have taken a bit and not woken yet, or cleared the bell and not woken.
 *       Who rings each sleeper does so in one pass (RING_EACH_AGAIN): where there is too little work for all,
 *       the first sleep again before the last is rung, and the ringer might never come to an end.
 *   S8  Work for one worker rings that worker, whoever searches (OWNED_ANY).
 *   Not covered: a searcher that is stopped (SIGSTOP, a debugger) keeps the others asleep, since it counts
 *   and does not look. Only time helps there: the manager rings all where work lies unclaimed for long.
 *
 * Cases: WORKERS, ITEMS, DEATHS; OWNED, some items are for worker 0; LIMITED, sleepers wake without a ring
 * too, as after a timeout; AFTER_DEATH, all posts come after a known death: a shorter search. */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef ITEMS
#define ITEMS 3
#endif
#define NOBODY 255
#define BIT(w) (1 << (w))
#define CLEARED(w) (asleep & ~BIT(w))

/* Shared memory. */
byte unclaimed, owned; /* items for all, items for worker 0 */
byte asleep;
bool bell[WORKERS];
short searching;
bool shaken, quit;

/* The kernel's: who waits on its bell. */
bool queued[WORKERS];

/* The observer's. */
bool busy[WORKERS], carries[WORKERS], known[WORKERS], resting;
byte done;

#include "killer.pml"

/* Once a death has shaken the count its value is not kept, to have fewer states. */
#ifdef BREAK_CHAIN_HEEDS
#define COUNTED(n) (searching + (n))
#define HEEDLESS false
#else
#define COUNTED(n) (shaken -> 0 : searching + (n))
#define HEEDLESS shaken
#endif

#ifdef COARSE
#define WHOLE atomic
#define PART
#else
#define WHOLE
#define PART atomic
#endif

inline pick()
{
    if
    :: asleep & 1 -> v = 0
    :: asleep & 2 -> v = 1
#if WORKERS > 2
    :: asleep & 4 -> v = 2
#endif
    :: asleep == 0 -> v = NOBODY
    fi
}

/* Takes the bit v, if it is set. */
inline take_bit()
{
    if
    :: asleep & BIT(v) -> asleep = CLEARED(v)
    :: else -> v = NOBODY
    fi
}

/* Takes anybody's bit, unless there is none. */
#ifdef COARSE
inline take_any()
{
    atomic {
        pick();
        if
        :: v != NOBODY -> take_bit()
        :: else
        fi
    }
}
#else
inline take_any()
{
    do
    :: atomic { pick() }
       if
       :: v == NOBODY -> break
       :: v != NOBODY ->
           atomic { take_bit() }
           if
           :: v != NOBODY -> break
           :: v == NOBODY
           fi
       fi
    od
}
#endif

inline wake()
{
    WHOLE {
        bell[v] = false;
        PART { queued[v] = false; v = NOBODY }
    }
}

/* Wakes the one whose bit was taken. */
inline call()
{
#ifdef BREAK_COUNTED_LAST
    wake();
    searching = COUNTED(1)
#else
    searching = COUNTED(1);
    wake()
#endif
}

inline ring_one()
{
#ifdef BREAK_COUNTED_FIRST
    atomic {
        if
        :: searching == 0 -> searching = 1; v = 0
        :: else
        fi
    }
    if
    :: v == 0 ->
        take_any();
        if
        :: v != NOBODY -> wake()
        :: v == NOBODY -> searching = COUNTED(-1)
        fi
    :: v == NOBODY
    fi
#else
    if
    :: searching == 0 ->
        take_any();
        if
        :: v != NOBODY -> call()
        :: v == NOBODY
        fi
    :: searching != 0
    fi
#endif
}

inline ring_if_asleep(x)
{
    atomic {
        if
        :: asleep & BIT(x) -> asleep = CLEARED(x); v = x
        :: else
        fi
    }
    if
    :: v != NOBODY -> call()
    :: v == NOBODY
    fi
}

/* One pass: a worker that finds nothing and sleeps again is not rung again. */
inline ring_each()
{
#ifdef BREAK_RING_EACH_AGAIN
    do
    :: asleep == 0 -> break
    :: asleep != 0 -> ring_if_asleep(0); ring_if_asleep(1)
    od
#else
    ring_if_asleep(0);
    ring_if_asleep(1)
#if WORKERS > 2
    ;
    ring_if_asleep(2)
#endif
#endif
}

/* For whoever has published. */
inline ring()
{
    if
    :: asleep == 0
    :: asleep != 0 ->
        if
        :: HEEDLESS -> ring_each()
        :: !HEEDLESS -> ring_one()
        fi
    fi
}

#ifdef OWNED
#define FOUND (unclaimed > 0 || (w == 0 && owned > 0))
#else
#define FOUND (unclaimed > 0)
#endif

inline claim()
{
    if
    :: unclaimed > 0 -> unclaimed--
#ifdef OWNED
    :: w == 0 && owned > 0 -> owned--
#endif
    fi;
    carries[w] = true
}

proctype worker(byte w)
{
    byte v = NOBODY;
    bool last;
    {
        assert(v == NOBODY);
quick:
        atomic {
            if
            :: FOUND -> claim(); busy[w] = true
            :: else -> goto idle
            fi
        }
work:
        atomic { busy[w] = false; carries[w] = false; done++; goto quick }
idle:
        searching = COUNTED(1);
search:
        atomic {
            if
            :: FOUND -> claim()
            :: else ->
                if
                :: quit -> goto gone
                :: !quit -> goto doze
                fi
            fi
        }
#ifdef BREAK_CHAIN_EARLY
        if
        :: unclaimed > 0
        :: else -> searching = COUNTED(-1); goto ready
        fi;
#endif
        WHOLE {
            PART { last = (searching == 1); searching = COUNTED(-1) }
            PART {
                if
                :: last || HEEDLESS -> last = false
                :: else -> goto ready
                fi
            }
        }
#ifndef BREAK_NO_CHAIN
        if
        :: unclaimed > 0 -> ring()
        :: else
        fi;
#endif
ready:
        atomic { busy[w] = true; goto work }

doze:
#if defined(BREAK_BELL_LAST)
        searching = COUNTED(-1);
        asleep = asleep | BIT(w);
        bell[w] = true;
#elif defined(BREAK_COUNTED_ASLEEP)
        bell[w] = true;
        asleep = asleep | BIT(w);
#else
        WHOLE { searching = COUNTED(-1); bell[w] = true }
        asleep = asleep | BIT(w);
#endif
#ifndef BREAK_NO_RECHECK
        atomic {
            if
#ifdef BREAK_QUIT_UNCHECKED
            :: FOUND -> goto rouse
#else
            :: FOUND || quit -> goto rouse
#endif
            :: else
            fi
        }
#endif
#ifdef BREAK_COUNTED_ASLEEP
        searching = COUNTED(-1);
#endif
asleep_now:
        atomic {
            if
            :: bell[w] -> queued[w] = true
            :: else -> goto rouse
            fi
        }
        if
        :: !queued[w] -> goto asleep_now
#ifdef LIMITED
        :: queued[w] = false
#endif
        fi;
rouse:
        atomic {
            if
#if defined(BREAK_FOUND_UNCOUNTED)
            :: asleep & BIT(w) -> asleep = CLEARED(w); bell[w] = false; goto quick
#else
            :: asleep & BIT(w) -> asleep = CLEARED(w); bell[w] = false; goto idle
#endif
            :: else
            fi
        }
        /* Rung: the bell is about to be cleared, and must not be so once this worker dozes again. */
rung:
        atomic {
            if
            :: bell[w] -> queued[w] = true
#if defined(BREAK_TWICE_COUNTED)
            :: else -> goto idle
#elif defined(BREAK_RING_DROPPED)
            :: else -> goto quick
#else
            :: else -> goto search
#endif
            fi
        }
        !queued[w];
        goto rung;
gone:
        skip
    } unless { d_step { dead[w] -> queued[w] = false; busy[w] = false; last = false; v = NOBODY } }
}

inline ring_of(x)
{
#ifdef BREAK_RING_BITS_ONLY
    if
    :: asleep & BIT(x) ->
        asleep = CLEARED(x);
        WHOLE { bell[x] = false; queued[x] = false }
    :: else
    fi
#else
    asleep = CLEARED(x);
    WHOLE { bell[x] = false; queued[x] = false }
#endif
}

inline ring_all()
{
    ring_of(0);
    ring_of(1)
#if WORKERS > 2
    ;
    ring_of(2)
#endif
}

/* The kernel's word that x is dead. What it had claimed, or alone could claim, goes to the others. */
inline learn(x)
{
    atomic { dead[x] && !known[x] -> known[x] = true; resting = false }
#ifndef BREAK_NO_SHAKEN
    shaken = true;
    searching = COUNTED(0);
#endif
#ifndef BREAK_NO_RING_ALL
    ring_all();
#endif
    atomic {
        if
        :: carries[x] -> carries[x] = false; unclaimed++; dirty = true
        :: else
        fi;
        if
        :: x == 0 && owned > 0 -> unclaimed = unclaimed + owned; owned = 0; dirty = true
        :: else
        fi;
        resting = !dirty
    }
}

#ifdef AFTER_DEATH
#define READY (posted < ITEMS && shaken)
#else
#define READY (posted < ITEMS)
#endif

/* May publish several items before it rings. */
proctype manager()
{
    byte v = NOBODY, posted;
    bool dirty;

    resting = true;
    do
#ifdef BREAK_RING_FIRST
    :: atomic { READY -> resting = false }
       ring();
       atomic { posted++; unclaimed++; resting = true }
#else
    :: atomic { READY -> resting = false; posted++; unclaimed++; dirty = true }
#endif
#ifdef OWNED
    :: atomic { READY && !known[0] -> resting = false; posted++; owned++ }
#ifdef BREAK_OWNED_ANY
       ring();
#else
       ring_if_asleep(0);
#endif
       resting = !dirty
#endif
    :: dirty -> ring(); atomic { dirty = false; resting = true }
    :: learn(0)
    :: learn(1)
#if WORKERS > 2
    :: learn(2)
#endif
    :: done == ITEMS && !dirty -> break
    od;
    quit = true;
    ring_all()
}

/* Nobody will move by himself but for tasks that end. */
#define STILL(w) (dead[w] -> known[w] : queued[w] || busy[w])
#define SLEEPS(w) (queued[w] && !dead[w])
#if WORKERS > 2
#define QUIET (resting && STILL(0) && STILL(1) && STILL(2))
#define IDLE (SLEEPS(0) || SLEEPS(1) || SLEEPS(2))
#else
#define QUIET (resting && STILL(0) && STILL(1))
#define IDLE (SLEEPS(0) || SLEEPS(1))
#endif

proctype observer()
{
end:
    atomic { QUIET && ((IDLE && unclaimed > 0) || (SLEEPS(0) && owned > 0)) -> assert(false) }
}

init
{
    atomic {
        run observer();
        run worker(0);
        run worker(1);
#if WORKERS > 2
        run worker(2);
#endif
#if DEATHS > 0
        run killer();
#endif
        run manager()
    }
}
