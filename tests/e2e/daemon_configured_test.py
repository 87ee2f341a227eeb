# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the daemon's configuration asks for: cgroups that come and go, and those that cannot be had."""

import time

from daemon_harness import HOSTS, DaemonCase
from harness import CLOSED, timestamp


class Configured(DaemonCase):
    def test_cgroups_that_appear_and_go(self):
        self.policy_write("closed", CLOSED)
        here = self.cgroup("slice/here")
        parent = self.name(here.parent)
        self.daemon(attach=f"""
  - {{match: "{parent}/*", policy: closed, labels: {{by: match}}}}
  - {{cgroup: "{parent}-named", policy: closed, mode: audit}}""")
        self.assertFalse(self.connects(here))
        later = self.cgroup("slice/later")
        self.wait(lambda: self.name(later) in self.scopes())
        self.assertFalse(self.connects(later))
        named = self.cgroup("slice-named")
        self.wait(lambda: self.name(named) in self.scopes())
        self.assertEqual(self.scopes()[self.name(named)]["mode"], "audit")
        self.assertTrue(self.connects(named))
        first = self.scopes()[self.name(later)]["cgroup_id"]
        later.rmdir()
        self.wait(lambda: self.name(later) not in self.scopes())
        later = self.cgroup("slice/later")
        self.wait(lambda: self.name(later) in self.scopes())
        self.assertNotEqual(self.scopes()[self.name(later)]["cgroup_id"], first)

    def test_detached_stays_detached(self):
        self.policy_write("closed", CLOSED)
        cgroup = self.cgroup("one")
        self.daemon(attach=f"\n  - {{cgroup: \"{self.name(cgroup)}\", policy: closed}}")
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroup)), 0)
        time.sleep(1.5)  # longer than the daemon waits until it looks around by itself
        self.assertTrue(self.connects(cgroup))

    def test_detached_stays_detached_whoever_attached_it(self):
        """By a command, and the configuration asks for it too."""
        self.policy_write("closed", CLOSED)
        cgroup = self.cgroup("one")
        self.daemon(attach=f"\n  - {{cgroup: \"{self.name(cgroup)}\", policy: closed}}")
        for _ in range(2):
            self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroup)), 0)
            other = self.cgroup("other")    # which has the daemon look around
            self.attach("closed", other)
            self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(other)), 0)
            self.assertEqual(self.scopes(), {})
            self.attach("closed", cgroup)
            self.attach("closed", other)
            self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(other)), 0)

    def test_what_could_not_be_confined_is_tried_again(self):
        self.policy_write("closed", CLOSED)
        cgroup = self.cgroup("one")
        # within four scopes already: one more would be too many
        above = [self.cgroup("one/a"), self.cgroup("one/a/b"), self.cgroup("one/a/b/c")]
        deep = self.cgroup("one/a/b/c/d")
        self.daemon()
        for within in (cgroup, *above):
            self.attach("open", within)
        self.daemon_stop()
        # there before any daemon is asked for it, and so for the daemon to attach
        inner = self.cgroup("one/a/b/c/d/e")
        self.daemon(attach=f"\n  - {{cgroup: \"{self.name(deep)}/e\", policy: closed}}")
        self.wait(lambda: self.status()["failed"])
        [failed] = self.status()["failed"]
        self.assertEqual(failed["cgroup"], self.name(inner))
        self.assertIn("too many", failed["error"])
        self.assertIn(self.name(inner), self.weir_ctl("status").stdout)
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(above[2])), 0)
        self.wait(lambda: self.name(inner) in self.scopes())
        self.assertFalse(self.connects(inner))
        self.assertEqual(self.status()["failed"], [])
        self.daemon_stop()
        rejects = [r for r in self.records() if r["type"] == "policy.reject"]
        self.assertEqual(len(rejects), 1)   # once, however often it was tried

    def test_names_with_a_dot_in_front(self):
        self.policy_write("closed", CLOSED)
        hidden = self.cgroup("slice/.hidden")
        self.daemon(attach=f"\n  - {{match: \"{self.name(hidden.parent)}/*\", policy: closed}}")
        self.assertFalse(self.connects(hidden))

    def test_folder_that_appears_with_what_is_in_it(self):
        """Seen at once, and not when the daemon looks around by itself."""
        self.policy_write("closed", CLOSED)
        top = self.cgroup("top")
        self.daemon(attach=f"\n  - {{match: \"{self.name(top)}/a/b/*\", policy: closed}}")
        took = []
        for number in range(5):
            began = time.time()
            made = self.cgroup(f"top/a/b/{number}")
            self.wait(lambda made=made: self.attached(made))
            took.append(self.attached(made)[0] - began)
            for folder in (made, made.parent, made.parent.parent):
                folder.rmdir()
            self.wait(lambda: not self.scopes())
        self.assertLess(min(took), 0.5)

    def attached(self, cgroup):
        """When that was, by the log."""
        return [timestamp(record["time"]) for record in self.records()
                if record["type"] == "scope.attach"
                and record["scope"]["cgroup"] == self.name(cgroup)]

    def test_wrong_configuration(self):
        for text, status, said in (("version: 1\nlogs: x\n", 1, "weir.yaml:2:1"),
                                   ("version: 1\nattach: [{cgroup: /a, policy: zork}]\n", 1,
                                    "no policy"),
                                   ("version: 1\nattach: [{cgroup: /a, policy: hosts}]\n", 125,
                                    "cannot be enforced")):
            self.policy_write("hosts", HOSTS)
            done = self.daemon_fails(text)
            self.assert_status(done, status)
            self.assertIn(said, done.stderr)
