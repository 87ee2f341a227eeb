# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The daemon with all that is enforced: what runs already, who is bound, who may ask it."""

import contextlib
import os
import socket
import time

from support import Actor, CGROUPS, PYTHON, WEIR, errno, once, put, subprocess, unittest

import harness
from daemon_harness import DaemonCase
from harness import CLOSED, OPEN

harness.Case.weir = str(WEIR)

SECRET = "/scratch/weir-daemon/secret"
# nothing is accepted either: who began a connection that was there before is not known
CLOSED_FILES = CLOSED.replace("  listen: unrestricted\n", "").replace("files: unrestricted", f"""files:
  allow:
    - name: all
      paths: ["/**"]
  deny:
    - name: secret
      paths: [{SECRET}]
""")
STREAM = int(socket.SOCK_STREAM)

# forks without end: each child and its child connect, and write when they began and how it went
BOMB = """import os, socket, sys, time
port, end = int(sys.argv[1]), sys.argv[3]
out = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def attempt():
    began = time.monotonic_ns()
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        how = "reached"
    except OSError as error:
        how = str(error.errno)
    os.write(out, f"{began} {how}\\n".encode())
while not os.path.exists(end):
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            attempt()
        attempt()
        os._exit(0)
    os.waitpid(pid, 0)
"""

# the same as a chain: each makes the next and ends, so that there is never one to point at
CHAIN = BOMB.replace("    if pid == 0:", "    if pid:\n        os._exit(0)\n    if True:").replace(
    "        if os.fork() == 0:\n            attempt()\n        attempt()\n        os._exit(0)\n"
    "    os.waitpid(pid, 0)", "        attempt()")


class Daemon(DaemonCase):
    def actor(self, cgroup):
        """One that is in a cgroup, and says nothing until it is asked."""
        actor = Actor()
        self.addCleanup(actor.process.wait)
        self.addCleanup(actor.process.kill)
        self.move(actor, cgroup)
        return actor

    @staticmethod
    def move(actor, cgroup):
        (cgroup / "cgroup.procs").write_text(str(actor.pid))

    def refused(self, actor, code, *call):
        try:
            value = actor.call(*call)
        except OSError as error:
            self.assertEqual(errno.errorcode[error.errno], errno.errorcode[code], call)
            return
        self.fail(f"{call} was not refused: {value}")

    def connect(self):
        return "tcp", "127.0.0.1", self.port

    def denials(self, **wanted):
        return [r for r in self.records() if r.get("verdict") == "deny"
                and all(r.get(key) == value for key, value in wanted.items())]


