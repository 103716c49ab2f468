"""The checks of the examples that need nothing but the library."""
import functools


def require_speed_up(run, serial, workers, parallel, ratio):
    """Times in seconds, printed with three decimals, and their ratio with two."""
    run.require_workers(workers)
    run.require(serial > 0 and parallel > 0, "no time")
    least, most = (serial - 0.0005) / (parallel + 0.0005), (serial + 0.0005) / (parallel - 0.0005)
    run.require(least - 0.005 <= ratio <= most + 0.005, f"{ratio} is not {serial} / {parallel}")


SPEED_UP = r"one after the other: (\d+\.\d{3}) s; workers: (\d+), (\d+\.\d{3}) s; speed-up: (\d+\.\d\d)"


def sum_range(run):
    out = run()
    for n in (11_000_000, 23_000_000, 53_000_000, 34_000_000):
        last, total = out.line(r"0 \+ 1 \+ \.\. \+ (\d+) = (\d+)")
        run.require((last, total) == (n - 1, n * (n - 1) // 2), f"the sum below {n}")
    require_speed_up(run, *out.line(SPEED_UP))


def sum_squares(run):
    out = run()
    for n in range(5_000_000, 5_000_020):
        below, total = out.line(r"squares below (\d+): (\d+)")
        run.require((below, total) == (n, (n - 1) * n * (2 * n - 1) // 6), f"the squares below {n}")
    require_speed_up(run, *out.line(SPEED_UP))


# How many tenths of a second the tasks sleep, in the order in which they end, by the number of workers.
SLEEPS_TAKEN = {1: [(3, 2, 1)], 2: [(2, 3, 1), (2, 1, 3)], 3: [(1, 2, 3)]}


def sleeps(run):
    out = run()
    order, ends, on_time = [], [], True
    workers = 3 if run.start == "alone" else run.workers  # the program asks for three
    run.require(out.line(r"(\d+) workers?") == [workers], f"not {workers} workers")
    for _ in range(3):
        task, slept, waited, ran = out.line(
            r"task (\d) slept (\d) tenths of a second: waited (\d+\.\d{3}) s, ran (\d+\.\d{3}) s")
        run.require(task == 3 - slept and ran > slept / 10 - 0.002, f"task {task} slept {slept}, ran {ran}")
        order.append(slept)
        ends.append(waited + ran)
        on_time &= ran < slept / 10 + 0.04 and (waited < 0.04 or task >= workers)
    run.require(sorted(order) == [1, 2, 3], f"not each task once: {order}")
    run.require(all(a < b + 0.05 for a, b in zip(ends, ends[1:])), f"not in the order of completion: {ends}")
    # A machine that is busy elsewhere may begin, or wake, a task too late for this.
    run.require(not on_time or tuple(order) in SLEEPS_TAKEN[workers], f"with {workers} workers: {order}")


def square_cube(run):
    out = run()
    [manager] = out.line(r"main is process (\d+)")
    for name, value in (("square", 12**2), ("cube", 12**3)):
        told, process, host = out.line(rf"the {name} of 12 is (\d+), says process (\d+) on (\S+)")
        run.require(told == value, f"{name} {told}")
        run.require_process(host, process, manager)


def joined(run):
    out = run()
    out.line(r"joined 2 of 2 tasks")
    tasks = {}
    for _ in range(2):
        task, seconds, worker, process, host = out.line(
            r"task (\d) is done: (\d\.\d{3}) s on worker (\d+), process (\d+) on (\S+), which is alive")
        run.require(seconds > 0.098 * (task + 1), f"task {task}: only {seconds} s")
        run.require_worker(worker)
        run.require_process(host, process)
        tasks[task] = (worker, process)
    run.require(sorted(tasks) == [0, 1], f"tasks {tasks}")
    run.require((tasks[0][0] == tasks[1][0]) == (tasks[0][1] == tasks[1][1]), f"workers are mixed up: {tasks}")


def powers(run):
    out = run()
    processes = {}
    for half in range(0, 24, 12):
        bytes_ = 0
        for x in range(half, half + 12):
            base, exponent, text, result, host, process, worker = out.line(
                r" ?(\d+)\^(\d+) * = ((\d+) \((\S+)/(\d+)/worker (\d+)\))")
            run.require((base, exponent, result) == (x, x, x**x), f"{x}^{x}")
            run.require_worker(worker, manager_too=True)
            run.require_process(host, process)
            run.require(processes.setdefault(worker, process) == process, f"worker {worker} is two processes")
            bytes_ += len(text) + 1
        run.require(out.line(r"(\d+) results of (\d+) bytes") == [12, bytes_], f"not {bytes_} bytes")
    run.require(len(set(processes.values())) == len(processes), f"processes are mixed up: {processes}")
    run.require(len(processes) >= run.workers, "some worker has done nothing")


@functools.lru_cache(None)
def factors_drawn(seed, draws, count):
    """How many numbers of the generator are primes, and how many prime factors all of them have."""
    random, primes, factors = seed, 0, 0
    for _ in range(draws):
        random = (random * 6364136223846793005 + 1442695040888963407) % 2**64
        n = 2 + (random >> 33) % (count - 2)
        found = prime_factors(n)
        primes += found == 1
        factors += found
    return primes, factors


def prime_factors(n):
    found, p = 0, 2
    while p * p <= n:
        while n % p == 0:
            n //= p
            found += 1
        p += 1 + p % 2
    return found + (n > 1)


def shared_table(run):
    out = run()
    workers = {}
    while out.left:
        worker, process, draws, primes, factors, shared, own = out.line(
            r"worker (\d+), process (\d+): of (\d+) numbers (\d+) are prime, all have (\d+) factors; "
            r"memory: (\d+\.\d) MiB shared, (\d+\.\d) MiB its own")
        run.require(worker not in workers and draws == 4000, f"worker {worker}: {draws} numbers")
        run.require((primes, factors) == factors_drawn(worker - 1, draws, (100 << 20) // 4),
                    f"worker {worker}: {primes} primes, {factors} factors")
        run.require_process(run.host, process)
        # One copy: in the program itself if that does it all, else in memory that is shared.
        run.require(own < 150 and shared < 10 if run.is_one_process else own < 50 and shared > 70,
                    f"{shared} MiB shared, {own} MiB its own")
        workers[worker] = process
    run.require_workers(len(workers))
    run.require(sorted(workers) == list(range(1, len(workers) + 1)), f"workers {workers}")
    run.require(len(set(workers.values())) == len(workers), f"workers are mixed up: {workers}")
