"""The checks of the examples that draw random numbers, which are drawn here again."""
import functools
import itertools
import math

MASK = 2**64 - 1


def philox(counter, key):
    """Philox 4x64-10 as Salmon et al. (SC11) have it: four words."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * 0xD2E7470EE14C6C93, c2 * 0xCA5A826395121157
        c0, c1, c2, c3 = p1 >> 64 ^ c1 ^ k0, p1 & MASK, p0 >> 64 ^ c3 ^ k1, p0 & MASK
        k0, k1 = k0 + 0x9E3779B97F4A7C15 & MASK, k1 + 0xBB67AE8584CAA73B & MASK
    return c0, c1, c2, c3


def words(seed, work, item):
    """What rp_random gives an item; `work` is 1 for the first map of a pool, and 0 for submitted tasks."""
    for block in itertools.count():
        yield from philox((block, item, 0, 0), (seed, work))


def draw(seed, work, item):
    """A block of montecarlo: count, mean, sum of squared deviations."""
    uniform = ((word >> 11) / 2**53 for word in words(seed, work, item))
    mean = deviation = 0.0
    for n in range(1, 1001):
        value = 1 / (1 + next(uniform) * next(uniform) * next(uniform))
        off = value - mean
        mean += off / n
        deviation += off * (value - mean)
    return 1000.0, mean, deviation


def combine(a, b):
    count, off = a[0] + b[0], b[1] - a[1]
    return count, a[1] + off * b[0] / count, a[2] + (b[2] + off * off * a[0] * b[0] / count)


def tree(leaves):
    """Split at the largest power of two below the length."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return combine(tree(leaves[:half]), tree(leaves[half:]))


@functools.cache
def estimate(seed, work, blocks):
    """A line of montecarlo: mean and error."""
    count, mean, deviation = tree([draw(seed, work, item) for item in range(blocks)])
    return float(f"{mean:.16f}"), float(f"{math.sqrt(deviation / (count - 1) / count):.10f}")


def montecarlo(run):
    truth = 0.75 * sum(1 / k**3 for k in range(200_000, 0, -1))
    for seed, drawn_again in (0, 2), (20, 1):
        out = run(*[str(seed)] * (seed > 0))
        for work, blocks in enumerate((10, 100, 1000, 10000), 1):
            count, *printed = out.line(r" *(\d+) points: (0\.\d{16}) \+- (0\.\d{10})")
            run.require(count == 1000 * blocks, f"{count} points")
            mean, error = printed
            run.require(abs(mean - truth) < 4 * error, f"{mean} +- {error} is not {truth}")
            run.require(abs(error * math.sqrt(count) - 0.0985) < 0.001, f"an error of {error} of {count} points")
            if work <= drawn_again:
                wanted = list(estimate(seed, work, blocks))
                run.require(printed == wanted, f"{printed} is not {wanted}")


def random_queue(run):
    for seed, environment in (0, {}), (0, {"RANKPOOL_WORKERS": "5"}), (7, {}):
        out = run(*[str(seed)] * (seed > 0), **environment)
        for task in range(4):
            wanted = [task, next(words(seed, 0, task))]
            run.require(out.line(r"task (\d) drew (\d+)") == wanted, f"not {wanted}")
