# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Open files that come from elsewhere: handed over, fetched, brought along by a process that is moved
into the scope. Decided by their path and what they are open for.
"""
import mmap
import socket

from net import SEQPACKET, sysctl
from places import each_place, places
from support import (ACTOR_FILES, Actor, Case, USER, WEIR, as_user, errno, fresh_dir, os,
                     policy_text, put, subprocess, unittest)

PLACES = places("weir-descriptors")
FOLDER = "/scratch/weir-door"
DOOR = f"{FOLDER}/door"
KINDS = {"rw": "read, write, create", "ro": "read", "wo": "write", "none": "", "x": "execute"}


def rules():
    for name, place in PLACES.items():
        for kind, access in KINDS.items():
            if access:
                yield f"""    - name: {kind}-{name}
      paths: ["{place}/{kind}/**"]
      access: [{access}]
"""


POLICY = policy_text(files=f"  allow:\n{ACTOR_FILES}{''.join(rules())}")
MODES = {"read": os.O_RDONLY, "write": os.O_WRONLY, "read, write": os.O_RDWR}


def setUpModule():
    sysctl("kernel.yama.ptrace_scope", 0)


def covered(kind, access):
    return all(one in KINDS[kind].split(", ") for one in access.split(", "))


class Descriptors(Case):
    places = PLACES
    policy = POLICY

    @classmethod
    def prepare(cls):
        fresh_dir(FOLDER)
        for place in PLACES.values():
            fresh_dir(place)
            for kind in KINDS:
                os.mkdir(f"{place}/{kind}")
                put(f"{place}/{kind}/f", "content\n")
        cls.door = socket.socket(socket.AF_UNIX, SEQPACKET)
        cls.door.bind(DOOR)
        cls.door.listen()
        os.chmod(DOOR, 0o777)
        cls.owner = cls.actor_of_user()
        for close in (cls.door.close, cls.owner.end):
            cls.addClassCleanup(close)

    @classmethod
    def actor_of_user(cls):
        return Actor(as_user(cls.user))

    def passed(self, actor, fd):
        """Over a unix socket."""
        end = actor.sock_client(SEQPACKET, DOOR)
        try:
            with self.door.accept()[0] as served:
                socket.send_fds(served, [b"x"], [fd])
                return actor.fd_take(end)
        finally:
            actor.sock_close(end)

    def obtain(self, way, actor, path, flags):
        """An open file of somebody else, in the hands of the actor."""
        if way == "fetched":
            owned = self.owner.open_fd(path, flags)
            try:
                return actor.fd_fetch(self.owner.pid, owned)
            finally:
                self.owner.close_fd(owned)
        fd = os.open(path, flags)
        try:
            return self.passed(actor, fd)
        finally:
            os.close(fd)

    def not_obtained(self, way, path, flags):
        try:
            self.obtain(way, self.inside, path, flags)
        except OSError as error:
            self.assertEqual(errno.errorcode[error.errno], "EACCES")
            return
        self.fail(f"{path} was {way}")

    @each_place
    def test_taken_over(self, place):
        for way in ("passed", "fetched"):
            for access, flags in MODES.items():
                for kind in KINDS:
                    with self.subTest(way=way, access=access, kind=kind):
                        self.since = len(self.inside.records())
                        path = f"{place}/{kind}/f"
                        self.outside.close_fd(self.obtain(way, self.outside, path, flags))
                        if covered(kind, access):
                            fd = self.obtain(way, self.inside, path, flags)
                            self.allowed("held_write" if access == "write" else "held_read", fd)
                            self.allowed("close_fd", fd)
                            continue
                        self.not_obtained(way, path, flags)
                        self.record(type="file.open", verdict="deny", reason="no-rule",
                                    file={"path": path, "access": access.split(", ")})

    @each_place
    def test_folders_taken_over(self, place):
        flags = os.O_RDONLY | os.O_DIRECTORY
        for way in ("passed", "fetched"):
            self.outside.close_fd(self.obtain(way, self.outside, f"{place}/none", flags))
            self.not_obtained(way, f"{place}/none", flags)
            fd = self.obtain(way, self.inside, f"{place}/ro", flags)
            self.assertEqual(self.allowed("held_list", fd), ["f"])
            self.allowed("close_fd", fd)
            # open for nothing: a place to start from, and what is opened from there is decided
            fd = self.obtain(way, self.inside, f"{place}/none", os.O_PATH)
            self.refused(errno.EACCES, "open_at", fd, "f", os.O_RDONLY)
            self.refused(errno.EACCES, "flags_open", f"/proc/self/fd/{fd}", os.O_RDONLY)
            self.allowed("open_at", fd, "../ro/f", os.O_RDONLY)
            self.allowed("close_fd", fd)

    def test_removed_file_taken_over(self):
        """Decided by the name that it had."""
        for kind in ("ro", "none"):
            path = put(f"{PLACES['ext4']}/{kind}/gone", "content\n")
            fd = os.open(path, os.O_RDONLY)
            os.unlink(path)
            try:
                if kind == "ro":
                    self.allowed("close_fd", self.passed(self.inside, fd))
                else:
                    with self.assertRaises(OSError):
                        self.passed(self.inside, fd)
                    self.record(type="file.open", verdict="deny", file__path=path)
            finally:
                os.close(fd)

    def test_other_namespace_taken_over(self):
        """A file that the namespace does not show has no path."""
        path = f"{PLACES['ext4']}/rw"
        self.free("mount", "tmpfs", path, "tmpfs")
        put(f"{path}/inner")
        fd = os.open(f"{path}/inner", os.O_RDONLY)
        try:
            self.allowed("close_fd", self.passed(self.inside, fd))
            self.free("unmount", path, 2)
            self.outside.close_fd(self.passed(self.outside, fd))
            with self.assertRaises(OSError):
                self.passed(self.inside, fd)
            self.record(type="file.open", verdict="deny", reason="unresolved-path")
        finally:
            os.close(fd)

    def test_no_files_taken_over(self):
        ends = os.pipe()
        for fd in ends:
            self.allowed("close_fd", self.passed(self.inside, fd))
            os.close(fd)
        fd = os.memfd_create("memory")
        self.allowed("close_fd", self.passed(self.inside, fd))
        os.close(fd)

    # --- brought along

    def helper(self):
        """A process from outside, to be moved."""
        actor = self.actor_of_user()
        self.addCleanup(self.end, actor)
        return actor

    @staticmethod
    def end(actor):
        if actor.process.poll() is None:
            actor.process.kill()
            actor.process.communicate()

    def move(self, actor):
        (self.inside.cgroup / "cgroup.procs").write_text(str(actor.pid))

    def used(self, place):
        """Each use of a held descriptor: the call, and what of the file it needs."""
        spare = f"{place}/rw/spare"
        yield "read", ("held_read",)
        yield "read", ("ring_read",)
        yield "read", ("held_map",)
        yield "read", ("held_map", mmap.MAP_PRIVATE)
        yield "read", ("held_splice",)
        yield "read", ("held_send", spare)
        yield "read", ("held_child",)
        yield "write", ("held_write",)
        yield "write", ("held_truncate",)
        yield "write", ("held_allocate",)
        yield "write", ("times_now",)
        yield "write", ("chmod", 0o666)
        if self.name != "overlay" or not self.user:
            yield "read", ("held_copy", spare)

    def use(self, actor, fd, call):
        args = [fd, *call[1:]]
        if call[0] == "ring_read":
            args = [True, fd]
        if args[-1] == f"{self.places[self.name]}/rw/spare":
            args[-1] = actor.spare
        return actor.call(call[0], *args)

    @each_place
    def test_brought_along(self, place):
        put(f"{place}/rw/spare")
        for kind in KINDS:
            put(f"{place}/{kind}/f", "content\n" * 1000)
            os.chown(f"{place}/{kind}/f", 65534 if self.user else 0, -1)
        actor = self.helper()
        fds = {kind: actor.open_fd(f"{place}/{kind}/f", os.O_RDWR) for kind in KINDS}
        actor.spare = actor.open_fd(f"{place}/rw/spare", os.O_RDWR)
        for _, call in self.used(place):
            self.use(actor, fds["none"], call)
        self.move(actor)
        for access, call in self.used(place):
            # a mapping of what is open for writing can be written to, sooner or later
            needs = "read, write" if call == ("held_map",) else access
            for kind, fd in fds.items():
                with self.subTest(call=call, kind=kind):
                    self.since = len(self.inside.records())
                    if covered(kind, needs):
                        self.use(actor, fd, call)
                        continue
                    with self.assertRaises(OSError) as raised:
                        self.use(actor, fd, call)
                    self.assertEqual(errno.errorcode[raised.exception.errno], "EACCES")
                    self.record(verdict="deny", reason="no-rule", file__path=f"{place}/{kind}/f")
        actor.end()

    @each_place
    def test_folder_brought_along(self, place):
        actor = self.helper()
        fds = {kind: actor.open_fd(f"{place}/{kind}", os.O_RDONLY) for kind in ("ro", "none")}
        actor.held_list(fds["none"])
        self.move(actor)
        actor.held_list(fds["ro"])
        self.refused_by(actor, errno.EACCES, "held_list", fds["none"])
        actor.end()

    def test_first_act_is_a_read(self):
        """And of a thread, of a child, of a program that has inherited it."""
        path = f"{PLACES['ext4']}/none/f"
        put(path, "content\n")
        for first in ("held_read", "held_child", "ring_read", "threaded", "held_cat"):
            with self.subTest(first):
                actor = self.helper()
                fd = actor.open_fd(path, os.O_RDONLY)
                actor.thread_start()
                args = {"ring_read": [False, fd], "threaded": [0, "held_read", fd]}
                args = args.get(first, [fd])
                actor.call(first, *args)
                self.move(actor)
                if first == "held_cat":
                    self.assertEqual(actor.held_cat(fd), 1)
                else:
                    self.refused_by(actor, errno.EACCES, first, *args)
                self.record(type="file.open", verdict="deny", file__path=path)
                actor.end()

    def test_made_inside(self):
        """A child that is made in the cgroup has what its parent has open."""
        if self.user:
            self.skipTest("the cgroup belongs to root")
        path = f"{PLACES['ext4']}/none/f"
        fd = self.free("open_fd", path, os.O_RDONLY)
        self.free("cgroup_into", "/sys/fs/cgroup", "held_read", fd)
        self.refused_by(self.outside, errno.EACCES, "cgroup_into", str(self.inside.cgroup),
                        "held_read", fd)
        self.free("held_read", fd)
        self.free("close_fd", fd)

    def test_what_it_opens_and_runs_then(self):
        """It goes on as any other in the scope does; a program needs no right to be read."""
        place = PLACES["ext4"]
        actor = self.helper()
        subprocess.run(["cp", "/usr/bin/true", f"{place}/x/true"], check=True)
        self.move(actor)
        self.assertEqual(actor.run([f"{place}/x/true"]), 0)
        self.assertEqual(actor.read(f"{place}/ro/f"), os.stat(f"{place}/ro/f").st_size)
        self.refused_by(actor, errno.EACCES, "read", f"{place}/none/f")
        actor.memfd_use()
        actor.end()

    def test_the_launchers_own(self):
        """What the command is given as its standard descriptors was given on purpose."""
        place = PLACES["ext4"]
        put(f"{place}/none/input", "given\n")
        with open(f"{place}/none/input", "rb") as given, \
                open(f"{place}/none/output", "wb") as taken:
            subprocess.run([str(WEIR), "run", "--policy", str(self.inside.policy), "--log",
                            f"{self.inside.dir}/launched.jsonl", "--", "/usr/bin/cat"],
                           stdin=given, stdout=taken, check=True)
        with open(f"{place}/none/output", encoding="utf-8") as file:
            self.assertEqual(file.read(), "given\n")


class DescriptorsOfUser(Descriptors):
    user = USER


if __name__ == "__main__":
    unittest.main()
