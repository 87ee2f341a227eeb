# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What an operator looks at: events, metrics, status, and a policy tried against a log."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

from daemon_harness import CONNECT, DaemonCase
from harness import CLOSED, OPEN, PYTHON, WAIT_S, read_until, wait_end

STATS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
SAMPLE = re.compile(r"^(weir_[a-z_]+)(?:\{(.*)\})? ([0-9.]+)$")


class OperatorCase(DaemonCase):
    def confined(self, name, policy):
        """A cgroup under a policy of the same name."""
        self.policy_write(name, policy)
        cgroup = self.cgroup(name)
        self.assert_status(self.weir_ctl("attach", "--policy", name, "--cgroup",
                                         self.name(cgroup)), 0)
        return cgroup

    def records_there(self, count):
        """Waits until so many connects are in the log."""
        self.wait(lambda: sum(record["type"] == "network.connect"
                              for record in self.records()) >= count)

    def counted(self, policy):
        """The log's records of a policy by verdict."""
        counts = {"allow": 0, "deny": 0, "would-deny": 0}
        for record in self.records():
            if "verdict" in record and record["policy"]["name"] == policy:
                counts[record["verdict"]] += 1
        return counts

    def policies_told(self):
        return {policy["policy"]: policy for policy in self.status()["policies"]}


