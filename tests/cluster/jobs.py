#!/usr/bin/env python3
"""The job scripts of cluster/jobs, edited as a user would.

    jobs.py JOB slurm "RANKPOOL run --"    on two hosts of the Slurm cluster that tests share
    jobs.py JOB plain "RANKPOOL run --"    by ssh, on the same two
    jobs.py JOB others                     those of batch systems that are not here, started as they would be

JOB is tests/launch/journal_job.c: a map with a journal, each item of which writes its number to a log when it runs.
A program that drains awaits what runs, so that no item runs twice, however many jobs it took.
"""
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

JOB, SYSTEM, LAUNCHER = (sys.argv + [""])[1:4]
JOBS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../cluster/jobs")
TIMEOUT_S = 120


def wait_until(condition):
    until = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("that does not become so")
        time.sleep(0.1)


def end(process):
    """Kills a job that a failed test has left."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(TIMEOUT_S)


class Folder:
    """A script, and what its jobs leave beside it."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory(prefix="job-", dir=os.path.dirname(JOB))
        test.addCleanup(folder.cleanup)
        self.path = folder.name
        self.environment = {**os.environ, "JOB_LOG": f"{self.path}/log"}

    def edit(self, name, items, milliseconds, **lines):
        """Puts a script there, with its program and other lines as given."""
        with open(f"{JOBS}/{name}.sh") as file:
            text = file.read()
        for key, value in {"program": f"({JOB} map {items} {milliseconds}000)", **lines}.items():
            text, found = re.subn(f"^{re.escape(key)}=.*$", lambda _: f"{key}={value}", text, flags=re.M)
            assert found == 1, f"{name}.sh has {found} lines {key}="
        with open(f"{self.path}/{name}.sh", "w") as file:
            file.write(text)

    def said(self, name):
        try:
            with open(f"{self.path}/{name}") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def ran(self):
        """The items that have run, in order."""
        return sorted(map(int, self.said("log").split()))

    def stored(self, what):
        """What the journal has of the items, and of the workers that ran them."""
        with contextlib.closing(sqlite3.connect(f"{self.path}/run.db")) as journal:
            return journal.execute(f"SELECT {what} FROM item JOIN worker USING (run, worker) ORDER BY host").fetchall()


class OnHost(unittest.TestCase):
    def setUp(self):
        self.folder = Folder(self)

    def run_on_host(self, *command):
        return subprocess.run([os.environ["TESTBED"], "exec", "h1", *command], capture_output=True, text=True,
                              cwd=self.folder.path, env=self.folder.environment, timeout=TIMEOUT_S,
                              stdin=subprocess.DEVNULL)

    def on(self, *command):
        done = self.run_on_host(*command)
        self.assertEqual(done.returncode, 0, (command, done.stdout, done.stderr))
        return done.stdout


class Plain(OnHost):
    def test_what_the_time_was_too_short_for_goes_on_when_it_is_started_again(self):
        self.folder.environment["PATH"] = f"{os.path.dirname(LAUNCHER)}:{os.environ['PATH']}"
        for limit, status in ("1", 75), ("", 0):
            self.folder.edit("ssh", 40, 200, hosts="h1,h4", limit=limit)
            done = self.run_on_host("bash", "ssh.sh")
            self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(self.folder.ran(), list(range(40)))
        self.assertEqual(self.folder.stored("DISTINCT host"), [("h1",), ("h4",)])


