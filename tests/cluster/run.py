#!/usr/bin/env python3
"""`rankpool run` and `rankpool topo` over several hosts: run.py RANKPOOL JOB, on the cluster that tests share.

h1 may use all processors, h2 one, h3 a half, the others all. The command is called on h1 as a user does.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TESTBED = os.environ["TESTBED"]
RANKPOOL, JOB = sys.argv[1:3]
HOSTS = ["h1", "h2", "h3"]
TIMEOUT_S = 60
CPUS = len(os.sched_getaffinity(0))


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RANKPOOL_", "OMPI_", "PMIX_"))}
    return {**kept, **more}


def start(*words, host="h1", **more):
    return subprocess.Popen([TESTBED, "exec", host, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment(**more))


def call(*words, host="h1", stdin="", **more):
    process = start(*words, host=host, **more)
    try:
        process.out, process.err = process.communicate(stdin, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process


def run(*words, **more):
    return call(RANKPOOL, "run", *words, **more)


def processes(host):
    """Those of a host that a run can leave, as {process: command line}."""
    listed = call("ps", "-eo", "pid=,args=", host=host).out
    found = {}
    for line in listed.splitlines():
        pid, words = line.split(None, 1)
        if re.search(r"cluster_job|orted|mpirun|rankpool", words) and not re.search(r"host\.sh|ps -eo", words):
            found[int(pid)] = words
    return found


def left(within_s):
    """What is still there on any host after so many seconds at most."""
    until = time.monotonic() + within_s
    while True:
        found = {host: processes(host) for host in HOSTS}
        if not any(found.values()) or time.monotonic() > until:
            return {host: all for host, all in found.items() if all}


class Test(unittest.TestCase):
    maxDiff = None

    @classmethod
    def tearDownClass(cls):
        if found := left(10):
            raise AssertionError(f"left running: {found}")


class Places(Test):
    def test_each_host_gets_what_it_offers_and_its_workers_are_bound_there(self):
        done = run("--hosts", "h1,h2,h3", JOB, "who", JOB_SAYS="two words; 'quoted'")
        self.assertEqual(done.returncode, 0, done.err)
        rows = [line.split(None, 4) for line in done.out.splitlines()]
        everything = f"0-{CPUS - 1}" if CPUS > 1 else "0"
        wanted = [("h1", str(cpu)) for cpu in range(CPUS)]
        for host in ("h2", "h3"):  # a leader, and the one worker of a quota
            wanted += [(host, everything)] * 2
        self.assertEqual([(host, cpus) for _, host, cpus, _, _ in rows], wanted)
        self.assertEqual({folder for _, _, _, folder, _ in rows}, {os.getcwd()})
        self.assertEqual({says for *_, says in rows}, {"two words; 'quoted'"})
        self.assertIn(f"{CPUS + 2} workers on 3 nodes of the list of hosts, and 2 leaders", done.err)
        self.assertIn("cgroup quota of 0.5 CPUs", done.err)

    def test_eight_hosts_each_have_a_leader_and_what_they_offer(self):
        hosts = [f"h{i}" for i in range(1, 9)]
        done = run("-q", "--hosts", ",".join(hosts), JOB, "who")
        self.assertEqual(done.returncode, 0, done.err)
        ranks = {"h1": CPUS, "h2": 2, "h3": 2}
        wanted = [host for host in hosts for _ in range(ranks.get(host, CPUS + 1))]
        self.assertEqual([line.split()[1] for line in done.out.splitlines()], wanted)

    def test_the_manager_stays_where_it_is_called_though_that_host_has_no_workers(self):
        done = run("-q", "--hosts", "h2,h4:1", JOB, "who")
        self.assertEqual(done.returncode, 0, done.err)
        self.assertEqual([line.split()[1] for line in done.out.splitlines()], ["h2", "h2", "h4", "h4"])
        self.assertEqual(done.err, "")

    def test_workers_asked_for_are_dealt_by_what_hosts_offer(self):
        done = run("--dry-run", "-n", str(2 * (CPUS + 1)), "--hosts", "h1,h2", JOB)
        self.assertEqual(done.returncode, 0, done.err)
        self.assertEqual(done.out, "")
        self.assertIn(f"rankpool: h1: {2 * CPUS} workers", done.err)
        self.assertIn("rankpool: h2: 2 workers", done.err)

    def test_a_program_without_pools_has_a_rank_for_each_worker(self):
        done = run("-q", "--hosts", "h1,h2", "sh", "-c", "echo $(hostname) $(nproc)")
        self.assertEqual(done.returncode, 0, done.err)
        self.assertEqual(sorted(done.out.splitlines()), ["h1 1"] * CPUS + [f"h2 {CPUS}"])

    def test_topo_draws_the_hosts_and_says_the_same_to_scripts(self):
        drawn = call(RANKPOOL, "topo", "--hosts", "h1,h2")
        self.assertRegex(drawn.out, rf"h1: {CPUS} workers?\n")
        self.assertIn("h2: 1 worker\n", drawn.out)
        said = json.loads(call(RANKPOOL, "topo", "--json", "--hosts", "h1,h2").out)
        self.assertEqual([(node["host"], node["workers"], node["bound"]) for node in said["nodes"]],
                         [("h1", CPUS, True), ("h2", 1, False)])


class Plain(Test):
    def test_streams_and_exit_status_are_those_of_a_plain_program(self):
        done = run("-q", "--hosts", "h1,h2,h3", JOB, "echo", "7", stdin="one\ntwo\n")
        self.assertEqual((done.returncode, done.out, done.err), (7, "one\ntwo\n", ""))

    def test_the_status_of_a_program_without_pools_is_its_own_and_ends_all_of_it(self):
        done = run("-q", "--hosts", "h1,h2", "sh", "-c", "[ $(hostname) = h1 ] || exit 9; sleep 1000")
        self.assertEqual(done.returncode, 9, done.err)


class Watching(Test):
    """Of jobs that are looked at while they run."""

    def watch(self, job):
        self.addCleanup(lambda: (job.stdin.close(), job.kill(), job.wait(TIMEOUT_S), job.stdout.close(),
                                 job.stderr.close()))

    def line(self, job):
        said = []
        reader = threading.Thread(target=lambda: said.append(job.stdout.readline()), daemon=True)
        reader.start()
        reader.join(TIMEOUT_S)
        self.assertTrue(said, "it has said nothing")
        return said[0]


class Ends(Watching):
    def hold(self):
        return self.begin("holds", "hold", str(CPUS + 2))

    def begin(self, says, *words):
        """A job on three hosts that has said so."""
        job = start(RANKPOOL, "run", "-q", "--hosts", "h1,h2,h3", JOB, *words)
        self.watch(job)
        self.assertEqual(self.line(job), says + "\n")
        return job

    def first(self, pattern, host="h1"):
        """The process that was started first of those whose command line begins so."""
        found = [pid for pid, words in processes(host).items() if re.match(pattern, words)]
        self.assertTrue(found)
        return str(min(found))

    def test_nothing_is_left_when_the_first_process_is_killed(self):
        self.hold()
        call("kill", "-KILL", self.first(re.escape(JOB)))
        self.assertEqual(left(10), {})

    def test_nothing_is_left_when_mpirun_is_killed(self):
        job = self.hold()
        call("kill", "-KILL", self.first("mpirun"))
        self.assertEqual(left(10), {})
        self.assertEqual(job.wait(TIMEOUT_S), 128 + signal.SIGKILL)

    def test_nothing_is_left_when_it_is_interrupted(self):
        job = self.hold()
        call("kill", "-INT", self.first(re.escape(JOB)))
        self.assertEqual(left(10), {})
        self.assertEqual(job.wait(TIMEOUT_S), 128 + signal.SIGINT)

    def test_nothing_is_left_of_a_program_without_pools_when_mpirun_is_killed(self):
        job = start(RANKPOOL, "run", "-q", "--hosts", "h1,h2", "bash", "-c", "echo up; exec -a cluster_job sleep 1000")
        self.watch(job)
        for _ in range(CPUS + 1):
            self.assertEqual(self.line(job), "up\n")
        call("kill", "-KILL", self.first(r"\S*mpirun"))
        self.assertEqual(left(10), {})

    def test_ranks_end_with_their_hosts_daemon_and_the_others_go_on(self):
        job = self.begin("begins", "last", "60")
        call("kill", "-KILL", self.first("orted", "h2"), host="h2")
        job.out, job.err = job.communicate(timeout=TIMEOUT_S)
        self.assertEqual((job.returncode, job.out), (0, "60 ran\n"), job.err)

    def test_a_rank_that_ends_before_it_has_joined_ends_all(self):
        for status in ("3", "0"):
            done = run("-q", "--hosts", "h1,h2", JOB, "early", status, JOB_HOST="h2")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.err, rf"job: .* rank \d+ ended with status {status} before it had joined")


class Slurm(Watching):
    """On a cluster of Slurm's."""

    def alloc(self, *words, **more):
        done = call("salloc", "-Q", "--exclusive", "--nodelist=h1,h2", *words, **more)
        self.assertEqual(done.returncode, 0, done.err)
        return [line.split()[1:3] for line in done.out.splitlines() if line.strip()]

    def wanted(self):
        everything = f"0-{CPUS - 1}" if CPUS > 1 else "0"
        return [["h1", str(cpu)] for cpu in range(CPUS)] + [["h2", everything]] * 2

    def test_a_program_started_by_itself_uses_the_whole_job(self):
        path = os.path.dirname(RANKPOOL) + ":" + os.environ["PATH"]
        self.assertEqual(self.alloc(JOB, "who", PATH=path), self.wanted())

    def test_from_a_login_node_the_job_is_used_and_that_node_has_the_manager_alone(self):
        everything = f"0-{CPUS - 1}" if CPUS > 1 else "0"
        rows = self.alloc(RANKPOOL, "run", "-q", JOB, "who", host="h4")
        self.assertEqual(rows, [["h1", everything]] + self.wanted())

    def test_a_shell_of_srun_on_a_part_of_the_job_has_all_of_it(self):
        shell = f"srun -N1 -n1 --pty {RANKPOOL} run -q {JOB} who"
        self.assertEqual(self.alloc("script", "-qec", shell, "/dev/null"), self.wanted())

    def test_a_step_of_a_part_of_the_job_says_so_and_one_of_several_tasks_is_refused(self):
        done = call("salloc", "-Q", "--exclusive", "--nodelist=h1,h2", "srun", "-N1", "-n1", RANKPOOL, "run", "--dry-run", JOB)
        self.assertEqual(done.returncode, 0, done.err)
        self.assertRegex(done.err, r"other nodes of Slurm job \d+ are left out: this is its step 0, started by srun")
        done = call("salloc", "-Q", "--exclusive", "--nodelist=h1,h2", "srun", "-n2", RANKPOOL, "run", JOB, "who")
        self.assertEqual(done.returncode, 64, done.err)
        self.assertIn("rankpool run starts the ranks itself: call it once, not by Slurm's srun", done.err)

    def test_a_handler_that_is_set_late_takes_sigterm_and_the_program_goes_on_with_all_nodes(self):
        folder = tempfile.mkdtemp(dir=os.path.dirname(JOB))
        self.addCleanup(shutil.rmtree, folder)
        job = start("salloc", "-Q", "--exclusive", "--nodelist=h1,h2", RANKPOOL, "run", "-q", JOB, "late",
                    RANKPOOL_JOURNAL=f"{folder}/run.db")
        self.watch(job)
        said = sorted(self.line(job) for _ in range(CPUS + 2))  # those of h2 come by mpirun, before its end
        self.assertEqual(said, ["h1\n"] * CPUS + ["h2\n"] * 2)
        job.stdin.close()
        self.assertEqual(job.wait(TIMEOUT_S), 0, job.stderr.read())

    def test_where_the_command_is_missing_it_uses_its_own_node(self):
        self.assertEqual(self.alloc(JOB, "who"), self.wanted()[:CPUS])

    def test_srun_starts_it_where_there_is_no_mpirun(self):
        tools = tempfile.mkdtemp(dir=os.path.dirname(JOB))
        self.addCleanup(shutil.rmtree, tools)
        for tool in ("srun", "sh"):
            os.symlink(shutil.which(tool), f"{tools}/{tool}")
        rows = self.alloc("env", f"PATH={tools}", RANKPOOL, "run", "-q", JOB, "who")
        self.assertEqual(rows, self.wanted())


