# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whom a policy binds: every process and thread that is or was in its cgroup, and nobody else."""

import time

from support import (Actor, CGROUPS, Case, PYTHON, Server, USER, WAIT_S, errno, json, policy_text,
                     signal, subprocess, unittest)

PORT = 4100
DENIED = ("tcp", "127.0.0.1", PORT)
ALLOWED = ("tcp", "127.0.0.2", PORT)
NESTED = 12

# a program of its own that connects where it may not; its status is the error
CONNECT = [PYTHON, "-I", "-S", "-c",
           "import socket, sys\n"
           "sock = socket.socket()\n"
           f"sys.exit(sock.connect_ex(('127.0.0.1', {PORT})))"]


def map_dump(name):
    """The entries of a map of weir's, as bpftool reads them by their types, but for those that
    went while it read."""
    done = subprocess.run(["bpftool", "-j", "map", "dump", "name", name], stdout=subprocess.PIPE,
                          check=True)
    return [entry["formatted"] for entry in json.loads(done.stdout)
            if "error" not in entry.get("value", ())]


class ScopeCase(Case):
    policy = policy_text("""  allow:
    - name: one
      addresses: [127.0.0.2]
""")

    @classmethod
    def prepare(cls):
        cls.server = Server(PORT)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.server.close()

    def helper(self):
        """A process from outside, to be moved."""
        actor = Actor()
        self.addCleanup(actor.process.communicate)
        self.addCleanup(actor.process.kill)
        actor.call(*DENIED)
        return actor

    @staticmethod
    def move(actor, cgroup):
        (cgroup / "cgroup.procs").write_text(str(actor.pid))

    def assert_bound(self, actor, *how):
        self.refused_by(actor, errno.EPERM, *how, *DENIED)
        actor.call(*how, *ALLOWED)
        self.free(*DENIED)


