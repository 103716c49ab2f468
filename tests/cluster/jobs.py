#!/usr/bin/env python3
"""The job scripts of cluster/jobs, edited as a user would.

    jobs.py JOB slurm "RANKPOOL run --"    on the Slurm cluster that tests share
    jobs.py JOB plain "RANKPOOL run --"    by ssh, on two of its hosts
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

    def __init__(self, add_cleanup):
        folder = tempfile.TemporaryDirectory(prefix="job-", dir=os.path.dirname(JOB))
        add_cleanup(folder.cleanup)
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


    def on_host(self, *command):
        """Runs a command on the host h1."""
        return subprocess.run([os.environ["TESTBED"], "exec", "h1", *command], capture_output=True, text=True,
                              cwd=self.path, env=self.environment, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)


class Plain(unittest.TestCase):
    def test_what_the_time_was_too_short_for_goes_on_when_it_is_started_again(self):
        folder = Folder(self.addCleanup)
        folder.environment["PATH"] = f"{os.path.dirname(LAUNCHER)}:{os.environ['PATH']}"
        for limit, status in ("1", 75), ("", 0):
            folder.edit("ssh", 40, 200, hosts="h1,h4", limit=limit)
            done = folder.on_host("bash", "ssh.sh")
            self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(folder.ran(), list(range(40)))
        self.assertEqual(folder.stored("DISTINCT host"), [("h1",), ("h4",)])


class SlurmJob(Folder):
    def __init__(self, add_cleanup, hosts, items, milliseconds, **lines):
        super().__init__(add_cleanup)
        lines = {"#SBATCH --nodes": "2", "#SBATCH --ntasks-per-node": "2", "#SBATCH --time": "1",
                 "#SBATCH --output": "out", "margin": "10", "launch": f"({LAUNCHER})", **lines}
        self.edit("slurm", items, milliseconds, **lines)
        done = self.on_host("sbatch", "--parsable", "--exclusive", f"--nodelist={hosts}", "slurm.sh")
        assert done.returncode == 0, done.stderr
        self.number = done.stdout.strip()
        add_cleanup(self.on_host, "scancel", self.number)

    def shown(self, key):
        return re.search(rf"\b{key}=(\S+)", self.on_host("scontrol", "show", "job", self.number).stdout)[1]

    def ends(self):
        """The state in which the job ends."""
        wait_until(lambda: self.shown("JobState") not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING"))
        return self.shown("JobState")


class Slurm(unittest.TestCase):
    """All jobs are queued at once, since they mostly wait."""

    @classmethod
    def setUpClass(cls):
        add_cleanup = cls.addClassCleanup
        # Four workers need 6 s: more than is left before the end until some have run, however busy the machine is.
        cls.long = SlurmJob(add_cleanup, "h5,h6", 40, 600, margin="$([ -s log ] && echo 10 || echo 55)")
        # Far longer than the launcher takes to end by a signal of Slurm's.
        cls.cancelled = SlurmJob(add_cleanup, "h7,h8", 10000, 4000, **{"#SBATCH --time": "10"})
        cls.by_mpirun = SlurmJob(add_cleanup, "h1,h4", 40, 20, launch="(mpirun -x JOB_LOG)")
        cls.by_srun = SlurmJob(add_cleanup, "h1,h4", 40, 20, launch="(srun --mpi=pmix)")
        cls.by_rankpool = SlurmJob(add_cleanup, "h1,h4", 40, 20)
        cls.short = SlurmJob(add_cleanup, "h1,h4", 1, 1, margin="60")

    def check_done(self, job, hosts):
        self.assertEqual(job.ends(), "COMPLETED", job.said("out"))
        self.assertEqual(job.ran(), list(range(40)))
        self.assertEqual(job.stored("DISTINCT host"), [(host,) for host in hosts])

    def test_a_job_is_started_by_mpirun(self):
        self.check_done(self.by_mpirun, ["h1", "h4"])

    def test_a_job_is_started_by_srun(self):
        self.check_done(self.by_srun, ["h1", "h4"])

    def test_a_job_is_started_by_rankpool_run(self):
        self.check_done(self.by_rankpool, ["h1", "h4"])

    def test_a_job_that_needs_more_time_than_it_has_is_queued_again_until_it_is_done(self):
        self.check_done(self.long, ["h5", "h6"])
        self.assertGreaterEqual(int(self.long.shown("Restarts")), 1)

    def test_a_job_that_is_cancelled_stores_what_has_run_and_stays_away(self):
        job = self.cancelled
        wait_until(job.ran)
        job.on_host("scancel", job.number)
        wait_until(lambda: job.shown("ExitCode") != "0:0" or job.shown("Restarts") != "0")  # the script has ended
        self.assertEqual((job.ends(), job.shown("Restarts"), job.shown("ExitCode")), ("CANCELLED", "0", "75:0"),
                         job.said("out"))
        # Slurm ends the other host's workers at once, each of which may have had a result under way.
        stored, ran = job.stored("count(*)")[0][0], len(job.ran())
        self.assertTrue(ran - 2 <= stored <= ran, (stored, ran))

    def test_a_job_with_no_more_time_than_the_margin_says_so(self):
        self.assertEqual(self.short.ends(), "FAILED")
        self.assertEqual(self.short.said("out"),
                         "slurm.sh: the job's time is not longer than the margin of 60 seconds\n")


# What queues a job again, besides its exit status: the command, which here says how it was called, and that.
OTHERS = {
    "pbs": ("qsub", "pbs.sh\n", 75),
    "lsf": ("bsub", "", 75),
    "sge": ("qsub", "", 99),
    "flux": ("flux", "--parent batch flux.sh\n", 75),
}


class Others(unittest.TestCase):
    """For all of them at once, since they mostly wait. Two workers do not do 60 items of 0.1 s in 2 s."""

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
        self.folders = {name: Folder(self.addCleanup) for name in OTHERS}

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
            os.killpg(process.pid, signal.SIGTERM if name != "sge" else signal.SIGUSR2)
            self.assertEqual(process.wait(TIMEOUT_S), 143 if name == "lsf" else 75, name)
            self.assertEqual(self.folders[name].said("called"), "", name)

    def test_a_job_with_no_more_time_than_the_margin_ends_at_once(self):
        for name, process in self.start_all(0, 1).items():
            self.assertEqual((process.wait(TIMEOUT_S), self.folders[name].ran()), (1, []), name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], defaultTest=SYSTEM.capitalize(), verbosity=2)
