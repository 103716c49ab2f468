"""The checks of the examples that need another library."""
import functools
import math
import os
import random
import re
import struct
import subprocess
import tempfile
import zlib

from cases.web import Server


# ---- downloads: against a server that counts its connections ------------------------------------

COUNT = 160


def downloads(run):
    def download(server, names, status=1):
        """Checks the files that came. Returns the others, each with its sentence, and the connections
        that were counted."""
        out = run(server.url, stdin="".join(name + "\n" for name in names), status=status, no_proxy="*")
        failed = {}
        for error in out.errors[:-1]:
            name = re.search(re.escape(server.url) + r"/([^:]+): ", error)
            run.require(name and name[1] not in failed, f"for what is {error!r}?")
            failed[name[1]] = error
        arrived = [name for name in names if name not in failed]
        printed, out.left = sorted(out.left), []
        run.require(printed == sorted(lines()[name] for name in arrived), f"other lines: {printed}")
        total = sum(len(files()[name]) for name in arrived)
        summary = (f"downloads: {len(arrived)} files, {total} bytes, (\\d+) connections, {run.workers} workers, "
                   f"{len(failed)} failed")
        counted = re.fullmatch(summary, out.errors[-1])
        run.require(counted, f"{out.errors[-1]!r} is not {summary!r}")
        return failed, int(counted[1])

    with run.beside(Server(files(), run.workers)) as server:
        failed, counted = download(server, files(), status=0)
    run.require(not failed and server.accepted == counted == run.workers,
                f"{run.workers} workers made {counted} connections, and the server accepted {server.accepted}")

    with run.beside(Server(files(), run.workers)) as server:
        names = list(files())
        failed, _ = download(server, names[:80] + ["missing"] + names[80:])
    run.require(set(failed) == {"missing"} and failed["missing"].endswith("the server answers 404"),
                f"failed: {failed}")
    run.require(server.accepted <= run.workers + 1, f"{server.accepted} connections for one that was closed")

    with run.beside(Server(files(), run.workers, requests=40)) as server:
        failed, _ = download(server, files())
    run.require(len(failed) == COUNT - 40, f"{len(failed)} files failed of a server that died")

    failed, _ = download(server, files())
    run.require(len(failed) == COUNT and all("Couldn't connect" in why for why in failed.values()),
                f"files from a server that is dead: {failed}")


@functools.lru_cache(None)
def files():
    """What is served, by name."""
    chance = random.Random(COUNT)
    return {f"{i % 7}/{i}": chance.randbytes(chance.randrange(100000) if i else 0) for i in range(COUNT)}


@functools.lru_cache(None)
def lines():
    return {name: f"{zlib.crc32(content):08x} {len(content)} {name}" for name, content in files().items()}


# ---- mandelbrot: decoded and computed here from one process, and the same bytes from many -------

WIDTH, HEIGHT, LIMIT = 900, 600, 2000


def mandelbrot(run):
    with run.beside(Pictures(run)) as pictures:
        out = run(pictures.paths[0])
    run.require(pictures.data[0] == pictures.data[1], "another picture than from one process")
    if run.start == "inline":
        for y, row in enumerate(decoded(pictures.data[0], WIDTH, HEIGHT)):
            run.require(row == mandelbrot_row(y), f"row {y} differs")

    workers, _ = out.line(rf"{HEIGHT} rows, (\d+) workers, (\d+\.\d\d) s")
    run.require_workers(workers)
    rows, last = 0, -1
    while out.left:
        worker, drawn, busy = out.line(r"worker (\d+): (\d+) rows, busy for (\d+\.\d) % of the time")
        run.require_worker(worker, manager_too=run.start.isdigit())
        run.require(last < worker, f"worker {worker} follows upon {last}")
        run.require(busy < 101, f"worker {worker} was busy for {busy} %")
        rows, last = rows + drawn, worker
    run.require(rows == HEIGHT, f"{rows} rows were drawn")

    out = run("/dev/null/picture.png", status=1)
    run.require("/dev/null/picture.png" in " ".join(out.errors), f"said of what cannot be written: {out.errors}")


class Pictures:
    """Places for pictures, the second of which is drawn here, by one process; and then what was there."""

    def __init__(self, run):
        self.command = [run.program]
        self.environment = {**run.environment, "RANKPOOL_LAUNCH": "inline"}

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.paths = [os.path.join(self.folder.name, name) for name in ("this.png", "inline.png")]
        return self

    def __exit__(self, *wrong):
        self.data = []
        if not any(wrong):
            subprocess.run([*self.command, self.paths[1]], env=self.environment, stdout=subprocess.DEVNULL,
                           check=True, timeout=60)
            for path in self.paths:
                with open(path, "rb") as file:
                    self.data.append(file.read())
        self.folder.cleanup()