class Events(OperatorCase):
    def follow(self, *options):
        process = subprocess.Popen([self.weir, "events", "-f", "--log", str(self.log), *options],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.stop, process)
        return process

    def test_follows_what_is_denied(self):
        # before there is a log
        process = self.follow("--denied", "--policy", "e2e")
        self.daemon()
        cgroup = self.confined("closed", CLOSED)
        self.assertFalse(self.connects(cgroup))
        told = read_until(process.stdout.fileno(), b"\n").decode()
        self.assertRegex(told, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} deny +e2e +"
                               rf"network\.connect +127\.0\.0\.1:{self.port}/tcp \(no-rule\) by "
                               rf"python3\[\d+\] in {self.name(cgroup)}\n$")
        # rotated: another file has the name
        self.log.rename(self.dir / "log.1")
        record = self.records(self.dir / "log.1")[-1]
        record["destination"]["port"] = 4711
        self.log.write_text(json.dumps(record) + "\n")
        read_until(process.stdout.fileno(), b"127.0.0.1:4711/tcp")
        self.log.write_text("")
        read_until(process.stderr.fileno(), b"cut short")
        # nobody reads: it ends by itself
        process.stdout.close()
        self.assertEqual(process.wait(WAIT_S), 0)
        process.stdout = None

    def test_tells_what_is_no_record(self):
        self.daemon()
        self.daemon_stop()
        good = len(self.records())
        with open(self.log, "a", encoding="ascii") as log:
            log.write("nonsense\n\x1b]0;x\x07\n{\"unfinished")
        done = self.call("events", "--log", self.log)
        self.assert_status(done, 1)
        self.assertEqual(len(done.stdout.splitlines()), good)
        for number in (1, 2, 3):
            self.assertIn(f"{self.log}:{good + number}: ", done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_options(self):
        self.daemon()
        self.daemon_stop()
        lines = self.log.read_text()
        done = self.call("events", "--json", "--log", self.log)
        self.assert_status(done, 0)
        self.assertEqual(done.stdout, lines)
        done = self.call("events", "--json", "--log", self.log, "--type", "agent.stop")
        self.assertEqual(done.stdout, lines.splitlines(True)[-1])
        done = self.call("events", "--json", "--log", self.log, "-n", "1")
        self.assertEqual(done.stdout, lines.splitlines(True)[-1])
        self.assertEqual(self.call("events", "--log", self.log, "--denied").stdout, "")
        self.assertEqual(self.call("events", "--log", self.log, "--since", "0s").stdout, "")
        self.assert_status(self.call("events", "--log", self.dir / "none"), 1)
        for wrong in (["--type", "agent.star"], ["--since", "noon"], ["-n", "x"], ["more"]):
            self.assert_status(self.call("events", "--log", self.log, *wrong), 2)


class Metrics(OperatorCase):
    def setUp(self):
        super().setUp()
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.metrics_port = server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        self.more = f"metrics: {{listen: \"127.0.0.1:{self.metrics_port}\"}}\n"

    def curl(self, *args):
        done = subprocess.run(["curl", "-sS", "-m", str(WAIT_S), *args], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def samples(self, *args):
        found = {}
        for line in self.curl("-f", *(args or [self.url])).splitlines():
            if line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            self.assertIsNotNone(match, line)
            key = match[1] + (f"{{{match[2]}}}" if match[2] else "")
            self.assertNotIn(key, found)
            found[key] = float(match[3])
        return found

    def test_counts_what_is_done(self):
        self.daemon(more=self.more)
        opened = self.confined("open", OPEN.replace("name: e2e", "name: open"))
        closed = self.confined("closed", CLOSED.replace("name: e2e", "name: closed"))
        allowed = 'weir_records_total{policy="open",type="network.connect",verdict="allow"}'
        denied = 'weir_records_total{policy="closed",type="network.connect",verdict="deny"}'
        before = self.samples()
        for _ in range(2):
            self.assertTrue(self.connects(opened))
        for _ in range(3):
            self.assertFalse(self.connects(closed))
        self.wait(lambda: self.samples().get(denied, 0) - before.get(denied, 0) >= 3 and
                  self.samples().get(allowed, 0) - before.get(allowed, 0) >= 2)
        after = self.samples()
        self.assertEqual(after[denied] - before.get(denied, 0), 3)
        self.assertEqual(after[allowed] - before.get(allowed, 0), 2)
        self.assertEqual(sum(value for key, value in after.items() if
                             key.startswith("weir_records_total") and "connect" in key), 5)
        for cgroup in (opened, closed):
            scope = self.scopes()[self.name(cgroup)]
            self.assertEqual(after[f'weir_policy_scopes{{policy="{scope["policy"]}",digest='
                                   f'"{scope["digest"]}",mode="enforce"}}'], 1)
        self.assertEqual(after["weir_log_writable"], 1)
        self.assertNotIn("weir_reload_success", after)
        self.assert_status(self.weir_ctl("reload"), 0)
        self.wait(lambda: self.samples().get("weir_reload_success") == 1)
        # who may reach nothing does not reach this either
        self.assertNotEqual(self.inside(closed, "curl", "-s", self.url).returncode, 0)
        self.daemon_stop()
        self.assertGreaterEqual(self.records()[-1]["seq"], after["weir_log_sequence"])

    def test_gives_nothing_else(self):
        self.daemon(more=self.more)
        code = ["-o", "/dev/null", "-w", "%{http_code}"]
        self.assertEqual(self.curl(*code, self.url.replace("/metrics", "/")), "404")
        self.assertEqual(self.curl(*code, "-d", "x", self.url), "405")
        self.assertEqual(self.curl(*code, "-H", "A: " + "x" * 20000, self.url)[0], "4")

    def server_pids(self):
        path = pathlib.Path(f"/proc/{self.daemon_pid()}/task/{self.daemon_pid()}/children")
        return path.read_text().split()

    def server_pid(self):
        """Of the process that parses requests."""
        return self.server_pids()[0]

    def test_requests_are_parsed_without_privileges(self):
        self.daemon(more=self.more)
        self.assertEqual(self.samples()["weir_log_writable"], 1)
        pid = self.server_pid()
        status = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
        self.assertEqual(set(status["Uid"].split() + status["Gid"].split()), {"65534"})
        self.assertEqual(status["Groups"].strip(), "")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual(status["NoNewPrivs"], "1")
        opened = {os.readlink(f"/proc/{pid}/fd/{fd}").partition(":")[0]
                  for fd in os.listdir(f"/proc/{pid}/fd")}
        self.assertLessEqual(opened, {"/dev/null", "socket", "anon_inode",
                                      str(self.dir / "daemon.err")})
        os.kill(int(pid), signal.SIGKILL)
        self.wait(lambda: subprocess.run(["curl", "-s", self.url], check=False,
                                         stdout=subprocess.DEVNULL).returncode == 0)
        self.assertNotEqual(self.server_pid(), pid)

    def test_another_is_begun_later_each_time(self):
        """As long as nobody has asked it anything."""
        self.daemon(more=self.more)
        for number, seconds in enumerate((1, 2, 1), 1):
            if number == 3:
                self.assertEqual(self.samples()["weir_log_writable"], 1)
            pid = int(self.server_pid())
            os.kill(pid, signal.SIGKILL)
            self.wait(lambda n=number: (self.dir / "daemon.err").read_text().count("metrics ended") == n)
            self.assertRegex((self.dir / "daemon.err").read_text(),
                             rf"metrics ended \(signal 9\); another begins in {seconds} s\n\Z")
            self.wait(self.server_pids)

    def test_it_ends_with_the_daemon(self):
        self.daemon(more=self.more)
        pid = int(self.server_pid())
        self.process.kill()
        wait_end(pid)
        self.daemon(more=self.more)
        self.assertEqual(self.samples()["weir_log_writable"], 1)
        self.daemon_stop()

    def test_slow_clients_hold_nobody_up(self):
        self.daemon(more=self.more)
        clients = []
        for _ in range(20):
            client = socket.create_connection(("127.0.0.1", self.metrics_port))
            self.addCleanup(client.close)
            client.sendall(b"GET /met")
            clients.append(client)
        self.assertEqual(self.status()["scopes"], [])
        self.assertEqual(self.samples()["weir_log_writable"], 1)  # when they have been closed

    def test_socket(self):
        path = self.run_folder / "metrics.sock"
        self.daemon(more=f"metrics: {{socket: {path}}}\n")
        found = self.samples("--unix-socket", str(path), "http://localhost/metrics")
        self.assertEqual(found["weir_log_writable"], 1)
        self.daemon_stop()
        self.assertFalse(path.exists())

    def test_refused(self):
        done = self.daemon_fails("version: 1\nmetrics: {listen: \"0.0.0.0:9469\"}\n")
        self.assert_status(done, 1)
        self.assertIn("weir.yaml:2:19", done.stderr)
        with socket.create_server(("127.0.0.1", self.metrics_port)):
            done = self.daemon_fails("version: 1\n" + self.more)
        self.assert_status(done, 1)
        self.assertIn("in use", done.stderr)


class Status(OperatorCase):
    def test_numbers(self):
        self.daemon(more="rings: {allowed: 32768, denied: 16384}\n")
        opened = self.confined("open", OPEN)
        audited = self.confined("audited", CLOSED.replace("name: e2e", "name: audited\nmode: audit"))
        self.assertTrue(self.connects(opened))
        self.assertTrue(self.connects(audited))
        self.assertTrue(self.connects(audited))
        # of each connection its beginning and, later, its end
        self.wait(lambda: [sum(self.counted(name).values()) for name in ("e2e", "audited")]
                  == [2, 4])
        status = self.status()
        told = self.policies_told()
        self.assertEqual(told["e2e"]["records"], {"allow": 2, "deny": 0, "would-deny": 0})
        self.assertEqual(told["audited"]["records"], self.counted("audited"))
        self.assertEqual(told["audited"]["records"]["would-deny"], 2)
        self.assertEqual(told["audited"]["records"]["deny"], 0)
        self.assertEqual((told["audited"]["mode"], told["audited"]["scopes"]), ("audit", 1))
        self.assertEqual(status["rings"]["allowed"]["size"], 32768)
        self.assertEqual(status["rings"]["denied"]["size"], 16384)
        self.assertEqual(status["lost"], {})
        self.assertLessEqual(status["log"]["seq"], len(self.records()))
        # of a policy the numbers stay when its scope ends
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(audited)), 0)
        audited = self.confined("audited", CLOSED.replace("name: e2e", "name: audited"))
        self.assertEqual(self.policies_told()["audited"]["records"]["would-deny"], 2)
        text = self.weir_ctl("status").stdout
        self.assertRegex(text, r"\naudited +enforce +1 +\d+ +0 +2  sha256:[0-9a-f]{12}\n")

    def test_cost(self):
        try:
            before = STATS.read_text()
            STATS.write_text(before)
        except OSError as error:
            self.skipTest(f"{STATS}: {error}")
        self.addCleanup(STATS.write_text, before)
        self.daemon()
        cgroup = self.confined("open", OPEN)
        STATS.write_text("1")
        first = self.cost("weir_connect4")
        for _ in range(3):
            self.assertTrue(self.connects(cgroup))
        self.assertTrue(self.status()["cost"]["counted"])
        # other programs of this machine pass the hook too
        self.assertGreaterEqual(self.cost("weir_connect4")["runs"], first["runs"] + 3)
        self.assertGreater(self.cost("weir_connect4")["ns"], first["ns"])
        self.assertRegex(self.weir_ctl("status").stdout, r"\nweir_connect4 +\d+ +\d+\n")
        STATS.write_text("0")
        self.assertFalse(self.status()["cost"]["counted"])
        self.assertIn("sysctl kernel.bpf_stats_enabled=1", self.weir_ctl("status").stdout)

    def cost(self, program):
        programs = {one["program"]: one for one in self.status()["cost"]["programs"]}
        return programs.get(program, {"runs": 0, "ns": 0})


