# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The daemon from outside: scopes, control socket, reload, status, start and stop."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import time

from daemon_harness import HOSTS, DaemonCase
from harness import CLOSED, OPEN, PYTHON, WAIT_S


# 40 connections; what is said on each without a request, or that it is not made at all
CONNECT_MANY = """import socket, sys
print("ready", flush=True)
sys.stdin.readline()
said = set()
for _ in range(40):
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(sys.argv[1])
            said.add("refused" if b"forbidden" in sock.recv(65536) else "answered")
        except PermissionError:
            said.add("refused")
print(40, *said)
"""

class Scopes(DaemonCase):
    def test_attach_by_cgroup(self):
        self.daemon()
        self.policy_write("closed", CLOSED)
        cgroup = self.cgroup("one")
        self.assertTrue(self.connects(cgroup))
        self.assert_status(self.weir_ctl("attach", "--policy", "closed", "--cgroup",
                                         self.name(cgroup), "--label", "team=x"), 0)
        self.assertFalse(self.connects(cgroup))
        self.assertTrue(self.connects(self.cgroup("other")))
        again = self.weir_ctl("attach", "--policy", "closed", "--cgroup", str(cgroup))
        self.assert_status(again, 1)
        self.assertIn("already", again.stderr)
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroup)), 0)
        self.assertTrue(self.connects(cgroup))
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroup)), 1)
        self.daemon_stop()
        types = [record["type"] for record in self.records()]
        types = [kind for kind in types if not kind.startswith("process.")]  # with BPF LSM
        self.assertEqual(types, ["agent.start", "policy.load", "scope.attach", "network.connect",
                                 "scope.detach", "agent.stop"])
        denied = next(r for r in self.records() if r["type"] == "network.connect")
        self.assertEqual(denied["verdict"], "deny")
        self.assertEqual(denied["identity"], {"agent": "tester", "team": "x"})
        self.assertEqual(denied["scope"]["cgroup"], self.name(cgroup))

    def test_attach_by_pid_takes_what_runs(self):
        self.daemon()
        self.policy_write("closed", CLOSED)
        cgroup = self.cgroup("pid")
        caller = self.caller(cgroup)
        self.assertEqual(self.say(caller), "reached")
        self.assert_status(self.weir_ctl("attach", "--policy", "closed", "--pid", caller.pid), 0)
        self.assertNotEqual(self.say(caller), "reached")

    def test_attach_by_unit(self):
        self.daemon()
        self.policy_write("closed", CLOSED)
        unit = f"weir.e2e-{self.dir.name}"     # another run of these tests has others
        self.cgroup(f"other/{unit}.service")    # no unit's
        cgroup = self.cgroup(f"a.slice/{unit}.service")
        self.assert_status(self.weir_ctl("attach", "--policy", "closed", "--unit", unit), 0)
        self.assertFalse(self.connects(cgroup))
        self.assert_status(self.weir_ctl("detach", "--unit", f"{unit}.service"), 0)
        done = self.weir_ctl("attach", "--policy", "closed", "--unit", "weir-e2e-no-such-unit")
        self.assert_status(done, 1)
        self.assertIn("does not run", done.stderr)

    def test_scopes_that_are_gone_do_not_count(self):
        """As nesting: a cgroup made anew at the same place may be a scope again, and again."""
        self.daemon()
        for _ in range(6):
            cgroup = self.cgroup("again")
            self.attach("open", cgroup)
            cgroup.rmdir()
        self.attach("open", self.cgroup("again"))

    def test_a_thousand(self):
        """1,000 by the configuration, and 24 by command."""
        cgroups = [self.cgroup(f"many/{number}") for number in range(1000)]
        others = [self.cgroup(f"few/{number}") for number in range(24)]
        self.policy_write("closed", CLOSED)
        self.daemon(f'\n  - match: "{self.name(cgroups[0].parent)}/*"\n    policy: closed')
        for cgroup in others:
            self.attach("closed", cgroup)
        everywhere = {self.name(cgroup) for cgroup in cgroups + others}
        self.wait(lambda: set(self.scopes()) == everywhere)
        for cgroup in (cgroups[0], cgroups[511], cgroups[999], others[23]):
            self.assertFalse(self.connects(cgroup))
        for cgroup in others:
            self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroup)), 0)
        self.assertTrue(self.connects(others[11]))
        for cgroup in cgroups:
            cgroup.rmdir()
        self.wait(lambda: self.scopes() == {})
        self.daemon_stop()

    def test_two_policies_in_one_log(self):
        self.daemon()
        self.policy_write("closed", CLOSED)
        self.policy_write("audit", CLOSED.replace("name: e2e", "name: other\nmode: audit"))
        one, two = self.cgroup("one"), self.cgroup("two")
        for cgroup, policy in ((one, "closed"), (two, "audit")):
            self.assert_status(self.weir_ctl("attach", "--policy", policy, "--cgroup",
                                             self.name(cgroup)), 0)
        self.assertFalse(self.connects(one))
        self.assertTrue(self.connects(two))
        self.daemon_stop()
        told = [(r["verdict"], r["policy"]["name"], r["scope"]["cgroup"])
                for r in self.records() if r["type"] == "network.connect"]
        self.assertEqual(told, [("deny", "e2e", self.name(one)),
                                ("would-deny", "other", self.name(two))])

    def test_refused(self):
        self.daemon()
        self.policy_write("broken", "version: 1\nname: x\nnonsense: 1\n")
        self.policy_write("hosts", HOSTS)
        cgroup = self.name(self.cgroup("one"))
        for args, status, said in (
                (("--policy", "nothing", "--cgroup", cgroup), 1, "no policy"),
                (("--policy", "../open", "--cgroup", cgroup), 1, "no policy"),
                (("--policy", "broken", "--cgroup", cgroup), 1, "broken.yaml:3:1"),
                (("--policy", "hosts", "--cgroup", cgroup), 125, "cannot be enforced"),
                (("--policy", "open", "--cgroup", "/"), 1, "root"),
                (("--policy", "open", "--cgroup", "/weir-e2e-nowhere"), 1, "does not exist"),
                (("--policy", "open", "--cgroup", cgroup, "--label", "agent=x"), 1, "identity"),
                (("--policy", "open", "--cgroup", cgroup, "--set", "a=b"), 1, "declare"),
                (("--policy", "open"), 2, "--cgroup, --pid or --unit"),
                (("--cgroup", cgroup), 2, "--policy")):
            done = self.weir_ctl("attach", *args)
            self.assert_status(done, status)
            self.assertIn(said, done.stderr)
        self.assertEqual(self.status()["scopes"], [])


