/* The board's protocol, 2 of 5: the open post of submitted tasks. See claim.pml for the manner, and for what
 * is the same here: claims, notes, recovery.
 *
 *   limit[p]        {count, closed}: one word. While the post is open `count` grows
 *   state[record]   of a task: PENDING, RUNNING or CANCELLED
 *
 *   Manager: writes a record, then raises the count. Closes a post when it likes, also while nothing in it
 *     has been claimed; opens another one. Cancels a task by a compare-and-swap PENDING -> CANCELLED of its
 *     record, or all that is unclaimed in a post by a compare-and-swap of the cursor to the count. A lost
 *     task is appended again, as a new record of the open post.
 *   Worker: claims one record at a time; PENDING -> RUNNING by compare-and-swap; runs the task, or skips it
 *     if it was cancelled; puts a note either way.
 *
 * What is shown: each task has one result or was cancelled, once; what was cancelled did not run, neither
 * before nor after; whose cancel was refused has begun; all records come back.
 *
 * Rules
 *   O1  The state decides between start and cancel (NO_STATE).
 *   O2  The record is written before the count (COUNT_FIRST): that of an earlier life may say CANCELLED.
 *   O3  An entry whose post is open is not passed over, though it has no work (OPEN_PASSED), and `closed` is
 *       read with the count or before it, never after (CLOSED_APART): else the last tasks, appended between
 *       the two reads, are passed over for good. Likewise an open post's entry is not overwritten.
 *   O4  A lost task's new record is PENDING whatever the old one says (STATE_KEPT: RUNNING would be skipped).
 *       A lost task that was CANCELLED is not posted again.
 *   O5  A lost task that had begun cannot be cancelled any more, though its new record is PENDING: the
 *       manager remembers it (RETRY_CANCELLED). Else the user hears that a task was cancelled which has run.
 *
 * Cases: WORKERS, TASKS, DEATHS; CANCELS, how often the manager cancels. */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef TASKS
#define TASKS 2
#endif
#define SLOTS 2 /* records of a post */
#ifndef CANCELS
#define CANCELS 1
#endif
#define POSTS 2
#define RING 2
#define GENERATIONS 16
#define LOW 2 /* the announcement has the low bit of the generation only */
#define RECORD(p, i) ((p) * SLOTS + (i))

mtype = { PENDING, RUNNING, CANCELLED };

typedef cursor_t { byte gen, next };
typedef limit_t { byte count; bool closed };
typedef entry_t { byte post, gen };
typedef range_t { byte post, gen, from };
typedef post_t { bool live; byte noted; byte id[SLOTS] };

/* Shared memory. */
cursor_t cursor[POSTS];
limit_t limit[POSTS];
mtype state[POSTS * SLOTS];
entry_t order[RING];
byte tail;
range_t announce[WORKERS];
chan outbox[WORKERS] = [4] of { byte, byte };
bool quit;

/* The manager's own. */
post_t post[POSTS];

byte suspect[POSTS];

/* The observer's, as in claim.pml. */
bool stirred;
bool ran[TASKS], cancelled[TASKS], executed[POSTS * SLOTS];

#include "killer.pml"

#define SUSPECT ((suspect[0] | suspect[1]) != 0)
#define STIR stirred = SUSPECT
#define MINE(e) (cursor[e.post].gen == e.gen)
#define UNCLAIMED(p) (cursor[p].next < limit[p].count)
#define NEEDED(e) (MINE(e) && (UNCLAIMED(e.post) || !limit[e.post].closed))
#define OFFERED(e) (MINE(e) && UNCLAIMED(e.post))
#define LISTED(k) (tail >= pos + k && OFFERED(order[(tail - k) % RING]))
#ifdef COARSE
#define WORK ((post[0].live && UNCLAIMED(0)) || (post[1].live && UNCLAIMED(1)))
#define TOGETHER atomic
#else
#define WORK (LISTED(1) || LISTED(2))
#define TOGETHER
#endif
#define OVER 255
#define FORGET p = 0; gen = 0; next = 0; won = false

inline announce_store(which, g, f)
{
    d_step {
        announce[w].post = which;
        announce[w].gen = g % LOW;
        announce[w].from = f;
        STIR
    }
}

#ifdef COARSE

inline find()
{
    if
    :: post[0].live && UNCLAIMED(0) -> p = 0
    :: post[1].live && UNCLAIMED(1) -> p = 1
    :: else -> goto idle
    fi;
    gen = cursor[p].gen;
    next = cursor[p].next
}

#else

/* Walks the ring. `pos` moves past entries that can never have work again, `at` past others. */
inline find()
{
    at = pos;
    do
    :: atomic {
           if
           :: tail > RING && pos < tail - RING -> pos = tail - RING
           :: else
           fi;
           if
           :: at < pos -> at = pos
           :: else
           fi;
           if
           :: at == tail -> at = 0; goto idle
           :: else
           fi
       }
       atomic { p = order[at % RING].post; gen = order[at % RING].gen }
       atomic {
           if
           :: cursor[p].gen == gen -> next = cursor[p].next
           :: else -> next = OVER
           fi
       }
       atomic {
           if
           :: next < limit[p].count -> at = 0; break
           :: else
           fi
#ifdef BREAK_CLOSED_APART
       }
       atomic {
#endif
           if
#ifdef BREAK_OPEN_PASSED
           :: at == pos -> pos++
#else
           :: (next == OVER || limit[p].closed) && at == pos -> pos++
#endif
           :: else
           fi;
           at++;
           FORGET
       }
    od
}

#endif

inline claim()
{
    d_step {
        won = (cursor[p].next == next && cursor[p].gen == gen);
        if
        :: won -> assert(next < limit[p].count && post[p].live); cursor[p].next = next + 1
        :: else
        fi
    }
}

/* The task's own word decides between its start and its cancel. */
#ifdef BREAK_NO_STATE
#define STARTABLE true
#else
#define STARTABLE (state[RECORD(p, next)] == PENDING)
#endif

inline start()
{
    d_step {
        if
        :: STARTABLE ->
            state[RECORD(p, next)] = RUNNING;
            assert(!cancelled[post[p].id[next]]);
            ran[post[p].id[next]] = true;
            executed[RECORD(p, next)] = true
        :: !STARTABLE
        fi;
        won = false
    }
}

proctype worker(byte w)
{
    byte pos, at, p, gen, next;
    bool won;
    {
        assert(pos == 0);
look:
        do
        :: TOGETHER { find(); announce_store(1 + p, gen, next) }
           claim();
           if
           :: won ->
               start();
               d_step { outbox[w]!p,next; STIR; FORGET }
           :: !won -> d_step { FORGET }
           fi
        od;
idle:
        announce_store(0, 0, 0);
        if
        :: WORK -> goto look
        :: quit
        fi
    } unless { d_step { dead[w] -> pos = 0; at = 0; FORGET } }
}

#include "open_manager.pml"

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