class Slurm(OnHost):
    def submit(self, items, milliseconds, **lines):
        lines = {"#SBATCH --nodes": "2", "#SBATCH --ntasks-per-node": "2", "#SBATCH --time": "1",
                 "#SBATCH --output": "out", "margin": "10", "launch": f"({LAUNCHER})",
                 **lines}
        self.folder.edit("slurm", items, milliseconds, **lines)
        self.job = self.on("sbatch", "--parsable", "--exclusive", "--nodelist=h1,h4", "slurm.sh").strip()
        self.addCleanup(subprocess.run, [os.environ["TESTBED"], "exec", "h1", "scancel", self.job])

    def shown(self, key):
        return re.search(rf"\b{key}=(\S+)", self.on("scontrol", "show", "job", self.job))[1]

    def ends(self):
        """The state in which the job ends."""
        wait_until(lambda: self.shown("JobState") not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING"))
        return self.shown("JobState")

    def test_a_job_whose_time_is_too_short_is_queued_again_until_it_is_done(self):
        self.submit(40, 300, margin="56")
        self.assertEqual(self.ends(), "COMPLETED", self.folder.said("out"))
        self.assertGreaterEqual(int(self.shown("Restarts")), 1)
        self.assertEqual(self.folder.ran(), list(range(40)))

    def test_a_job_that_is_cancelled_stores_what_has_run_and_stays_away(self):
        self.submit(1000, 200)
        wait_until(self.folder.ran)
        self.on("scancel", self.job)
        wait_until(lambda: self.shown("ExitCode") == "75:0" or self.shown("Restarts") != "0")
        self.assertEqual((self.ends(), self.shown("Restarts")), ("CANCELLED", "0"), self.folder.said("out"))
        self.assertEqual(self.folder.stored("count(*)"), [(len(self.folder.ran()),)])

    def test_a_job_with_no_more_time_than_the_margin_says_so(self):
        self.submit(1, 1, margin="60")
        self.assertEqual(self.ends(), "FAILED")
        self.assertEqual(self.folder.said("out"), "slurm.sh: the job's time is not longer than the margin of 60 seconds\n")


def launched_by(launcher):
    def test(self):
        self.submit(40, 20, launch=f"({launcher})")
        self.assertEqual(self.ends(), "COMPLETED", self.folder.said("out"))
        self.assertEqual(self.folder.ran(), list(range(40)))
        self.assertEqual(self.folder.stored("DISTINCT host"), [("h1",), ("h4",)])
    return test


for label, launcher in ("mpirun", "mpirun -x JOB_LOG"), ("srun", "srun --mpi=pmix"), ("rankpool_run", LAUNCHER):
    setattr(Slurm, f"test_a_job_is_started_by_{label}", launched_by(launcher))


# What queues a job again, besides its exit status: the command, which here says how it was called, and that.
OTHERS = {
    "pbs": ("qsub", "pbs.sh\n", 75),
    "lsf": ("bsub", "", 75),
    "sge": ("qsub", "", 99),
    "flux": ("flux", "--parent batch flux.sh\n", 75),
}


class Others(unittest.TestCase):
    """For all of them at once, since they mostly wait."""

    def start(self, folder, name, seconds, items):
        """A job of so many items, that begins no more of them after so many seconds."""
        command = OTHERS[name][0]
        limit = {} if name == "flux" else {"limit": "62"}
        folder.edit(name, items, 100, launch="(env)", margin=str(62 - seconds), **limit)
        with open(f"{folder.path}/{command}", "w", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
            file.write('#!/bin/sh\n[ "$*" != "job timeleft" ] || exec echo 62.5\n'
                       f'echo "$*" >>{folder.path}/called\n')
        environment = {**folder.environment, "PATH": f"{folder.path}:{os.environ['PATH']}", "RANKPOOL_WORKERS": "2",
                       "PBS_O_WORKDIR": folder.path}
        process = subprocess.Popen(["bash", f"{folder.path}/{name}.sh"], cwd=folder.path, env=environment,
                                   start_new_session=True)
        self.addCleanup(end, process)
        return process

    def start_all(self, *arguments):
        return {name: self.start(folder, name, *arguments) for name, folder in self.folders.items()}

    def setUp(self):
        self.folders = {name: Folder(self) for name in OTHERS}

    def test_what_the_time_was_too_short_for_is_queued_again_and_goes_on(self):
        for name, process in self.start_all(2, 60).items():
            self.assertEqual(process.wait(TIMEOUT_S), OTHERS[name][2], name)
            self.assertEqual(self.folders[name].said("called"), OTHERS[name][1])
            self.assertLess(len(self.folders[name].ran()), 60)
        for name, process in self.start_all(50, 60).items():
            self.assertEqual(process.wait(TIMEOUT_S), 0, name)
            self.assertEqual(self.folders[name].said("called"), OTHERS[name][1])
            self.assertEqual(self.folders[name].ran(), list(range(60)))

    def test_a_job_that_is_cancelled_stays_away(self):
        for name, process in self.start_all(50, 1000).items():
            wait_until(self.folders[name].ran)
            os.killpg(process.pid, signal.SIGTERM)
            self.assertNotIn(process.wait(TIMEOUT_S), (0, 99, 75 if name == "lsf" else 0), name)
            self.assertEqual(self.folders[name].said("called"), "", name)

    def test_a_job_with_no_more_time_than_the_margin_ends_at_once(self):
        for name, process in self.start_all(0, 1).items():
            self.assertEqual((process.wait(TIMEOUT_S), self.folders[name].ran()), (1, []), name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], defaultTest=SYSTEM.capitalize(), verbosity=2)
