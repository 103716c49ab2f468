"""What ./run measures: the rows of each cell, with the commands that they read their figures from."""
import statistics
from dataclasses import dataclass, field
from typing import Callable, Optional

GRAINS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)  # microseconds
SIZES = ((1 << 10, 5000, 2.0), (1 << 16, 1000, 1.2), (1 << 20, 100, 1.0), (16 << 20, 8, 1.4))  # bytes, items, goal


@dataclass(frozen=True)
class Command:
    """A driver: A and B of ours, or ranks of the peer."""

    driver: str
    arguments: tuple
    ranks: int = 0  # 0: started alone
    settings: tuple = ()  # of the environment
    launch: tuple = ()  # further words for mpirun


@dataclass(frozen=True)
class Figure:
    """What a row reads from the lines that a command printed."""

    command: Command
    name: str
    wanted: Callable[[dict], bool] = lambda line: True
    choose: Callable = statistics.median


@dataclass
class Row:
    label: str
    ours: Figure
    peer: Optional[Figure] = None
    goal: Optional[float] = None
    most: bool = False  # the goal is an upper bound
    divided: bool = True  # the figure is ours over the peer's
    unit: str = ""
    values: list = field(default_factory=list)
    ours_seen: list = field(default_factory=list)
    peer_seen: list = field(default_factory=list)
    skipped: bool = False

    def take(self, lines):
        """Takes in a round; a driver that failed has left no lines."""
        self.skipped = any(line["kind"] == "SKIPPED" for line in lines.get(self.ours.command, []))
        mine = read(self.ours, lines)
        other = read(self.peer, lines) if self.peer else None
        if mine is None or (self.peer and self.divided and not other):
            return
        self.ours_seen.append(mine)
        if other is not None:
            self.peer_seen.append(other)
        self.values.append(mine / other if self.peer and self.divided else mine)

    def figure_unit(self):
        return "" if self.peer and self.divided else self.unit

    def verdict(self):
        if self.goal is None:
            return ""
        if not self.values:
            return "skipped" if self.skipped else "FAILED"
        middle = statistics.median(self.values)
        met = middle <= self.goal if self.most else middle >= self.goal
        return "met" if met else "MISSED"


def read(figure, lines):
    found = [float(line[figure.name]) for line in lines.get(figure.command, [])
             if figure.name in line and figure.wanted(line)]
    return figure.choose(found) if found else None


# ---- Cells -------------------------------------------------------------------------------------


def ours(mode, driver, *arguments):
    return Command(driver, arguments, 2 if mode == "A" else 0)


def bare(mode, *arguments, ranks=2, settings=()):
    return Command("bare", (mode, *arguments), ranks, settings)


def steady(line):
    return int(line.get("repetition", 1)) > 0


def what(kind):
    return lambda line: line.get("what") == kind


def cell_map(quick):
    """rp_map of empty items over MPI_Scatterv + loop + MPI_Gatherv"""
    for n in (10**5, 10**6) if quick else (10**5, 10**6, 10**7):
        peer = Figure(bare("scatter", "empty", n, 6), "rate", steady)
        for mode, goal in (("A", 1.0), ("B", 0.8)):
            yield Row(f"{mode} n={n}", Figure(ours(mode, "map", "empty", n, 6), "rate", steady), peer, goal,
                      unit="/s")


def cell_reduce(quick):
    """rp_map_reduce of empty items over MPI_Scatterv + adding up + MPI_Reduce; fold: of no inputs"""
    n = 10**6
    for how, more in (("reduce", ()), ("fold", ("fold",))):
        peer = Figure(bare(how, "empty", n, 6), "rate", steady)
        for mode in "AB":
            command = ours(mode, "reduce", "empty", n, 6, *more)
            yield Row(f"{mode} n={n} {how}", Figure(command, "rate", steady), peer, unit="/s")
    for us in () if quick else (1, 100):
        figure = Figure(ours("B", "reduce", f"grain:{us}", int(4e5 / us), 3), "efficiency", steady)
        yield Row(f"B {us} us", figure)


def cell_submit(quick):
    """rp_submit + rp_next of empty tasks over a one-at-a-time loop"""
    for n in (10**5,) if quick else (10**5, 10**6):
        peer = Figure(bare("one", "empty", n, 3), "rate", steady)
        for mode, goal in (("A", 2.0), ("B", 1.5)):
            command = ours(mode, "tasks", "empty", n, 4)
            window = ours(mode, "tasks", "empty", n, 4, 1000)
            for label, kind in ((" first use", "tasks-first"), ("", "tasks")):
                yield Row(f"{mode} n={n}{label}", Figure(command, "rate", what(kind)), peer, goal, unit="/s")
            yield Row(f"{mode} n={n}, 1000 ahead", Figure(window, "rate", what("window")), peer, unit="/s")


