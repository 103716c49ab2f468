/* The manager of open.pml, which includes this: posts, cancels, collects, recovers. */
#define POSTED(p, i) (post[p].live && i < limit[p].count)
#define NOTED(p, i) ((post[p].noted >> i) & 1)
#define FREE (!post[0].live || !post[1].live)
#define LEFT (sent < TASKS || again)
#define TASK(q, k) (post[q].id[k])

inline retire(f)
{
    if
    :: limit[f].closed && post[f].noted == (1 << limit[f].count) - 1 ->
        post[f].live = false; post[f].noted = 0; post[f].id[0] = 0; post[f].id[1] = 0;
        suspect[f] = 0
    :: else
    fi
}

/* Record k of post q needs nothing more: the last one of a closed post frees the descriptor. */
inline settle(q, k)
{
    assert(post[q].live && k < limit[q].count && !NOTED(q, k));
    post[q].noted = post[q].noted | (1 << k);
    suspect[q] = suspect[q] & ~(1 << k);
    retire(q);
    stirred = stirred && SUSPECT
}

/* A note: the task's result, or that it was skipped. */
inline collect(w)
{
    atomic {
        outbox[w]?p,i;
        d_step {
            if
            :: state[RECORD(p, i)] == CANCELLED -> assert(!ran[TASK(p, i)])
            :: else ->
                assert(executed[RECORD(p, i)] && !cancelled[TASK(p, i)] && !result[TASK(p, i)]);
                result[TASK(p, i)] = true;
                done++
            fi;
            settle(p, i);
            p = 0; i = 0
        }
    }
}

inline drain()
{
    do
    :: collect(0)
    :: empty(outbox[0]) -> break
    od;
    do
    :: collect(1)
    :: empty(outbox[1]) -> break
    od
#if WORKERS > 2
    ;
    do
    :: collect(2)
    :: empty(outbox[2]) -> break
    od
#endif
}

/* An entry whose post may have work, now or later, is counted again where it stands. */
inline order_store()
{
    do
    :: atomic { tail >= RING && NEEDED(order[tail % RING]) -> tail++ }
    :: else -> break
    od;
    atomic { order[tail % RING].post = p; order[tail % RING].gen = cursor[p].gen }
    tail++
}

inline cursor_store()
{
    d_step {
        now = (post[0].live -> 1 : 0);
        post[now].live = true;
        cursor[now].gen = (cursor[now].gen + 1) % GENERATIONS;
        cursor[now].next = 0
    }
}

inline limit_store()
{
    d_step { limit[now].count = 0; limit[now].closed = false }
}

inline post_open()
{
#ifdef COARSE
    atomic { cursor_store(); limit_store(); opened = true }
#else
    cursor_store();
    limit_store();
    p = now;
    order_store();
    d_step { opened = true; p = 0 }
#endif
}

inline record_store()
{
    d_step {
        executed[RECORD(now, p)] = false;
#ifdef BREAK_STATE_KEPT
        if
        :: (started >> i) & 1 -> state[RECORD(now, p)] = RUNNING
        :: else -> state[RECORD(now, p)] = PENDING
        fi
#else
        state[RECORD(now, p)] = PENDING
#endif
    }
}

inline append()
{
    atomic {
        p = limit[now].count;
        if
        :: sent < TASKS -> i = sent; sent++
        :: again & 1 -> i = 0; again = again & ~1
        :: again & 2 -> i = 1; again = again & ~2
        :: again & 4 -> i = 2; again = again & ~4
        fi;
        post[now].id[p] = i;
        where[i] = RECORD(now, p)
    }
#ifdef BREAK_COUNT_FIRST
    limit[now].count++;
    record_store();
#else
    record_store();
    limit[now].count++;
#endif
    atomic { p = 0; i = 0 }
}

inline post_close()
{
    d_step { limit[now].closed = true; opened = false; retire(now) }
}

#define BEGUN(t) ((started >> t) & 1)

