# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Selectors go on without a daemon, and the next one takes over what they have made."""

import collections
import signal

from harness import CLOSED, OPEN
from select_harness import REACHED, REFUSED, SelectCase


class TakeoverCase(SelectCase):
    def kill(self):
        self.process.kill()
        self.process.wait()

    def remove(self):
        self.assert_status(self.call("daemon", "--remove", "--config",
                                     str(self.dir / "weir.yaml")), 0)

    def attached(self):
        """How often scope.attach was recorded, by cgroup."""
        return collections.Counter(r["scope"]["cgroup"] for r in self.records()
                                   if r["type"] == "scope.attach")

    def wait_scopes(self, cgroups):
        names = {self.name(cgroup) for cgroup in cgroups}
        self.wait(lambda: set(self.scopes()) == names)

    def wait_attached(self, cgroups):
        """Each of them once."""
        names = {self.name(cgroup): 1 for cgroup in cgroups}
        self.wait(lambda: self.attached() == names)

    def check(self, cgroups, end):
        for cgroup in cgroups:
            self.assertEqual(self.begin_and_connect(cgroup), end, cgroup)

    def killed(self):
        """A daemon with one cgroup, killed; then two more were made. Returns all three."""
        self.select()
        cgroups = [self.made("before")]
        self.wait_attached(cgroups)
        self.kill()
        cgroups += [self.made("one"), self.made("two")]
        self.check(cgroups, REFUSED)
        return cgroups

    def pins(self):
        return sorted(path.name for path in self.bpffs.glob("weir/abi-*"))


class Takeover(TakeoverCase):
    def test_scopes_made_meanwhile(self):
        cgroups = self.killed()
        gone = self.made("gone")
        gone.rmdir()
        self.select()
        self.wait_scopes(cgroups)
        self.wait_attached([*cgroups, gone])
        self.wait(lambda: any(r["type"] == "scope.detach" for r in self.records()))
        self.assertEqual({r["policy"]["name"] for r in self.records()
                          if r["type"] in ("scope.attach", "network.connect")}, {"e2e"})
        self.policy_write("closed", OPEN)
        self.assert_status(self.weir_ctl("reload"), 0)
        cgroups.append(self.made("three"))
        self.check(cgroups, REACHED)
        self.policy_write("closed", CLOSED)
        self.assert_status(self.weir_ctl("reload"), 0)
        cgroups.append(self.made("four"))
        self.check(cgroups, REFUSED)
        self.wait_attached([*cgroups, gone])
        self.daemon_stop()

    def test_none_was_made_before(self):
        self.select()
        self.kill()
        one = self.made("one")
        self.check([one], REFUSED)
        self.select()
        self.wait_attached([one])
        self.assertIn("closed.yaml", self.scopes()[self.name(one)]["file"])
        self.policy_write("closed", OPEN)
        self.assert_status(self.weir_ctl("reload"), 0)
        self.check([one, self.made("two")], REACHED)

    def test_the_file_has_changed(self):
        cgroups = self.killed()
        self.policy_write("closed", OPEN)
        self.select()
        self.check([*cgroups, self.made("three")], REACHED)

    def test_the_configuration_has_changed(self):
        cgroups = self.killed()
        self.select(policy="open")
        cgroups.append(self.made("three"))
        self.wait_scopes(cgroups)
        self.check(cgroups, REACHED)
        self.kill()
        self.daemon()
        self.wait_scopes([])
        self.check([self.made("four")], REACHED)
        self.assertFalse(self.scopes())

    def test_the_next_cannot_start(self):
        cgroups = self.killed()
        with self.assertRaises(AssertionError):
            self.select(policy="missing")
        cgroups.append(self.made("three"))
        self.check(cgroups, REFUSED)
        self.select()
        self.wait_attached(cgroups)

    def test_what_cannot_be_written_down(self):
        """The new configuration is in force for all of them, or for none, and then for all."""
        cgroups = self.killed()
        obstacle = self.run_folder / "state.json.new"
        obstacle.mkdir()
        self.select(policy="open")
        self.check([*cgroups, self.made("three")], REFUSED)
        obstacle.rmdir()
        cgroups.append(self.folder / "three")
        self.wait(lambda: self.begin_and_connect(cgroups[0]) == REACHED)
        self.check([*cgroups, self.made("four")], REACHED)

    def test_detached(self):
        cgroups = self.killed()
        self.select()
        self.wait_scopes(cgroups)
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroups[1])), 0)
        self.check([cgroups[1]], REACHED)
        self.check([cgroups[0], cgroups[2]], REFUSED)

    def test_granted(self):
        """A cgroup that has a grant of its own goes on under it when the others are switched."""
        cgroups = self.killed()
        self.select()
        self.wait_scopes(cgroups)
        self.assert_status(self.weir_ctl("grant", "--cgroup", self.name(cgroups[0]), "--for", "1h",
                                         "--connect", f"tcp:127.0.0.1:{self.port}"), 0)
        self.check([cgroups[0]], REACHED)
        self.check([*cgroups[1:], self.made("three")], REFUSED)
        self.policy_write("closed", CLOSED.replace("name: e2e", "name: e2e2"))
        self.assertIn("changed", self.weir_ctl("reload").stdout)
        self.check([cgroups[0]], REACHED)
        self.check([*cgroups[1:], self.made("four")], REFUSED)
        self.kill()
        self.check([cgroups[0]], REACHED)
        self.check([self.made("five")], REFUSED)
        self.select()
        self.check([cgroups[0]], REACHED)
        self.check([*cgroups[1:], self.made("six")], REFUSED)

    def test_killed_while_they_are_made(self):
        """Whenever it is: all are confined, none is forgotten."""
        cgroups = []
        for turn in range(10):
            self.select()
            for i in range(20):
                cgroups.append(self.made(f"c{turn}-{i}"))
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            cgroups.append(self.made(f"c{turn}-x"))
        self.check(cgroups, REFUSED)
        self.select()
        self.wait_scopes(cgroups)
        self.assertEqual(set(self.attached().values()), {1})
        self.daemon_stop()


