#!/usr/bin/env python3
"""The main job, the SHA-256 of all files below a folder, over three hosts: tasks read the files of the host where
they run, so that each needs its own, or one that all share.

TESTBED is the program cluster/testbed, RANKPOOL the command, SHA256TREE the program.
"""
import hashlib
import os
import unittest

from hosts import must, testbed

RANKPOOL, SHA256TREE = os.environ["RANKPOOL"], os.environ["SHA256TREE"]
HOSTS = ("h1", "h2", "h3")
FILES = 200
FOLDER = "/tmp/mainjob"
FILL = f"mkdir -p {FOLDER}; cd {FOLDER}; for i in $(seq {FILES}); do yes line $i | head -n $((i * 50)) > file$i; done"


def wanted():
    sums = {}
    for i in range(1, FILES + 1):
        content = (f"line {i}\n" * (i * 50)).encode()
        sums[f"{FOLDER}/file{i}"] = hashlib.sha256(content).hexdigest()
    return sums


def run():
    return testbed("exec", "h1", RANKPOOL, "run", "--hosts=h1:2,h2:2,h3:2", SHA256TREE, FOLDER)


def read(text):
    return {name: sum for sum, name in (line.split("  ", 1) for line in text.splitlines())}


class MainJob(unittest.TestCase):
    def setUp(self):
        for host in HOSTS:
            must("exec", host, "sh", "-ec", FILL)
            self.addCleanup(testbed, "exec", host, "rm", "-r", FOLDER)

    def test_hosts_with_files_of_their_own_give_the_sums_of_one(self):
        done = run()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(read(done.stdout), wanted())

    def test_what_a_host_does_not_have_fails_and_is_named_and_the_others_are_right(self):
        must("exec", "h3", "sh", "-c", f"rm {FOLDER}/*")
        done = run()
        sums = read(done.stdout)
        self.assertLessEqual(sums.items(), wanted().items())
        failures = [line for line in done.stderr.splitlines() if "No such file" in line]
        self.assertEqual(len(sums) + len(failures), FILES, done.stderr)
        self.assertTrue(failures, done.stderr)
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
