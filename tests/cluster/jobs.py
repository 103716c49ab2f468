#!/usr/bin/env python3
"""The job scripts of cluster/jobs, edited as a user would.

    jobs.py JOB slurm [LAUNCHER...]    on the Slurm cluster that tests share, from two of its hosts
    jobs.py JOB others                 those of batch systems that are not here, started as they would be

JOB is tests/launch/journal_job.c: a map with a journal, each item of which writes its number to a log when it runs.
A program that drains awaits what runs, so that no item runs twice, however many jobs it took.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

JOB, SYSTEM = sys.argv[1:3]
JOBS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../cluster/jobs")
TIMEOUT_S = 120


def wait_until(condition):
    until = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("that does not become so")
        time.sleep(0.1)


class Script(unittest.TestCase):
    """A folder with a script in it, and what it has left there."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="job-", dir=os.path.dirname(JOB))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def edit(self, name, items, milliseconds, **lines):
        """The script with its program and other lines as given, in its folder."""
        with open(f"{JOBS}/{name}.sh") as file:
            text = file.read()
        lines.setdefault("program", f"(env JOB_LOG={self.folder}/log {JOB} map {items} {milliseconds}000)")
        for key, value in lines.items():
            text, found = re.subn(f"^{re.escape(key)}=.*$", lambda _: f"{key}={value}", text, flags=re.M)
            self.assertEqual(found, 1, key)
        with open(f"{self.folder}/{name}.sh", "w") as file:
            file.write(text)

    def ran(self):
        """The items that have run, in order."""
        try:
            with open(f"{self.folder}/log") as file:
                return sorted(map(int, file))
        except FileNotFoundError:
            return []

    def said(self, name):
        with open(f"{self.folder}/{name}") as file:
            return file.read()


class Slurm(Script):
    def on(self, *command):
        done = subprocess.run([os.environ["TESTBED"], "exec", "h1", *command], capture_output=True, text=True,
                              cwd=self.folder, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, (command, done.stdout, done.stderr))
        return done.stdout

    def submit(self, items, milliseconds, **lines):
        lines = {"#SBATCH --nodes": "2", "#SBATCH --ntasks-per-node": "2", "#SBATCH --time": "1",
                 "#SBATCH --output": "out", "margin": "10", "launch": "(mpirun)",
                 **lines}
        self.edit("slurm", items, milliseconds, **lines)
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
        self.assertEqual(self.ends(), "COMPLETED", self.said("out"))
        self.assertGreaterEqual(int(self.shown("Restarts")), 1)
        self.assertEqual(self.ran(), list(range(40)))

    def test_a_job_that_is_cancelled_stays_away(self):
        self.submit(1000, 200)
        wait_until(self.ran)
        self.on("scancel", self.job)
        self.assertEqual(self.ends(), "CANCELLED", self.said("out"))
        self.assertEqual(self.shown("Restarts"), "0")

    def test_a_job_with_no_more_time_than_the_margin_says_so(self):
        self.submit(1, 1, margin="60")
        self.assertEqual(self.ends(), "FAILED")
        self.assertEqual(self.said("out"), "slurm.sh: the job's time is not longer than the margin of 60 seconds\n")


def launched_by(launcher):
    def test(self):
        self.submit(40, 1, launch=f"({launcher})")
        self.assertEqual(self.ends(), "COMPLETED", self.said("out"))
        self.assertEqual(self.ran(), list(range(40)))
    return test


for launcher in "mpirun", "srun --mpi=pmix", *sys.argv[3:]:
    setattr(Slurm, "test_a_job_is_started_by_" + re.sub(r"\W+", "_", os.path.basename(launcher)), launched_by(launcher))


# What queues a job again, besides its exit status: the command, which here says how it was called, and that.
OTHERS = {
    "pbs": ("qsub", "pbs.sh\n", 75),
    "lsf": ("bsub", "", 75),
    "sge": ("qsub", "", 99),
    "flux": ("flux", "--parent batch flux.sh\n", 75),
}


class Others(Script):
    def start(self, name):
        command = OTHERS[name][0]
        with open(f"{self.folder}/{command}", "w", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
            file.write('#!/bin/sh\n[ "$*" != "job timeleft" ] || exec echo 62.5\n'
                       f'echo "$*" >>{self.folder}/called\n')
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "RANKPOOL_WORKERS": "2",
                       "PBS_O_WORKDIR": self.folder}
        return subprocess.Popen(["bash", f"{self.folder}/{name}.sh"], cwd=self.folder, env=environment,
                                start_new_session=True)

    def edit_for(self, name, seconds, items, milliseconds):
        limit = {} if name == "flux" else {"limit": "62"}
        self.edit(name, items, milliseconds, launch="(env)", margin=str(62 - seconds), **limit)

    def called(self):
        return self.said("called") if os.path.exists(f"{self.folder}/called") else ""

    def check_again(self, name):
        self.edit_for(name, 1, 30, 100)
        self.assertEqual(self.start(name).wait(TIMEOUT_S), OTHERS[name][2])
        self.assertEqual(self.called(), OTHERS[name][1])
        self.edit_for(name, 50, 30, 100)
        self.assertEqual(self.start(name).wait(TIMEOUT_S), 0)
        self.assertEqual((self.called(), self.ran()), (OTHERS[name][1], list(range(30))))

    def check_cancelled(self, name):
        self.edit_for(name, 50, 1000, 100)
        process = self.start(name)
        wait_until(self.ran)
        os.killpg(process.pid, signal.SIGTERM)
        self.assertNotIn(process.wait(TIMEOUT_S), (0, 99, *([75] if name == "lsf" else [])))
        self.assertEqual(self.called(), "")


for name in OTHERS:
    setattr(Others, f"test_what_the_time_of_{name}_was_too_short_for_is_queued_again_and_goes_on",
            lambda self, name=name: self.check_again(name))
    setattr(Others, f"test_a_job_of_{name}_that_is_cancelled_stays_away",
            lambda self, name=name: self.check_cancelled(name))

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], defaultTest=SYSTEM.capitalize(), verbosity=2)
