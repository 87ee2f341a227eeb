# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is confined outlives the daemon, and the next one takes it over."""

import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import time

from daemon_harness import DaemonCase
from harness import CLOSED, OPEN, PYTHON, WAIT_S

BPFTOOL = shutil.which("bpftool") or "/usr/sbin/bpftool"
CGROUP_ONLY = "bpf" not in pathlib.Path("/sys/kernel/security/lsm").read_text().split(",") \
    if os.path.exists("/sys/kernel/security/lsm") else True
TRACEPOINTS = "weir_cgroup_made", "weir_cgroup_gone"  # their links cannot be exchanged
KILLS = int(os.environ.get("KILLS", "200"))

# everything is recorded: what is allowed, too
RECORDED = OPEN.replace("addresses: [loopback]", "addresses: [127.0.0.0/8]") + \
    "audit:\n  record: [network]\n"

# Connects datagram sockets, each to an address that is met once, until its input ends; then tells
# the last number, and how many decisions were wrong. Every other one is to be denied.
LOAD = """import select, socket, sys
number = wrong = 0
while not select.select([sys.stdin], [], [], 0.001)[0]:
    for _ in range(2):
        number += 1
        denied = number % 2
        address = f"{'203.0' if denied else '127.1'}.{number >> 16 & 255}.{number >> 8 & 255}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.connect((address, 1024 + (number & 255)))
                wrong += denied
            except PermissionError:
                wrong += 1 - denied
print(number, wrong, flush=True)
"""


def made(record):
    """The number of the connect that a record is about, as LOAD has made it."""
    high, low = map(int, record["destination"]["address"].split(".")[2:])
    return high << 16 | low << 8 | (record["destination"]["port"] - 1024)


class TakeoverCase(DaemonCase):
    def attach(self, policy, cgroup):
        self.assert_status(self.weir_ctl("attach", "--policy", policy, "--cgroup",
                                         self.name(cgroup)), 0)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def remove(self):
        done = self.call("daemon", "--remove", "--config", str(self.dir / "weir.yaml"))
        self.assert_status(done, 0)
        self.assertEqual(sorted(self.bpffs.glob("weir/*")), [])
        self.assertFalse((self.run_folder / "state.json").exists())

    def load(self, cgroup):
        process = subprocess.Popen(self.enter_argv(cgroup, PYTHON, "-c", LOAD),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop, process)
        return process

    def start(self):
        """A daemon that may be killed at any time: nobody waits for it."""
        with open(self.dir / "daemon.err", "ab") as errors:
            self.process = subprocess.Popen(self.daemon_argv(self.dir / "weir.yaml"),
                                            stderr=errors)
        self.addCleanup(self.daemon_kill, self.process)

    def load_check(self, loads, pids):
        """
        Each connect was decided as the policy says, and is in the log once, or counted as
        lost: daemons that never live long enough to read leave the rings to run full.
        """
        totals = {}
        for process, pid in zip(loads, pids):
            number, wrong = map(int, process.communicate("", WAIT_S)[0].split())
            self.assertEqual(wrong, 0)
            totals[pid] = number

        def lost():
            return sum(r["detail"]["count"].get("network.connect", 0) for r in self.records()
                       if r["type"] == "audit.lost")

        def complete():
            # what is behind the last line's end is being written
            whole = self.log.read_text().rpartition("\n")[0]
            return whole.count('"type":"network.connect"') + lost() >= sum(totals.values())
        self.wait(complete)
        records = self.records()  # numbered without gaps
        seen = collections.Counter()
        for record in records:
            if record["type"] != "network.connect":
                continue
            number = made(record)
            seen[record["process"]["pid"], number] += 1
            self.assertEqual(record["verdict"], "deny" if number % 2 else "allow")
            self.assertEqual(record["policy"]["name"], "e2e")
            self.assertIn("weir-e2e-", record["scope"]["cgroup"])
        self.assertEqual([key for key, count in seen.items() if count > 1], [])
        self.assertEqual(len(seen) + lost(), sum(totals.values()))
        return totals


