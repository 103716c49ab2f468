"""The checks of the examples that run MPI themselves."""
import itertools


def plate(size):
    """What stencil prints for a plate of that size, with one row after the other and no MPI."""
    heat = [[4 * size / (size + (x - size // 3) ** 2 + (y - size // 4) ** 2) for x in range(size)] for y in range(size)]
    fuel = [[1.0 + x % 3 for x in range(size)] for _ in range(size)]

    def burn(h, f):
        steps = int(30 * h * h * h) if h > 0.5 else 0
        for _ in range(steps):
            burnt = f * h / (2 * steps)
            h, f = h + burnt, f - burnt
        return h, f

    def spread(heat):
        cold = [0.0] * (size + 2)
        wide = [cold, *([0.0, *row, 0.0] for row in heat), cold]
        return [[(wide[y][x + 1] + wide[y + 2][x + 1] + wide[y + 1][x] + wide[y + 1][x + 2]) / 4 for x in range(size)]
                for y in range(size)]

    change = 1.0
    while change > 2e-3:
        for h, f in zip(heat, fuel):
            h[:], f[:] = zip(*map(burn, h, f))
        for _ in range(20):
            before, heat = heat, spread(heat)
        change = max(abs(a - b) for h, was in zip(heat, before) for a, b in zip(h, was))
        yield change
    total = 0.0
    for h in itertools.chain(*heat):
        total += h
    yield total


def stencil(run):
    out = run("17")
    *changes, total = plate(17)
    for number, change in enumerate(changes, 1):
        run.require(out.line(r"round (\d+): the last sweep changed (\S+)") == [number, change], f"round {number}")
    run.require(out.line(r"the heat is (\S+)") == [total], f"not {total}")