def cell_grain(quick):
    """B: efficiency of both cores by the length of a task"""
    for us in GRAINS[::2] if quick else GRAINS:
        n = int(max(400, min(10**6, 4e5 / us)))
        peer = None if quick else Figure(bare("shared", f"grain:{us}", n, 2), "efficiency")
        goal = 0.95 if us >= 1 else None
        for driver, name in (("map", "map"), ("tasks", "submit+next")):
            figure = Figure(ours("B", driver, f"grain:{us}", n, 3), "efficiency", steady)
            yield Row(f"B {us} us {name}", figure, peer, goal, divided=False)


def cell_skew(quick):
    """uneven lists: time over max(total / 2, longest)"""
    for name, hints, goal in (("skew", False, 1.02), ("tail", False, None), ("tail", True, 1.02)):
        peer = None if quick else Figure(bare("shared", name, 0, 1), "stretch")
        for mode in "AB":
            command = ours(mode, "map", name, 0, 2, *(("hints",) if hints else ()))
            label = f"{mode} {name}{' with hints' if hints else ''}"
            yield Row(label, Figure(command, "stretch"), peer, goal, most=True, divided=False)


def cell_idle(quick):
    """processor seconds a second that an idle pool uses"""
    for mode in "AB":
        for how in ("sleep", "next", "wait"):
            command = ours(mode, "idle", how, 1 if quick else 3)
            for name in ("manager", "worker") + (("parent",) if mode == "B" else ()):
                yield Row(f"{mode} {how}: {name}", Figure(command, name), goal=0.005, most=True)


def cell_start(quick):
    """from exec to the first result, over a bare MPI program"""
    del quick
    first = Figure(ours("B", "first"), "first")
    light = bare("first", ranks=3, settings=(("OMPI_MCA_pml", "ob1"),))
    yield Row("B, peer with pml=ob1", first, Figure(light, "first"), 1.5, most=True, unit="s")
    yield Row("B, peer as it is", first, Figure(bare("first", ranks=3), "first"), unit="s")
    yield Row("B, to the end", Figure(first.command, "exit"), Figure(light, "exit"), unit="s")


