"""The checks of the examples that need nothing but the library."""


def require_speed_up(run, workers, serial, parallel, ratio):
    """Times in seconds, printed with three decimals, and their ratio with two."""
    run.require_workers(workers)
    run.require(serial > 0 and parallel > 0, "no time")
    run.require(abs(ratio / (serial / parallel) - 1) < 0.1, f"{ratio} is not {serial} / {parallel}")


SPEED_UP = r"one after the other: (\d+\.\d{3}) s; workers: (\d+), (\d+\.\d{3}) s; speed-up: (\d+\.\d\d)"


def sum_range(run):
    out = run()
    for n in (11_000_000, 23_000_000, 53_000_000, 34_000_000):
        last, total = out.line(r"0 \+ 1 \+ \.\. \+ (\d+) = (\d+)")
        run.require((last, total) == (n - 1, n * (n - 1) // 2), f"the sum below {n}")
    serial, workers, parallel, ratio = out.line(SPEED_UP)
    require_speed_up(run, workers, serial, parallel, ratio)
