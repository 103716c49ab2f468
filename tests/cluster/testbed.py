#!/usr/bin/env python3
"""cluster/testbed from outside: what its hosts share and what they do not, and that nothing is left of them.

TESTBED is the program. TESTBED_CRASHES is how often `up` is killed at each of its steps (1).
"""
import contextlib
import fcntl
import glob
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

TESTBED = os.environ["TESTBED"]
NAME = f"test-{os.getpid()}"
CRASHES = int(os.environ.get("TESTBED_CRASHES", 1))
TIMEOUT_S = 60
SKIPPED = 77

# Connects to port 22 of a host as often as asked, and prints the milliseconds that each took.
CONNECTS = """
import socket, sys, time
for _ in range(int(sys.argv[2])):
    began = time.perf_counter()
    socket.create_connection((sys.argv[1], 22), timeout=5).close()
    print((time.perf_counter() - began) * 1000)
"""

# Echoes lines between two hosts: the server says when it listens; the client sends what comes in, and prints
# what comes back, or that nothing did for a while.
SERVER = """
import socket
server = socket.create_server(("", 7000))
print("listening", flush=True)
end, _ = server.accept()
while data := end.recv(100):
    end.sendall(data)
"""
CLIENT = """
import socket, sys
end = socket.create_connection((sys.argv[1], 7000), timeout=0.3)
for line in sys.stdin:
    if line.strip() != "listen":
        end.sendall(line.encode())
    try:
        print(end.recv(100).decode().strip() or "closed", flush=True)
    except TimeoutError:
        print("silence", flush=True)
    except OSError as error:
        print(error, flush=True)
"""


def testbed(*arguments, name=NAME, **more):
    return subprocess.run([TESTBED, "--name", name, *arguments], capture_output=True, text=True,
                          timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, **more)


