/* The board's protocol, 5 of 5: queues, where some wait and others call, under a lock whose holder may die. See
 * claim.pml for the manner.
 *
 *   owner, orphan   the robust lock: the kernel frees what a dead process held, and says so to the next one
 *   items           that the links lead to: the truth; a put and a get are one step of it
 *   count           the same as counted, under the lock
 *   bell[d]         of a door: GET, where consumers sleep, and PUT, where producers do
 *   waiting[d]      who have counted themselves there; called[d] of these were called and are not back
 *   epoch[d]        grows when the two begin anew
 *
 *   To pass: lock; where the count allows it, the item, then the count, then one call at the other door if
 *     called < waiting: called + 1, bell + 1; unlock; wake one sleeper of that bell.
 *   Else: waiting + 1, remember bell and epoch, unlock, sleep as long as the bell is what it was, lock; where
 *     the epoch is the same, waiting - 1, and called - 1 unless it is 0; again.
 *   Who finds the lock orphaned counts the links, and calls all: both counts 0, epoch + 1, bell + 1, everybody
 *     is woken. So does the manager once it knows of a death, with the lock.
 *
 * What is shown: when nobody can move, no consumer sleeps while there is an item, no producer while there is
 * room, and nobody has the lock.
 *
 * Rules
 *   Q1  The bell is read under the lock (READ_LATE), and changed under it, before the wake (WAKE_FIRST).
 *   Q2  Who comes back takes a call out (CALLED_KEPT), unless the counts have begun anew (NO_EPOCH).
 *   Q3  Who finds an orphaned lock counts anew (NO_COUNT) and calls all, or a death that is known does
 *       (NO_SHAKE: only the first). With that second one the first need not call, but it comes sooner.
 *
 * Cases: PRODUCERS, CONSUMERS, EACH, ROOM, DEATHS, TIMED (the last consumer gives up once). */
#ifndef PRODUCERS
#define PRODUCERS 1
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef EACH
#define EACH 2
#endif
#ifndef ROOM
#define ROOM 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#define USERS (PRODUCERS + CONSUMERS)
#define NOBODY 255
#define GET 0
#define PUT 1

byte owner = NOBODY;
bool orphan;
byte items, count;
byte bell[2], epoch[2];
byte waiting[2], called[2];

/* The kernel's: who sleeps on which bell. */
bool queued[USERS];

/* The observer's. */
bool dead[USERS];
byte deaths, unknown;

#define SIDE(u) (u < PRODUCERS -> PUT : GET)

inline wake_all()
{
    d_step {
        i = 0;
        do
        :: i < USERS -> queued[i] = false; i++
        :: else -> break
        od;
        i = 0
    }
}

inline call_all()
{
    d_step { waiting[GET] = 0; called[GET] = 0; epoch[GET]++; bell[GET]++ }
    d_step { waiting[PUT] = 0; called[PUT] = 0; epoch[PUT]++; bell[PUT]++ }
    wake_all()
}

/* Who takes the lock of a dead one still has it orphaned until all is mended: he may die as well. */
inline lock(me)
{
    atomic { owner == NOBODY -> owner = me }
    if
    :: orphan ->
#ifndef BREAK_NO_COUNT
        count = items;
#endif
        call_all();
        orphan = false
    :: else
    fi
}

inline unlock()
{
    owner = NOBODY
}

/* One of those who sleep at a door. */
inline wake_one(d)
{
    atomic {
        if
        :: queued[0] && SIDE(0) == d -> queued[0] = false
        :: queued[1] && SIDE(1) == d -> queued[1] = false
#if PRODUCERS + CONSUMERS > 2
        :: queued[2] && SIDE(2) == d -> queued[2] = false
#endif
#if PRODUCERS + CONSUMERS > 3
        :: queued[3] && SIDE(3) == d -> queued[3] = false
#endif
        :: else
        fi
    }
}

#define MAY_PASS(s) ((s == GET && count > 0) || (s == PUT && count < ROOM))

proctype user(byte me; byte side; byte times)
{
    byte i, seen, era;
    bool one, late;
    {
        do
        :: times > 0 ->
            lock(me);
            do
            :: MAY_PASS(side) || late -> break
            :: else ->
                era = epoch[side];
                waiting[side]++;
#ifndef BREAK_READ_LATE
                seen = bell[side];
#endif
                unlock();
#ifdef BREAK_READ_LATE
                seen = bell[side];
#endif
                atomic { queued[me] = (bell[side] == seen) }
endasleep:
                if
                :: !queued[me]
#ifdef TIMED
                :: me == USERS - 1 -> atomic { queued[me] = false; late = true }
#endif
                fi;
                lock(me);
                if
#ifndef BREAK_NO_EPOCH
                :: era != epoch[side]
#endif
                :: else ->
                    waiting[side]--;
#ifndef BREAK_CALLED_KEPT
                    if
                    :: called[side] > 0 -> called[side]--
                    :: else
                    fi
#endif
                fi
            od;
            if
            :: MAY_PASS(side) ->
                items = (side == PUT -> items + 1 : items - 1);
                count = (side == PUT -> count + 1 : count - 1);
                if
                :: called[1 - side] < waiting[1 - side] ->
                    called[1 - side]++;
#ifdef BREAK_WAKE_FIRST
                    wake_one(1 - side);
                    bell[1 - side]++;
#else
                    bell[1 - side]++;
                    one = true
#endif
                :: else
                fi
            :: else
            fi;
            unlock();
            if
            :: one -> one = false; wake_one(1 - side)
            :: else
            fi;
            if
            :: side == PUT -> times--
            :: else
            fi;
            if
            :: late -> times = 0
            :: else
            fi
        :: else -> break
        od
    } unless { dead[me] }
}

/* The kernel ends somebody anywhere. */
active proctype killer()
{
    byte victim;
    do
    :: deaths < DEATHS ->
        select(victim : 0 .. USERS - 1);
        atomic {
            !dead[victim];
            dead[victim] = true;
            queued[victim] = false;
            deaths++;
            unknown++;
            if
            :: owner == victim -> owner = NOBODY; orphan = true
            :: else
            fi
        }
    :: break
    od
}

/* The manager learns of a death some time later. */
active proctype manager()
{
    byte i;
#ifndef BREAK_NO_SHAKE
end:
    do
    :: unknown > 0 ->
        unknown--;
        lock(USERS);
        call_all();
        unlock()
    od
#endif
}

#define ASLEEP(u) (queued[u] && !dead[u])

init
{
    byte u;
    atomic {
        do
        :: u < USERS -> run user(u, SIDE(u), EACH); u++
        :: else -> break
        od
    }
    timeout;
    assert(owner == NOBODY || owner == USERS);
    u = 0;
    do
    :: u < USERS ->
        assert(!ASLEEP(u) || SIDE(u) != GET || items == 0);
        assert(!ASLEEP(u) || SIDE(u) != PUT || items == ROOM);
        u++
    :: else -> break
    od;
    assert(orphan || count == items)
}
