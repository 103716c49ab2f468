/* The manager of claim.pml, which includes this: posts, collects, recovers. */
#define NOTED(p, i) ((post[p].noted >> i) & 1)
#define UNNOTED(p) (((1 << post[p].size) - 1) & ~post[p].noted)
#define FREE (!post[0].live || !post[1].live)

/* Item k of post q needs nothing more: the last one frees the descriptor. */
inline settle(q, k)
{
    post[q].noted = post[q].noted | (1 << k);
    suspect[q] = suspect[q] & ~(1 << k);
    stirred = stirred && SUSPECT;
    if
    :: UNNOTED(q) == 0 ->
        post[q].live = false; post[q].noted = 0; post[q].size = 0; post[q].id[0] = 0; post[q].id[1] = 0
    :: else
    fi
}

inline deliver(d, j)
{
    assert(post[d].live && j < post[d].size && !NOTED(d, j));
    results[post[d].id[j]]++;
    assert(results[post[d].id[j]] == 1);
    done++;
    settle(d, j)
}

inline collect(w)
{
    atomic {
        outbox[w]?p,gen,from,count;
        d_step {
            assert(gen == cursor[p].gen);
            do
            :: count > 0 -> deliver(p, from); from++; count--
            :: else -> break
            od;
            p = 0; gen = 0; from = 0
        }
    }
}

inline drain()
{
    do
    :: x < WORKERS ->
        do
        :: collect(x)
        :: empty(outbox[x]) -> break
        od;
        x++
    :: else -> x = 0; break
    od
}

inline fill_fresh()
{
    post[p].id[0] = sent;
    if
#ifdef PAIR_FIRST
    :: sent > 0 -> post[p].size = 1
    :: sent == 0 -> post[p].size = 2; post[p].id[1] = 1
#else
    :: post[p].size = 1
    :: sent + 1 < ITEMS -> post[p].size = 2; post[p].id[1] = sent + 1
#endif
    fi;
    sent = sent + post[p].size
}

inline fill_again()
{
    do
    :: (again >> i) & 1 -> break
    :: else -> i++
    od;
    again = again & ~(1 << i);
    post[p].id[0] = i;
    post[p].size = 1;
    i = 0
}

inline cursor_store()
{
    d_step {
        do
        :: x < WORKERS -> assert(dead[x] || holds[x] != 1 + p); x++
        :: else -> x = 0; break
        od;
        cursor[p].gen = (cursor[p].gen + 1) % GENERATIONS;
        cursor[p].next = 0;
        size[p] = post[p].size
    }
}

inline limit_store()
{
    limit[p] = post[p].size
}

inline order_store()
{
#ifndef BREAK_OVERWRITE
    do
    :: atomic { tail >= RING && NEEDED(order[tail % RING]) -> tail++ }
    :: else -> break
    od;
#endif
#ifdef BREAK_TAIL_FIRST
    tail++;
    atomic { order[(tail - 1) % RING].post = p; order[(tail - 1) % RING].gen = cursor[p].gen }
#else
    atomic { order[tail % RING].post = p; order[tail % RING].gen = cursor[p].gen }
    tail++
#endif
}

inline publish()
{
    atomic {
        p = (post[0].live -> 1 : 0);
        if
        :: sent < ITEMS -> fill_fresh()
        :: again -> fill_again()
        fi;
        post[p].live = true
    }
#if defined(COARSE)
    atomic { cursor_store(); limit_store(); p = 0 }
#else
#if defined(BREAK_LIMIT_FIRST)
    limit_store();
    cursor_store();
#else
    cursor_store();
    limit_store();
#endif
    order_store();
    p = 0
#endif
}

#define NAMED(who) (announce[who].post - 1)
#define STANDS(who) (announce[who].post > 0 && announce[who].gen == cursor[NAMED(who)].gen % LOW)
#define RANGE(who) (((1 << announce[who].count) - 1) << announce[who].from)

