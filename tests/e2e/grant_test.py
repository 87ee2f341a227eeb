# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Grants from outside: given, used, over, revoked; by the daemon, and by the kernel without it."""

import os
import re
import signal
import time

from daemon_harness import DaemonCase
from harness import CLOSED, OPEN, timestamp

# told apart from the closed one, and as closed
OTHER = CLOSED.replace("192.0.2.1", "192.0.2.2")

# sends from one socket
SEND = """import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for line in sys.stdin:
    try:
        s.sendto(b"x", ("127.0.0.1", int(sys.argv[1])))
        print("sent", flush=True)
    except OSError as error:
        print(error, flush=True)
"""


class Grants(DaemonCase):
    def closed(self, name="one", policy="closed", text=CLOSED):
        """A cgroup under a policy that allows nothing that is asked for here."""
        if not self.process:
            self.daemon()
        if not (self.policies / f"{policy}.yaml").exists():
            self.policy_write(policy, text)
        cgroup = self.cgroup(name)
        self.assert_status(self.weir_ctl("attach", "--policy", policy, "--cgroup",
                                         self.name(cgroup)), 0)
        return cgroup

    def grant(self, *args):
        """Gives one. Returns its id."""
        done = self.weir_ctl("grant", *args)
        self.assert_status(done, 0)
        return int(re.fullmatch(r"grant (\d+) is given\n", done.stdout).group(1))

    def loopback(self):
        return f"tcp:127.0.0.1:{self.port}"

    def told(self, *types):
        return [record for record in self.records() if record["type"] in types]

    def until(self, number):
        """When a grant ends, as the log has it."""
        def given():
            return [r["detail"]["until"] for r in self.told("policy.grant")
                    if r["detail"]["id"] == number]
        self.wait(given)
        return timestamp(given()[0])

    def ends_on_time(self, caller, until):
        """What is asked for after the end is refused, and what was refused was asked too late."""
        while True:
            # the machine's ports and the ring's places, which nobody drains, last for 8 seconds
            time.sleep(0.005)
            asked = time.time()
            told = self.say(caller)
            if told != "reached":
                self.assertGreater(time.time(), until - 0.1, told)
            # allowed, and its first packet came too late, which nobody is there to reset for
            if told not in ("reached", "timed out"):
                break
            self.assertLess(asked, until + 0.1, told)
        self.assertIn("Operation not permitted", told)

    def test_connect_until_it_is_over(self):
        cgroup = self.closed()
        self.assertFalse(self.connects(cgroup))
        number = self.grant("--policy", "closed", "--connect", self.loopback(), "--for", "10s")
        self.assertTrue(self.connects(cgroup))
        talker = self.talker(cgroup)
        self.assertEqual(self.say(talker), "said")
        self.assertEqual([grant["id"] for grant in self.status()["grants"]], [number])
        self.wait(lambda: not self.status()["grants"])
        self.assertFalse(self.connects(cgroup))
        self.assertNotEqual(self.say(talker), "said")
        self.daemon_stop()
        given, = self.told("policy.grant")
        self.assertEqual(given["detail"]["id"], number)
        self.assertEqual(given["detail"]["what"], "connect " + self.loopback())
        self.assertEqual(given["detail"]["for"], 10)
        self.assertEqual(given["detail"]["uid"], 0)
        self.assertEqual(given["policy"]["name"], "e2e")
        over, = self.told("policy.expire")
        self.assertEqual(over["detail"]["id"], number)
        self.assertGreaterEqual(over["time"], over["detail"]["until"])
        allowed = [r for r in self.told("network.connect") if r["verdict"] == "allow"]
        self.assertEqual({(r["reason"], r["policy"]["rule"]) for r in allowed},
                         {("grant", f"grant-{number}")})
        self.assertEqual({r["policy"]["digest"] for r in self.told("network.connect")},
                         {given["policy"]["digest"]})

    def test_ends_on_time_without_the_daemon(self):
        cgroup = self.closed()
        caller = self.caller(cgroup)
        until = self.until(self.grant("--policy", "closed", "--connect", self.loopback(), "--for",
                                      "8s"))
        talker = self.talker(cgroup)
        os.kill(self.daemon_pid(), signal.SIGSTOP)
        self.addCleanup(os.kill, self.daemon_pid(), signal.SIGCONT)
        self.assertEqual(self.say(caller), "reached")
        self.assertEqual(self.say(talker), "said")
        self.ends_on_time(caller, until)

    def test_ends_on_time_after_a_kill(self):
        cgroup = self.closed()
        caller = self.caller(cgroup)
        until = self.until(self.grant("--policy", "closed", "--connect", self.loopback(), "--for",
                                      "8s"))
        self.process.kill()
        self.process.wait()
        self.assertEqual(self.say(caller), "reached")
        self.ends_on_time(caller, until)

    def after_a_kill(self):
        """The daemon is killed, and the next one has started."""
        self.process.kill()
        self.process.wait()
        self.daemon()
        self.wait(lambda: self.scopes())

    def test_taken_over(self):
        """By a daemon that comes after one that was killed, and after one that was stopped."""
        cgroup = self.closed()
        number = self.grant("--policy", "closed", "--connect", self.loopback(), "--for", "1h")
        once = self.grant("--cgroup", self.name(cgroup), "--connect", "192.0.2.9:9", "--once",
                          "--for", "1h")
        self.after_a_kill()
        self.assertEqual({grant["id"] for grant in self.status()["grants"]}, {number, once})
        self.assertTrue(self.connects(cgroup))
        self.daemon_stop()
        self.assertTrue(self.connects(cgroup))
        self.daemon()
        self.assertTrue(self.connects(cgroup))
        self.assert_status(self.weir_ctl("grant", "--revoke", str(number)), 0)
        self.assertFalse(self.connects(cgroup))
        later = self.grant("--policy", "closed", "--connect", "192.0.2.8:9", "--for", "1h")
        self.assertGreater(later, once)
        self.assertFalse(self.connects(cgroup))
        self.after_a_kill()
        self.assertEqual({grant["id"] for grant in self.status()["grants"]}, {later, once})
        self.assertFalse(self.connects(cgroup))
        self.daemon_stop()
        self.assertEqual([r["detail"]["id"] for r in self.told("policy.expire")], [number])

    def test_over_while_no_daemon_was_there(self):
        cgroup = self.closed()
        caller = self.caller(cgroup)
        number = self.grant("--policy", "closed", "--connect", self.loopback(), "--for", "3s")
        until = self.until(number)
        self.process.kill()
        self.process.wait()
        self.ends_on_time(caller, until)
        self.daemon()
        self.wait(lambda: [r["detail"]["id"] for r in self.told("policy.expire")] == [number])
        self.assertEqual(self.status()["grants"], [])
        self.assertNotEqual(self.say(caller), "reached")
        # its place in the kernel is given to another
        self.grant("--policy", "closed", "--connect", "192.0.2.9:9", "--for", "1h")
        self.assertNotEqual(self.say(caller), "reached")

    def test_for_one_cgroup_of_an_entry_taken_over(self):
        one, two = self.cgroup("many/one"), self.cgroup("many/two")
        entry = f'\n  - match: "{self.name(one.parent)}/*"\n    policy: closed'
        self.policy_write("closed", CLOSED)
        self.daemon(entry)
        self.wait(lambda: len(self.scopes()) == 2)
        self.grant("--cgroup", self.name(one), "--connect", "loopback:*", "--for", "1h")
        for _ in range(2):
            self.process.kill()
            self.process.wait()
            self.daemon(entry)
            self.wait(lambda: len(self.scopes()) == 2)
            self.assertTrue(self.connects(one))
            self.assertFalse(self.connects(two))
        three = self.cgroup("many/three")
        self.wait(lambda: len(self.scopes()) == 3)
        self.assertFalse(self.connects(three))

    def test_once(self):
        cgroup = self.closed()
        caller = self.caller(cgroup)
        number = self.grant("--cgroup", self.name(cgroup), "--connect", self.loopback(), "--for",
                            "1h", "--once")
        self.assertEqual(self.say(caller), "reached")
        self.assertNotEqual(self.say(caller), "reached")
        self.assertTrue(self.status()["grants"][0]["used"])
        self.daemon_stop()
        told = {r["verdict"]: (r["reason"], r["policy"]["rule"])
                for r in self.told("network.connect")}
        name = f"grant-{number}"
        self.assertEqual(told, {"allow": ("grant", name), "deny": ("expired", name)})

    def test_connection_made_by_the_one_use_goes_on(self):
        cgroup = self.closed()
        for _ in range(2):  # two for the same thing are two uses
            self.grant("--policy", "closed", "--connect", self.loopback(), "--for", "1h",
                       "--once")
        talkers = []
        for _ in range(2):
            talkers.append(self.talker(cgroup))
            self.assertEqual(self.say(talkers[-1]), "said")
            used = len(talkers)
            self.wait(lambda: sum(g["used"] for g in self.status()["grants"]) == used)
            self.look()
        self.assertFalse(self.connects(cgroup))
        for talker in talkers:
            self.assertEqual(self.say(talker), "said")

    def look(self):
        """Has the daemon look at its grants, and put one that was used behind the others."""
        number = self.grant("--policy", "closed", "--connect", "192.0.2.9:9", "--for", "1h")
        self.assert_status(self.weir_ctl("grant", "--revoke", number), 0)

    def test_revoke_cuts_the_connection(self):
        cgroup = self.closed()
        number = self.grant("--policy", "closed", "--connect", "loopback:*", "--for", "1h")
        talker = self.talker(cgroup)
        self.assertEqual(self.say(talker), "said")
        self.assert_status(self.weir_ctl("grant", "--revoke", number), 0)
        self.assertNotEqual(self.say(talker), "said")
        self.assertFalse(self.connects(cgroup))
        self.assertEqual(self.status()["grants"], [])
        self.assert_status(self.weir_ctl("grant", "--revoke", number), 1)
        self.daemon_stop()
        over, = self.told("policy.expire")
        self.assertIn("revoked", over["detail"]["message"])

    def test_revoked_though_the_file_has_changed(self):
        """No version without it can be made: what was decided by it is over all the same."""
        cgroup = self.closed()
        number = self.grant("--policy", "closed", "--connect", "loopback:*", "--for", "1h")
        sender, talker = self.asked(cgroup, SEND), self.talker(cgroup)
        self.assertEqual((self.say(sender), self.say(talker)), ("sent", "said"))
        self.policy_write("closed", OTHER)
        self.assert_status(self.weir_ctl("grant", "--revoke", number), 0)
        self.assertNotEqual(self.say(sender), "sent")
        self.assertNotEqual(self.say(talker), "said")
        self.after_a_kill()
        self.assertNotEqual(self.say(sender), "sent")
        self.grant("--policy", "closed", "--connect", "192.0.2.9:9", "--for", "1h")
        self.assertNotEqual(self.say(sender), "sent")

    def test_survives_reload_and_reaches_who_comes_later(self):
        one = self.closed()
        self.grant("--policy", "closed", "--connect", "loopback:*", "--for", "1h")
        talker = self.talker(one)
        self.assertEqual(self.say(talker), "said")
        self.policy_write("closed", OTHER)
        self.assert_status(self.weir_ctl("reload"), 0)
        self.assertEqual(self.say(talker), "said")
        self.assertTrue(self.connects(one))
        self.assertTrue(self.connects(self.closed("two")))

    def test_a_policy_that_has_changed_is_no_reload(self):
        cgroup = self.closed()
        number = self.grant("--policy", "closed", "--connect", "192.0.2.9:9", "--for", "1h")
        self.policy_write("closed", OPEN)
        done = self.weir_ctl("grant", "--policy", "closed", "--connect", "192.0.2.9:10", "--for",
                             "1h")
        self.assert_status(done, 1)
        self.assertIn("weir reload", done.stderr)
        self.assert_status(self.weir_ctl("grant", "--revoke", number), 0)
        self.assertFalse(self.connects(cgroup))
        self.assert_status(self.weir_ctl("reload"), 0)
        self.assertTrue(self.connects(cgroup))

    def test_for_one_cgroup_of_an_entry(self):
        one, two = self.cgroup("many/one"), self.cgroup("many/two")
        self.policy_write("closed", CLOSED)
        self.daemon(f'\n  - match: "{self.name(one.parent)}/*"\n    policy: closed')
        self.wait(lambda: len(self.scopes()) == 2)
        number = self.grant("--cgroup", self.name(one), "--connect", "loopback:*", "--for", "1h")
        self.assertTrue(self.connects(one))
        self.assertFalse(self.connects(two))
        one.rmdir()
        self.wait(lambda: len(self.scopes()) == 1)
        self.assertEqual(self.status()["grants"], [])
        self.cgroup("many/one")
        self.wait(lambda: len(self.scopes()) == 2)
        self.assertFalse(self.connects(one))
        self.daemon_stop()
        self.assertEqual([r["detail"]["id"] for r in self.told("policy.expire")], [number])

    def test_a_rule_that_denies_wins(self):
        cgroup = self.closed(text=CLOSED.replace("  listen:", "  deny:\n    - name: never\n"
                                                 "      addresses: [loopback]\n  listen:"))
        self.grant("--policy", "closed", "--connect", "loopback:*", "--for", "1h")
        self.assertFalse(self.connects(cgroup))

    def test_refused(self):
        cgroup = self.closed()
        for args, text in (
                (("--policy", "none", "--connect", "192.0.2.9:9"), "not in force"),
                (("--policy", "closed", "--listen", "loopback:80"), "open already"),
                (("--policy", "closed", "--read", "/etc/hosts"), "open already"),
                (("--cgroup", self.name(self.cgroup("other")), "--connect", "192.0.2.9:9"),
                 "not under a policy")):
            done = self.weir_ctl("grant", *args, "--for", "1h")
            self.assert_status(done, 1)
            self.assertIn(text, done.stderr)
        for args, text in (
                (("--connect", "registry.example.com:443", "--for", "1h"), "names cannot"),
                (("--connect", "192.0.2.9", "--for", "1h"), "HOST:PORT"),
                (("--connect", "192.0.2.9:0", "--for", "1h"), "port"),
                (("--connect", "192.0.2.9:9", "--for", "1y"), "duration"),
                (("--connect", "192.0.2.9:9", "--for", "0s"), "366d"),
                (("--connect", "192.0.2.9:9"), "--for"),
                (("--read", "etc/hosts", "--for", "1h"), "etc/hosts")):
            done = self.weir_ctl("grant", "--policy", "closed", *args)
            self.assert_status(done, 2)
            self.assertIn(text, done.stderr)
        self.assertFalse(self.connects(cgroup))
        self.assertEqual(self.status()["grants"], [])

    def test_udp_goes_on_without_the_daemon(self):
        """What the policy allows is let through as before when a grant has ended."""
        cgroup = self.closed(text=OPEN)
        caller = self.caller(cgroup)
        self.grant("--policy", "closed", "--connect", "192.0.2.9:9", "--for", "1s")
        os.kill(self.daemon_pid(), signal.SIGSTOP)
        self.addCleanup(os.kill, self.daemon_pid(), signal.SIGCONT)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            self.assertEqual(self.say(caller), "reached")

    def test_end_of_a_policy(self):
        self.daemon()
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 10))
        cgroup = self.closed(text=OPEN.replace("name: e2e", f"name: e2e\nexpires: {end}"))
        talker = self.talker(cgroup)
        self.assertEqual(self.say(talker), "said")
        self.wait(lambda: self.scopes()[self.name(cgroup)]["expired"])
        self.assertNotEqual(self.say(talker), "said")
        self.assertFalse(self.connects(cgroup))
        self.daemon_stop()
        over, = self.told("policy.expire")
        self.assertNotIn("id", over["detail"])
        self.assertGreaterEqual(over["time"][:19] + "Z", end)