class Reload(DaemonCase):
    def start(self):
        self.policy_write("one", OPEN)
        self.policy_write("two", OPEN)
        self.daemon()
        cgroups = [self.cgroup("one"), self.cgroup("two")]
        for cgroup in cgroups:
            self.assert_status(self.weir_ctl("attach", "--policy", cgroup.name, "--cgroup",
                                             self.name(cgroup)), 0)
        return cgroups

    def test_switches_and_tells(self):
        one, two = self.start()
        talker = self.talker(one)
        self.assertEqual(self.say(talker), "said")
        before = self.scopes()
        self.policy_write("one", CLOSED)
        told = self.weir_ctl("reload", "--dry-run")
        self.assert_status(told, 0)
        self.assertIn("changed rule network.allow local: now also address 192.0.2.1; "
                      "no longer address 127.0.0.0/8, address ::1", told.stdout)
        self.assertEqual(self.say(talker), "said")
        self.assertEqual(digests(self.scopes()), digests(before))
        self.assertEqual(self.weir_ctl("reload").stdout, told.stdout)
        self.assertNotEqual(self.say(talker), "said")
        self.assertFalse(self.connects(one))
        self.assertTrue(self.connects(two))
        now = self.scopes()
        self.assertNotEqual(now[self.name(one)]["digest"], before[self.name(one)]["digest"])
        self.assertEqual(now[self.name(two)]["digest"], before[self.name(two)]["digest"])
        self.assertIn("policy one: unchanged", self.weir_ctl("reload", "one").stdout)

    def test_all_or_none(self):
        one, two = self.start()
        before = self.scopes()
        self.policy_write("one", CLOSED)
        self.policy_write("two", "version: 1\nname: two\nnonsense: 1\n")
        done = self.weir_ctl("reload")
        self.assert_status(done, 1)
        self.assertIn("two.yaml:3:1", done.stderr)
        self.assertIn("nothing was changed", done.stderr)
        self.assertEqual(digests(self.scopes()), digests(before))
        self.assertTrue(self.connects(one))
        self.assertFalse(self.status()["reload"]["ok"])
        self.assert_status(self.weir_ctl("reload", "one"), 0)
        self.assertFalse(self.connects(one))
        self.assertTrue(self.connects(two))
        self.assert_status(self.weir_ctl("reload", "nothing"), 1)
        self.daemon_stop()
        rejects = [r for r in self.records() if r["type"] == "policy.reject"]
        self.assertEqual(len(rejects), 1)
        self.assertIn("two.yaml:3:1", rejects[0]["detail"]["error"])

    def test_folder_of_policies_vanishes(self):
        one, two = self.start()
        self.policy_write("one", CLOSED)
        self.assert_status(self.weir_ctl("reload"), 0)
        self.policies.rename(self.dir / "elsewhere")
        before = self.scopes()
        for args in (("reload",), ("attach", "--policy", "one", "--cgroup",
                                   self.name(self.cgroup("three")))):
            done = self.weir_ctl(*args)
            self.assert_status(done, 1)
            self.assertIn("no policy", done.stderr)
        self.assertEqual(digests(self.scopes()), digests(before))
        self.assertFalse(self.connects(one))
        self.assertTrue(self.connects(two))
        (self.dir / "elsewhere").rename(self.policies)
        self.assert_status(self.weir_ctl("reload"), 0)

    def test_storm(self):
        self.storm(int(os.environ.get("WEIR_TEST_STORM", 500)))

    def memory(self):
        """KiB: the daemon's own, and that of the maps it has open."""
        proc = pathlib.Path(f"/proc/{self.daemon_pid()}")
        own = int((proc / "status").read_text().partition("VmRSS:")[2].split()[0])
        maps = 0
        for path in (proc / "fdinfo").iterdir():
            with contextlib.suppress(FileNotFoundError):    # a connection that ends meanwhile
                found = path.read_text().partition("memlock:")[2].split()
                maps += int(found[0]) if found else 0
        return own, maps // 1024

    def test_a_thousand_leave_nothing_behind(self):
        self.start()
        found = {}
        for number in range(1, 1001):
            self.policy_write("one", OPEN if number % 2 else CLOSED)
            self.assertEqual(self.ask({"command": "reload"})["outcome"], "done")
            if number in (100, 1000):
                found[number] = self.memory()
        (own, maps), (own_late, maps_late) = found[100], found[1000]
        print(f"{own} and {own_late} KiB, maps {maps} and {maps_late}", end=" ", flush=True)
        self.assertLess(own_late, own * 1.1)
        self.assertLess(maps_late, maps * 1.01)

    def test_sighup(self):
        one, _ = self.start()
        self.policy_write("one", CLOSED)
        self.process.send_signal(signal.SIGHUP)
        self.wait(lambda: self.status()["reload"] and self.status()["reload"]["ok"])
        self.assertFalse(self.connects(one))

    def test_every_record_names_the_version_it_was_made_under(self):
        one, _ = self.start()
        digests = set()
        for text in [CLOSED, CLOSED.replace("local", "renamed")] * 3:
            self.policy_write("one", text)
            self.assert_status(self.weir_ctl("reload", "one"), 0)
            digests.add(self.scopes()[self.name(one)]["digest"])
            self.assertFalse(self.connects(one))
        self.daemon_stop()
        denials = [r for r in self.records() if r.get("verdict") == "deny"]
        self.assertEqual(len(denials), 6)
        loads = [r for r in self.records() if r["type"] == "policy.load"]
        self.assertEqual([r["policy"]["digest"] for r in denials],
                         [r["policy"]["digest"] for r in loads[-6:]])
        self.assertEqual({r["policy"]["digest"] for r in denials}, digests)