class Refused(Test):
    def refuse(self, status, sentence, *words):
        done = run(*words)
        self.assertEqual((done.returncode, done.out), (status, ""))
        self.assertRegex(done.err, sentence)
        self.assertLessEqual(len(done.err.strip().splitlines()), 2, done.err)

    def test_a_host_that_nobody_knows(self):
        self.refuse(1, r"^rankpool: host h99 does not say what it offers: .*h99", "--hosts", "h1,h99", JOB, "who")

    def test_a_host_without_slots(self):
        self.refuse(1, "^rankpool: host h2 has no slots", "--hosts", "h1,h2:0", JOB, "who")

    def test_a_host_that_is_down(self):
        subprocess.run([TESTBED, "cut", "h3"], check=True, timeout=TIMEOUT_S)
        try:
            self.refuse(1, "^rankpool: host h3 does not say what it offers: .*(timed out|No route to host)", "--hosts", "h1,h3", JOB)
        finally:
            subprocess.run([TESTBED, "heal", "h3"], check=True, timeout=TIMEOUT_S)

    def test_a_program_that_is_not_there(self):
        self.refuse(127, "^rankpool: there is no program ./nowhere$", "--hosts", "h1", "./nowhere")
        self.refuse(127, "^rankpool: there is no program nowhere in PATH$", "--hosts", "h1", "nowhere")
        self.refuse(126, "is not a program that can be executed", "--hosts", "h1", "/etc/passwd")

    def test_a_program_that_is_not_on_another_host(self):
        call("cp", JOB, "/tmp/cluster_job")
        self.refuse(1, "^rankpool: host h2 has no /tmp/cluster_job: install it there", "--hosts", "h1,h2",
                    "/tmp/cluster_job", "who")

    def test_memory_for_no_worker(self):
        self.refuse(1, "^rankpool: .*memory_per_worker is 1000 TiB", "--memory-per-worker", "1000T", "--hosts", "h1", JOB)

    def test_one_host_by_two_names(self):
        self.refuse(1, "are the same machine: name it once", "--hosts", "localhost,h1", JOB)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
