/* However a reduction's items are cut and in whatever order its parts arrive, it is combined as the
 * naive recursion does, with an operation for which every other way gives another result. */
#include "sched/tree.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { MOST = 600 };

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t leaf(uint64_t item)
{
    return mix(item + 1);
}

/* Neither associative nor commutative. */
static uint64_t combine(uint64_t left, uint64_t right)
{
    return mix(left * 3 + mix(right + 12345));
}

/* The definition: halves are cut at the largest power of two below the length. */
static uint64_t naive(uint64_t start, uint64_t end)
{
    uint64_t size = 1;
    if (end - start == 1)
        return leaf(start);
    while (2 * size < end - start)
        size *= 2;
    return combine(naive(start, start + size), naive(start + size, end));
}

struct part {
    struct tree_range range;
    uint64_t value;
};

struct parts {
    struct part part[MOST];
    size_t count;
};

/* As a worker runs a run: the last two are combined while they are siblings. */
static void run(struct parts *parts, uint64_t n, uint64_t from, uint64_t end)
{
    size_t bottom = parts->count;
    for (uint64_t item = from; item < end; item++) {
        parts->part[parts->count++] = (struct part){{item, item + 1}, leaf(item)};
        while (parts->count > bottom + 1) {
            struct part *left = &parts->part[parts->count - 2], *right = left + 1;
            CHECK_UINT(left->range.end, right->range.start);
            if (!tree_are_siblings(n, left->range.start, right->range.start, right->range.end))
                break;
            left->value = combine(left->value, right->value);
            left->range.end = right->range.end;
            parts->count--;
        }
    }
}

static struct part *find(struct parts *parts, struct tree_range range)
{
    for (size_t i = 0; i < parts->count; i++)
        if (parts->part[i].range.start == range.start && parts->part[i].range.end == range.end)
            return &parts->part[i];
    return NULL;
}

/* As a manager takes parts in: each is combined with its sibling if that has come. */
static void take(struct parts *held, uint64_t n, struct part part)
{
    for (;;) {
        struct tree_range other = tree_sibling(n, part.range);
        struct part *sibling = other.start < other.end ? find(held, other) : NULL;
        if (!sibling)
            break;
        bool is_left = sibling->range.start < part.range.start;
        struct part left = is_left ? *sibling : part, right = is_left ? part : *sibling;
        *sibling = held->part[--held->count];
        CHECK(tree_are_siblings(n, left.range.start, right.range.start, right.range.end));
        part = (struct part){{left.range.start, right.range.end}, combine(left.value, right.value)};
    }
    held->part[held->count++] = part;
}

static uint64_t next(uint64_t *state, uint64_t below)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(*state) % below;
}

/* Cut into runs of up to `longest` items, whose parts arrive in any order. */
static void check_cut(uint64_t n, uint64_t longest, uint64_t *state)
{
    static struct parts parts, held;
    parts.count = held.count = 0;
    for (uint64_t from = 0; from < n;) {
        uint64_t end = from + 1 + next(state, longest);
        run(&parts, n, from, end < n ? end : n);
        from = end;
    }
    for (size_t i = parts.count; i > 1; i--) {
        size_t k = next(state, i);
        struct part last = parts.part[i - 1];
        parts.part[i - 1] = parts.part[k];
        parts.part[k] = last;
    }
    for (size_t i = 0; i < parts.count; i++)
        take(&held, n, parts.part[i]);
    if (CHECK_UINT(held.count, 1))
        CHECK_UINT(held.part[0].value, naive(0, n));
}

TEST_CASE(any_cut_and_any_order_of_arrival_give_the_tree_of_the_recursion)
{
    uint64_t state = 7;
    for (uint64_t n = 1; n <= MOST; n++) {
        check_note("%llu items", (unsigned long long)n);
        for (uint64_t longest = 1; longest <= n; longest *= 3)
            check_cut(n, longest, &state);
        check_cut(n, 2 * n, &state);
    }
}

static bool is_node(uint64_t n, uint64_t start, uint64_t end)
{
    for (uint64_t size = 1; size < 2 * n; size *= 2)
        if (start % size == 0 && end == (start + size < n ? start + size : n))
            return true;
    return false;
}

/* By trying all pairs of neighbouring nodes. */
TEST_CASE(siblings_are_the_halves_of_a_node_and_no_others)
{
    for (uint64_t n = 1; n <= 40; n++)
        for (uint64_t a = 0; a < n; a++)
            for (uint64_t b = a + 1; b < n; b++)
                for (uint64_t c = b + 1; c <= n; c++) {
                    if (!is_node(n, a, b) || !is_node(n, b, c))
                        continue;
                    uint64_t size = 1;
                    while (2 * size < c - a)
                        size *= 2;
                    bool halves = is_node(n, a, c) && b - a == size;
                    check_note("[%d, %d) and [%d, %d) of %d", (int)a, (int)b, (int)b, (int)c, (int)n);
                    CHECK(tree_are_siblings(n, a, b, c) == halves);
                    struct tree_range right = tree_sibling(n, (struct tree_range){a, b});
                    struct tree_range left = tree_sibling(n, (struct tree_range){b, c});
                    CHECK((right.start == b && right.end == c) == halves);
                    CHECK((left.start == a && left.end == b) == halves);
                }
}

TEST_CASE(the_root_has_no_sibling)
{
    for (uint64_t n = 1; n <= MOST; n++) {
        struct tree_range none = tree_sibling(n, (struct tree_range){0, n});
        CHECK_UINT(none.start, none.end);
    }
}

TEST_CASE(the_tree_of_more_items_than_fit_into_32_bits_is_no_other)
{
    const uint64_t n = (UINT64_C(1) << 40) + 3, half = UINT64_C(1) << 40;
    CHECK(tree_are_siblings(n, 0, half, n));
    CHECK(tree_are_siblings(n, half, half + 2, n));
    CHECK(!tree_are_siblings(n, half - 1, half, half + 1));
    struct tree_range last = tree_sibling(n, (struct tree_range){half, n});
    CHECK_UINT(last.start, 0);
    CHECK_UINT(last.end, half);
    last = tree_sibling(UINT64_MAX, (struct tree_range){UINT64_C(1) << 63, UINT64_MAX});
    CHECK_UINT(last.end, UINT64_C(1) << 63);
    CHECK(tree_are_siblings(UINT64_MAX, 0, UINT64_C(1) << 63, UINT64_MAX));
}

/* Of a run that begins and ends at such places. */
TEST_CASE(runs_cut_at_the_grain_are_few_nodes)
{
    static struct parts parts;
    for (uint64_t length = 1; length <= 500; length++) {
        uint64_t grain = tree_grain(length);
        CHECK(grain == 1 || grain <= length / 2);
        CHECK(4 * grain > length);
        uint64_t from = 3 * grain, end = (from + length) / grain * grain;
        if (end > MOST)
            continue;
        parts.count = 0;
        run(&parts, 10000, from, end);
        CHECK(parts.count <= 3);
    }
}
