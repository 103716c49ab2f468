/* draft */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef GENS
#define GENS 8
#endif
#define POSTS 2
#define RING 2
#define ITEMS 4
#define BATCHES 3
#define SIZE(batch) (batch == 0 -> 2 : 1)

typedef cursor_t { byte gen, next };
typedef entry_t { byte post, gen };
typedef range_t { byte post, gen, from, count };
typedef post_t { bool live; byte size, noted; byte id[2] };

cursor_t cursor[POSTS];
byte limit[POSTS];
entry_t order[RING];
byte tail;
range_t announce[WORKERS];
chan outbox[WORKERS] = [4] of { byte, byte, byte, byte };
bool quit;

bool dead[WORKERS];
bool stirred;
byte holds[WORKERS];
byte actual[POSTS];
byte results[ITEMS];

#define CLAIMABLE(k) \
    (tail >= k && tail - k >= pos && cursor[order[(tail - k) % RING].post].gen == order[(tail - k) % RING].gen \
     && cursor[order[(tail - k) % RING].post].next < limit[order[(tail - k) % RING].post])

inline announce_set(p, g, f, c)
{
    d_step {
        announce[w].post = p; announce[w].gen = g; announce[w].from = f; announce[w].count = c;
        stirred = true;
    }
}

proctype worker(byte w)
{
    byte pos, end, p, gen, next, run;
    bool won;
    {
look:
        d_step {
            end = tail;
            if
            :: pos + RING < end -> pos = end - RING
            :: else
            fi
        }
        do
        :: pos == end -> break
        :: else ->
            d_step { p = order[pos % RING].post; gen = order[pos % RING].gen }
again:
            atomic {
                if
                :: cursor[p].gen == gen -> next = cursor[p].next
                :: else -> goto over
                fi
            }
            atomic {
                if
                :: next >= limit[p] -> goto over
                :: next < limit[p] -> run = 1
                :: next + 1 < limit[p] -> run = 2
                fi
            }
#ifndef BREAK_ANNOUNCE_LATE
            announce_set(1 + p, gen, next, run);
#endif
            d_step {
                won = cursor[p].next == next
#ifndef BREAK_NO_GENERATION
                      && cursor[p].gen == gen
#endif
                      ;
                if
                :: won -> assert(next + run <= actual[p]); cursor[p].next = next + run; holds[w] = 1 + p
                :: else
                fi
            }
            if
            :: !won -> goto again
            :: else
            fi;
#ifdef BREAK_ANNOUNCE_LATE
            announce_set(1 + p, gen, next, run);
#endif
            d_step { won = 0; outbox[w]!p,gen,next,run; holds[w] = 0; stirred = true };
            goto again;
over:
            d_step { pos++; p = 0; gen = 0; next = 0; run = 0; won = 0 }
        od;
        announce_set(0, 0, 0, 0);
        atomic {
            if
            :: quit -> goto gone
            :: CLAIMABLE(1) || CLAIMABLE(2) -> goto look
            fi
        }
gone:
        skip
    } unless { dead[w] }
}

proctype killer()
{
    byte n, w;
    do
    :: n < DEATHS && !quit ->
        atomic {
            if
            :: !dead[0] -> w = 0
            :: !dead[1] -> w = 1
#if WORKERS > 2
            :: !dead[2] -> w = 2
#endif
            fi;
            dead[w] = true; n++; w = 0
        }
    :: break
    od
}


#define LIVE(p, i) (post[p].live && i < post[p].size)
#define NOTED(p, i) ((post[p].noted >> i) & 1)

inline settle(p, i)
{
    post[p].noted = post[p].noted | (1 << i);
    if
    :: post[p].noted == (1 << post[p].size) - 1 -> post[p].live = false; post[p].noted = 0
    :: else
    fi
}

inline deliver(p, i)
{
    assert(LIVE(p, i) && !NOTED(p, i));
    results[post[p].id[i]]++;
    assert(results[post[p].id[i]] == 1);
    done++;
    settle(p, i)
}

inline take(x)
{
    d_step {
        outbox[x]?p,gen,from,count;
        assert(gen == cursor[p].gen);
        i = 0;
        do
        :: i < count -> deliver(p, from + i); i++
        :: else -> break
        od;
        p = 0; gen = 0; from = 0; count = 0; i = 0
    }
}

inline drain()
{
    x = 0;
    do
    :: x < WORKERS ->
        do
        :: take(x)
        :: empty(outbox[x]) -> break
        od;
        x++
    :: else -> x = 0; break
    od
}

inline hold(x)
{
    if
    :: known[x] || announce[x].post == 0 || announce[x].gen != cursor[announce[x].post - 1].gen
    :: else ->
        held[announce[x].post - 1] = held[announce[x].post - 1]
                                     | (((1 << announce[x].count) - 1) << announce[x].from)
    fi
}

proctype manager()
{
    post_t post[POSTS];
    bool known[WORKERS];
    byte held[POSTS], seen[POSTS];
    byte again, fresh, sent, done, p, x, i, gen, from, count;
    bool won;

    do
    :: done == ITEMS -> break
    :: (fresh < BATCHES || again) && (!post[0].live || !post[1].live) ->
        atomic {
            p = (!post[0].live -> 0 : 1);
            if
            :: fresh < BATCHES ->
                post[p].id[0] = sent; post[p].size = 1; sent++;
                if
                :: fresh == 0 -> post[p].id[1] = sent; post[p].size = 2; sent++
                :: else
                fi;
                fresh++
            :: again ->
                i = 0;
                do
                :: (again >> i) & 1 -> break
                :: else -> i++
                od;
                again = again & ~(1 << i);
                post[p].id[0] = i; post[p].size = 1; i = 0
            fi;
            post[p].live = true;
#ifdef BREAK_LIMIT_FIRST
            limit[p] = post[p].size
#endif
        }
        d_step {
            x = 0;
            do
            :: x < WORKERS -> assert(known[x] || holds[x] != 1 + p); x++
            :: else -> break
            od;
            x = 0;
            cursor[p].gen = (cursor[p].gen + 1) % GENS; cursor[p].next = 0;
            actual[p] = post[p].size
        }
#ifndef BREAK_LIMIT_FIRST
        limit[p] = post[p].size;
#endif
        do
        :: atomic {
               x = order[tail % RING].post;
#ifndef BREAK_OVERWRITE
               tail >= RING && order[tail % RING].gen == cursor[x].gen && cursor[x].next < limit[x]
#else
               false
#endif
               -> x = 0; tail++ }
        :: else -> break
        od;
        x = 0;
        p = 0
    od
}

init
{
    atomic {
        run worker(0); run worker(1);
#if WORKERS > 2
        run worker(2);
#endif
        run manager(); run killer()
    }
}
