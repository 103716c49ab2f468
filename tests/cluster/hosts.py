"""Jobs on test hosts, as the tests see them: started, watched, harmed and judged.

TESTBED is the program cluster/testbed; TESTBED_NAME tells which cluster.
"""
import os
import re
import selectors
import subprocess
import time

TESTBED = os.environ["TESTBED"]
TIMEOUT_S = 120
SKIPPED = 77


def testbed(*arguments, **more):
    return subprocess.run([TESTBED, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S,
                          stdin=subprocess.DEVNULL, **more)


def must(*arguments):
    done = testbed(*arguments)
    if done.returncode:
        raise AssertionError(f"testbed {' '.join(arguments)}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout.strip()


class Job:
    """A command on a host, whose output is read as it comes."""

    def __init__(self, host, *command, variables=()):
        self.text = ""
        self.process = subprocess.Popen(
            [TESTBED, "exec", host, "env", *variables, *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(TIMEOUT_S)
        self.process.stdout.close()

    def _read(self, until):
        """False: it has closed its output."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0, until - time.monotonic())):
                raise AssertionError(f"nothing more has come:\n{self.text}")
        part = self.process.stdout.read()
        self.text += (part or b"").decode(errors="replace")
        return part != b""

    def await_text(self, pattern, seconds=TIMEOUT_S):
        """Until that has been said: the seconds that it took."""
        began = time.monotonic()
        while not re.search(pattern, self.text):
            if not self._read(began + seconds):
                raise AssertionError(f"it ended without {pattern!r}:\n{self.text}")
        return time.monotonic() - began

    def await_end(self, seconds=TIMEOUT_S):
        """Its exit status."""
        until = time.monotonic() + seconds
        while self._read(until):
            pass
        return self.process.wait(max(0.1, until - time.monotonic()))


def mpirun(hosts, *command, options=(), variables=()):
    """The words that start it there; the names of variables are passed on to all hosts."""
    names = [word for variable in variables for word in ("-x", variable.split("=")[0])]
    return ["mpirun", "--oversubscribe", "-H", hosts, *options, *names, *command]


def processes(host, program):
    """Those of the program that run there."""
    done = testbed("exec", host, "pgrep", "-f", program)
    return [int(pid) for pid in done.stdout.split()] if done.returncode == 0 else []


def await_nobody(host, program, seconds):
    until = time.monotonic() + seconds
    while left := processes(host, program):
        if time.monotonic() > until:
            raise AssertionError(f"{left} of {program} are left on {host}")
        time.sleep(0.05)
