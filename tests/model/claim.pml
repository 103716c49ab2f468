/* The board's protocol, 1 of 5: post, claim, note, collect, reuse, a worker dying anywhere.
 *
 * What is checked
 *   src/board is memory that a manager and its workers share; anybody but the manager may die between any
 *   two instructions. The four models here say what each writes and reads, in which order, and spin walks
 *   through every interleaving of small cases:
 *     claim.pml  closed posts, descriptors that are used again, recovery after deaths
 *     open.pml   the open post of submitted tasks: it grows, is closed, tasks are cancelled
 *     sleep.pml  workers that fall asleep and are rung
 *     wait.pml   the manager that waits for results, outboxes that are full
 *   Each has rules that the code must keep, numbered R1... below, and for each rule a BREAK_... that breaks
 *   it. The tests run the models as they are (no error may be found) and with each rule broken (one must be
 *   found: this shows that the model would see it). CMakeLists.txt has the cases.
 *
 * What the steps mean
 *   A step (one statement, or what stands in atomic or d_step) touches one word of shared memory, as one
 *   atomic instruction does; private work is attached to it. The observer's variables are in no program.
 *   COARSE takes steps together that the fine cases have shown to be harmless apart, so that more workers
 *   and deaths can be walked through.
 *   The memory of a model is sequentially consistent. So the code uses memory_order_seq_cst on these words;
 *   weaker orders, fences on one side and the like are not covered here.
 *   All runs of the models are finite (checked by the cases named `ends`): somebody who can move
 *   always comes to an end, so that the absence of deadlock is the absence of starvation too.
 *
 * The protocol here
 *   cursor[p]    {generation, next}: one word. Items below `next` are claimed, the post is exhausted at limit
 *   limit[p]     number of items of the post
 *   order, tail  the ring of posts to look at: an entry is {post, generation}, one word
 *   announce[w]  {post, low bits of the generation, from, count}, or nothing: one word
 *   outbox[w]    notes {post, from, count} of items done; appending is one step, since the slot is written
 *                before the head
 *   Worker: reads tail, an entry, the cursor, the limit; announces what it is about to take; compares and
 *   swaps the cursor; on success executes, then appends a note. The note is the completion.
 *   Manager: posts, collects notes, hands a descriptor out again when all its items are noted.
 *   Recovery, when workers have died: reads the cursors; then the announcements of the living; then drains
 *   all outboxes. What is below the cursor, not noted and not announced by a living worker is lost, and is
 *   posted again. It is repeated while anything is suspect.
 *   SPILL: a note for which the outbox has no room is kept by the worker, which says so (spilled) and goes
 *     on.
 *
 * Rules
 *   R1  Announce before the compare-and-swap (ANNOUNCE_LATE), and keep it until after the note
 *       (ANNOUNCE_CLEARED_EARLY). Else a death, or a recovery that looks in between, loses or doubles items.
 *   R2  Clear the announcement before idling, after a lost race too (ANNOUNCE_KEPT). Else recovery waits for
 *       ever: the items of the dead winner are in the idle loser's announcement.
 *   R3  The compare-and-swap compares the generation (NO_GENERATION), and generations do not come round
 *       while a worker is between its reading of the cursor and its swap (NARROW: one bit does). Otherwise it
 *       takes items beyond the new limit, or items of another post under the old post's name. The bits in the
 *       announcement may be few: a wrong match only delays (all cases here run with a single bit).
 *   R4  A descriptor is made anew in the order cursor, limit, entry, tail. With the limit first
 *       (LIMIT_FIRST) a worker that has read the old cursor, exhausted, sees room below the new limit and
 *       its swap succeeds: it holds an item that is not there. (The program freezes the cursor under the next
 *       generation first, then writes the limit, then sets the cursor to 0: the same.) With the tail before
 *       the entry (TAIL_FIRST) a worker passes the old entry, and the new one with it, for good.
 *   R5  An entry is overwritten only once its post is exhausted (OVERWRITE). Nobody need wait for that: an
 *       entry that is still needed is counted again where it stands (tail + 1), which moves it to the end.
 *   R6  Recovery reads cursors, announcements, outboxes in this order. Announcements after the outboxes
 *       (DRAIN_FIRST) or cursors after the announcements (CURSOR_LAST) declare items lost that a living
 *       worker has, or has noted. Who is living is settled before the announcements are read: what one who
 *       dies during the recovery had announced counts as held until the next recovery. (The program reads the
 *       cursors when it learns of a death, and not again for that: what is suspect lies below them, and only
 *       that is judged.)
 *   R7  Recovery is repeated while something is suspect (RECOVER_ONCE): a living worker that lost the race
 *       for a dead one's items has them in its announcement until it moves on. It gives no sign of that, so
 *       the manager must not wait without a timeout meanwhile. Without spilling, only what a dead worker had
 *       announced last can be lost (asserted), so that nothing is suspect for long.
 *   R8  A lost item leaves its post at once, for a list of the manager's, and not only when there is a free
 *       descriptor to post it with (MOVE_WAITS): else two posts with lost items wait for each other.
 *   R9  A worker says that it has spilled before its next announcement (SPILL_SAID_LATE), and recovery reads
 *       that after the announcements (SPILL_SEEN_FIRST), before it drains; while a living worker has kept
 *       notes nothing is declared lost. Else items that were done and kept are taken for lost.
 *   R10 A worker goes on while next < limit, not while next != limit: it may have read the limit of the next
 *       generation, which is lower. (Its swap fails then, but it must not compute limit - next.)
 *   A note needs no generation, as long as R1 to R9 hold (asserted): none can be under way when a
 *   descriptor is used again. For the same reason there is never a second note of an item (asserted),
 *   rather than one that is to be dropped.
 *
 * Cases: WORKERS, ITEMS, DEATHS; COMPUTE, how many items the manager claims itself; PAIR_FIRST, the first
 * post has two items and the others one (otherwise any division into posts of one and two). */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef ITEMS