class Control(DaemonCase):
    def test_requests(self):
        self.daemon()
        self.assertEqual(self.ask(b'{"v":1,"command":"status"}\n')["outcome"], "done")
        for request, said in ((b"nonsense\n", "not JSON"), (b"\n", "not JSON"),
                              (b'{"v":9,"command":"status"}\n', "version 1"),
                              (b'{"v":1,"command":"status","more":1}\n', '"more"'),
                              (b"[" * 65000 + b"\n", "not JSON"),
                              (b" " * 70000, "too long")):
            reply = self.ask(request)
            self.assertEqual(reply["outcome"], "refused")
            self.assertIn(said, reply["text"])
        self.assertIsNone(self.ask(b'{"v":1,', shut=True))
        self.assertEqual(stat_mode(self.socket), 0o600)

    def test_slow_clients_hold_nobody_up(self):
        self.daemon()
        clients = []
        for number in range(100):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.connect(str(self.socket))
            client.sendall(b'{"v":1')
            clients.append(client)
            if number % 25 == 24:
                self.assert_status(self.weir_ctl("status"), 0)
        readable, _, _ = select.select([clients[-1]], [], [], WAIT_S)
        self.assertTrue(readable)  # closed: the request did not come in time
        self.assertEqual(self.status()["scopes"], [])

    def test_two_bytes_a_second_hold_nobody_up(self):
        self.daemon()
        with socket.socket(socket.AF_UNIX) as slow:
            slow.connect(str(self.socket))
            began, sent = time.monotonic(), 0
            with self.assertRaises(OSError):  # closed, whatever it goes on sending
                while time.monotonic() - began < WAIT_S:
                    slow.sendall(b" ")
                    sent += 1
                    asked = time.monotonic()
                    self.assertEqual(self.ask({"command": "status"})["outcome"], "done")
                    self.assertLess(time.monotonic() - asked, 5)
                    select.select([slow], [], [], 0.5)
            self.assertGreater(sent, 2)

    def test_who_may_not_ask_takes_nobodys_place(self):
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("open", cgroup)
        confined = subprocess.Popen(
            self.enter_argv(cgroup, PYTHON, "-c", CONNECT_MANY, self.socket), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.stop, confined)
        self.assertEqual(confined.stdout.readline(), "ready\n")
        with socket.socket(socket.AF_UNIX) as first:
            first.settimeout(WAIT_S)
            first.connect(str(self.socket))
            self.assertEqual(confined.communicate("\n", WAIT_S)[0], "40 refused\n")
            first.sendall(b'{"v":1,"command":"status"}\n')
            self.assertIn(b"done", first.recv(65536))

    def test_who_is_confined_may_not_ask(self):
        self.daemon()
        cgroup = self.cgroup("one")
        self.assert_status(self.weir_ctl("attach", "--policy", "open", "--cgroup",
                                         self.name(cgroup)), 0)
        done = self.inside(cgroup, self.weir, "detach", "--cgroup", self.name(cgroup),
                           env=self.env)
        self.assert_status(done, 4)
        self.assertIn("confined", done.stderr)
        self.assertIn(self.name(cgroup), self.scopes())

    def test_other_users_may_not_ask(self):
        self.daemon()
        weir = shutil.copy(self.weir, self.dir / "weir")    # where all may execute it
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               weir, "status"], env=self.env, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assert_status(done, 4)

    def test_no_daemon(self):
        for args in (["status"], ["reload"], ["detach", "--cgroup", "/x"],
                     ["attach", "--policy", "p", "--cgroup", "/x"]):
            done = self.weir_ctl(*args)
            self.assert_status(done, 3)
            self.assertIn("weir daemon", done.stderr)