class Running(Daemon):
    """What is in a cgroup when it is attached."""

    def setUp(self):
        super().setUp()
        put(SECRET)
        self.policy_write("closed", CLOSED_FILES)
        self.daemon()

    def test_all_of_a_process(self):
        """Its threads, children, connections and open files."""
        cgroup = self.cgroup("one")
        actor = self.actor(cgroup)
        thread, child = actor.thread_start(), actor.child_start()
        file, other = actor.open_fd(SECRET, os.O_RDONLY), actor.open_fd("/etc/passwd", os.O_RDONLY)
        talk = actor.sock_client(STREAM, ["127.0.0.1", self.port])
        actor.sock_send(talk, "x", "send")
        self.assertEqual(actor.sock_receive(talk)[0], "x")
        for way in ((), ("threaded", thread), ("child", child), ("forked",)):
            actor.call(*way, *self.connect())
        self.attach("closed", cgroup)
        for way in ((), ("threaded", thread), ("child", child), ("forked",)):
            self.refused(actor, errno.EPERM, *way, *self.connect())
            self.refused(actor, errno.EACCES, *way, "read", SECRET)
        self.refused(actor, errno.EACCES, "held_read", file)
        actor.held_read(other)
        self.assertRaises(OSError, actor.sock_send, talk, "x", "send")
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(cgroup)), 0)
        actor.call(*self.connect())
        actor.read(SECRET)
        self.daemon_stop()
        self.assertEqual({r["policy"]["rule"] for r in self.denials(type="file.open")}, {"secret"})

    def test_by_pid(self):
        actor = self.actor(self.cgroup("one"))
        actor.call(*self.connect())
        self.assert_status(self.weir_ctl("attach", "--policy", "closed", "--pid", actor.pid), 0)
        self.refused(actor, errno.EPERM, *self.connect())

    def test_silent_ones_do_not_get_away(self):
        """Moved out before they have acted: a process, and the thread of one."""
        cgroup = self.cgroup("one")
        silent, threads = self.actor(cgroup), self.actor(cgroup)
        index = threads.thread_start()
        outside = self.actor(self.cgroup("other"))
        self.attach("closed", cgroup)
        for actor in (silent, threads):
            self.move(actor, CGROUPS)
        self.refused(silent, errno.EPERM, *self.connect())
        self.refused(threads, errno.EPERM, "threaded", index, *self.connect())
        self.refused(threads, errno.EPERM, *self.connect())
        self.refused(silent, errno.EPERM, "forked", *self.connect())
        outside.call(*self.connect())

    def test_forking_all_the_time(self):
        """Nothing that begins after the attach is free, whoever made it."""
        cgroup, out, end = self.cgroup("bomb"), self.dir / "bomb", self.dir / "bomb-end"
        for program in (BOMB, BOMB, CHAIN):
            process = subprocess.Popen(self.enter_argv(cgroup, PYTHON, "-c", program, self.port,
                                                       out, end))
            self.addCleanup(self.stop, process)
        self.wait(lambda: out.exists() and len(out.read_text().splitlines()) > 30)
        self.attach("closed", cgroup)
        attached = time.monotonic_ns()
        self.wait(lambda: len(self.bombs(out, attached)) > 200)
        end.touch()
        (cgroup / "cgroup.kill").write_text("1")
        self.assertIn("reached", self.bombs(out, 0))
        self.assertEqual(set(self.bombs(out, attached)), {str(errno.EPERM)})

    @staticmethod
    def bombs(out, since):
        """How the attempts ended that began since then."""
        # what is behind the last line's end is being written; a line has no end of its own if
        # who wrote it was killed on the way
        lines = [line.split(" ") for line in out.read_text().split("\n")[:-1]
                 if line.count(" ") == 1]
        return [how for began, how in lines if int(began) > since]

    def test_the_outermost_that_refuses_is_recorded(self):
        """Also when it came last, and is the one that who acts has been bound by for shortest."""
        outer, inner = self.cgroup("one"), self.cgroup("one/two")
        self.policy_write("inner", CLOSED_FILES.replace("name: e2e", "name: inner"))
        actor = self.actor(inner)
        self.attach("inner", inner)
        self.refused(actor, errno.EPERM, *self.connect())
        self.attach("closed", outer)
        self.refused(actor, errno.EPERM, *self.connect())
        silent = self.actor(inner)
        self.refused(silent, errno.EPERM, *self.connect())
        self.daemon_stop()
        self.assertEqual([r["policy"]["name"] for r in self.denials(type="network.connect")],
                         ["inner", "e2e", "e2e"])

    def test_inner_only_narrows(self):
        outer, inner = self.cgroup("one"), self.cgroup("one/two")
        self.attach("closed", outer)
        self.attach("open", inner)
        self.refused(self.actor(inner), errno.EPERM, *self.connect())
        self.assert_status(self.weir_ctl("detach", "--cgroup", self.name(outer)), 0)
        self.actor(inner).call(*self.connect())
        self.policy_write("open", CLOSED)
        self.assert_status(self.weir_ctl("reload", "open"), 0)
        self.refused(self.actor(inner), errno.EPERM, *self.connect())
        self.actor(outer).call(*self.connect())

    def test_end_of_a_cgroup(self):
        """Its scope ends, unless somebody who was moved out still has it."""
        cgroup = self.cgroup("one")
        actor = self.actor(cgroup)
        self.attach("closed", cgroup)
        self.refused(actor, errno.EPERM, *self.connect())
        self.move(actor, CGROUPS)
        cgroup.rmdir()
        self.wait(lambda: self.scopes()[self.name(cgroup)]["gone"])
        self.refused(actor, errno.EPERM, *self.connect())
        again = self.cgroup("one")
        self.attach("open", again)
        self.actor(again).call(*self.connect())
        actor.end()
        self.wait(lambda: [scope["gone"] for scope in self.status()["scopes"]] == [False])

    def test_storm(self):
        self.daemon_stop()
        self.log = self.dir / "storm.jsonl"
        self.storm(40)


