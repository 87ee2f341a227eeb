# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Times, extended attributes, access control lists, flags, watches: by the path rules."""

from places import each_place, places
from support import (ACTOR_FILES, Case, USER, errno, fresh_dir, os, outside, policy_text, put,
                     subprocess, unittest)

PLACES = places("weir-attributes")
LAYERS = "/scratch/weir-layers"
KINDS = {"rw": "read, write", "ro": "read", "wo": "write", "none": ""}
MS_BIND = 0x1000
# struct btrfs_ioctl_vol_args and _v2: SNAP_CREATE, SUBVOL_CREATE, SNAP_DESTROY, and those of _v2
BTRFS_SUBVOLUMES = [1 << 30 | 4096 << 16 | 0x94 << 8 | number for number in (1, 14, 15, 23, 24, 63)]
# type and number, with a size that does not matter: the generation, those of ext4, and as i386 has
# it; flags of FAT; flags and the origin of a subvolume; keys added, removed, removed for all
LIKE_FLAGS = [1 << 30 | size << 16 | what for size, what in (
    (8, 0x7602), (4, 0x7602), (8, 0x6604), (4, 0x7211), (8, 0x941a), (200, 0x9425), (192, 0x9425),
    (80, 0x6617), (64, 0x6618), (64, 0x6619))]
FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM = 0x10, 0x100


def rules():
    for name, place in PLACES.items():
        for kind, access in KINDS.items():
            if access:
                yield f"""    - name: {kind}-{name}
      paths: ["{place}/{kind}/**", "{place}/as-{kind}/**"]
      access: [{access}]
"""
    yield f"""    - name: merged
      paths: ["{LAYERS}/merged/**"]
      access: [read, write, create, delete, execute]
"""


POLICY = policy_text(files=f"  allow:\n{ACTOR_FILES}{''.join(rules())}")