class Life(DaemonCase):
    def test_second_daemon_refuses(self):
        self.daemon()
        done = self.daemon_fails("version: 1\nlog: /tmp/other.jsonl\n")
        self.assert_status(done, 1)
        self.assertIn("another daemon runs", done.stderr)
        self.assertEqual(self.status()["pid"], self.daemon_pid())

    def test_manager_is_told(self):
        # returns when it is told "READY=1"; the first "WATCHDOG=1" comes with it
        self.daemon(env={"WATCHDOG_USEC": "20000000"})
        told = b""
        while told != b"WATCHDOG=1":
            told = self.manager.recv(4096)
        self.daemon_stop()
        while told != b"STOPPING=1":
            told = self.manager.recv(4096)

    def test_what_is_confined_outlives_it(self):
        self.policy_write("closed", CLOSED)
        self.daemon()
        cgroup = self.cgroup("one")
        self.assert_status(self.weir_ctl("attach", "--policy", "closed", "--cgroup",
                                         self.name(cgroup)), 0)
        self.daemon_stop()
        self.assertFalse(self.connects(cgroup))
        self.assertFalse(self.socket.exists())
        self.assertIn(self.name(cgroup), self.call("doctor").stdout)
        self.daemon()
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroup)), 0)
        self.assertTrue(self.connects(cgroup))
        self.daemon_stop()
        self.assertNotIn(self.name(cgroup), self.call("doctor").stdout)
        self.assertEqual(sorted(self.bpffs.glob("weir/*")), [])
        self.records()  # numbered on

    def test_run_beside_it(self):
        self.daemon()
        self.policy_write("closed", CLOSED)
        cgroup = self.cgroup("one")
        self.assert_status(self.weir_ctl("attach", "--policy", "closed", "--cgroup",
                                         self.name(cgroup)), 0)
        run_log = self.dir / "run.jsonl"
        self.assert_status(self.run_weir("true", log=run_log), 0)
        self.assertFalse(self.connects(cgroup))
        self.assertTrue(all(r["type"] != "network.connect" for r in self.records(run_log)))


def stat_mode(path):
    return os.stat(path).st_mode & 0o777


def digests(scopes):
    return {cgroup: scope["digest"] for cgroup, scope in scopes.items()}