class Scope(ScopeCase):
    def test_processes(self):
        self.refused(errno.EPERM, *DENIED)
        self.refused(errno.EPERM, "forked", *DENIED)
        self.refused(errno.EPERM, "forked_deep", 5, *DENIED)
        self.allowed("forked_deep", 5, *ALLOWED)
        self.assertEqual(self.allowed("spawned", CONNECT), errno.EPERM)
        self.assertEqual(self.allowed("run", CONNECT), errno.EPERM)
        self.assertEqual(self.free("spawned", CONNECT), 0)

    def test_threads(self):
        index = self.allowed("thread_start")
        self.refused(errno.EPERM, "threaded", index, *DENIED)
        self.allowed("threaded", index, *ALLOWED)
        self.refused(errno.EPERM, "threaded", index, "forked", *DENIED)

    def test_outside_is_free_at_the_same_time(self):
        for _ in range(200):
            self.refused(errno.EPERM, *DENIED)
            self.free(*DENIED)

    def test_later_process_is_bound_at_once(self):
        actor = self.helper()
        self.move(actor, self.inside.cgroup)
        self.assert_bound(actor)

    def test_moved_out_stays_bound(self):
        actor = self.helper()
        self.move(actor, self.inside.cgroup)
        self.assert_bound(actor)
        self.move(actor, CGROUPS)
        self.assert_bound(actor)
        self.assert_bound(actor, "forked")
        self.assertEqual(actor.spawned(CONNECT), errno.EPERM)
        record = self.record(verdict="deny", process__pid=actor.pid)
        self.assertEqual(record["scope"]["cgroup"],
                         "/" + str(self.inside.cgroup.relative_to(CGROUPS)))

    def test_the_workload_itself_moved_out(self):
        self.move(self.inside, CGROUPS)
        try:
            self.assert_bound(self.inside)
            self.assert_bound(self.inside, "forked")
        finally:
            self.move(self.inside, self.inside.cgroup)

    def test_moved_before_it_acts(self):
        """Out again without a word: it never was bound, and what it does inside is."""
        actor = self.helper()
        self.move(actor, self.inside.cgroup)
        self.refused_by(actor, errno.EPERM, "forked", *DENIED)
        self.move(actor, CGROUPS)
        self.assert_bound(actor)

    def test_silent_thread_of_a_moved_process(self):
        actor = self.helper()
        index = actor.thread_start()
        self.move(actor, self.inside.cgroup)
        self.assert_bound(actor)
        self.move(actor, CGROUPS)
        self.assert_bound(actor, "threaded", index)

    def test_thread_tells_for_its_leader(self):
        actor = self.helper()
        index, other = actor.thread_start(), actor.thread_start()
        self.move(actor, self.inside.cgroup)
        self.assert_bound(actor, "threaded", index)
        self.move(actor, CGROUPS)
        self.assert_bound(actor)
        self.assert_bound(actor, "threaded", other)
        self.assert_bound(actor, "threaded", other, "forked")

    def test_threads_that_are_first_at_once(self):
        """Each may find the other's marks made meanwhile; none is refused for it."""
        for _ in range(5):
            actor = self.helper()
            indexes = [actor.thread_start() for _ in range(8)]
            self.move(actor, self.inside.cgroup)
            actor.threaded_at_once(indexes, *ALLOWED)
            self.assert_bound(actor, "threaded", indexes[-1])
            self.move(actor, CGROUPS)
            self.assert_bound(actor)

    def test_hints_count_every_mark(self):
        """One too few, and a task with a mark would be taken for one without."""
        def counts():
            hints, marks = map_dump("weir_hints"), map_dump("weir_marks")
            return sum(hint["value"]["marks"] for hint in hints), len(marks)
        index = self.allowed("thread_start")
        for _ in range(40):
            self.refused(errno.EPERM, "forked", *DENIED)
            self.refused(errno.EPERM, "threaded", index, "forked", *DENIED)
        self.free("forked_deep", 20, *DENIED)
        actor = self.helper()
        self.move(actor, self.inside.cgroup)
        self.assert_bound(actor, "forked_deep", 20)
        deadline = time.monotonic() + WAIT_S
        found = counts()
        while found[0] != found[1] and time.monotonic() < deadline:     # tasks end a little later
            found = counts()
        self.assertEqual(*found)
        self.assertGreaterEqual(found[1], 3)    # the workload, its thread, the helper

    def exec_by_thread(self, first):
        """A thread that execs takes its leader's place: the mark must not go with the leader."""
        actor = self.helper()
        index = actor.thread_start()
        self.move(actor, self.inside.cgroup)
        self.assert_bound(actor, *(["threaded", index] if first == "thread" else []))
        self.move(actor, CGROUPS)
        with self.assertRaises(AssertionError):     # its end, instead of an answer
            actor.replace_unasked(index, CONNECT)
        self.assertEqual(actor.process.wait(), errno.EPERM)

    def test_exec_by_a_thread_that_acted(self):
        self.exec_by_thread("thread")

    def test_exec_by_a_silent_thread(self):
        self.exec_by_thread("leader")

    def test_clone_into_cgroup(self):
        self.refused_by(self.outside, errno.EPERM, "cgroup_into", str(self.inside.cgroup), *DENIED)
        self.free("cgroup_into", str(self.inside.cgroup), *ALLOWED)
        self.free(*DENIED)

    def test_ends_are_recorded(self):
        self.assertEqual(self.allowed("run", [PYTHON, "-I", "-S", "-c", "raise SystemExit(7)"]), 7)
        self.record(type="process.exec", verdict="allow", process__ppid=self.inside.pid)
        self.record(type="process.exit", detail={"exit_code": 7})

    def test_start_is_recorded(self):
        for record in self.inside.records():
            if record["type"] == "process.exec":
                break
        self.assertEqual(record["process"]["pid"], self.inside.pid)
        self.assertEqual(record["process"]["args"][0], PYTHON)
        self.assertEqual(record["reason"], "unrestricted")

    def test_signals_of_the_workload(self):
        """A workload that ends by a signal leaves a record of it."""
        actor = self.helper()
        self.move(actor, self.inside.cgroup)
        self.assert_bound(actor)
        actor.process.send_signal(signal.SIGKILL)
        self.record(type="process.exit", process__pid=actor.pid)


class ScopeOfUser(Scope):
    user = USER

    def test_clone_into_cgroup(self):
        self.skipTest("the cgroup belongs to root")


class Nested(ScopeCase):
    """The workload is root and makes cgroups of its own."""

    def test_nested(self):
        cgroup = str(self.inside.cgroup)
        made = []
        actors = [self.helper() for _ in range(2)]
        for level in range(NESTED):
            cgroup += f"/n{level}"
            self.allowed("cgroup_make", cgroup)
            made.append(cgroup)
        for path in (made[0], made[-1]):
            with self.subTest(path):
                actor = actors.pop()
                (CGROUPS / path / "cgroup.procs").write_text(str(actor.pid))
                self.assert_bound(actor)
                self.assert_bound(actor, "forked")
                self.refused_by(self.outside, errno.EPERM, "cgroup_into", path, *DENIED)
                self.refused(errno.EPERM, "cgroup_into", path, *DENIED)
                self.move(actor, CGROUPS)
                self.assert_bound(actor)
        # the workload itself goes down, and up again
        self.allowed("cgroup_join", made[-1])
        self.assert_bound(self.inside)
        self.assert_bound(self.inside, "forked")
        self.allowed("cgroup_join", str(self.inside.cgroup))
        self.assert_bound(self.inside)
        # out by its own hand: root may, and is bound all the same
        self.allowed("cgroup_join", str(CGROUPS))
        self.assert_bound(self.inside)
        self.allowed("cgroup_join", str(self.inside.cgroup))


if __name__ == "__main__":
    unittest.main()