class Removal(TakeoverCase):
    """What is in the kernel is taken away, or another version's."""

    def other_abi(self):
        """What a daemon has left is that of another version of weir now."""
        self.select()
        self.kill()
        [name] = self.pins()
        (self.bpffs / "weir" / name).rename(self.bpffs / "weir/abi-other")

    def test_a_first_start_fails_late(self):
        """What was put in force stays so, and that is said."""
        done = self.daemon_fails(f"""version: 1
metrics: {{listen: "127.0.0.1:{self.port}"}}
attach:
  - {{match: "{self.name(self.folder)}/*", policy: closed}}
""")
        self.assertEqual(done.returncode, 1)
        self.assertIn("those that are made come under their policy", done.stderr)
        self.check([self.made("one")], REFUSED)
        self.remove()
        self.check([self.made("two")], REACHED)

    def test_another_abi_whose_successor_cannot_start(self):
        self.other_abi()
        with self.assertRaises(AssertionError):
            self.select(policy="missing")
        self.check([self.made("one")], REFUSED)
        self.assertEqual(self.pins(), ["abi-other"])
        self.remove()
        self.check([self.made("two")], REACHED)

    def test_another_abi(self):
        self.other_abi()
        self.select()
        self.wait(lambda: len(self.pins()) == 1)
        self.assertNotEqual(self.pins(), ["abi-other"])
        self.check([self.made("one")], REFUSED)

    def test_a_stop_leaves_them(self):
        self.select()
        self.daemon_stop()
        one = self.made("one")
        self.check([one], REFUSED)
        self.select()
        self.wait_scopes([one])
        self.daemon_stop()
        two = self.made("two")
        self.check([two], REFUSED)
        self.remove()
        self.check([one, two, self.made("three")], REACHED)
        self.assertEqual(sorted(self.bpffs.glob("weir/*")), [])