class Takeover(TakeoverCase):
    def test_killed_again_and_again(self):
        rng = random.Random(KILLS)
        self.policy_write("recorded", RECORDED)
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("recorded", cgroup)
        loads = [self.load(cgroup) for _ in range(2)]
        for number in range(KILLS):
            # in the middle of its start, or while it reads
            if number % 2:
                self.wait(lambda: self.process.poll() is not None or self.socket.exists())
            time.sleep(rng.random() * (0.1 if number % 2 else 0.4))
            self.assertIsNone(self.process.poll())
            self.kill()
            self.socket.unlink(missing_ok=True)
            self.start()
        self.wait(lambda: self.weir_ctl("status").returncode == 0)
        self.assertEqual(list(self.scopes()), [self.name(cgroup)])
        totals = self.load_check(loads, [load.pid for load in loads])
        self.assertGreater(min(totals.values()), KILLS)
        starts = [r for r in self.records() if r["type"] == "agent.start"]
        self.assertTrue(all(r["detail"]["away_ns"] > 0 for r in starts[1:]))
        self.daemon_stop(every=20)
        self.remove()

    def test_killed_while_it_attaches(self):
        """What the next daemon lists is confined, and nothing else is."""
        rng = random.Random(KILLS)
        self.policy_write("closed", CLOSED)
        self.daemon()
        cgroups = [self.cgroup(name) for name in ("one", "two", "three")]
        calls = [self.caller(cgroup) for cgroup in cgroups]
        for _ in range(max(KILLS // 8, 10)):
            scopes = self.scopes()
            asked = []
            for cgroup in cgroups:
                name = self.name(cgroup)
                args = ["detach", "--cgroup", name] if name in scopes else \
                    ["attach", "--policy", "closed", "--cgroup", name]
                asked.append(subprocess.Popen([*self.prefix, self.weir, *args], env=self.env,
                                              stdout=subprocess.DEVNULL,
                                              stderr=subprocess.DEVNULL))
            time.sleep(rng.random() * 0.03)
            self.kill()
            done = {process.wait(WAIT_S) for process in asked}
            self.assertLessEqual(done, {0, 1, 3})
            self.start()
            self.wait(lambda: self.weir_ctl("status").returncode == 0)
            scopes = self.scopes()
            for cgroup, caller in zip(cgroups, calls):
                self.assertEqual(self.say(caller) != "reached", self.name(cgroup) in scopes)
        self.records()

    def test_stop_leaves_no_gap(self):
        self.policy_write("recorded", RECORDED)
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("recorded", cgroup)
        load = self.load(cgroup)
        for _ in range(5):
            self.process.terminate()    # and no look at the log, meanwhile the rings would be full
            self.assertEqual(self.process.wait(WAIT_S), 0)
            self.start()
            self.wait(lambda: self.weir_ctl("status").returncode == 0)
        self.load_check([load], [load.pid])
        self.daemon_stop(every=50)
        stops = [r for r in self.records() if r["type"] == "agent.stop"]
        self.assertEqual(len(stops), 6)
        self.assertIn("stays confined", stops[0]["detail"]["message"])
        self.remove()
        last = self.records()[-2:]
        self.assertEqual([r["type"] for r in last], ["scope.detach", "agent.stop"])
        self.assertTrue(self.connects(cgroup))

    def test_the_log_is_read_only(self):
        """No daemon starts; what is confined stays so, and the next one has it all."""
        self.policy_write("recorded", RECORDED)
        logs = self.dir / "logs"
        logs.mkdir()
        mount = [*self.prefix, "mount", "-t", "tmpfs"]
        subprocess.run([*mount, "none", logs], check=True)
        self.log = self.bpffs.parents[2] / logs.relative_to("/") / "log.jsonl"
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("recorded", cgroup)
        load = self.load(cgroup)
        self.kill()
        subprocess.run([*mount, "-o", "remount,ro", "none", logs], check=True)
        with self.assertRaisesRegex(AssertionError, "Read-only file system"):
            self.daemon()
        subprocess.run([*mount, "-o", "remount,rw", "none", logs], check=True)
        self.daemon()
        self.load_check([load], [load.pid])
        self.daemon_stop(every=20)
        self.remove()

    def test_killed_while_the_log_takes_nothing(self):
        self.policy_write("recorded", RECORDED)
        logs = self.dir / "logs"
        logs.mkdir()
        # among the mounts that the daemon sees, which end with them
        subprocess.run([*self.prefix, "mount", "-t", "tmpfs", "-o", "size=128k", "none", logs],
                       check=True)
        self.log = self.bpffs.parents[2] / logs.relative_to("/") / "log.jsonl"
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("recorded", cgroup)
        load = self.load(cgroup)
        for _ in range(3):
            self.wait(lambda: not self.status()["log"]["writable"])
            self.kill()
            # a daemon whose first record finds no room does not start
            size = self.log.stat().st_size // 1024 + 128
            subprocess.run([*self.prefix, "mount", "-o", f"remount,size={size}k", logs], check=True)
            self.start()
            self.wait(lambda: self.weir_ctl("status").returncode == 0)
        subprocess.run([*self.prefix, "mount", "-o", "remount,size=64m", logs], check=True)
        self.load_check([load], [load.pid])

    def test_policies_are_read_again(self):
        self.policy_write("one", OPEN)
        self.policy_write("two", OPEN)
        self.daemon()
        one, two = self.cgroup("one"), self.cgroup("two")
        self.attach("one", one)
        self.attach("two", two)
        before = self.scopes()
        self.kill()
        self.policy_write("one", CLOSED)
        self.assertTrue(self.connects(one))
        self.start()
        self.wait(lambda: self.weir_ctl("status").returncode == 0)
        self.assertFalse(self.connects(one))
        self.assertTrue(self.connects(two))
        now = self.scopes()
        self.assertNotEqual(now[self.name(one)]["digest"], before[self.name(one)]["digest"])
        self.assertEqual(now[self.name(two)]["digest"], before[self.name(two)]["digest"])
        self.assertEqual(now[self.name(two)]["since"], before[self.name(two)]["since"])
        self.kill()
        self.policy_write("one", "version: 1\nname: one\nnonsense: 1\n")
        self.start()
        self.wait(lambda: self.weir_ctl("status").returncode == 0)
        self.assertFalse(self.connects(one))
        self.assertFalse(self.status()["reload"]["ok"])
        self.assertEqual(self.scopes()[self.name(one)]["digest"], now[self.name(one)]["digest"])
        self.daemon_stop()
        rejects = [r for r in self.records() if r["type"] == "policy.reject"]
        self.assertEqual(len(rejects), 1)

    def test_configuration_may_have_changed(self):
        self.policy_write("closed", CLOSED)
        for name in ("stays", "goes", "switches"):
            self.cgroup(name)
        stays, goes, switches = (self.cgroup(name) for name in ("stays", "goes", "switches"))
        by_command = self.cgroup("command")
        entry = "\n  - {{cgroup: \"{}\", policy: {}}}".format
        self.daemon(attach=entry(self.name(stays), "closed") + entry(self.name(goes), "closed") +
                    entry(self.name(switches), "closed"))
        self.attach("closed", by_command)
        first = self.scopes()
        self.kill()
        self.assertFalse(self.connects(goes))
        self.daemon(attach=entry(self.name(switches), "open") + entry(self.name(stays), "closed"))
        self.assertTrue(self.connects(goes))
        self.assertTrue(self.connects(switches))
        self.assertFalse(self.connects(stays))
        self.assertFalse(self.connects(by_command))
        scopes = self.scopes()
        self.assertEqual(set(scopes), {self.name(c) for c in (stays, switches, by_command)})
        self.assertEqual(scopes[self.name(stays)]["loaded"], first[self.name(stays)]["loaded"])
        self.assertEqual(scopes[self.name(by_command)]["by"], "command")
        self.assertEqual(scopes[self.name(switches)]["by"], "configuration")
        self.daemon_stop()
        ends = [r for r in self.records() if r["type"] == "scope.detach"]
        self.assertEqual([r["scope"]["cgroup"] for r in ends], [self.name(goes)])

    def test_what_found_no_room_is_told(self):
        """By the next daemon, and be it stopped at once."""
        tries, small = 300, "rings: {denied: 16384}\n"
        self.policy_write("closed", CLOSED)
        self.daemon(more=small)
        cgroup = self.cgroup("one")
        self.attach("closed", cgroup)
        caller = self.caller(cgroup)
        self.kill()
        for _ in range(tries):
            self.assertNotEqual(self.say(caller), "reached")
        self.daemon(more=small)
        self.daemon_stop()
        records = self.records()
        told = sum(r["type"] == "network.connect" for r in records)
        lost = sum(r["detail"]["count"]["network.connect"] for r in records
                   if r["type"] == "audit.lost")
        self.assertGreater(lost, 0)
        self.assertEqual(told + lost, tries)

    def test_damaged_state(self):
        self.policy_write("closed", CLOSED)
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("closed", cgroup)
        self.kill()
        (self.run_folder / "state.json").write_text('{"version": 1, "boot"')
        self.start()
        self.wait(lambda: self.weir_ctl("status").returncode == 0)
        self.assertIn("is damaged", (self.dir / "daemon.err").read_text())
        self.assertFalse(self.connects(cgroup))
        scope = self.scopes()[self.name(cgroup)]
        self.assertEqual(scope["policy"], "unknown")
        self.assert_status(self.weir_ctl("reload"), 0)
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroup)), 0)
        self.assertTrue(self.connects(cgroup))

    def test_what_cannot_be_written_down_is_not_done(self):
        self.policy_write("closed", CLOSED)
        self.daemon()
        cgroup = self.cgroup("one")
        (self.run_folder / "state.json.new").mkdir()
        done = self.weir_ctl("attach", "--policy", "closed", "--cgroup", self.name(cgroup))
        self.assert_status(done, 1)
        self.assertIn("state.json", done.stderr)
        self.assertTrue(self.connects(cgroup))
        self.assertEqual(self.scopes(), {})
        (self.run_folder / "state.json.new").rmdir()
        self.attach("closed", cgroup)
        self.assertFalse(self.connects(cgroup))

    def test_a_run_leaves_it_alone(self):
        self.policy_write("closed", CLOSED)
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("closed", cgroup)
        self.assertFalse(self.connects(cgroup))
        self.kill()
        self.assertFalse(self.connects(cgroup))
        (cgroup / "cgroup.kill").write_text("1")
        self.wait(lambda: "populated 0" in (cgroup / "cgroup.events").read_text())
        cgroup.rmdir()
        self.assert_status(self.run_weir("true", log=self.dir / "run.jsonl"), 0)
        self.start()
        self.wait(lambda: self.weir_ctl("status").returncode == 0)
        self.wait(lambda: self.scopes() == {})
        self.daemon_stop()
        types = [r["type"] for r in self.records()]
        self.assertEqual(types.count("network.connect"), 2)
        self.assertEqual(types.count("scope.detach"), 1)