#ifdef SPILL
#define CLAIMED(p) (post[p].live -> UNNOTED(p) & ((1 << cursor[p].next) - 1) : 0)
#define VEIL(v) veiled = veiled || (!known[v] && spilled[v])
#define VEILED veiled

inline spilled_read()
{
    VEIL(0);
    VEIL(1)
#if WORKERS > 2
    ;
    VEIL(2)
#endif
}
#else
#define spilled_read()
#define VEILED false
#endif

/* The kernel's word that w is dead. What it had announced last is all that it can have taken along. The
 * announcement of the dead is not read again; it is cleared here to have fewer states. */
inline learn(w)
{
    d_step {
        dead[w] && !known[w] ->
        known[w] = true;
#ifdef SPILL
        suspect[0] = CLAIMED(0);
        suspect[1] = CLAIMED(1);
#else
        if
        :: STANDS(w) -> suspect[NAMED(w)] = suspect[NAMED(w)] | (RANGE(w) & UNNOTED(NAMED(w)))
        :: else
        fi;
#endif
        stirred = SUSPECT;
        announce[w].post = 0; announce[w].gen = 0; announce[w].from = 0; announce[w].count = 0
    }
}

inline cursors_read()
{
    TOGETHER { seen[0] = cursor[0].next; seen[1] = cursor[1].next }
}

inline announce_read(v)
{
    d_step {
        if
        :: !known[v] && STANDS(v) -> held[NAMED(v)] = held[NAMED(v)] | RANGE(v)
        :: else
        fi
    }
}

inline announces_read()
{
    announce_read(0);
    announce_read(1)
#if WORKERS > 2
    ;
    announce_read(2)
#endif
}

#ifdef BREAK_MOVE_WAITS
#define MOVABLE FREE
#else
#define MOVABLE true
#endif

inline judge(d, j)
{
    if
    :: post[d].live && j < post[d].size && j < seen[d] && !NOTED(d, j) && !((held[d] >> j) & 1) && MOVABLE ->
        assert((suspect[d] >> j) & 1);
        again = again | (1 << post[d].id[j]);
        settle(d, j)
    :: else
    fi
}

inline recover()
{
    stirred = false;
#ifdef BREAK_DRAIN_FIRST
    drain();
#endif
#ifdef BREAK_CURSOR_LAST
    announces_read();
    cursors_read();
#else
    cursors_read();
#ifdef BREAK_SPILL_SEEN_FIRST
    spilled_read();
    announces_read();
#else
    announces_read();
    spilled_read();
#endif
#endif
#ifndef BREAK_DRAIN_FIRST
    drain();
#endif
    atomic {
        true;
        d_step {
            if
            :: VEILED
            :: else ->
                judge(0, 0);
                judge(0, 1);
                judge(1, 0);
                judge(1, 1)
            fi;
#ifdef SPILL
            veiled = false;
#endif
            held[0] = 0; held[1] = 0; seen[0] = 0; seen[1] = 0
        }
    }
}

/* The manager claims too. */
inline compute(q)
{
    atomic {
        computed < COMPUTE && UNCLAIMED(q) ->
#if COMPUTE < ITEMS
        computed++;
#endif
        from = cursor[q].next; p = q
    }
    d_step {
        if
        :: cursor[p].next == from -> cursor[p].next = from + 1; deliver(p, from)
        :: else
        fi;
        from = 0; p = 0
    }
}

proctype manager()
{
    bool known[WORKERS];
#ifdef SPILL
    bool veiled;
#endif
    byte held[POSTS], seen[POSTS];
    byte again, sent, done, computed, p, x, i, gen, from, count;

    do
    :: done == ITEMS -> break
    :: (sent < ITEMS || again) && FREE -> publish()
    :: collect(0)
    :: collect(1)
    :: learn(0)
    :: learn(1)
#if WORKERS > 2
    :: collect(2)
    :: learn(2)
#endif
    :: SUSPECT && stirred -> recover()
#if COMPUTE > 0
    :: compute(0)
    :: compute(1)
#endif
    od;
    quit = true
}