class Attributes(Case):
    places = PLACES
    policy = POLICY
    owner = 0

    @classmethod
    def prepare(cls):
        for place in PLACES.values():
            fresh_dir(place)
            for kind in KINDS:
                os.mkdir(f"{place}/{kind}")
                os.mkdir(f"{place}/as-{kind}")

    def put(self, path):
        put(path)
        os.chown(path, self.owner, -1)
        return path

    def attribute(self, place):
        """A name that the file system takes, of those the workload may set."""
        for name in ("user.weir", *([] if self.user else ["trusted.weir"])):
            try:
                os.setxattr(self.put(f"{place}/none/probe"), name, b"value")
                return name
            except OSError:
                pass
        return None

    def changes(self, place):
        name = self.attribute(place)
        return [("times",), ("times", False), ("times_now",), ("acl_set",), ("acl_remove",),
                *([("attr_set", name), ("attr_remove", name)] if name else [])]

    def reads(self, place):
        name = self.attribute(place)
        return [("acl_get",), ("attr_list",), ("watch",), *([("attr_get", name)] if name else [])]

    def ready(self, path, call):
        """What a call needs to be there."""
        if call[0].startswith("acl"):
            self.free("acl_set", path)
        elif call[0].startswith("attr") and len(call) > 1:
            self.free("attr_set", path, call[1])

    def each(self, place, calls, access):
        """Each call on each kind of file: allowed if the access is, otherwise refused, recorded."""
        for call in calls:
            for kind, allowed in KINDS.items():
                with self.subTest(call=call, kind=kind):
                    self.since = len(self.inside.records())
                    path = self.put(f"{place}/{kind}/f")
                    self.ready(path, call)
                    args = call[0], path, *call[1:]
                    self.free(*args)
                    self.ready(path, call)
                    if access in allowed:
                        self.allowed(*args)
                    else:
                        self.refused(errno.EACCES, *args)
                        self.record(type="file.attribute", verdict="deny", reason="no-rule",
                                    file={"path": path, "access": [access]})

    @each_place
    def test_changes(self, place):
        self.each(place, self.changes(place), "write")

    @each_place
    def test_reads(self, place):
        self.each(place, self.reads(place), "read")

    @each_place
    def test_by_descriptors(self, place):
        """One that is open for reading is enough for the kernel, not for the policy."""
        name = self.attribute(place)
        for call in (("times_fd",), ("flags_set",), ("project_set",),
                     *([("attr_set_fd", name)] if name else [])):
            path = self.put(f"{place}/rw/f")
            try:
                self.outside.call(call[0], path, *call[1:])
            except OSError:     # flags: not on every file system, see test_flags_on_a_disk
                continue
            self.allowed(call[0], path, *call[1:])
            path = self.put(f"{place}/ro/f")
            self.refused(errno.EACCES, call[0], path, *call[1:])
            self.record(type="file.attribute", verdict="deny", file__path=path)

    def test_flags_on_a_disk(self):
        for call in ("flags_set", "project_set"):
            self.free(call, self.put(f"{PLACES['ext4']}/ro/flags"))
            self.refused(errno.EACCES, call, f"{PLACES['ext4']}/ro/flags")
            self.allowed(call, self.put(f"{PLACES['ext4']}/rw/flags"))

    def test_subvolumes(self):
        """The disk is none of btrfs, and says so to those who may ask."""
        folder = f"{PLACES['ext4']}/rw"
        for number in BTRFS_SUBVOLUMES:
            with self.assertRaises(OSError) as raised:
                self.outside.control(folder, number)
            self.assertEqual(raised.exception.errno, errno.ENOTTY)
            self.refused(errno.EACCES, "control", folder, number)
            self.record(verdict="deny", reason="guard", file__path=folder)

    def test_like_flags(self):
        """By their numbers: what comes of them differs between file systems."""
        path = self.put(f"{PLACES['ext4']}/ro/like-flags")
        for number in LIKE_FLAGS:
            with self.subTest(hex(number)):
                self.since = len(self.inside.records())
                self.refused(errno.EACCES, "control", path, number)
                self.record(type="file.attribute", verdict="deny", file__path=path)

    def test_file_setattr(self):
        path = self.put(f"{PLACES['ext4']}/ro/flags")
        try:
            self.outside.file_setattr(path)
        except OSError:
            self.skipTest("file_setattr() came with 6.17")
        self.refused(errno.EACCES, "file_setattr", path)
        self.record(type="file.attribute", verdict="deny", file__path=path)
        self.allowed("file_setattr", self.put(f"{PLACES['ext4']}/rw/flags"))

    @each_place
    def test_by_io_uring(self, place):
        name = self.attribute(place)
        if not name:
            self.skipTest("no attributes for users here")
        for worker in (False, True):
            for op, access in (("setxattr", "write"), ("getxattr", "read")):
                for kind, allowed in KINDS.items():
                    path = self.put(f"{place}/{kind}/f")
                    self.free("attr_set", path, name)
                    self.free("ring_attr", op, worker, path, name)
                    if access in allowed:
                        self.allowed("ring_attr", op, worker, path, name)
                    else:
                        self.refused(errno.EACCES, "ring_attr", op, worker, path, name)

    @each_place
    def test_other_credentials(self, place):
        """Those that a task has kept with a ring do not make it an overlay at work."""
        name = self.attribute(place)
        if not name:
            self.skipTest("no attributes for users here")
        self.allowed("times", self.put(f"{PLACES['overlay']}/rw/f"))
        path = self.put(f"{place}/none/f")
        self.free("attr_set", path, name)
        for worker in (False, True):
            for op in ("setxattr", "getxattr"):
                self.free("ring_attr", op, worker, path, name, True)
                self.refused(errno.EACCES, "ring_attr", op, worker, path, name, True)

    @each_place
    def test_folders(self, place):
        for call in (("times", f"{place}/none"), ("attr_list", f"{place}/none"),
                     ("watch", f"{place}/none"), ("watch_dir", f"{place}/none")):
            self.free(*call)
            self.refused(errno.EACCES, *call)
        self.allowed("watch_dir", f"{place}/ro")

    @each_place
    def test_second_name(self, place):
        """An object is under two names by a bind mount: both must allow, since neither is told."""
        if self.name == "overlay":
            place = PLACES["ext4"]      # names below an overlay are the next test
        path = self.put(f"{place}/rw/twice/f")
        for kind, ok in (("rw", True), ("ro", False), ("none", False)):
            self.since = len(self.inside.records())
            self.free("mount", f"{place}/rw/twice", f"{place}/as-{kind}", None, MS_BIND)
            try:
                for name in (path, f"{place}/as-{kind}/f"):
                    if ok:
                        self.allowed("times", name)
                    else:
                        self.refused(errno.EACCES, "times", name)
                        self.record(verdict="deny", file__path=f"{place}/as-{kind}/f")
            finally:
                self.free("unmount", f"{place}/as-{kind}")
            self.allowed("times", path)
        # of another folder of the same file system: none of its names
        self.free("mount", f"{place}/none", f"{place}/as-none", None, MS_BIND)
        try:
            self.allowed("times", path)
        finally:
            self.free("unmount", f"{place}/as-none")

    def test_no_name(self):
        """What no mount of the namespace shows has no name that could allow it."""
        path = self.put(f"{PLACES['ext4']}/rw/f")
        fd = self.free("tree_open", f"{PLACES['ext4']}/rw")
        self.free("close_fd", fd)
        self.free("mount", "tmpfs", f"{PLACES['ext4']}/as-rw", "tmpfs")
        self.put(f"{PLACES['ext4']}/as-rw/f")
        fds = [actor.open_fd(f"{PLACES['ext4']}/as-rw/f", os.O_RDONLY)
               for actor in (self.inside, self.outside)]
        self.free("unmount", f"{PLACES['ext4']}/as-rw", 2)
        self.free("times_now", f"/proc/self/fd/{fds[1]}")
        self.refused(errno.EACCES, "times_now", f"/proc/self/fd/{fds[0]}")
        self.record(verdict="deny", reason="unresolved-path")
        for actor, fd in zip((self.inside, self.outside), fds):
            actor.close_fd(fd)
        self.allowed("times", path)

    def test_no_file(self):
        """Memory files, pipes and the like are free."""
        self.allowed("memfd_use")
        ends = self.allowed("sock_pair", 1, 1)
        self.allowed("attr_list", f"/proc/self/fd/{ends[0]}")
        self.allowed("sock_close_all")

    def test_watching_everything(self):
        """A mark on a mount or a file system has no path that rules could name."""
        if self.user:
            self.skipTest("the kernel lets root alone do it")
        path = f"{PLACES['ext4']}/ro"
        for kind in (FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM):
            self.free("watch_all", path, kind)
            self.refused(errno.EACCES, "watch_all", path, kind)
            self.record(type="file.attribute", verdict="deny", reason="guard")
        self.allowed("watch_all", path)
        self.refused(errno.EACCES, "watch_all", f"{PLACES['ext4']}/none")


