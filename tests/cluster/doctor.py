#!/usr/bin/env python3
"""rankpool doctor over three hosts, on which faults are planted: each is found, with its mend, and the host that
has it is named.

    doctor.py [Doctor | Slurm]    over ssh, or in jobs of Slurm

TESTBED is the program of the testbed, RANKPOOL the command, of which a copy stands on the hosts, SKEW and OTHER_MPI
the libraries of skew.c and other_mpi.c.
"""
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import unittest

TESTBED, RANKPOOL = os.environ["TESTBED"], os.environ["RANKPOOL"]
TRIAL = os.path.join(os.path.dirname(RANKPOOL), "rankpool-trial")
HOSTS = "h1,h2,h3"
TIMEOUT_S = 30


def run(host, *command):
    return subprocess.run([TESTBED, "exec", host, *command], capture_output=True, text=True, timeout=TIMEOUT_S,
                          stdin=subprocess.DEVNULL)


def on(host, script):
    """Does what must succeed."""
    done = run(host, "sh", "-ec", script)
    if done.returncode:
        raise AssertionError(f"{script} on {host}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout.strip()


@contextlib.contextmanager
def planted(host, fault, mend):
    on(host, fault)
    try:
        yield
    finally:
        on(host, mend)


@contextlib.contextmanager
def cut(host):
    subprocess.run([TESTBED, "cut", host], timeout=TIMEOUT_S, check=True)
    try:
        yield
    finally:
        subprocess.run([TESTBED, "heal", host], timeout=TIMEOUT_S, check=True)


def examine(*arguments, hosts=HOSTS, prefix=()):
    """What it finds, and its exit status."""
    return report_of(run("h1", *prefix, RANKPOOL, "doctor", "--json", "--hosts", hosts, *arguments))


def report_of(done):
    try:
        return json.loads(done.stdout), done.returncode
    except json.JSONDecodeError:
        raise AssertionError(f"{done.returncode} {done.stdout}{done.stderr}") from None


class Test(unittest.TestCase):
    def found(self, answer, check, verdict="wrong", host=None, *words):
        report, status = answer
        self.assertEqual(status, 0 if report["healthy"] else 1)
        ours = [one for one in report["findings"] if (one["check"], one["verdict"]) == (check, verdict)]
        self.assertTrue(ours, report)
        self.assertIn(host, [one.get("host") for one in ours])
        text = " ".join(one["says"] + " " + one.get("mend", "") for one in ours)
        for word in words:
            self.assertIn(word, text)
        return report


class Doctor(Test):
    def test_healthy_hosts_are_healthy(self):
        report, status = examine()
        self.assertEqual(status, 0, report)
        self.assertTrue(report["healthy"])
        verdicts = {one["check"]: one["verdict"] for one in report["findings"]}
        for check in "answer rankpool mpirun library program root slots shm affinity clock addresses network trial".split():
            self.assertEqual(verdicts[check], "ok", report)
        trial = next(one for one in report["findings"] if one["check"] == "trial")
        self.assertIn("5 workers on 3 nodes", trial["says"])
        for host in HOSTS.split(","):
            on(host, "while pgrep -f '[r]ankpool facts'; do sleep 0.01; done")  # far less than a minute

    def test_people_get_a_line_for_each_check(self):
        done = run("h1", RANKPOOL, "doctor", "--hosts", "h1,nowhere")
        self.assertEqual(done.returncode, 1)
        lines = done.stdout.splitlines()
        self.assertIn("FAIL  answer    nowhere: no host has this name; look for a slip in the name, or add it to "
                      "/etc/hosts", lines)
        self.assertTrue(all(line[:4] in ("ok  ", "note", "FAIL", "skip") for line in lines), lines)
        self.assertIn("skip  trial     not all nodes answer", lines)
        every, _ = examine(hosts="h1")
        self.assertEqual([line[6:].split()[0] for line in lines], [one["check"] for one in every["findings"]])

    def test_hosts_that_do_not_answer_each_for_its_reason(self):
        with planted("h2", "mv /etc/ssh/authorized_keys /etc/ssh/off", "mv /etc/ssh/off /etc/ssh/authorized_keys"), \
             planted("h1", "sed -i.kept 's/^[*] /h[14] /' /etc/ssh/ssh_known_hosts",
                     "cat /etc/ssh/ssh_known_hosts.kept >/etc/ssh/ssh_known_hosts"), \
             cut("h4"):
            self.found(examine(hosts="h1,h4"), "answer", "wrong", "h4", "does not answer")
            self.found(examine(hosts="h1,h3"), "answer", "wrong", "h3", "host key is not known", "ssh-keyscan h3")
            on("h1", "cat /etc/ssh/ssh_known_hosts.kept >/etc/ssh/ssh_known_hosts")
            self.found(examine(hosts="h1,h2"), "answer", "wrong", "h2", "password", "ssh-copy-id h2")

    def test_hosts_that_are_silent_for_longer_than_they_may(self):
        silent = "import socket, time; server = socket.create_server(('', 24)); time.sleep(10)"
        with planted("h1", "printf 'Host h4\\n Port 24\\n' >>/etc/ssh/ssh_config", "sed -i '/^Host h4/,$d' /etc/ssh/ssh_config"), \
             planted("h4", f'python3 -c "{silent}" >/dev/null 2>&1 & until ss -Htln sport = 24 | grep -q .; do sleep 0.01; done',
                     'kill $(pgrep -f "[s]erver = socket")'), \
             planted("h5", "echo sleep 10 >/etc/ssh/sshrc", "rm /etc/ssh/sshrc"), \
             cut("h6"):
            answer = examine("--patience=2", hosts="h1,h4,h5,h6")
        for host in "h4", "h5", "h6":
            self.found(answer, "answer", "wrong", host, "has not answered within 2 s", f"ssh {host} true")

    def test_hosts_that_answer_otherwise_than_they_should(self):
        other = "ssh-keygen -q -t ed25519 -N '' -f /tmp/other"
        folder = os.path.dirname(RANKPOOL)
        with planted("h1", "cp /etc/ssh/ssh_known_hosts /tmp/kept; " + other + "; "
                     "(sed 's/^[*] /h1,h4,h5 /' /tmp/kept; echo \"h3 $(cat /tmp/other.pub)\") >/etc/ssh/ssh_known_hosts",
                     "cat /tmp/kept >/etc/ssh/ssh_known_hosts; rm /tmp/other*"), \
             planted("h1", "printf 'Host h4\\n Port 23\\n' >>/etc/ssh/ssh_config", "sed -i '/^Host h4/,$d' /etc/ssh/ssh_config"), \
             planted("h5", f"mount -t tmpfs none {folder}", f"umount {folder}"):
            answer = examine(hosts="h1,h3,h4,h5")
        self.found(answer, "answer", "wrong", "h3", "host key is another one than before", "ssh-keygen -R h3")
        self.found(answer, "answer", "wrong", "h4", "nothing listens for ssh there")
        self.found(answer, "answer", "wrong", "h5", "has no " + RANKPOOL)

    def test_what_is_wrong_on_hosts_and_between_them(self):
        every = "for p in $(pgrep -x sshd); do taskset -pc %s $p; done"
        bridge = "ip link add bridge0 type bridge; ip addr add 172.17.0.1/16 dev bridge0; ip link set bridge0 up"
        rule = "to 10.77.0.3 ipproto tcp dport 1024-65534 prohibit"
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=os.path.dirname(RANKPOOL)))
            program = os.path.join(folder, "program")
            on("h1", f"cp {TRIAL} {program}")
            for host, fault, mend in (
                    ("h2", f"mount --bind /bin/true {program}", f"umount {program}"),
                    ("h3", f"mount -t tmpfs none {folder}", f"umount {folder}"),
                    ("h3", "mount -o remount,size=4M /dev/shm", "mount -o remount,size=50% /dev/shm"),
                    ("h2", every % "0", every % f"0-{os.cpu_count() - 1}"),
                    ("h1", bridge, "ip link del bridge0"),
                    ("h2", bridge, "ip link del bridge0"),
                    ("h2", "ip rule add " + rule, "ip rule del " + rule)):
                stack.enter_context(planted(host, fault, mend))
            answer = examine(program, hosts="h1,h2:64,h3")
        self.found(answer, "program", "wrong", "h2", "another build")
        self.found(answer, "program", "wrong", "h3", "has no " + program)
        self.found(answer, "shm", "wrong", "h3", "MiB left in /dev/shm", "remount")
        self.found(answer, "slots", "note", "h2", "has 64 slots")
        self.found(answer, "addresses", "note", "h2", "bridge0", "172.17.0.1")
        self.found(answer, "network", "wrong", "h2", "a connection to h3", "is not answered")
        if os.cpu_count() > 1:
            self.found(answer, "affinity", "wrong", "h2", "may use one of")

    def test_clocks_limits_versions_and_root(self):
        limit = "for p in $(pgrep -x sshd); do prlimit --memlock=%s: --pid $p; done"
        fabric = "mount -t tmpfs none /sys/class; mkdir -p /sys/class/infiniband/mlx5_0"
        kib = on("h3", "ulimit -l")
        old = int(kib) * 1024 if kib.isdigit() else kib
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=os.path.dirname(RANKPOOL)))
            on("h1", f"cp {RANKPOOL} {folder}/real")
            for name, line in (("ahead", f"LD_PRELOAD={os.environ['SKEW']} exec {folder}/real \"$@\""),
                               ("older", f"[ $1 != reach ] || exit; {folder}/real \"$@\" | sed -u 's/^rankpool=.*/rankpool=0.0.1/'")):
                with open(f"{folder}/{name}", "w", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
                    file.write(f"#!/bin/sh\n{line}\n")
            library = on("h2", f"realpath $(ldd {TRIAL} | sed -n 's/.*libmpi.so.* => \\(.*\\) .*/\\1/p')")
            for host, fault, mend in (
                    ("h2", f"mount --bind {folder}/ahead {RANKPOOL}", f"umount -l {RANKPOOL}"),
                    ("h3", f"mount --bind {folder}/older {RANKPOOL}", f"umount -l {RANKPOOL}"),
                    ("h2", f"mount --bind {os.environ['OTHER_MPI']} {library}", f"umount {library}"),
                    ("h3", limit % "65536", limit % old),
                    ("h3", fabric, "umount /sys/class")):
                stack.enter_context(planted(host, fault, mend))
            answer = examine(prefix=("env", "-u", "OMPI_ALLOW_RUN_AS_ROOT"))
        report = self.found(answer, "clock", "wrong", "h2", " s ahead", "NTP")
        ahead = "".join(one["says"] for one in report["findings"] if one["check"] == "clock")
        self.assertRegex(ahead, r"\b3[56]\d\d s ahead")
        self.found(answer, "library", "wrong", "h2", "would load Open MPI v3.0.0")
        self.found(answer, "rankpool", "wrong", "h3", "has rankpool 0.0.1")
        self.found(answer, "network", "wrong", "h3", "does not say whom it can connect to")
        self.found(answer, "locked", "wrong", "h3", "may lock 64 KiB")
        self.found(answer, "root", "note", "h1", "you are root there", "OMPI_ALLOW_RUN_AS_ROOT=1")

    def test_ranks_that_cannot_send_messages(self):
        answer = examine(hosts="h1,h3", prefix=("env", "OMPI_MCA_pml=cm"))
        self.found(answer, "trial", "wrong", None, "run it by hand")

    def test_another_mpis_launcher(self):
        with tempfile.TemporaryDirectory(dir=os.path.dirname(RANKPOOL)) as folder:
            launcher = os.path.join(folder, "mpirun")
            with open(launcher, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n[ $1 = --version ] && echo 'HYDRA build details: Version: 4.1' || exit 3\n")
            os.chmod(launcher, 0o755)
            answer = examine(hosts="h1", prefix=("env", f"PATH={folder}:{os.environ['PATH']}"))
            self.found(answer, "mpirun", "wrong", "h1", "HYDRA", "Open MPI")
            self.found(answer, "trial", "skipped")


class Slurm(Test):
    """In a job with two hosts; where it is called need be none of them."""

    def examine(self, login, *variables, patience=30):
        return report_of(run(login, "salloc", "-Q", "--exclusive", "--nodelist=h1,h4", "env", *variables, RANKPOOL,
                             "doctor", "--json", f"--patience={patience}"))

    def test_all_is_looked_at_and_ranks_of_plain_srun_are_strangers(self):
        answer = self.examine("h1")
        verdicts = {one["check"]: one["verdict"] for one in answer[0]["findings"]}
        self.assertEqual(verdicts.pop("srun"), "note", answer)
        self.assertEqual(set(verdicts.values()), {"ok"}, answer)
        self.found(answer, "srun", "note", None, "strangers to each other", "start programs by srun --mpi=pmix")

    def test_a_node_that_does_not_answer_srun_is_none_that_ssh_does_not_reach(self):
        with planted("h4", "kill -STOP $(pgrep -x slurmd)", "kill -CONT $(pgrep -x slurmd)"):
            answer = self.examine("h1", patience=2)
        self.found(answer, "answer", "wrong", "h4", "has not answered within 2 s", "srun -N1 -n1 -w h4 true")
        self.assertNotIn("ssh", str(answer))

    def test_a_node_without_the_command_says_so_by_srun(self):
        folder = os.path.dirname(RANKPOOL)
        with planted("h4", f"mount -t tmpfs none {folder}", f"umount {folder}"):
            self.found(self.examine("h1"), "answer", "wrong", "h4", "has no " + RANKPOOL)

    def test_srun_that_lets_ranks_find_each_other_is_well_from_a_login_node_too(self):
        answer = self.examine("h5", "SLURM_MPI_TYPE=pmix")
        self.found(answer, "srun", "ok", None, "workers on 2 nodes")
        self.found(answer, "trial", "ok", None, "workers on 2 nodes")


if __name__ == "__main__":
    done = unittest.main(exit=False, verbosity=2).result
    print(f"{done.testsRun} tests")
    sys.exit(not done.wasSuccessful())
