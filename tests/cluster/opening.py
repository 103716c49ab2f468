#!/usr/bin/env python3
"""Ranks that die in rp_open_comm are missed on other hosts: opening.py PROGRAM, of tests/mpi/start/opening.c."""
import sys
import unittest

from hosts import Job, await_nobody, mpirun, testbed

PROGRAM = sys.argv.pop(1)
SECONDS = 20  # on a busy machine
QUIET = "RANKPOOL_SILENCE=2"


def kill_mpirun(host):
    """It may wait for the dead."""
    testbed("exec", host, "pkill", "-KILL", "-x", "mpirun")


class Opening(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """What takes the silence goes on beside the other cases, on hosts of its own."""
        cls.silent = cls.enterClassContext(Job("h4", *mpirun(
            "h4:1,h5:1,h6:1", PROGRAM, *"0 2 5".split(), options=["--enable-recovery"], variables=[QUIET]), variables=[QUIET]))

    def test_where_no_pool_was_opened_before_the_last_rank_of_a_host_is_missed_for_its_silence(self):
        silent = "ranks of other machines have said nothing for 7 seconds in the first rp_open_comm"
        for rank in 0, 1:
            self.silent.await_text(f"rank {rank}: first 15: {silent}", SECONDS)
            self.silent.await_text(f"rank {rank}: then 15: {silent}", SECONDS)
        kill_mpirun("h4")
        self.silent.await_end(SECONDS)

    def test_two_ranks_of_a_host_that_die_together_are_missed_on_another_host(self):
        died = "rank [01] of the communicator has died"
        with Job("h1", *mpirun("h1:3,h2:1", PROGRAM, *"1 0 1 1 1".split(), options=["--enable-recovery"])) as job:
            for rank in 2, 3:
                job.await_text(f"rank {rank}: then 15: {died}", SECONDS)
            kill_mpirun("h1")
            job.await_end(SECONDS)
        await_nobody("h2", "orted", SECONDS)

    def test_the_last_rank_of_a_host_is_missed_where_a_pool_was_opened_before(self):
        for dead, others in (2, (0, 1)), (0, (1, 2)):
            with self.subTest(dead=dead), Job(
                    "h1", *mpirun("h1:1,h2:1,h3:1", PROGRAM, "1", str(dead), "1", options=["--enable-recovery"])) as job:
                for rank in others:
                    job.await_text(f"rank {rank}: then 15: rank {dead} of the communicator has died", SECONDS)
                kill_mpirun("h1")
                job.await_end(SECONDS)


unittest.main(verbosity=2)