class AttributesOfUser(Attributes):
    user = USER
    owner = 65534


class Overlay(Case):
    """
    An overlay whose layers the workload can see and may not touch: what it does on its own name
    works all the same, what it does on the layers' names is refused.
    """

    policy = POLICY

    @classmethod
    def prepare(cls):
        fresh_dir(LAYERS)
        for name in ("lower", "upper", "work", "merged"):
            os.mkdir(f"{LAYERS}/{name}")
        for number in range(12):
            path = put(f"{LAYERS}/lower/dir/f{number}")
            os.setxattr(path, "trusted.weir", b"value")
        subprocess.run(["mount", "-t", "overlay", "overlay", f"{LAYERS}/merged", "-o",
                        f"lowerdir={LAYERS}/lower,upperdir={LAYERS}/upper,workdir={LAYERS}/work"],
                       check=True)
        cls.addClassCleanup(subprocess.run, ["umount", "-l", f"{LAYERS}/merged"], check=True)
        outside().acl_set(f"{LAYERS}/lower/dir/f0")

    def test_each_first_change(self):
        """Each copies its file, with times and attributes, up into a layer."""
        merged = f"{LAYERS}/merged/dir"
        for number, call in enumerate((
                ("acl_get",), ("times",), ("attr_set", "trusted.other"), ("acl_set",), ("write",),
                ("truncate",), ("chmod", 0o600), ("chown",), ("flags_open", os.O_RDWR | os.O_TRUNC),
                ("attr_remove", "trusted.weir"))):
            with self.subTest(call):
                path = f"{merged}/f{number}"
                self.allowed("attr_get", path, "trusted.weir")
                self.allowed("attr_list", path)
                self.allowed(call[0], path, *call[1:])
                self.allowed("times_now", path)
        self.allowed("rename", f"{merged}/f10", f"{merged}/renamed")
        self.allowed("link", f"{merged}/f11", f"{merged}/linked")
        self.allowed("remove", f"{merged}/linked")
        self.allowed("make", "file", f"{merged}/linked")
        self.allowed("make", "dir", f"{merged}/made")
        self.allowed("remove_dir", f"{merged}/made")
        self.allowed("rename", f"{LAYERS}/merged/dir/renamed", f"{LAYERS}/merged/renamed")

    def test_in_a_thread(self):
        """Which another thread of the process did not open."""
        path = f"{LAYERS}/merged/new"
        self.allowed("make", "file", path)
        fd = self.allowed("open_fd", path, os.O_RDWR)
        thread = self.allowed("thread_start")
        for call in (("times_now", fd), ("attr_set", fd, "trusted.weir"), ("held_write", fd),
                     ("held_truncate", fd)):
            self.allowed("threaded", thread, *call)
        self.allowed("close_fd", fd)

    def test_layers_by_their_own_names(self):
        self.allowed("times", put(f"{LAYERS}/merged/before"))
        for layer in ("lower", "upper"):
            path = put(f"{LAYERS}/{layer}/direct/f")
            for call in (("times", path), ("attr_set", path, "trusted.weir"), ("attr_list", path),
                         ("attr_get", path, "trusted.weir"),
                         ("attr_get", path, "trusted.overlay.origin"),
                         ("ring_attr", "getxattr", True, path, "trusted.weir", True)):
                if call[-1] != "trusted.overlay.origin":
                    self.free(*call)
                self.refused(errno.EACCES, *call)
                self.record(type="file.attribute", verdict="deny", file__path=path)
                self.since = len(self.inside.records())


if __name__ == "__main__":
    unittest.main()
