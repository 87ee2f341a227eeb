# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How a run ends: nothing is left running or behind, also when weir is killed."""

import json
import os
import pathlib
import signal
import subprocess

from harness import CLOSED, Case, alive, cgroup_mount, python, read_until, wait_end

PINS = pathlib.Path("/sys/fs/bpf/weir")

# a process of its own session that outlives its parent, and tries an address when told to
DAEMON = """
import os, socket, sys
if os.fork():
    sys.stdin.read()        # the parent lives until weir is killed
    sys.exit(0)
os.setsid()
fifo_in, fifo_out = sys.argv[1:3]
print(os.getpid(), flush=True)
with open(fifo_in) as go:
    go.readline()
with socket.socket() as sock:
    error = sock.connect_ex(("127.0.0.1", 9))
with open(fifo_out, "w") as out:
    print(error, file=out)
with open(fifo_in) as go:   # stays until the test is done with it
    go.readline()
"""


def pinned():
    """What enforces, whoever began it: weirs share it, and the last one takes it away."""
    return list(PINS.glob("abi-*/links/*"))


class End(Case):
    def test_nothing_is_left(self):
        done = self.run_weir("sh", "-c", "setsid sleep 1000 > /dev/null 2>&1 & echo $!; "
                                         "grep ^0:: /proc/self/cgroup; exit 3")
        self.assert_status(done, 3)
        pid, cgroup = done.stdout.split()
        self.assertFalse(alive(int(pid)))
        self.assertFalse((cgroup_mount() / cgroup[4:]).exists())
        self.assertEqual(pinned(), [])

    def test_child_cgroups_are_removed(self):
        script = "set -e; cd %s$(sed -n s/^0:://p /proc/self/cgroup); " % cgroup_mount()
        done = self.run_weir("sh", "-c", script + "mkdir -p a/b/c d; sleep 1000 & "
                                                  "echo $! > a/b/c/cgroup.procs; pwd")
        self.assert_status(done, 0)
        self.assertFalse(pathlib.Path(done.stdout.strip()).exists())

    def test_weir_killed(self):
        """The command dies with weir; what it had started stays confined, and is cleared up later."""
        policy = self.file("closed.yaml", CLOSED)
        fifos = [self.dir / "in", self.dir / "out"]
        for fifo in fifos:
            os.mkfifo(fifo)
        process = self.start_weir(*python(DAEMON, *fifos), policy=policy)
        daemon = int(read_until(process.stdout.fileno(), b"\n"))
        scope = self.records()[0]["scope"]
        cgroup = cgroup_mount() / scope["cgroup"][1:]
        command = [int(pid) for pid in (cgroup / "cgroup.procs").read_text().split()
                   if int(pid) != daemon]
        self.assertEqual(len(command), 1)

        process.kill()
        process.wait()
        wait_end(command[0])
        self.assertTrue(alive(daemon))
        fifos[0].write_text("go\n")
        self.assertEqual(fifos[1].read_text(), "1\n")  # EPERM

        # it lives: neither doctor nor another run touch it
        self.assert_status(self.run_weir("true", log=self.dir / "2.jsonl"), 0)
        self.assertNotEqual(pinned(), [])
        leftovers = json.loads(self.call("doctor", "--json").stdout)["leftovers"]
        mine = [left for left in leftovers if left["cgroup_id"] == scope["cgroup_id"]]
        self.assertEqual([left["confined"] for left in mine], [True])

        os.kill(daemon, signal.SIGKILL)
        wait_end(daemon)
        mine = [left for left in json.loads(self.call("doctor", "--json").stdout)["leftovers"]
                if left["cgroup_id"] == scope["cgroup_id"]]
        self.assertEqual([left["confined"] for left in mine], [False])
        self.assert_status(self.run_weir("true", log=self.dir / "3.jsonl"), 0)
        self.assertEqual(pinned(), [])
        self.assertFalse(cgroup.exists())

    def test_moved_out(self):
        """What was moved out of the cgroup is not killed with it, and must not become free."""
        items = json.loads(self.call("doctor", "--json").stdout)["items"]
        if {item["name"]: item["state"] for item in items}["lsm"] != "yes":
            self.skipTest("nothing sticks to a task without BPF LSM")
        fifos = [self.dir / "in", self.dir / "out"]
        for fifo in fifos:
            os.mkfifo(fifo)
        policy = self.file("closed.yaml", CLOSED)
        os.mkfifo(self.dir / "pid")
        script = ('"$@" < /dev/null > pid 2> /dev/null & read pid < pid; '
                  'echo $pid > %s/cgroup.procs; echo $pid' % cgroup_mount())
        done = subprocess.run(self.argv("sh", "-c", script, "sh", *python(DAEMON, *fifos),
                                        policy=policy), cwd=self.dir, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        self.assert_status(done, 0)
        daemon = int(done.stdout)
        self.assertIn("stay confined", done.stderr)
        self.assertTrue(alive(daemon))
        fifos[0].write_text("go\n")
        self.assertEqual(fifos[1].read_text(), "1\n")  # EPERM
        self.assert_status(self.run_weir("true", log=self.dir / "2.jsonl"), 0)
        self.assertNotEqual(pinned(), [])
        os.kill(daemon, signal.SIGKILL)
        wait_end(daemon)
        # the kernel frees a task a moment after its end; each run looks again
        for _ in range(10):
            self.assert_status(self.run_weir("true", log=self.dir / "3.jsonl"), 0)
            if not pinned():
                break
        self.assertEqual(pinned(), [])

    def test_running_one_is_not_swept(self):
        process = self.start_weir("sh", "-c", "echo ready; read line")
        read_until(process.stdout.fileno(), b"ready")
        self.assert_status(self.run_weir("true", log=self.dir / "2.jsonl"), 0)
        self.assertNotEqual(pinned(), [])
        process.communicate(b"\n")
        self.assertEqual(pinned(), [])


class Log(Case):
    def test_default_place(self):
        process = subprocess.Popen([self.weir, "run", "--policy", self.policy, "true"],
                                   stderr=subprocess.PIPE, text=True)
        _, err = process.communicate()
        log = pathlib.Path(f"/var/log/weir/run-{process.pid}.jsonl")
        self.addCleanup(log.unlink, True)
        self.assertEqual(process.returncode, 0)
        self.assertIn(str(log), err)
        self.assertEqual(log.stat().st_mode & 0o777, 0o600)
        self.assertEqual([r["type"] for r in self.records(log)],
                         ["agent.start", "policy.load", "scope.attach",
                          *(r["type"] for r in self.records(log)[3:-2]),
                          "scope.detach", "agent.stop"])

    def test_standard_output(self):
        done = self.run_weir("true", log="-")
        self.assert_status(done, 0)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(records[0]["type"], "agent.start")
        self.assertEqual(records[-1]["type"], "agent.stop")

    def test_continued(self):
        self.assert_status(self.run_weir("true"), 0)
        once = len(self.records())
        self.assert_status(self.run_weir("true"), 0)
        self.assertEqual(len(self.records()), 2 * once)

    def test_labels_and_command(self):
        self.assert_status(self.run_weir("echo", "a b", options=["--label", "team=x=y"]), 0)
        for record in self.records():
            self.assertEqual(record["identity"], {"agent": "tester", "team": "x=y"})
        attach = [r for r in self.records() if r["type"] == "scope.attach"][0]
        self.assertEqual(attach["detail"]["command"], ["echo", "a b"])

    def test_denials(self):
        text = ("import socket\n"
                "for _ in range(20): print(socket.socket().connect_ex(('198.51.100.7', 443)))")
        done = self.run_weir(*python(text))
        self.assert_status(done, 0)
        self.assertEqual(set(done.stdout.split()), {"1"})
        denied = [r for r in self.records() if r.get("verdict") == "deny"]
        self.assertEqual(len(denied), 20)
        self.assertEqual(denied[0]["destination"],
                         {"address": "198.51.100.7", "port": 443, "protocol": "tcp"})
        self.assertIn("20 actions were denied", done.stderr)
        self.assertIn("20x deny network.connect 198.51.100.7:443/tcp", done.stderr)
        self.assertIn(str(self.log), done.stderr)

    def test_audit_mode(self):
        policy = self.file("closed.yaml", CLOSED)
        text = "import socket; print(socket.socket().connect_ex(('127.0.0.1', 9)))"
        done = self.run_weir(*python(text), policy=policy, options=["--mode", "audit"])
        self.assertEqual(done.stdout, "111\n")  # ECONNREFUSED: it was let through
        verdicts = [r["verdict"] for r in self.records() if r["type"] == "network.connect"]
        self.assertEqual(verdicts, ["would-deny"])
        policy = self.file("audit.yaml", CLOSED + "mode: audit\n")
        done = self.run_weir(*python(text), policy=policy, options=["--mode", "enforce"])
        self.assertEqual(done.stdout, "1\n")

    def test_full_disk(self):
        """What the log does not take is said, with how much it is."""
        disk = self.dir / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        text = ("import socket\n"
                "for _ in range(2000): socket.socket().connect_ex(('127.0.0.1', 9))")
        done = self.run_weir(*python(text), log=disk / "log.jsonl")
        self.assert_status(done, 0)
        self.assertIn("No space left on device", done.stderr)
        self.assertRegex(done.stderr, r"at least [1-9]\d* records could not be written")

    def test_quiet_when_nothing_happens(self):
        done = self.run_weir("true")
        self.assertNotIn("denied by policy", done.stderr)
        self.assertNotIn(str(self.log), done.stderr)


class Size(Case):
    def test_resident_memory(self):
        """Under 10 MiB besides the rings (two of them, mapped twice for wrapping)."""
        process = self.start_weir("sh", "-c", "echo ready; read line")
        read_until(process.stdout.fileno(), b"ready")
        resident = rings = 0
        ours = False
        for line in pathlib.Path(f"/proc/{process.pid}/smaps").read_text().splitlines():
            fields = line.split()
            if not fields[0].endswith(":"):
                ours = fields[-1] != "anon_inode:bpf-map"
            elif fields[0] == "Rss:":
                resident += int(fields[1]) if ours else 0
                rings += 0 if ours else int(fields[1])
        process.communicate(b"\n")
        print(f"resident {resident} KiB, rings {rings} KiB", end=" ", flush=True)
        self.assertLess(resident, 10 * 1024)