def on(host, *command):
    """What a command prints on a host, where it must succeed."""
    done = testbed("exec", host, *command)
    if done.returncode:
        raise AssertionError(f"{command} on {host}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout.strip()


def start(host, program, *arguments):
    return subprocess.Popen([TESTBED, "--name", NAME, "exec", host, sys.executable, "-c", program, *arguments],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(process):
    process.kill()
    process.communicate(timeout=TIMEOUT_S)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def processes(word):
    """The processes that have this word in their arguments or environment, but for this one's."""
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        if int(path[6:]) != os.getpid() and word.encode() in read(path + "/cmdline") + read(path + "/environ"):
            found.append((path, read(path + "/cmdline")))
    return found


def namespaces():
    """The network and mount namespaces in which there are processes."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/ns/net") + glob.glob("/proc/[0-9]*/ns/mnt"):
        try:
            found.add(os.readlink(path))
        except OSError:
            pass
    return found


def traces(name):
    """What of a testbed is to be seen on this machine."""
    found = processes("rankpool-testbed-" + name)
    found += glob.glob(f"/run/*{name}*") + glob.glob(f"/sys/fs/cgroup/**/*{name}*", recursive=True)
    found += [line for line in read("/proc/mounts").decode().splitlines() if name in line]
    return found


@contextlib.contextmanager
def open_directory(path):
    file = os.open(path, os.O_RDONLY)
    try:
        yield file
    finally:
        os.close(file)


def waits_for_lock(pid):
    """A child of this process is the command flock, and asleep."""
    return any(read(f"/proc/{child}/comm") == b"flock\n" and b" S " in read(f"/proc/{child}/stat")
               for child in read(f"/proc/{pid}/task/{pid}/children").decode().split())


def wait_until(condition):
    until = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("that does not become so")
        time.sleep(0.001)


class Hosts(unittest.TestCase):
    """Two hosts, up for all of these."""

    def test_every_host_has_its_name_and_reaches_all_by_ssh(self):
        for a in "h1", "h2":
            for b in "h1", "h2":
                self.assertEqual(on(a, "ssh", b, "hostname"), b)

    def test_a_name_that_is_no_hosts_is_not_known(self):
        self.assertIn("not known", testbed("exec", "h1", "ssh", "h7", "true").stderr)

    def test_a_host_sees_its_own_processes_and_no_others(self):
        for host, number in ("h1", "1"), ("h2", "2"):
            lines = on(host, "sh", "-c", "cat /proc/[0-9]*/cmdline").split("\0")
            self.assertEqual([lines[i + 2] for i, word in enumerate(lines) if word.endswith("/host.sh")], [number])

    def test_what_a_host_writes_to_tmp_and_shm_is_its_own(self):
        for directory in "/tmp", "/dev/shm", "/run", "/var/log":
            on("h1", "touch", f"{directory}/{NAME}")
            self.assertNotIn(NAME, on("h2", "ls", directory).split())
            self.assertFalse(os.path.exists(f"{directory}/{NAME}"))

    def test_a_shared_directory_is_seen_by_all_and_is_where_a_command_starts(self):
        self.assertEqual(testbed("exec", "h2", "sh", "-c", "pwd; touch by-h2", cwd=shared).stdout.strip(), shared)
        self.assertIn("by-h2", on("h1", "ls", shared))
        self.assertTrue(os.path.exists(f"{shared}/by-h2"))

    def test_ssh_of_a_host_does_not_know_this_machines_keys(self):
        on("h1", "ssh", "h2", "true")
        self.assertEqual(on("h1", "ls", "-A", os.path.expanduser("~/.ssh")) if had_ssh else "", "")
        self.assertEqual(own_keys(), keys)

    def test_a_command_has_its_exit_status_and_its_streams(self):
        done = subprocess.run([TESTBED, "--name", NAME, "exec", "h1", "sh", "-c", "cat; echo no >&2; exit 7"],
                              input="yes", capture_output=True, text=True, timeout=TIMEOUT_S)
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("yes", "no\n", 7))

    def test_a_command_ends_with_the_exec_that_was_killed(self):
        process = start("h1", "import time; print('on', flush=True); time.sleep(1000)", NAME + "-command")
        self.assertEqual(process.stdout.readline(), "on\n")
        finish(process)
        wait_until(lambda: not processes(NAME + "-command"))

    def test_a_host_with_a_part_of_a_processor_has_no_more(self):
        for command in (), ("ssh", "h2"):
            host = "h1" if command else "h2"
            lines = on(host, *command, "cat", "/proc/self/cgroup").splitlines()
            mine = [line.split(":")[2] for line in lines if f"testbed-{NAME}-h2" in line]
            self.assertEqual(len(mine), 1)
            quotas = [read(f) for f in glob.glob(f"/sys/fs/cgroup/**{mine[0]}/cpu.max", recursive=True) +
                      glob.glob(f"/sys/fs/cgroup/**{mine[0]}/cpu.cfs_quota_us", recursive=True)]
            self.assertEqual([int(quota.split()[0]) for quota in quotas], [50000])
        self.assertNotIn(NAME, on("h1", "cat", "/proc/self/cgroup"))

    def test_a_slow_host_has_its_delay_each_way_and_its_rate(self):
        testbed("slow", "h2", "20ms", "1gbit")
        for a, b in ("h1", "h2"), ("h2", "h1"):
            times = sorted(map(float, on(a, sys.executable, "-c", CONNECTS, b, "5").split()))
            self.assertGreater(times[0], 40)
            self.assertLess(times[0], 79)  # which it were if both ways had it twice
        testbed("slow", "h2", "0ms", "40mbit")
        began = time.monotonic()
        self.assertEqual(on("h1", "sh", "-c", "head -c 5000000 /dev/zero | ssh h2 wc -c"), "5000000")
        self.assertGreater(time.monotonic() - began, 1)
        testbed("heal", "h2")
        times = sorted(map(float, on("h1", sys.executable, "-c", CONNECTS, "h2", "5").split()))
        self.assertLess(times[0], 20)

    def test_nothing_is_heard_of_a_cut_host_and_what_was_said_arrives_when_it_is_healed(self):
        for before in (), ("slow", "h2", "5ms", "1gbit"):
            if before:
                testbed(*before)
            server = start("h2", SERVER)
            server.stdout.readline()
            client = start("h1", CLIENT, "h2")
            self.addCleanup(finish, server)
            self.addCleanup(finish, client)
            hear(client, "one")
            testbed("cut", "h2")
            self.assertEqual(say(client, "two"), "silence")
            testbed("heal", "h2")
            wait_until(lambda: say(client, "listen") == "two")
            finish(client)
            server.wait(TIMEOUT_S)

    def test_a_second_testbed_has_the_same_hosts_and_neither_knows_of_the_other(self):
        other = NAME + "-other"
        self.addCleanup(testbed, "down", name=other)
        self.assertEqual(testbed("up", "1", name=other).returncode, 0)
        self.assertEqual(testbed("exec", "h1", "ssh", "h1", "hostname", name=other).stdout, "h1\n")
        testbed("down", name=other)
        self.assertEqual(traces(other), [])
        self.assertEqual(on("h1", "ssh", "h2", "hostname"), "h2")

    def test_a_testbed_that_is_up_is_not_made_again(self):
        done = testbed("up", "2")
        self.assertEqual((done.returncode, "is up already" in done.stderr), (1, True))
        self.assertEqual(on("h2", "hostname"), "h2")

    def test_bad_use_gets_one_sentence(self):
        for arguments, status, sentence in BAD_USES:
            done = testbed(*arguments)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (status, 1), arguments)
            self.assertIn(sentence, done.stderr)

    def test_who_is_not_root_gets_a_sentence_and_the_status_of_a_skipped_test(self):
        for command in ("up", "2"), ("down",), ("exec", "h1", "true"):
            done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "bash", TESTBED, "--name", NAME, *command],
                                  capture_output=True, text=True, timeout=TIMEOUT_S)
            self.assertEqual((done.returncode, done.stderr), (SKIPPED, "testbed: test hosts take root\n"))


BAD_USES = [
    (("up",), 2, "number of hosts"),
    (("up", "0"), 2, "number of hosts"),
    (("up", "many"), 2, "number of hosts"),
    (("up", "2", "--cpus", "1,1,1"), 2, "names 3 hosts"),
    (("up", "2", "--cpus", "0"), 2, "numbers of processors"),
    (("up", "2", "--cpus"), 2, "takes a value"),
    (("up", "2", "--share", "/no/such"), 1, "no directory /no/such"),
    (("up", "2", "--share", "/tmp"), 1, "a host's own"),
    (("up", "2", "--what", "1"), 2, "does not know --what"),
    (("exec",), 2, "which host?"),
    (("exec", "h1"), 2, "a host and a command"),
    (("exec", "h3", "true"), 1, "no host h3, but h1 to h2"),
    (("cut", "../h1"), 1, "no host ../h1"),
    (("cut", "h1", "h2"), 2, "a host, and nothing else"),
    (("slow", "h1"), 2, "a delay and a rate"),
    (("slow", "h1", "20", "100mbit"), 2, "a delay as in"),
    (("slow", "h1", "20ms", "0mbit"), 2, "a rate as in"),
    (("down", "h1"), 2, "nothing else"),
    (("fly",), 2, "no command fly"),
    (("--name", "a/b", "down"), 2, "a name is"),
]


def say(client, line):
    client.stdin.write(line + "\n")
    client.stdin.flush()
    return client.stdout.readline().strip()


def hear(client, line):
    """Says a line and hears it come back, however long that takes."""
    answer = say(client, line)
    wait_until(lambda: answer == line or say(client, "listen") == line)


class Ends(unittest.TestCase):
    """Each with hosts of its own, of which nothing may be left."""

    def setUp(self):
        self.name = NAME + "-ends"
        self.addCleanup(testbed, "down", name=self.name)

    def test_a_killed_host_says_nothing_to_the_others(self):
        self.assertEqual(testbed("up", "2").returncode, 0)
        self.addCleanup(testbed, "down")
        server = start("h2", SERVER)
        server.stdout.readline()
        client = start("h1", CLIENT, "h2")
        self.addCleanup(finish, server)
        self.addCleanup(finish, client)
        hear(client, "one")
        self.assertEqual(testbed("kill", "h2").returncode, 0)
        self.assertEqual(say(client, "two"), "silence")
        server.wait(TIMEOUT_S)
        self.assertIn("h2 has been killed", testbed("exec", "h2", "true").stderr)
        self.assertEqual(on("h1", "hostname"), "h1")

    def test_down_leaves_nothing_and_can_be_said_again(self):
        before = (namespaces(), read("/proc/net/dev").count(b"\n"), read("/proc/mounts"))
        self.assertEqual(testbed("up", "2", "--cpus", "1", name=self.name).returncode, 0)
        testbed("slow", "h1", "1ms", "1gbit", name=self.name)
        testbed("exec", "h2", "sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &", name=self.name)
        during = namespaces()
        mine = {testbed("exec", host, "readlink", f"/proc/self/ns/{kind}", name=self.name).stdout.strip()
                for host in ("h1", "h2") for kind in ("net", "mnt")}
        self.assertEqual((len(mine), mine & before[0], mine <= during), (4, set(), True))
        for _ in range(2):
            self.assertEqual(testbed("down", name=self.name).returncode, 0)
        self.assertEqual(traces(self.name), [])
        self.assertEqual(mine & namespaces(), set())
        self.assertEqual((read("/proc/net/dev").count(b"\n"), read("/proc/mounts")), before[1:])

    def test_up_that_was_killed_at_any_step_leaves_nothing_after_down(self):
        steps = ["hosts", "ssh/host_key", "cgroups", "shares", "switch", "h1/init", "h2/init", "h1/ready", "h2/ready"]
        for step in steps * CRASHES:
            process = subprocess.Popen([TESTBED, "--name", self.name, "up", "2", "--cpus", "1"],
                                       stderr=subprocess.DEVNULL)
            wait_until(lambda: os.path.exists(f"/run/rankpool-testbed-{self.name}/{step}") or
                       process.poll() is not None)
            process.send_signal(signal.SIGKILL)
            process.wait(TIMEOUT_S)
            self.assertEqual(testbed("down", name=self.name).returncode, 0, step)
            self.assertEqual(traces(self.name), [], step)

    def test_up_begins_anew_after_one_that_was_killed_and_ends_whole_when_it_is_interrupted(self):
        for number in signal.SIGKILL, signal.SIGTERM:
            process = subprocess.Popen([TESTBED, "--name", self.name, "up", "2"], stderr=subprocess.DEVNULL)
            wait_until(lambda: os.path.exists(f"/run/rankpool-testbed-{self.name}/h1/init"))
            process.send_signal(number)
            process.wait(TIMEOUT_S)
            if number == signal.SIGKILL:
                self.assertEqual(testbed("up", "1", name=self.name).returncode, 0)
                testbed("down", name=self.name)
            self.assertEqual(traces(self.name), [])

    def test_who_cuts_a_host_waits_for_up_and_is_told_of_down(self):
        state = f"/run/rankpool-testbed-{self.name}"
        process = subprocess.Popen([TESTBED, "--name", self.name, "up", "1"])
        wait_until(lambda: os.path.exists(state + "/switch"))
        self.assertEqual(testbed("cut", "h1", name=self.name).returncode, 0)
        self.assertEqual((process.wait(TIMEOUT_S), os.path.exists(state + "/ready")), (0, True))
        with open_directory(state) as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            process = subprocess.Popen([TESTBED, "--name", self.name, "heal", "h1"], stderr=subprocess.PIPE, text=True)
            wait_until(lambda: waits_for_lock(process.pid))
            os.kill(int(read(state + "/switch").split()[0]), signal.SIGKILL)
            shutil.rmtree(state)
        said = process.communicate(timeout=TIMEOUT_S)[1]
        self.assertEqual((process.returncode, said.count("\n")), (1, 1), said)
        self.assertIn("is up here", said)
        self.assertEqual(traces(self.name), [])

    def test_a_process_that_has_the_number_of_one_that_is_gone_is_not_ended(self):
        self.assertEqual(testbed("up", "1", name=self.name).returncode, 0)
        switch = f"/run/rankpool-testbed-{self.name}/switch"
        pid, began = read(switch).decode().split()
        stranger = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(finish, stranger)
        with open(switch, "w") as file:
            file.write(f"{stranger.pid} {began}\n")
        os.kill(int(pid), signal.SIGKILL)
        self.assertEqual(testbed("down", name=self.name).returncode, 0)
        self.assertIsNone(stranger.poll())


def own_keys():
    """This machine's own files of ssh."""
    return {path: read(path) for folder in ("/etc/ssh", os.path.expanduser("~/.ssh"))
            for path in glob.glob(folder + "/**", recursive=True)}


def setUpModule():
    global shared, keys, had_ssh
    shared, keys = f"/tmp/testbed-{NAME}", own_keys()
    had_ssh = os.path.isdir(os.path.expanduser("~/.ssh"))


def set_up_hosts(cls):
    os.mkdir(shared)
    cls.addClassCleanup(shutil.rmtree, shared)
    cls.addClassCleanup(testbed, "down")
    done = testbed("up", "2", "--cpus", "-,0.5", "--share", shared)
    if done.returncode:
        raise AssertionError(done.stderr)


Hosts.setUpClass = classmethod(set_up_hosts)

if __name__ == "__main__":
    probe = testbed("up", "1", "--cpus", "1")
    testbed("down")
    if probe.returncode == SKIPPED:
        print(probe.stderr, end="")
        sys.exit(SKIPPED)
    unittest.main()