#define ITEMS 4
#endif
#ifndef COMPUTE
#define COMPUTE 0
#endif
#ifdef BREAK_NARROW
#define GENERATIONS 2
#else
#define GENERATIONS 16
#endif
#define LOW 2 /* the announcement knows the generation modulo this */
#define POSTS 2
#define RING 2
#ifdef SPILL
#define ROOM 1
#else
#define ROOM 4
#endif

typedef cursor_t { byte gen, next };
typedef entry_t { byte post, gen };
typedef range_t { byte post, gen, from, count }; /* post: 1 + its number, 0 for nothing */
typedef post_t { bool live; byte size, noted; byte id[2] };

/* Shared memory. */
cursor_t cursor[POSTS];
byte limit[POSTS];
entry_t order[RING];
byte tail;
range_t announce[WORKERS];
/* Notes: post, generation (for the observer alone), from, count. */
chan outbox[WORKERS] = [ROOM] of { byte, byte, byte, byte };
bool spilled[WORKERS];
bool quit;

/* The manager's own. */
post_t post[POSTS];
byte suspect[POSTS];

/* The observer's. `stirred`: something has moved since the last recovery, so that another one may find more;
 * without it the model would try for ever where the program tries from time to time. */
bool stirred;
byte holds[WORKERS], size[POSTS], results[ITEMS];

#include "killer.pml"

#define UNCLAIMED(p) (post[p].live && cursor[p].next < limit[p])
#define NEEDED(e) (cursor[e.post].gen == e.gen && cursor[e.post].next < limit[e.post])
#define LISTED(k) (tail >= pos + k && NEEDED(order[(tail - k) % RING]))
#ifdef COARSE
#define TOGETHER atomic
#define WORK (UNCLAIMED(0) || UNCLAIMED(1))
#else
#define TOGETHER
#define WORK (LISTED(1) || LISTED(2))
#endif

#define SUSPECT ((suspect[0] | suspect[1]) != 0)
#ifdef BREAK_RECOVER_ONCE
#define STIR
#else
#define STIR stirred = SUSPECT
#endif

#define OVER 255
#define FORGET p = 0; gen = 0; next = 0; many = 0; won = false