@functools.lru_cache(None)
def mandelbrot_row(y):
    im, row = -1 + 2 * y / HEIGHT, bytearray()
    for column in range(WIDTH):
        steps = mandelbrot_steps(-2.25 + 3 * column / WIDTH, im)
        row += bytes((3 * steps & 255, 7 * steps & 255, 11 * steps & 255)) if steps < LIMIT else b"\0\0\0"
    return bytes(row)


def mandelbrot_steps(re_c, im_c):
    # What lies in the cardioid or in the disk left of it never leaves.
    im_2 = im_c * im_c
    q = (re_c - 0.25) ** 2 + im_2
    if q * (q + re_c - 0.25) < im_2 / 4 or (re_c + 1) ** 2 + im_2 < 1 / 16:
        return LIMIT
    x = y = 0.0
    for steps in range(LIMIT):
        x_2, y_2 = x * x, y * y
        if x_2 + y_2 > 4:
            return steps
        x, y = x_2 - y_2 + re_c, 2 * x * y + im_c
    return LIMIT


@functools.lru_cache(None)
def decoded(png, width, height):
    """The rows of an RGB picture of 8 bits a channel, each as bytes."""
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("this is no PNG")
    chunks, at = {}, 8
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        body = png[at + 8:at + 8 + size]
        if struct.unpack_from(">I", png, at + 8 + size)[0] != zlib.crc32(kind + body):
            raise ValueError(f"the checksum of {kind} is wrong")
        chunks[kind] = chunks.get(kind, b"") + body
        at += 12 + size
    if chunks[b"IHDR"] != struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0):
        raise ValueError(f"another kind of picture: {chunks[b'IHDR']}")
    data, rows, above = zlib.decompress(chunks[b"IDAT"]), [], bytes(3 * width)
    if len(data) != height * (1 + 3 * width):
        raise ValueError(f"{len(data)} bytes of pixels")
    for y in range(height):
        start = y * (1 + 3 * width)
        above = unfiltered(data[start], data[start + 1:start + 1 + 3 * width], above)
        rows.append(above)
    return rows


def unfiltered(kind, line, above):
    """One row, from what the PNG filter of that number made of it and the row above."""
    row = bytearray(3) + line  # three zeros to the left
    for i, up in enumerate(above):
        left = row[i]
        if kind == 1:
            row[i + 3] = row[i + 3] + left & 255
        elif kind == 2:
            row[i + 3] = row[i + 3] + up & 255
        elif kind == 3:
            row[i + 3] = row[i + 3] + (left + up) // 2 & 255
        elif kind == 4:
            corner = above[i - 3] if i >= 3 else 0
            p = left + up - corner
            nearest = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
            row[i + 3] = row[i + 3] + nearest & 255
    return bytes(row[3:])


# ---- sweep: against the closed form ---------------------------------------------------------------

def period(degrees):
    """Of a pendulum, by Gauss's mean of 1 and cos(A / 2)."""
    a, b = 1.0, math.cos(math.radians(degrees) / 2)
    while abs(a - b) > 1e-15:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return 2 * math.pi / a


def sweep(run):
    def check_rows(out, first, count, step):
        out.line("degrees,period,steps,error")
        for i in range(count):
            degrees, result, steps, error = out.line(r"(\d+(?:\.5)?),(\d+\.\d+),(\d+),(\d\.\d+e-\d+)")
            run.require(degrees == first + i * step, f"{degrees} degrees in row {i}")
            run.require(error <= 1e-10 * result and abs(result - period(degrees)) <= error + 1e-13 * result,
                        f"{degrees} degrees: {result} with error {error} is not {period(degrees)}")
            # Cut n - 1 times in two, there are 2n - 1 intervals, of 21 points each.
            run.require(steps % 42 == 21, f"{steps} steps are not of Gauss and Kronrod")

    check_rows(run(), 5, 35, 5)
    check_rows(run("0.5", "179.5", "0.5"), 0.5, 359, 0.5)

    out = run("170", "190", "2.5", status=1)
    check_rows(out, 170, 4, 2.5)
    wanted = ("180 degrees: .+", *(f".* cannot swing up to {d} degrees" for d in (182.5, 185, 187.5, 190)))
    for degrees in ("180", "182.5", "185", "187.5", "190"):
        out.line(degrees + ",,,")
    run.require(len(out.errors) == 5 and all(re.search(f": {w}$", e) for w, e in zip(wanted, out.errors)),
                f"said of what cannot be integrated: {out.errors}")

    out = run("1", "2", "0", status=1)
    run.require(len(out.errors) == 1, f"said of a step of 0: {out.errors}")