class Against(OperatorCase):
    def test_finds_what_was_removed(self):
        self.daemon()
        other = self.echo_start()
        ports = f"addresses: [loopback]\n      ports: [{self.port}, {other}]"
        text = OPEN.replace("addresses: [loopback]", ports)
        cgroup = self.confined("web", text)
        for port in (self.port, other, self.port, 1):
            self.inside(cgroup, PYTHON, "-c", CONNECT, port)
        self.records_there(4)
        same = self.weir_ctl("reload", "--dry-run", "--against", self.log)
        self.assert_status(same, 0)
        self.assertIn("recorded actions judged, 0 would be decided otherwise\n", same.stdout)
        self.policy_write("web", text.replace(f"[{self.port}, ", "["))
        done = self.weir_ctl("reload", "--dry-run", "--against", self.log, "web")
        self.assert_status(done, 0)
        first = next(r["seq"] for r in self.records() if r["type"] == "network.connect" and
                     r["destination"]["port"] == self.port)
        self.assertIn("recorded actions judged, 1 would be decided otherwise\n"
                      f"  2x allow -> deny, policy e2e: network.connect 127.0.0.1:{self.port}/tcp "
                      f"(rule local -> no-rule), first at {self.log}:{first}\n", done.stdout)
        result = json.loads(self.weir_ctl("reload", "--dry-run", "--json", "--against",
                                          self.log).stdout)
        self.assertEqual([(c["count"], c["before"], c["after"])
                          for c in result["against"]["changes"]],
                         [(2, {"verdict": "allow", "reason": "rule", "rule": "local"},
                           {"verdict": "deny", "reason": "no-rule"})])
        self.assertTrue(self.connects(cgroup))  # nothing has changed
        self.assert_status(self.weir_ctl("reload"), 0)
        self.assertFalse(self.connects(cgroup))

    def test_knows_parameters_and_mode(self):
        self.daemon()
        text = OPEN.replace("identity", "parameters:\n  port: {default: \"1\"}\nidentity").replace(
            "addresses: [loopback]", "addresses: [loopback]\n      ports: [\"${port}\"]")
        self.policy_write("web", text)
        cgroup = self.cgroup("web")
        self.assert_status(self.weir_ctl("attach", "--policy", "web", "--cgroup",
                                         self.name(cgroup), "--set", f"port={self.port}"), 0)
        self.assertTrue(self.connects(cgroup))
        self.inside(cgroup, PYTHON, "-c", CONNECT, 1)
        self.records_there(2)
        done = self.weir_ctl("reload", "--dry-run", "--against", self.log)
        self.assertIn("recorded actions judged, 0 would", done.stdout)
        self.policy_write("web", text.replace("name: e2e", "name: e2e\nmode: audit"))
        done = self.weir_ctl("reload", "--dry-run", "--against", self.log)
        self.assertIn("recorded actions judged, 1 would", done.stdout)
        self.assertIn("  1x deny -> would-deny, policy e2e: network.connect 127.0.0.1:1/tcp "
                      "(no-rule -> no-rule)", done.stdout)

    def test_refused(self):
        self.daemon()
        self.assert_status(self.weir_ctl("reload", "--against", self.log), 2)
        self.assert_status(self.weir_ctl("reload", "--dry-run", "--against", self.dir / "x"), 1)
        with open(self.log, "a", encoding="ascii") as log:
            log.write("nonsense\n")
        done = self.weir_ctl("reload", "--dry-run", "--against", self.log)
        self.assert_status(done, 1)
        self.assertIn("is no record", done.stderr)