class Upgrade(TakeoverCase):
    def other(self, word):
        """The same program as another build, or of another ABI: by the word it goes by."""
        data = pathlib.Path(self.weir).read_bytes()
        found = set(re.findall(rb"\b%s-[0-9a-f]{12}\b" % word, data))
        self.assertEqual(len(found), 1)
        path = self.dir / f"weir-{word.decode()}"
        path.write_bytes(data.replace(found.pop(), word + b"-" + b"f" * 12))
        path.chmod(0o755)
        return str(path)

    def links(self):
        """What is pinned: link → its id, and that of its program."""
        pins = {}
        for path in self.bpffs.glob("weir/abi-*/links/*"):
            pinned = str(path).partition("/root")[2]
            done = subprocess.run([*self.prefix, BPFTOOL, "-j", "link", "show", "pinned", pinned],
                                  text=True, stdout=subprocess.PIPE, check=True)
            told = json.loads(done.stdout)
            pins[path.name] = told["id"], told["prog_id"]
        return pins

    def test_programs_of_another_build_are_replaced(self):
        self.policy_write("recorded", RECORDED)
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("recorded", cgroup)
        load = self.load(cgroup)
        first = self.links()
        mine, self.weir = self.weir, self.other(b"build")
        for kill in (True, False):
            self.kill()
            self.start()
            if kill:
                self.wait(lambda: self.links() != first)  # it may be in the middle of it
        self.wait(lambda: self.weir_ctl("status").returncode == 0)
        links = self.links()
        self.assertEqual(links.keys(), first.keys())
        for name, (link, program) in links.items():
            self.assertNotEqual(program, first[name][1])
            if CGROUP_ONLY and name not in TRACEPOINTS:
                self.assertEqual(link, first[name][0])  # exchanged in its place
        self.assertEqual(sorted(self.bpffs.glob("weir/abi-*/next/*")), [])
        self.kill()
        self.start()
        self.wait(lambda: self.weir_ctl("status").returncode == 0)
        self.assertEqual(self.links(), links)
        self.weir = mine
        self.assert_status(self.run_weir("true", log=self.dir / "run.jsonl"), 0)
        self.assertEqual(self.links(), links)  # a run uses what is there
        self.load_check([load], [load.pid])

    def test_another_abi_refuses(self):
        self.policy_write("closed", CLOSED)
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("closed", cgroup)
        self.daemon_stop()
        mine, self.weir = self.weir, self.other(b"abi")
        done = self.daemon_fails(f"version: 1\nsocket: {self.socket}\n")
        self.assert_status(done, 125)
        self.assertIn("--remove", done.stderr)
        self.assertFalse(self.connects(cgroup))
        self.configure()
        self.remove()
        self.assertTrue(self.connects(cgroup))
        self.assertEqual([r["scope"]["cgroup"] for r in self.records()
                          if r["type"] == "scope.detach"], [self.name(cgroup)])
        # nor may who is confined by a run of another ABI ask
        self.daemon()
        other, self.weir = self.weir, mine
        for asker in (mine, other):
            done = self.run_weir(asker, "status", env=self.env, log=self.dir / "run.jsonl")
            self.assert_status(done, 4)
        self.weir = other
        self.assert_status(self.weir_ctl("status"), 0)
        self.daemon_stop()
        # what confines nothing is cleared away
        self.daemon()
        self.kill()
        self.weir = mine
        self.daemon()
        self.assertEqual(len(list(self.bpffs.glob("weir/*"))), 1)
