# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which name counts, and how it is recorded: of what moved or went, of other namespaces."""

import base64

from places import each_place, places
from support import (ACTOR_FILES, Case, USER, errno, fresh_dir, os, policy_text, put, unittest)

PLACES = places("weir-names")
TOP = "/scratch/weir-namespace"
MS_BIND = 0x1000
BYTES = (b"plain", b"line\nfeed", b"\xff\xfe", b"caf\xe9", b"\xc3\xa9", b"\xed\xa0\x80",
         b"\x01\x7f\x1b[0m", b"-x", b" ", b"a" * 255)


def rules():
    return "".join(f"""    - name: open-{name}
      paths: ["{place}/open/**"]
      access: [read, write, create, delete]
""" for name, place in PLACES.items())


class Names(Case):
    places = PLACES
    policy = policy_text(files=f"  allow:\n{ACTOR_FILES}{rules()}")

    @classmethod
    def prepare(cls):
        for place in PLACES.values():
            fresh_dir(place)
            for name in ("open", "closed"):
                os.mkdir(f"{place}/{name}")

    def written(self, path):
        """How bytes stand in a record: the text, and where that is not all, the bytes."""
        text = os.fsencode(path).decode(errors="replace")
        exact = os.fsencode(path).decode(errors="surrogateescape") == text
        return text, None if exact else base64.b64encode(os.fsencode(path)).decode()

    @each_place
    def test_bytes_of_names(self, place):
        for name in BYTES:
            name = os.fsdecode(name)
            with self.subTest(name):
                self.since = len(self.inside.records())
                inner, outer = put(f"{place}/open/{name}"), put(f"{place}/closed/{name}")
                self.allowed("read", inner)
                self.refused(errno.EACCES, "read", outer)
                os.unlink(outer)
                self.refused(errno.EACCES, "rename", inner, outer)
                record = self.record(type="file.rename", verdict="deny")
                for field, path in (("path", inner), ("target", outer)):
                    text, exact = self.written(path)
                    self.assertEqual(record["file"][field].count("\ufffd"), text.count("\ufffd"))
                    self.assertEqual(record["file"].get(f"{field}_b64"), exact)
                    if not exact:
                        self.assertEqual(record["file"][field], path)
                record = self.record(type="file.open", verdict="deny")
                self.assertEqual(record["file"].get("path_b64"), self.written(outer)[1])

    @each_place
    def test_folder_that_moved(self, place):
        """A descriptor is a place, and its name is the one that it has now."""
        for before, after, ok in (("open", "closed", False), ("closed", "open", True)):
            fresh_dir(f"{place}/{before}/folder")
            put(f"{place}/{before}/folder/f")
            fd = self.allowed("open_fd", f"{place}/{before}/folder", os.O_PATH)
            os.rename(f"{place}/{before}/folder", f"{place}/{after}/folder")
            if ok:
                self.allowed("open_at", fd, "f", os.O_RDONLY)
            else:
                self.refused(errno.EACCES, "open_at", fd, "f", os.O_RDONLY)
                self.record(verdict="deny", file__path=f"{place}/closed/folder/f")
            self.allowed("close_fd", fd)

    @each_place
    def test_folder_that_is_gone(self, place):
        """What is still reached there goes by the name that it had."""
        for kind in ("open", "closed"):
            os.makedirs(f"{place}/{kind}/gone", exist_ok=True)
            fd = self.allowed("open_fd", f"{place}/{kind}/gone", os.O_PATH | os.O_DIRECTORY)
            os.rmdir(f"{place}/{kind}/gone")
            if kind == "open":
                self.allowed("open_at", fd, ".", os.O_RDONLY)
            else:
                self.refused(errno.EACCES, "open_at", fd, ".", os.O_RDONLY)
            self.allowed("close_fd", fd)

    @each_place
    def test_name_that_others_took(self, place):
        """One that was removed and made again is another object under the same name."""
        path = put(f"{place}/closed/taken")
        self.refused(errno.EACCES, "read", path)
        os.unlink(path)
        os.symlink(put(f"{place}/open/real"), path)
        self.allowed("read", path)
        os.unlink(path)
        os.link(f"{place}/open/real", path)
        self.refused(errno.EACCES, "read", path)
        os.unlink(path)


class NamesOfUser(Names):
    user = USER


class Namespace(Case):
    """weir and its workload in a mount namespace that was made before: its names count."""

    within = ("/usr/bin/unshare", "--mount", "/bin/sh", "-c",
              f'mount --bind {TOP}/inner {TOP}/shown && exec "$@"', "sh")
    policy = policy_text(files=f"""  allow:
{ACTOR_FILES}    - name: shown
      paths: ["{TOP}/shown/**"]
      access: [read, write]
""")

    @classmethod
    def prepare(cls):
        fresh_dir(TOP)
        for name in ("inner", "shown", "other"):
            os.mkdir(f"{TOP}/{name}")
            put(f"{TOP}/{name}/f", name)

    def test_its_own_names(self):
        self.assertEqual(self.allowed("read", f"{TOP}/shown/f"), len("inner"))
        self.refused(errno.EACCES, "read", f"{TOP}/inner/f")
        self.record(verdict="deny", file__path=f"{TOP}/inner/f")
        self.refused(errno.EACCES, "read", f"{TOP}/other/f")

    def test_names_of_others_do_not_count(self):
        """The mount is not there for others, and theirs are not there for it."""
        self.free("mount", f"{TOP}/other", f"{TOP}/shown", None, MS_BIND)
        try:
            self.assertEqual(self.allowed("read", f"{TOP}/shown/f"), len("inner"))
        finally:
            self.free("unmount", f"{TOP}/shown")

    def test_by_all_names(self):
        """Two names here, one of which is refused; elsewhere the object has one alone."""
        self.free("times", f"{TOP}/inner/f")
        for name in ("shown", "inner"):
            self.refused(errno.EACCES, "times", f"{TOP}/{name}/f")
        self.record(type="file.attribute", verdict="deny", file__path=f"{TOP}/inner/f")

    def test_another_root_of_the_tree(self):
        """After pivot_root() names begin at the new root, in that namespace."""
        self.allowed("private", ["mount", f"{TOP}/shown", f"{TOP}/shown", None, MS_BIND],
                     ["read", f"{TOP}/shown/f"])
        self.free("private", ["pivot", f"{TOP}/inner"], ["read", "/f"])
        self.refused(errno.EACCES, "private", ["pivot", f"{TOP}/inner"], ["read", "/f"])
        self.record(verdict="deny", reason="no-rule", file__path="/f")


if __name__ == "__main__":
    unittest.main()
