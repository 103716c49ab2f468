#!/usr/bin/env python3
"""Runs an example and checks what it prints.

    check.py PROGRAM START MPIEXEC

START is how the program is started: alone, inline, or a number of ranks under MPIEXEC. With
"altered" it is the check that is checked: the program is run inline, and what it printed is given
to the check again with one of its integers changed, or one of its lines missing or doubled, for
each of them in turn. The check must refuse every one.

The check of a program is the function of its name in one of the modules of cases/. It gets a Run:
`run(ARGUMENT...)` starts the program and gives its Output, of which the check takes line by line,
to the last; what the program says of itself on standard error ("NAME: ...") is in its `errors`.
Decimals (times, speed-ups) are not altered: of these a check only sees that they are
there and possible.
"""
import contextlib
import os
import re
import socket
import subprocess
import sys

sys.dont_write_bytecode = True  # the sources stay as they are

from cases import basics, libraries, mpi, numbers

MODULES = [basics, libraries, mpi, numbers]
TIMEOUT_S = 60 * int(os.environ.get("RANKPOOL_TEST_TIMEOUT", 1))


class Wrong(Exception):
    pass


def value(text):
    """A group of a pattern as what it looks like: int, float or str."""
    for kind in (int, float):
        try:
            return kind(text)
        except (TypeError, ValueError):
            pass
    return text


class Output:
    def __init__(self, text, errors):
        self.left = text.splitlines()
        self.errors = errors

    def line(self, pattern):
        """The groups of the next line, which must match the pattern from end to end."""
        line = self.left.pop(0) if self.left else "(the end)"
        match = re.fullmatch(pattern, line)
        if not match:
            raise Wrong(f"{line!r} does not match {pattern!r}")
        return [value(group) for group in match.groups()]


class Run:
    """How a program is started, and what is known of its processes."""

    host = socket.gethostname()

    def __init__(self, program, start, mpiexec):
        self.start = "inline" if start == "altered" else start
        self.program = program
        self.command = [program]
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("RANKPOOL_")}
        self.environment.update(LC_ALL="C", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        # Under sanitizers: freed memory is given back, and what Open MPI leaves behind is not ours. A program that
        # runs MPI itself has "altered", but not "inline".
        self.environment["ASAN_OPTIONS"] = f"quarantine_size_mb=16:detect_leaks={start == 'inline':d}"
        if self.start == "inline":
            self.workers = 1
            self.environment["RANKPOOL_LAUNCH"] = "inline"
        elif start == "alone":
            self.workers = 2
            self.environment["RANKPOOL_WORKERS"] = "2"
        else:
            self.workers = max(1, int(start) - 1)
            self.command = [mpiexec, "--oversubscribe", "--bind-to", "none", "-n", start, program]
        self.texts = []  # all that was printed, one text a run
        self.outputs = []
        self.helpers = []

    @property
    def is_one_process(self):
        """Whether tasks run in the process that prints."""
        return self.start in ("inline", "1")

    def require(self, condition, why):
        if not condition:
            raise Wrong(why)

    def require_workers(self, count):
        self.require(count == self.workers, f"{count} workers, not {self.workers}")

    def require_worker(self, number, manager_too=False):
        least = 0 if manager_too and not self.is_one_process else 1
        self.require(least <= number <= self.workers, f"worker {number}")

    def require_process(self, host, pid, manager=None):
        """`pid` ran a task, in the process that was started where tasks run inline, and not in the manager's
        (if that is told) where there are workers."""
        self.require(host == self.host, f"host {host}")
        self.require((pid == self.pid) == (self.start == "inline"), f"process {pid}, started was {self.pid}")
        self.require(manager is None or (pid == manager) == self.is_one_process, f"process {pid}, manager {manager}")

    def beside(self, helper):
        """A context manager to stand beside the program: a replay is given it as it was left."""
        self.helpers.append(helper)
        return helper

    def finish(self):
        for output in self.outputs:
            self.require(not output.left, f"more lines: {output.left}")

    def __call__(self, *arguments, stdin="", status=0, **environment):
        process = subprocess.Popen([*self.command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env={**self.environment, **environment})
        try:
            text, errors = process.communicate(stdin, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.terminate()  # mpirun, or the parent, ends the ranks
            try:
                process.wait(5)
            finally:
                process.kill()
            raise Wrong(f"it did not end in {TIMEOUT_S} s")
        self.pid = process.pid
        sys.stderr.write(errors)
        name = os.path.basename(self.program) + ": "
        self.texts.append(text)
        self.outputs.append(Output(text, [line for line in errors.splitlines() if line.startswith(name)]))
        self.require(process.returncode == status, f"exit status {process.returncode}")
        return self.outputs[-1]


class Replay(Run):
    """A run whose output is given."""

    def __init__(self, run, texts):
        left = [Output(text, output.errors) for text, output in zip(texts, run.outputs)]
        self.__dict__.update(run.__dict__, outputs=[], left=left, helpers_left=list(run.helpers))

    def __call__(self, *_, **__):
        self.outputs.append(self.left.pop(0))
        return self.outputs[-1]

    def beside(self, _):
        return contextlib.nullcontext(self.helpers_left.pop(0))


def alterations(text):
    """All texts that differ from this one in an integer or a line, each with what was done."""
    for match in re.finditer(r"(?<![\d.])(?<!\de[-+])\d+(?!\.?\d)", text):
        last = match.end() - 1
        changed = str((int(text[last]) + 1) % 10)
        yield f"{match[0]} at {match.start()} altered", text[:last] + changed + text[last + 1:]
    lines = text.splitlines(keepends=True)
    for i, line in enumerate(lines):
        yield f"without the line {line!r}", "".join(lines[:i] + lines[i + 1:])
        yield f"twice the line {line!r}", "".join(lines[:i] + [line] + lines[i:])


def check(case, run):
    case(run)
    run.finish()


def check_altered(case, run):
    """The check itself: it refuses what is wrong."""
    check(case, run)
    for i, text in enumerate(run.texts):
        for what, altered in alterations(text):
            try:
                check(case, Replay(run, run.texts[:i] + [altered] + run.texts[i + 1:]))
            except Wrong:
                continue
            raise Wrong(f"the check does not notice: {what}")


def main(program, start, mpiexec):
    name = os.path.basename(program)
    case = next(getattr(module, name) for module in MODULES if hasattr(module, name))
    run = Run(program, start, mpiexec)
    try:
        (check_altered if start == "altered" else check)(case, run)
    except Wrong as wrong:
        print(*run.texts, f"FAILED: {wrong}", sep="\n")
        return 1
    print(*run.texts, sep="\n")
    return 0


sys.exit(main(*sys.argv[1:]))
