# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cgroups that the configuration names are under their policy before anything can be in them."""

import os
import signal

from harness import CLOSED, OPEN
from select_harness import REACHED, REFUSED, SelectCase

SCOPES_MAX = 4095


class Selectors(SelectCase):
    def errors(self):
        return (self.dir / "daemon.err").read_text()

    def halt(self):
        """From here on only the kernel acts."""
        os.kill(self.daemon_pid(), signal.SIGSTOP)
        self.addCleanup(self.go_on)

    def go_on(self):
        if self.process.poll() is None:
            os.kill(self.daemon_pid(), signal.SIGCONT)

    def test_the_daemon_need_not_run(self):
        self.select()
        self.assertEqual(self.begin_and_connect(self.cgroup("beside")), REACHED)
        self.halt()
        cgroups = [self.made(f"c{i}") for i in range(100)]
        told = [(self.begin_and_connect if i % 2 else self.enter_and_connect)(cgroup)
                for i, cgroup in enumerate(cgroups)]
        self.assertEqual(set(told), {REFUSED})
        self.assertEqual(self.begin_and_connect(self.cgroup("beside")), REACHED)
        inner = self.made("inner", cgroups[0])
        self.assertEqual(self.begin_and_connect(inner), REFUSED)
        inner.rmdir()
        for cgroup in cgroups[50:]:
            cgroup.rmdir()
        self.go_on()
        self.wait(lambda: set(self.scopes()) == {self.name(c) for c in cgroups[:50]})
        self.daemon_stop()
        records = self.records()
        for kind in ("scope.attach", "network.connect"):
            self.assertEqual({r["scope"]["cgroup"] for r in records if r["type"] == kind} -
                             {self.name(inner)}, {self.name(c) for c in cgroups})

    def race(self, first, count):
        """In a child: as fast as it goes. Ends with the number of those that got through."""
        through = 255   # also when it fails on the way: the tests go on in the parent alone
        try:
            through = min(sum(self.race_one(i) != REFUSED for i in range(first, first + count)),
                          255)
        finally:
            os._exit(through)

    def race_one(self, i):
        cgroup = self.made(f"r{i}")
        outcome = (self.begin_and_connect if i % 2 else self.enter_and_connect)(cgroup)
        cgroup.rmdir()
        return outcome

    def test_none_gets_through(self):
        self.select()
        pids = []
        for first in (0, 10000):
            pid = os.fork()
            if pid == 0:
                self.race(first, int(os.environ.get("WEIR_RACES", 1000)))
            pids.append(pid)
        self.assertEqual([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids],
                         [0, 0])
        self.wait(lambda: not self.scopes())

    def test_slots_come_back(self):
        self.select()
        for turn in range(10):
            for i in range(500):
                self.made(f"t{turn}-{i}").rmdir()
            self.wait(lambda: not self.scopes())
        self.assertNotIn("could not be put", self.errors())
        self.assertEqual(self.begin_and_connect(self.made("last")), REFUSED)
        self.wait(lambda: self.scopes())

    def test_more_than_there_is_room_for(self):
        self.select(policy="open")
        self.halt()
        cgroups = [self.made(f"c{i}") for i in range(SCOPES_MAX + 20)]
        within, beyond = cgroups[:-20], cgroups[-20:]
        # what is under the policy goes by it; the rest may do nothing
        self.assertEqual({self.begin_and_connect(c) for c in within[-20:]}, {REACHED})
        self.assertEqual({self.begin_and_connect(c) for c in beyond}, {REFUSED})
        self.go_on()
        self.wait(lambda: "20 new cgroups could not be put" in self.errors())
        self.assertEqual({self.enter_and_connect(c) for c in beyond}, {REFUSED})
        for text, end in ((CLOSED, REFUSED), (OPEN, REACHED)):
            self.policy_write("open", text)
            self.assert_status(self.weir_ctl("reload"), 0)
            self.assertEqual({self.begin_and_connect(c) for c in within[-20:]}, {end})
        self.assertEqual({self.enter_and_connect(c) for c in beyond}, {REFUSED})
        # nor is it said of them, at each look around, that they came under it
        names = {self.name(c) for c in beyond}
        self.assertEqual([r for r in self.records() if r["type"].startswith("scope.") and
                          r["scope"]["cgroup"] in names], [])
        freed = beyond.pop()
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(freed)), 0)
        self.assertEqual(self.begin_and_connect(freed), REACHED)
        self.assertEqual(self.weir_ctl("detach", "--cgroup", self.name(freed)).returncode, 1)
        beyond.pop().rmdir()
        for cgroup in within:
            cgroup.rmdir()
        self.wait(lambda: {self.begin_and_connect(c) for c in beyond} == {REACHED})
        self.wait(lambda: set(self.scopes()) == {self.name(c) for c in beyond})

    def test_the_daemon_was_killed(self):
        self.select()
        before = self.made("before")
        self.wait(lambda: self.scopes())
        self.process.kill()
        self.process.wait()
        after = self.made("after")
        for cgroup in (before, after):
            self.assertEqual(self.begin_and_connect(cgroup), REFUSED)
        # another weir comes and goes, which clears up what is left and not needed
        self.assert_status(self.run_weir("true"), 0)
        self.assertEqual(self.begin_and_connect(self.made("later")), REFUSED)
        self.select()
        self.assertEqual(self.begin_and_connect(self.made("again")), REFUSED)
        self.wait(lambda: self.name(self.folder / "again") in self.scopes())

    def test_folders_that_are_not_there_yet(self):
        top = self.name(self.folder)
        self.daemon(attach=f"""
  - {{match: "{top}/a/b/*", policy: closed}}
  - {{cgroup: "{top}/x/named", policy: closed}}
  - {{match: "{top}/x/*", policy: open}}""")
        self.halt()
        a = self.made("a")
        b = self.made("b", a)
        x = self.made("x")
        for cgroup, end in ((a, REACHED), (b, REACHED), (self.made("c", b), REFUSED), (x, REACHED),
                            (self.made("named", x), REFUSED), (self.made("other", x), REACHED)):
            self.assertEqual(self.begin_and_connect(cgroup), end, cgroup)
        self.go_on()
        self.wait(lambda: {path: scope["file"].rpartition("/")[2]
                           for path, scope in self.scopes().items()} == {
            self.name(b / "c"): "closed.yaml", self.name(x / "named"): "closed.yaml",
            self.name(x / "other"): "open.yaml"})

    def test_reload(self):
        self.select()
        one = self.made("one")
        self.policy_write("closed", OPEN)
        self.assert_status(self.weir_ctl("reload"), 0)
        self.halt()
        for cgroup in (one, self.made("two")):
            self.assertEqual(self.begin_and_connect(cgroup), REACHED)
        self.go_on()
        self.policy_write("closed", CLOSED)
        self.assert_status(self.weir_ctl("reload"), 0)
        for cgroup in (one, self.folder / "two", self.made("three")):
            self.assertEqual(self.begin_and_connect(cgroup), REFUSED)

    def test_the_daemons_own_cgroup(self):
        """Made anew it is for the next daemon, which could not start under a policy."""
        outer = self.made("weir")
        inner = self.made("inner", outer)
        free = self.prefix
        self.prefix = self.enter_argv(inner, *free)
        self.daemon(attach=f"""
  - {{cgroup: "{self.name(inner)}", policy: closed}}
  - {{match: "{self.name(self.folder)}/*", policy: closed}}""")
        self.prefix = free
        self.assertEqual(self.begin_and_connect(self.made("beside")), REFUSED)
        self.wait(lambda: [*self.scopes()] == [self.name(self.folder / "beside")])
        self.process.kill()
        self.process.wait()
        for cgroup in (inner, outer):
            cgroup.rmdir()
        for cgroup in (self.made("weir"), self.made("inner", outer)):
            self.assertEqual(self.begin_and_connect(cgroup), REACHED)
        # one that is elsewhere needs none of this
        self.select()
        self.assertEqual(self.begin_and_connect(outer), REFUSED)
        self.wait(lambda: self.name(outer) in self.scopes())
        inner.rmdir()
        outer.rmdir()
        self.assertEqual(self.begin_and_connect(self.made("weir")), REFUSED)

    def test_detached(self):
        self.select()
        cgroup = self.made("one")
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroup)), 0)
        self.assertEqual(self.begin_and_connect(cgroup), REACHED)
        cgroup.rmdir()
        self.assertEqual(self.begin_and_connect(self.made("one")), REFUSED)
