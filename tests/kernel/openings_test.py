# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Opens that change things, other ways to make, name and open files: the refused leave nothing."""

from places import each_place, places
from support import (ACTOR_FILES, Case, USER, errno, fresh_dir, os, pathlib, policy_text, put,
                     unittest)

PLACES = places("weir-openings")
KINDS = {"rw": "read, write, create, delete", "ro": "read", "co": "create", "none": ""}
RENAME_WHITEOUT = 4
CORE_PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern")


def rules():
    for name, place in PLACES.items():
        for kind, access in KINDS.items():
            if access:
                yield f"""    - name: {kind}-{name}
      paths: ["{place}/{kind}/**"]
      access: [{access}]
"""


class Openings(Case):
    places = PLACES
    policy = policy_text(files=f"  allow:\n{ACTOR_FILES}{''.join(rules())}")

    @classmethod
    def prepare(cls):
        for place in PLACES.values():
            fresh_dir(place)
            for kind in KINDS:
                os.mkdir(f"{place}/{kind}")

    def makes(self, path):
        """Ways to open a file that is not there yet."""
        yield "flags_open", path, os.O_CREAT | os.O_WRONLY
        yield "flags_open", path, os.O_CREAT | os.O_RDONLY
        yield "flags_open", path, os.O_CREAT | os.O_EXCL | os.O_RDWR
        yield "make", "file", path
        for worker in (False, True):
            yield "ring_open", worker, path, os.O_CREAT | os.O_WRONLY
            yield "ring_open2", worker, path, os.O_CREAT | os.O_RDWR, 0o644

    @each_place
    def test_refused_makes_nothing(self, place):
        for kind in ("ro", "none"):
            path = f"{place}/{kind}/new"
            for call in self.makes(path):
                with self.subTest(call):
                    self.since = len(self.inside.records())
                    self.refused(errno.EACCES, *call)
                    self.assertFalse(os.path.lexists(path))
                    self.record(type="file.create", verdict="deny", file__path=path)
                    self.free(*call)
                    os.unlink(path)
        path = f"{place}/rw/new"
        for call in self.makes(path):
            self.allowed(*call)
            os.unlink(path)

    @each_place
    def test_name_without_content(self, place):
        """The right to create alone makes an empty file, as mknod() does; it is not opened."""
        path = f"{place}/co/new"
        for flags in (os.O_WRONLY, os.O_RDONLY):
            self.refused(errno.EACCES, "flags_open", path, os.O_CREAT | flags)
            self.assertEqual(os.stat(path).st_size, 0)
            os.unlink(path)

    @each_place
    def test_refused_changes_nothing(self, place):
        for kind in ("ro", "none"):
            path = put(f"{place}/{kind}/f", "content\n")
            calls = [("flags_open", path, os.O_RDONLY | os.O_TRUNC), ("truncate", path),
                     ("flags_open", path, os.O_CREAT | os.O_RDONLY | os.O_TRUNC)]
            for worker in (False, True):
                calls += [("ring_open", worker, path, os.O_RDONLY | os.O_TRUNC),
                          ("ring_open2", worker, path, os.O_WRONLY | os.O_TRUNC)]
            for call in calls:
                with self.subTest(call):
                    self.refused(errno.EACCES, *call)
                    self.assertEqual(pathlib.Path(path).read_text(), "content\n")
                    self.free(*call)
                    self.assertEqual(pathlib.Path(path).read_text(), "")
                    put(path, "content\n")

    @each_place
    def test_by_io_uring(self, place):
        """Every call on names that it has."""
        for worker in (False, True):
            for kind, ok in (("rw", True), ("none", False)):
                folder = f"{place}/{kind}"
                # the call, what it needs, what it leaves and what is gone then
                for call, needs, left, gone in (
                        (("ring_make_dir", worker, f"{folder}/dir"), None, "dir", None),
                        (("ring_remove", worker, f"{folder}/dir", True), "dir", None, "dir"),
                        (("ring_symlink", worker, "any", f"{folder}/link"), None, "link", None),
                        (("ring_names", "linkat", worker, f"{place}/rw/f", f"{folder}/hard"), None,
                         "hard", None),
                        (("ring_names", "renameat", worker, f"{place}/rw/f", f"{folder}/moved"),
                         None, "moved", None),
                        (("ring_remove", worker, f"{folder}/f"), "f", None, "f")):
                    with self.subTest(call):
                        put(f"{place}/rw/f")
                        if needs == "dir":
                            os.makedirs(f"{folder}/dir", exist_ok=True)
                        elif needs:
                            put(f"{folder}/{needs}")
                        if not ok:
                            self.refused(errno.EACCES, *call)
                            self.assertFalse(left and os.path.lexists(f"{folder}/{left}"))
                            self.assertTrue(not gone or os.path.lexists(f"{folder}/{gone}"))
                        (self.allowed if ok else self.free)(*call)
                        self.assertTrue(not left or os.path.lexists(f"{folder}/{left}"))
                        self.assertFalse(gone and os.path.lexists(f"{folder}/{gone}"))
                fresh_dir(folder)

    @each_place
    def test_whiteout_left_behind(self, place):
        """A rename that leaves one under the old name makes something there."""
        if self.user or self.name == "overlay":
            self.skipTest("for root, and no overlay's own")
        for kind, code in (("rw", None), ("none", errno.EACCES)):
            args = put(f"{place}/{kind}/old"), f"{place}/rw/new", RENAME_WHITEOUT
            if code:
                self.refused(code, "rename", *args)
                self.record(type="file.rename", verdict="deny", file__path=args[0])
                self.free("rename", *args)
            else:
                self.allowed("rename", *args)

    @each_place
    def test_naming_what_is_open(self, place):
        """linkat() of a descriptor: root's own way, and the one through /proc."""
        if self.user:
            self.skipTest("for root: others go through /proc, see files_test")
        fd = self.allowed("open_fd", put(f"{place}/rw/f"), os.O_RDONLY)
        self.allowed("held_name", fd, f"{place}/rw/second")
        self.refused(errno.EACCES, "held_name", fd, f"{place}/none/second")
        self.assertFalse(os.path.lexists(f"{place}/none/second"))
        self.allowed("close_fd", fd)
        # what cannot be opened cannot get a name under which it can
        fd = self.allowed("open_fd", put(f"{place}/none/f"), os.O_PATH)
        self.refused(errno.EXDEV, "held_name", fd, f"{place}/rw/third")
        self.record(type="file.link", verdict="deny", reason="widen")
        self.allowed("close_fd", fd)
        fd = self.free("open_fd", f"{place}/none/f", os.O_PATH)
        self.free("held_name", fd, f"{place}/rw/third")
        self.free("close_fd", fd)

    @each_place
    def test_by_handle(self, place):
        """As file servers open, without any name."""
        if self.user or self.name == "overlay":
            self.skipTest("for root alone, and overlays have no handles by default")
        for kind, flags, ok in (("ro", os.O_RDONLY, True), ("ro", os.O_RDWR, False),
                                ("none", os.O_RDONLY, False)):
            handle = self.free("handle_of", put(f"{place}/{kind}/f"))
            call = "handle_open", f"{place}/ro", handle, flags
            self.free(*call)
            if ok:
                self.allowed(*call)
            else:
                self.refused(errno.EACCES, *call)
                self.record(type="file.open", verdict="deny", file__path=f"{place}/{kind}/f")

    def test_by_handle_without_a_name(self):
        """What the kernel has found by its number alone, after a remount, is told by no name."""
        if self.user:
            self.skipTest("the kernel lets root alone do it")
        place = PLACES["ext4"]
        image = put(f"{place}/image")
        os.truncate(image, 16 << 20)
        run = lambda *argv: self.assertEqual(self.free("run", list(argv)), 0)
        run("/sbin/mkfs.ext4", "-q", image)
        run("/sbin/modprobe", "loop")
        run("/bin/mount", "-o", "loop", image, f"{place}/rw")
        try:
            os.chmod(f"{place}/rw", 0o777)
            handle = self.free("handle_of", put(f"{place}/rw/folder/f"))
            run("/bin/umount", f"{place}/rw")
            run("/bin/mount", "-o", "loop", image, f"{place}/rw")
            self.refused(errno.EACCES, "handle_open", f"{place}/rw", handle, os.O_RDONLY)
            self.record(type="file.open", verdict="deny", reason="unresolved-path")
            self.free("handle_open", f"{place}/rw", handle, os.O_RDONLY)
            self.allowed("read", f"{place}/rw/folder/f")
        finally:
            run("/bin/umount", f"{place}/rw")

    @each_place
    def test_core_dumps(self, place):
        """
        The kernel writes it for the process that ends: it may where the process may. Who is no
        root cannot raise the limit that the launcher has set.
        """
        before = CORE_PATTERN.read_text()
        CORE_PATTERN.write_text("core")
        try:
            for kind, ok in (("rw", not self.user), ("none", False)):
                self.assertTrue(self.free("core_dump", f"{place}/{kind}"))
                self.forget_core(f"{place}/{kind}")
                self.assertEqual(self.allowed("core_dump", f"{place}/{kind}"), ok)
                self.assertEqual(self.forget_core(f"{place}/{kind}"), ok)
        finally:
            CORE_PATTERN.write_text(before)

    @staticmethod
    def forget_core(folder):
        """Whether there was one."""
        found = list(pathlib.Path(folder).glob("core*"))
        for path in found:
            path.unlink()
        return bool(found)


class OpeningsOfUser(Openings):
    user = USER


if __name__ == "__main__":
    unittest.main()