def cell_trip(quick):
    """round trip of an empty task to an idle pool, microseconds"""
    for gap, n in ((0, 5000), (1000, 300), (20000, 30)):
        peer = bare("trip", n if not quick else n // 3, gap)
        for mode in "AB":
            command = ours(mode, "trip", n if not quick else n // 3, gap)
            for name in ("median", "p99"):
                label = f"{mode} after {gap} us, {name}"
                yield Row(label, Figure(command, name), Figure(peer, name), unit="us")


def cell_queue(quick):
    """puts and gets of 8-byte items over a loop of MPI_Send and MPI_Recv; pass: from worker to worker"""
    n = 10**5 if quick else 10**6
    peer = Figure(bare("queue", n, 4), "rate", steady)
    for mode, how in (("A", "get"), ("B", "get"), ("B", "pass")):
        wanted = lambda line, how=how: line.get("what") == how and steady(line)
        yield Row(f"{mode} {how}", Figure(ours(mode, "queue", n, 4), "rate", wanted), peer, unit="/s")


def cell_net(quick):
    """between nodes: raw ping-pong over that of net, and the nanoseconds of a poll that finds nothing"""
    sizes = ((8, 20000, None), (1 << 10, 20000, None), (1 << 16, 2000, 0.9), (1 << 20, 200, 0.9), (16 << 20, 12, 0.9))
    for size, n, goal in sizes:
        command = Command("net", ("ping", size, n, 3 if quick else 7), 2)
        yield Row(f"{size} bytes", Figure(command, "ratio"), goal=goal)
    for peers in (1, 8, 1000):
        yield Row(f"{peers} idle peers", Figure(Command("net", ("poll", peers), 2), "ns"), unit="ns")


def nodes(ranks, *arguments, tcp=False, driver="nodes"):
    """Each rank is a node of its own."""
    return Command(driver, arguments, ranks, (("RANKPOOL_NODE_SIZE", "1"),),
                   ("--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "lo") if tcp else ())


def cell_nodes(quick):
    """a manager and leaders that work alone: feed, payload over ping-pong, two of them on two cores, idleness"""
    feed = nodes(2, "map", "empty", 10**6, 3)
    for label, kind in ((" first use", "nodes-first"), ("", "nodes")):
        yield Row(f"fed n={10**6}{label}", Figure(feed, "rate", what(kind)), goal=1e7, unit="/s")
    for tcp in (False, True):
        for size, n in ((1 << 16, 1500), (1 << 20, 150), (16 << 20, 8)):
            for alloc in ((), ("alloc",)):
                command = nodes(2, "echo", size, n, 1 if quick else 3, *alloc, tcp=tcp)
                label = f"{'tcp' if tcp else 'shm'} {size >> 10} KiB{' rp_alloc' if alloc else ''}"
                yield Row(label, Figure(command, "ratio"), goal=0.9)
                yield Row(f"{label}, MPI by hand", Figure(command, "by_hand"), goal=1.0)
    for us in (10, 100, 1000):
        command = nodes(3, "map", f"grain:{us}", 10**6 // us, 2)
        yield Row(f"{us} us", Figure(command, "efficiency", what("nodes")),
                  Figure(command, "efficiency", what("blocks")), 0.95, divided=False)
        yield Row(f"{us} us, manager", Figure(command, "used", what("manager")))
    command = nodes(3, "map", "skew", 0, 1 if quick else 2)
    yield Row("skew", Figure(command, "stretch", what("nodes")), Figure(command, "stretch", what("blocks")), 1.03,
              most=True, divided=False)
    for how in ("sleep", "next"):
        command = nodes(3, how, 1 if quick else 3, driver="idle")
        for name in ("manager", "worker"):
            yield Row(f"{how}: {name}", Figure(command, name), goal=0.001, most=True)
    for gap, n in ((1000, 100), (20000, 30), (10**6, 3)):
        yield Row(f"trip after {gap} us", Figure(nodes(2, "trip", gap, n), "median"), unit="us")


def cell_slow(quick):
    """two test hosts, packets 20 ms on their way at 100 Mbit/s: the speed of 10 ms tasks over that without"""
    command = Command("slow", (150 if quick else 300,))
    for label, layout in (("three workers", "h1:1,h2:3"), ("one worker", "h1:1,h2:1")):
        yield Row(label, Figure(command, "kept", lambda line, layout=layout: line.get("layout") == layout), goal=0.9)


def cell_stream(quick):
    """rp_stream of 8-byte items: its rate over that of rp_map in the same pool"""
    n = 10**6 if quick else 3 * 10**6
    for mode in "AB":
        yield Row(f"{mode} n={n}", Figure(ours(mode, "stream", "empty", n, 5), "ratio", steady), goal=0.5)


def cell_isolate(quick):
    """a map with isolate: its rate over that without, and the microseconds that a worker loses by a crash"""
    for us, goal in ((1, 0.95), (10, 0.95)):
        command = ours("B", "isolate", f"grain:{us}", int((1e5 if quick else 1e6) / us), 6, 500)
        yield Row(f"B {us} us", Figure(command, "ratio", is_kind("ISOLATE")), goal=goal)
    yield Row("B a crash", Figure(command, "crash", is_kind("ISOLATE")), goal=1000, most=True, unit="us")


def cell_journal(quick):
    """items that a map computes and stores a second; with a journal over without one, 1 ms tasks"""
    for mode in "AB":
        many = ours(mode, "journal", "empty", 10**5 if quick else 10**6, 3)
        yield Row(f"{mode} stored", Figure(many, "rate", is_kind("JOURNAL")), goal=1e5, unit="/s")
        yield Row(f"{mode} found again", Figure(many, "again", is_kind("JOURNAL")), unit="/s")
        few = ours(mode, "journal", "grain:1000", 400 if quick else 2000, 4)
        yield Row(f"{mode} 1 ms tasks", Figure(few, "ratio", is_kind("JOURNAL")), goal=1.1, most=True)


def cell_arrays(quick):
    """rp_map over rp_alloc arrays over private ones; rp_share of 100 MiB over two plain copies"""
    for mode in "AB":
        command = ours(mode, "arrays", 10**6 if quick else 10**7, 5, 100 << 20)
        yield Row(f"{mode} rp_alloc", Figure(command, "ratio", is_kind("ARRAYS")), goal=1.5)
        yield Row(f"{mode} rp_share", Figure(command, "ratio", is_kind("SHARE")), goal=1.0, most=True)


def cell_echo(quick):
    """payload there and back, over raw ping-pong"""
    del quick
    for size, n, goal in SIZES:
        peer = bare("echo", size, n, 3)
        for mode in "AB":
            command = ours(mode, "echo", size, n, 3)
            for kind in ("one", "window", "map"):
                yield Row(f"{mode} {size >> 10} KiB {kind}", Figure(command, "mbps", what(kind)),
                          Figure(peer, "mbps", what("pingpong")), None if kind == "one" else goal,
                          unit="MB/s")
        yield Row(f"{size >> 10} KiB memcpy", Figure(peer, "mbps", what("memcpy")),
                  Figure(peer, "mbps", what("pingpong")), unit="MB/s")


def cell_memory(quick):
    """bytes of the manager for a task that was submitted and not yet taken, and what submitting costs"""
    n = 10**5 if quick else 10**6
    for mode in "AB":
        command = ours(mode, "tasks", "empty", n, 2)
        yield Row(f"{mode} n={n} bytes a task", Figure(command, "bytes", choose=max), unit="B")
        for label, place in ((", first use", 0), ("", -1)):
            figure = Figure(command, "rate", is_kind("SUBMIT"), lambda found, place=place: found[place])
            yield Row(f"{mode} n={n} submit alone{label}", figure, unit="/s")


def is_kind(kind):
    return lambda line: line["kind"] == kind and steady(line)


CELLS = {name[5:]: cell for name, cell in list(globals().items()) if name.startswith("cell_")}