class Control(Daemon):
    """Who is confined does not reach the daemon, whatever its policy says."""

    FREE = OPEN                                         # nothing but the network is closed
    AUDIT = OPEN.replace("name: e2e", "name: e2e\nmode: audit")

    def reaches(self):
        root = f"/proc/{os.getpid()}/root"
        bound = self.dir / "bound"
        bound.mkdir()
        subprocess.run(["mount", "--bind", str(self.run_folder), str(bound)], check=True)
        self.addCleanup(subprocess.run, ["umount", str(bound)], check=True)
        link = self.dir / "link"
        link.symlink_to(self.socket)
        return [str(self.socket), root + str(self.socket), str(bound / self.socket.name),
                str(link)]

    def test_out_of_reach(self):
        self.daemon()
        ways = self.reaches()
        for name, text in (("free", self.FREE), ("audit", self.AUDIT)):
            self.policy_write(name, text)
            cgroup = self.cgroup(name)
            actor = self.actor(cgroup)
            for way in ways:
                actor.sock_reach(STREAM, way)
            self.attach(name, cgroup)
            for way in ways:
                self.refused(actor, errno.EPERM, "sock_reach", STREAM, way)
                self.refused(actor, errno.EPERM, "forked", "sock_reach", STREAM, way)
            self.refused(actor, errno.ECONNREFUSED, "sock_reach", STREAM, f"@{self.socket}")
            # by its mark alone
            self.move(actor, CGROUPS)
            self.refused(actor, errno.EPERM, "sock_reach", STREAM, ways[0])
            done = self.inside(cgroup, WEIR, "detach", "--cgroup", self.name(cgroup), env=self.env)
            self.assert_status(done, 4)
        self.daemon_stop()
        asked = self.denials(type="guard.escape", reason="guard")
        self.assertEqual({r["detail"]["asked"] for r in asked}, {"control-socket"})
        self.assertEqual(len(asked), 2 * (2 * len(ways) + 2))

    def test_connected_before_it_was_confined(self):
        """Asked again when the request has come."""
        self.daemon()
        cgroup = self.cgroup("one")
        self.attach("open", cgroup)

        def answer():
            actor = self.actor(CGROUPS)
            fd = actor.sock_client(STREAM, str(self.socket))
            self.move(actor, cgroup)
            actor.call(*self.connect())     # who has acted stays marked
            self.move(actor, CGROUPS)
            # nobody listens any more where a request comes seconds after its connection
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                actor.sock_send(fd, '{"v":1,"command":"status"}\n', "send")
                return actor.sock_receive(fd)[0]
            return ""

        self.assertIn("forbidden", next(filter(None, (answer() for _ in range(10)))))

    def test_run_beside_it(self):
        """Nor who another weir has confined."""
        self.daemon()
        done = self.run_weir(WEIR, "status", env=self.env, log=self.dir / "run.jsonl")
        self.assert_status(done, 4)


class Log(Daemon):
    """A log that takes nothing."""

    @once
    def test_disk_is_full(self):
        small = self.dir / "small"
        small.mkdir()
        # among the mounts that the daemon sees, which end with them
        subprocess.run([*self.prefix, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs",
                        str(small)], check=True)
        self.log = self.bpffs.parents[2] / small.relative_to("/") / "log.jsonl"
        self.policy_write("closed", CLOSED)
        self.daemon()
        one, two = self.cgroup("one"), self.cgroup("two")
        self.attach("closed", one)
        actor, count = self.actor(one), 0
        while self.status()["log"]["writable"]:
            for _ in range(20):
                self.refused(actor, errno.EPERM, *self.connect())
            count += 20
        # what is confined stays so, and who comes is
        self.attach("closed", two)
        self.refused(self.actor(two), errno.EPERM, *self.connect())
        self.policy_write("closed", OPEN)
        self.assert_status(self.weir_ctl("reload"), 0)
        actor.call(*self.connect())
        subprocess.run([*self.prefix, "mount", "-o", "remount,size=4m", str(small)], check=True)
        self.wait(lambda: self.status()["log"]["writable"])
        self.daemon_stop()
        self.assertEqual(len(self.denials(type="network.connect")), count + 1)
        self.assertNotIn("audit.lost", {r["type"] for r in self.records()})


if __name__ == "__main__":
    unittest.main()