inline announce_store(which, g, f, c)
{
    d_step {
        announce[w].post = which;
        announce[w].gen = g % LOW;
        announce[w].from = f;
        announce[w].count = c;
        STIR
    }
}

/* Finds p, gen, next and many to claim, or goes to `idle`. */
#ifdef COARSE

inline find()
{
    if
    :: UNCLAIMED(0) -> p = 0
    :: UNCLAIMED(1) -> p = 1
    :: else -> goto idle
    fi;
    gen = cursor[p].gen;
    next = cursor[p].next;
    if
    :: many = 1
    :: next + 1 < limit[p] -> many = 2
    fi
}

#else

inline find()
{
    do
    :: atomic {
           pos = (pos + RING < tail -> tail - RING : pos);
           if
           :: pos == tail -> goto idle
           :: else
           fi
       }
       atomic { p = order[pos % RING].post; gen = order[pos % RING].gen }
       atomic {
           if
           :: cursor[p].gen == gen -> next = cursor[p].next
           :: else -> next = OVER
           fi
       }
       atomic {
           if
           :: next < limit[p] -> many = 1; break
           :: next + 1 < limit[p] -> many = 2; break
           :: next >= limit[p] -> pos++; FORGET
           fi
       }
    od
}

#endif

inline claim()
{
    d_step {
#ifdef BREAK_NO_GENERATION
        won = (cursor[p].next == next);
#else
        won = (cursor[p].next == next && cursor[p].gen == gen);
#endif
        if
        :: won ->
            assert(next + many <= size[p]);
            cursor[p].next = next + many;
            holds[w] = 1 + p
        :: else
        fi
    }
}

#ifdef SPILL

#ifdef BREAK_SPILL_SAID_LATE
#define SAY_SPILLED skip
#define SAY_SPILLED_LATE spilled[w] = nempty(kept)
#else
#define SAY_SPILLED spilled[w] = true
#define SAY_SPILLED_LATE skip
#endif

/* Puts what it has kept, as far as there is room. */
inline flush()
{
    do
    :: atomic {
           nempty(kept) && nfull(outbox[w]) ->
           kept?p,gen,next,many;
           outbox[w]!p,gen,next,many;
           STIR;
           FORGET
       }
    :: atomic { nempty(kept) && full(outbox[w]) -> SAY_SPILLED; break }
    :: atomic { empty(kept) -> STIR; spilled[w] = false; break }
    od
}

#define ROOM_AGAIN (nempty(kept) && nfull(outbox[w]))

inline note()
{
    atomic {
        if
        :: won -> kept!p,gen,next,many; holds[w] = 0
        :: else
        fi;
        FORGET
    }
    flush()
}

#else

#define flush()
#define SAY_SPILLED_LATE
#define ROOM_AGAIN false

inline note()
{
#ifdef BREAK_ANNOUNCE_CLEARED_EARLY
    announce_store(0, 0, 0, 0);
#endif
    d_step {
        if
        :: won -> outbox[w]!p,gen,next,many; holds[w] = 0; STIR
        :: else
        fi;
        FORGET
    }
}

#endif

proctype worker(byte w)
{
#ifdef SPILL
    chan kept = [3] of { byte, byte, byte, byte };
#endif
    byte pos, p, gen, next, many;
    bool won;
    {
        assert(pos == 0);
look:
        do
#ifdef BREAK_ANNOUNCE_LATE
        :: find();
           claim();
           announce_store(1 + p, gen, next, many);
#else
        :: TOGETHER { find(); announce_store(1 + p, gen, next, many) }
           SAY_SPILLED_LATE;
           claim();
#endif
           note()
        od;
idle:
#ifndef BREAK_ANNOUNCE_KEPT
        announce_store(0, 0, 0, 0);
#endif
        if
        :: WORK -> goto look
        :: ROOM_AGAIN -> flush(); goto idle
        :: quit
        fi
    } unless { d_step { dead[w] -> pos = 0; holds[w] = 0; FORGET } }
}

#include "claim_manager.pml"

init
{
    atomic {
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