/* Cancels task t, or finds that it has begun. */
inline cancel(t)
{
    d_step {
        t < sent && tries < CANCELS && !((again >> t) & 1) && !result[t] && !cancelled[t] ->
        tries++;
        if
#ifndef BREAK_RETRY_CANCELLED
        :: BEGUN(t) -> assert(ran[t])
        :: !BEGUN(t) && state[where[t]] == PENDING ->
#else
        :: state[where[t]] == PENDING ->
#endif
            assert(!ran[t]);
            state[where[t]] = CANCELLED;
            cancelled[t] = true;
            done++
        :: else -> assert(ran[t])
        fi
    }
}

/* What nobody can run any more: its record is given back, a task that had begun is tried again. */
inline drop(d, j)
{
    if
    :: state[RECORD(d, j)] == CANCELLED
    :: else ->
        if
        :: BEGUN(TASK(d, j)) -> again = again | (1 << TASK(d, j))
        :: else -> assert(!ran[TASK(d, j)]); cancelled[TASK(d, j)] = true; done++
        fi
    fi;
    settle(d, j)
}

inline cancel_rest(z)
{
    atomic {
        tries < CANCELS && post[z].live && UNCLAIMED(z) -> p = z; i = cursor[p].next; tries++
    }
    d_step {
        if
        :: cursor[p].next == i ->
            last = limit[p].count;
            cursor[p].next = last;
            do
            :: i < last -> drop(p, i); i++
            :: else -> break
            od
        :: else
        fi;
        p = 0; i = 0; last = 0
    }
}

#define NAMED(who) (announce[who].post - 1)
#define STANDS(who) (announce[who].post > 0 && announce[who].gen == cursor[NAMED(who)].gen % LOW)

/* The kernel's word that w is dead. What it had announced last is all it can have taken along. */
inline learn(w)
{
    d_step {
        dead[w] && !known[w] ->
        known[w] = true;
        if
        :: STANDS(w) && POSTED(NAMED(w), announce[w].from) && !NOTED(NAMED(w), announce[w].from) ->
            suspect[NAMED(w)] = suspect[NAMED(w)] | (1 << announce[w].from)
        :: else
        fi;
        STIR;
        announce[w].post = 0; announce[w].gen = 0; announce[w].from = 0
    }
}

inline announce_read(v)
{
    d_step {
        if
        :: !known[v] && STANDS(v) -> held[NAMED(v)] = held[NAMED(v)] | (1 << announce[v].from)
        :: else
        fi
    }
}

inline judge(d, j)
{
    if
    :: post[d].live && j < seen[d] && !NOTED(d, j) && !((held[d] >> j) & 1) ->
        assert((suspect[d] >> j) & 1);
        if
        :: state[RECORD(d, j)] == CANCELLED
        :: state[RECORD(d, j)] == RUNNING ->
            started = started | (1 << TASK(d, j));
            again = again | (1 << TASK(d, j))
        :: state[RECORD(d, j)] == PENDING -> again = again | (1 << TASK(d, j))
        fi;
        settle(d, j)
    :: else
    fi
}

inline recover()
{
    stirred = false;
    TOGETHER { seen[0] = cursor[0].next; seen[1] = cursor[1].next }
    announce_read(0);
    announce_read(1);
#if WORKERS > 2
    announce_read(2);
#endif
    drain();
    atomic {
        true;
        d_step {
            judge(0, 0);
            judge(0, 1);
            judge(1, 0);
            judge(1, 1);
            held[0] = 0; held[1] = 0; seen[0] = 0; seen[1] = 0
        }
    }
}

proctype manager()
{
    bool known[WORKERS], opened, result[TASKS];
    byte where[TASKS], held[POSTS], seen[POSTS];
    byte now, again, started, sent, done, tries, p, i, last;

    do
    :: done == TASKS && !post[0].live && !post[1].live -> break
    :: LEFT && !opened && FREE -> post_open()
    :: LEFT && opened && limit[now].count < SLOTS -> append()
    :: opened && limit[now].count > 0 -> post_close()
    :: collect(0)
    :: collect(1)
    :: learn(0)
    :: learn(1)
#if WORKERS > 2
    :: collect(2)
    :: learn(2)
#endif
    :: SUSPECT && stirred -> recover()
    :: cancel(0)
    :: cancel(1)
#if TASKS > 2
    :: cancel(2)
#endif
    :: cancel_rest(0)
    :: cancel_rest(1)
    od;
    quit = true
}
