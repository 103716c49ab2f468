#!/usr/bin/env python3
"""What is left of a job over three hosts when one of them fails: each case on a testbed of its own, which it harms.

TESTBED is the program cluster/testbed, RANKPOOL the command, TOIL the program that works meanwhile, BIDE one of MPI's
without pools, SHARES the folders that the hosts need.
"""
import os
import sys
import time
import unittest

os.environ["TESTBED_NAME"] = f"faults-{os.getpid()}"
from hosts import SKIPPED, Job, await_nobody, must, testbed

RANKPOOL, TOIL, BIDE = os.environ["RANKPOOL"], os.environ["TOIL"], os.environ["BIDE"]
SILENCE_S = 2
GRACE_S = 20  # for a process to notice and end, on a busy machine
HOSTS = ("h1", "h2", "h3")


def run(*command, silence=SILENCE_S):
    """On six workers, two of each host."""
    return Job("h1", RANKPOOL, "run", "--hosts=h1:2,h2:2,h3:2", *command, variables=[f"RANKPOOL_SILENCE={silence}"])


def job(items, silence=SILENCE_S):
    """With two leaders more, and tasks of 10 ms."""
    return run(TOIL, str(items), "10", silence=silence)


def await_acknowledged(host, other):
    """Until all that was sent from one to the other has arrived: else the kernel would send it again, for a quarter of an
    hour, and ask nothing."""
    until = time.monotonic() + GRACE_S
    while "unacked:" in must("exec", host, "ss", "-tni", "dst", other):
        if time.monotonic() > until:
            raise AssertionError(f"{host} has not done with sending to {other}")


class Faults(unittest.TestCase):
    def setUp(self):
        must("up", "3", *(word for share in os.environ["SHARES"].split(":") for word in ("--share", share)))
        self.addCleanup(testbed, "down")

    def end_well(self, work, items, lost):
        self.assertEqual(work.await_end(), 0, work.text)
        self.assertIn(f"{items + 200} of {items + 200} are right, 0 came again, {lost} of 8 workers are lost, close 0",
                      work.text)

    def test_a_host_that_is_killed_takes_no_result_with_it(self):
        with job(3000) as work:
            work.await_text("begun")
            must("kill", "h2")
            work.await_text("lost 3", SILENCE_S + GRACE_S)
            self.end_well(work, 3000, 3)
        for host in ("h1", "h3"):
            await_nobody(host, TOIL, GRACE_S)

    def test_a_host_that_is_cut_off_is_lost_after_the_silence_and_stays_lost_when_it_is_back(self):
        with job(3500) as work:
            work.await_text("begun")
            must("cut", "h2")
            began = time.monotonic()
            work.await_text("lost 3", SILENCE_S + GRACE_S)
            self.assertGreater(time.monotonic() - began, SILENCE_S - 1.5)  # which began before the cut
            await_nobody("h2", TOIL, SILENCE_S + GRACE_S)
            must("heal", "h2")
            self.end_well(work, 3500, 3)

    def test_a_host_that_is_cut_off_for_less_than_the_silence_goes_on(self):
        with job(3000, silence=20) as work:
            work.await_text("begun")
            must("cut", "h2")
            time.sleep(0.5)
            must("heal", "h2")
            self.assertIsNone(work.process.poll(), "it had ended before the host was back")
            self.end_well(work, 3000, 0)

    def test_workers_end_when_the_host_of_their_manager_is_killed(self):
        with job(100000) as work:
            work.await_text("begun")
            must("kill", "h1")
            for host in ("h2", "h3"):
                await_nobody(host, TOIL, SILENCE_S + GRACE_S)

    def test_a_program_without_pools_is_ended_on_all_hosts_when_one_is_killed_or_cut_off(self):
        for harm in "cut", "kill":
            with run(BIDE) as work:
                work.await_text("begun")
                for host, other in ("h1", "h2"), ("h2", "h1"):
                    await_acknowledged(host, other)
                must(harm, "h2")
                self.assertNotEqual(work.await_end(), 0)
            self.assertRegex(" ".join(work.text.split()), "has lost communication .* on node h2")
            for host in ("h1", "h3", *(["h2"] if harm == "cut" else [])):
                await_nobody(host, BIDE, SILENCE_S + GRACE_S)
            must("heal", "h2") if harm == "cut" else None


if __name__ == "__main__":
    if (status := testbed("up", "1")).returncode:
        sys.stderr.write(status.stderr)
        sys.exit(status.returncode)
    testbed("down")
    unittest.main(verbosity=2)
