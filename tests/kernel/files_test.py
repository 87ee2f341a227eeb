# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Path rules at real files, on a disk (ext4), in memory (tmpfs) and on an overlay."""

from places import each_place, places
from support import ACTOR_FILES, Case, USER, errno, fresh_dir, os, policy_text, put, unittest

PLACES = places("weir-files")
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2

# names around the 28 bytes that one step through the kernel's tables takes
LENGTHS = (1, 27, 28, 29, 55, 56, 57, 84, 252, 255)


def rules(place):
    names = ", ".join(f'"{place}/names/{"n" * length}"' for length in LENGTHS)
    return [f"""    - name: {kind}-NAME
      paths: ["{place}/{kind}/**"]
      access: [{access}]
""" for kind, access in (("rw", "read, write, create, delete"), ("ro", "read"), ("wo", "write"),
                         ("co", "create, write"), ("del", "delete"), ("all",
                         "read, write, create, delete, execute"), ("all2",
                         "read, write, create, delete, execute"))] + [f"""    - name: except-NAME
      paths: ["{place}/some/**"]
      except: ["{place}/some/not/**", {place}/some/neither]
      access: [read]
    - name: exact-NAME
      paths: [{place}/exact, {names}, "{place}/gone/behind", "{place}/real/**",
              "{place}/mounted/**", "{place}/inner/**"]
      access: [read]
    - name: kept-NAME
      paths: ["{place}/box/**", {place}/kept, "{place}/kept/**"]
      access: [read, write, create]
    - name: moved-NAME
      paths: [{place}/box]
      access: [delete]
"""]


def policy():
    allow = "".join(text.replace("NAME", name)
                    for name, place in PLACES.items() for text in rules(place))
    deny = "".join(f"""    - name: never-{name}
      paths: ["{place}/rw/secret/**", {place}/rw/.env, "{place}/all/closed/**"]
    - name: no-write-{name}
      paths: ["{place}/rw/fixed/**"]
      access: [write]
    - name: no-hooks-{name}
      paths: ["{place}/rw/repo/.git/hooks/**"]
      access: [write, create, delete]
""" for name, place in PLACES.items())
    return policy_text(files=f"  allow:\n{ACTOR_FILES}{allow}  deny:\n{deny}",
                       audit="  record: [network, execute]\n")


class Files(Case):
    places = PLACES
    policy = policy()

    @classmethod
    def prepare(cls):
        for place in PLACES.values():
            fresh_dir(place)
            for name in ("rw", "ro", "wo", "co", "del", "all", "all2", "closed", "some", "some/not",
                         "rw/secret", "rw/fixed", "all/closed", "names", "real", "mounted", "deep"):
                os.mkdir(f"{place}/{name}")

    def denied(self, path, *call, **wanted):
        """Refused by the policy inside, with a record; the same works outside."""
        self.refused(errno.EACCES, *call)
        record = self.record(verdict="deny", file__path=path, **wanted)
        self.free(*call)
        return record

    @each_place
    def test_read_and_write(self, place):
        for kind, reads, writes in (("rw", 1, 1), ("ro", 1, 0), ("wo", 0, 1), ("closed", 0, 0)):
            path = put(f"{place}/{kind}/f")
            for flags, ok in ((os.O_RDONLY, reads), (os.O_WRONLY, writes),
                              (os.O_RDWR, reads and writes), (3, reads and writes),
                              (os.O_RDONLY | os.O_TRUNC, reads and writes),
                              (os.O_WRONLY | os.O_APPEND, writes)):
                self.since = len(self.inside.records())
                if ok:
                    self.allowed("flags_open", path, flags)
                else:
                    self.denied(path, "flags_open", path, flags, type="file.open",
                                reason="no-rule")

    def test_record(self):
        path = put("/scratch/weir-files/closed/recorded")
        self.refused(errno.EACCES, "flags_open", path, os.O_RDWR)
        record = self.record(type="file.open", verdict="deny", file__path=path)
        self.assertEqual(record["file"], {"path": path, "access": ["read", "write"]})
        self.assertEqual(record["process"]["pid"], self.inside.pid)
        self.assertEqual(record["process"]["exe"][:16], "/usr/bin/python3")

    @each_place
    def test_deny_beats_allow(self, place):
        for name in ("rw/secret/f", "rw/.env", "all/closed/a/b"):
            path = put(f"{place}/{name}")
            self.denied(path, "read", path, reason="rule", policy__rule=f"never-{self.name}")
        for name in ("rw/secretly", "rw/.env2", "rw/.envs/f", "rw/a/.env"):
            self.allowed("read", put(f"{place}/{name}"))
        path = put(f"{place}/rw/fixed/f")
        self.allowed("read", path)
        self.denied(path, "write", path, policy__rule=f"no-write-{self.name}")

    @each_place
    def test_except(self, place):
        self.allowed("read", put(f"{place}/some/f"))
        for name in ("not/f", "neither"):
            path = put(f"{place}/some/{name}")
            self.denied(path, "read", path, reason="no-rule")

    @each_place
    def test_listing(self, place):
        self.allowed("listing", f"{place}/ro")
        for name in ("closed", "wo", "rw/secret"):
            self.denied(f"{place}/{name}", "listing", f"{place}/{name}")
        self.denied(place, "listing", place)

    @each_place
    def test_exact(self, place):
        self.allowed("read", put(f"{place}/exact"))
        path = put(f"{place}/exactly")
        self.denied(path, "read", path)
        path = put(f"{place}/exac")
        self.denied(path, "read", path)

    @each_place
    def test_names_of_all_lengths(self, place):
        for length in LENGTHS:
            self.allowed("read", put(f"{place}/names/{'n' * length}"))
            for other in (length - 1, length + 1):
                if 0 < other < 256 and other not in LENGTHS:
                    path = put(f"{place}/names/{'n' * other}")
                    self.denied(path, "read", path)
            if length > 1:
                path = put(f"{place}/names/{'n' * (length - 1)}m")
                self.denied(path, "read", path)

    def test_strange_names(self):
        for name in ("line\nfeed", "tab\t", "quote\"", "back\\slash", " ", "ünïcode", "\x01\x7f"):
            with self.subTest(name):
                self.allowed("read", put(f"/scratch/weir-files/rw/{name}"))
                path = put(f"/scratch/weir-files/closed/{name}")
                self.denied(path, "read", path)
        path = os.fsdecode(b"/scratch/weir-files/closed/\xff\xfe")
        put(path)
        self.refused(errno.EACCES, "read", path)
        record = self.record(verdict="deny", file__path="/scratch/weir-files/closed/��")
        self.assertEqual(record["file"]["path_b64"], "L3NjcmF0Y2gvd2Vpci1maWxlcy9jbG9zZWQv//4=")
        path = os.fsdecode(b"/scratch/weir-files/rw/\xff\xfe")
        put(path)
        self.allowed("read", path)

    @each_place
    def test_create(self, place):
        for kind in ("file", "dir", "fifo", "symlink", "socket"):
            args = (kind, f"{place}/rw/new-{kind}", "anywhere")
            self.allowed("make", *args)
            for closed in ("closed", "ro", "rw/secret"):
                path = f"{place}/{closed}/new-{kind}"
                self.refused(errno.EACCES, "make", kind, path, "anywhere")
                self.assertFalse(os.path.lexists(path), "a refused creation leaves nothing")
                self.record(type="file.create", verdict="deny", file__path=path)
                self.free("make", kind, path, "anywhere")
        path = f"{place}/wo/new"
        self.refused(errno.EACCES, "flags_open", path, os.O_CREAT | os.O_WRONLY)
        self.assertFalse(os.path.lexists(path))
        self.allowed("flags_open", f"{place}/co/new", os.O_CREAT | os.O_WRONLY)
        # created, then refused for reading: the name is there, as the policy allows
        self.refused(errno.EACCES, "flags_open", f"{place}/co/new", os.O_RDONLY)

    @each_place
    def test_devices(self, place):
        """A node is a way to its device, under whatever name."""
        if self.user:
            self.skipTest("the kernel lets root alone make nodes")
        for kind in ("char", "block"):
            path = f"{place}/rw/{kind}"
            self.refused(errno.EACCES, "make", kind, path)
            self.record(type="file.create", verdict="deny", reason="guard", file__path=path)
            self.free("make", kind, path)
        if self.name != "overlay":      # it keeps whiteouts to itself
            self.allowed("make", "whiteout", f"{place}/rw/whiteout")
            self.refused(errno.EACCES, "make", "whiteout", f"{place}/ro/whiteout")

    @each_place
    def test_unnamed(self, place):
        if self.name == "overlay" and not unnamed_works(f"{place}/rw"):
            self.skipTest("overlayfs has O_TMPFILE from 6.3 on")
        self.allowed("unnamed_file", f"{place}/rw", f"{place}/rw/named")
        self.refused(errno.EACCES, "unnamed_file", f"{place}/closed", None)
        self.refused(errno.EACCES, "unnamed_file", f"{place}/wo", None)
        self.refused(errno.EACCES, "unnamed_file", f"{place}/rw", f"{place}/closed/named")
        self.assertFalse(os.path.exists(f"{place}/closed/named"))

    @each_place
    def test_delete(self, place):
        for kind in ("rw", "del"):
            self.allowed("remove", put(f"{place}/{kind}/to-remove"))
            os.mkdir(f"{place}/{kind}/dir-to-remove")
            self.allowed("remove_dir", f"{place}/{kind}/dir-to-remove")
        for kind in ("ro", "closed", "co", "rw/secret"):
            path = put(f"{place}/{kind}/to-remove")
            self.refused(errno.EACCES, "remove", path)
            self.record(type="file.delete", verdict="deny", file__path=path)
            self.assertTrue(os.path.exists(path))
            self.free("remove", path)
            os.mkdir(path)
            self.refused(errno.EACCES, "remove_dir", path)
            self.free("remove_dir", path)

    @each_place
    def test_attributes(self, place):
        path = put(f"{place}/rw/f")
        if not self.user:
            self.allowed("chmod", path, 0o600)
            self.allowed("chown", path)
            self.allowed("chmod", path, 0o666)
        self.allowed("truncate", path)
        path = put(f"{place}/ro/attributes")
        for call in (("truncate", path), ("chmod", path, 0o666), ("chown", path)):
            self.denied(path, *call, type="file.attribute", reason="no-rule")

    @each_place
    def test_rename(self, place):
        self.allowed("rename", put(f"{place}/rw/old"), f"{place}/rw/new")
        self.allowed("rename", put(f"{place}/rw/old"), f"{place}/rw/new")
        for old, new in (("closed/a", "rw/x"), ("ro/a", "rw/x"), ("rw/old", "closed/x"),
                         ("rw/old", "ro/x"), ("rw/secret/a", "rw/x"), ("rw/old", "rw/secret/x")):
            source, target = put(f"{place}/{old}"), f"{place}/{new}"
            self.refused(errno.EACCES, "rename", source, target)
            record = self.record(type="file.rename", verdict="deny", file__path=source,
                                 file__target=target)
            self.assertIn(record["reason"], ("rule", "no-rule"))
            self.assertFalse(os.path.exists(target))
        self.refused(errno.EACCES, "rename", put(f"{place}/rw/old"), put(f"{place}/co/over"))

    @each_place
    def test_rename_never_widens(self, place):
        source = put(f"{place}/rw/program")
        self.refused(errno.EXDEV, "rename", source, f"{place}/all/program")
        self.record(type="file.rename", verdict="deny", reason="widen", file__path=source,
                    file__target=f"{place}/all/program")
        self.refused(errno.EXDEV, "link", source, f"{place}/all/program")
        self.record(type="file.link", verdict="deny", reason="widen", file__path=source)
        # narrower, or the same, is no widening
        self.allowed("rename", put(f"{place}/all/program"), f"{place}/rw/narrowed")
        self.allowed("rename", put(f"{place}/all/program"), f"{place}/all2/program")
        # reading what could not be read
        self.refused(errno.EXDEV, "rename", put(f"{place}/del/hidden"), f"{place}/rw/seen")
        self.assertFalse(os.path.exists(f"{place}/all/program"))

    @each_place
    def test_exchange(self, place):
        one, other = put(f"{place}/all/one"), put(f"{place}/all2/other")
        self.allowed("rename", one, other, RENAME_EXCHANGE)
        self.refused(errno.EXDEV, "rename", one, put(f"{place}/rw/less"), RENAME_EXCHANGE)
        self.refused(errno.EXDEV, "rename", f"{place}/rw/less", one, RENAME_EXCHANGE)
        self.refused(errno.EACCES, "rename", one, put(f"{place}/ro/less"), RENAME_EXCHANGE)
        self.allowed("rename", one, f"{place}/all/new", RENAME_NOREPLACE)

    @each_place
    def test_directories_move(self, place):
        os.makedirs(f"{place}/all/dir/below", exist_ok=True)
        self.allowed("rename", f"{place}/all/dir", f"{place}/all2/dir")
        self.allowed("rename", f"{place}/all2/dir", f"{place}/rw/dir")
        self.refused(errno.EXDEV, "rename", f"{place}/rw/dir", f"{place}/all/dir")
        # takes what a rule closes to where nothing closes it
        put(f"{place}/rw/outer/f")
        self.allowed("rename", f"{place}/rw/outer", f"{place}/rw/elsewhere")
        self.refused(errno.EACCES, "rename", f"{place}/rw/secret", f"{place}/rw/open")
        self.refused(errno.EXDEV, "rename", f"{place}/rw", f"{place}/all2/rw")
        self.free("rename", f"{place}/rw", f"{place}/all2/rw")
        self.free("rename", f"{place}/all2/rw", f"{place}/rw")

    @each_place
    def test_directories_take_no_names_along(self, place):
        """Those that could not be made at the new place, or removed at the old one."""
        os.makedirs(f"{place}/rw/repo", exist_ok=True)
        put(f"{place}/rw/hooked/hooks/post-commit")
        self.refused(errno.EXDEV, "rename", f"{place}/rw/hooked", f"{place}/rw/repo/.git")
        self.record(type="file.rename", verdict="deny", reason="widen")
        self.allowed("rename", f"{place}/rw/hooked", f"{place}/rw/repo/git")
        put(f"{place}/box/f")
        self.refused(errno.EXDEV, "rename", f"{place}/box", f"{place}/kept")
        self.free("rename", f"{place}/box", f"{place}/kept")

    @each_place
    def test_links(self, place):
        self.allowed("link", put(f"{place}/all/source"), f"{place}/all2/hard")
        self.allowed("link", put(f"{place}/rw/source"), f"{place}/rw/hard")
        self.refused(errno.EXDEV, "link", put(f"{place}/closed/source"), f"{place}/rw/hard2")
        self.refused(errno.EACCES, "link", f"{place}/rw/source", f"{place}/closed/hard")
        self.refused(errno.EACCES, "link", f"{place}/rw/source", f"{place}/ro/hard")
        # made by others, a second name is decided as the name that is used
        os.link(put(f"{place}/closed/shared"), f"{place}/ro/shared")
        self.allowed("read", f"{place}/ro/shared")
        self.refused(errno.EACCES, "read", f"{place}/closed/shared")

    @each_place
    def test_symbolic_links(self, place):
        os.symlink(put(f"{place}/closed/target"), f"{place}/rw/link")
        self.denied(f"{place}/closed/target", "read", f"{place}/rw/link")
        os.symlink(put(f"{place}/ro/target"), f"{place}/closed/link")
        self.allowed("read", f"{place}/closed/link")
        os.symlink(f"{place}/closed", f"{place}/rw/dirlink")
        self.denied(f"{place}/closed/target", "read", f"{place}/rw/dirlink/target")
        os.symlink("../../closed", f"{place}/rw/fixed/up")
        self.denied(f"{place}/closed/target", "read", f"{place}/rw/fixed/up/target")
        self.denied(f"{place}/closed/target", "read", f"{place}/rw/../closed/target")

    @each_place
    def test_path_descriptors(self, place):
        path = put(f"{place}/closed/f")
        self.denied(path, "reopen", path, os.O_RDONLY)
        path = put(f"{place}/ro/f")
        self.allowed("reopen", path, os.O_RDONLY)
        self.denied(path, "reopen", path, os.O_RDWR)
        fd = self.allowed("open_fd", f"{place}/closed", os.O_PATH | os.O_DIRECTORY)
        self.refused(errno.EACCES, "open_at", fd, "f", os.O_RDONLY)
        self.refused(errno.EACCES, "open_at", fd, ".", os.O_RDONLY)
        self.allowed("open_at", fd, "../ro/f", os.O_RDONLY)
        self.allowed("close_fd", fd)
        self.allowed("memfd_use")

    def test_removed_names(self):
        """A descriptor of a file that has no name any more is decided by the one it had."""
        path = put("/scratch/weir-files/ro/going")
        fd = self.allowed("open_fd", path, os.O_RDONLY)
        os.unlink(path)
        self.allowed("flags_open", f"/proc/self/fd/{fd}", os.O_RDONLY)
        self.refused(errno.EACCES, "flags_open", f"/proc/self/fd/{fd}", os.O_RDWR)
        self.allowed("close_fd", fd)

    def test_long_paths(self):
        """Up to 4,096 bytes a path is decided by its name; beyond, it is refused as unresolved."""
        for name in ("d" * 255, "s"):
            base = fresh_dir(f"/scratch/weir-files/rw/deep-{len(name)}")
            depth = (4096 - len(base)) // (len(name) + 1) - 1
            # what is left for two more names: a directory's and the file's
            left = 4096 - len(base) - depth * (len(name) + 1) - 2
            self.allowed("change_dir", base)
            self.allowed("dirs_make", name, depth)
            folder = self.allowed("open_fd", ".", os.O_PATH)
            if left > 200:
                self.allowed("dirs_make", "m" * (left // 2), 1)
                last = "f" * (left - left // 2)
            else:
                last = "f" * (left + 1)
            self.allowed("flags_open", last, os.O_CREAT | os.O_RDWR)
            # in a directory whose own name is too long
            self.free("change_dir", base)
            self.free("dirs_enter", name, depth)
            self.free("dirs_make", "l" * 255, 2)
            self.free("flags_open", "file", os.O_CREAT | os.O_RDWR)
            self.refused(errno.EACCES, "open_at", folder, f"{'l' * 255}/{'l' * 255}/file",
                         os.O_RDONLY)
            record = self.record(type="file.open", verdict="deny", reason="unresolved-path")
            self.assertTrue(record["file"]["path"].endswith("/file"))
            self.free("change_dir", "/")
            self.allowed("close_fd", folder)
            self.since = len(self.inside.records())
            self.allowed("change_dir", "/")


class FilesOfUser(Files):
    user = USER

    def test_attributes(self):
        """Owners only may do it at all: what the policy allows root is tested there."""
        path = put("/scratch/weir-files/ro/attributes")
        os.chown(path, 65534, 65534)
        for call in (("truncate", path), ("chmod", path, 0o666), ("chown", path)):
            self.denied(path, *call, type="file.attribute", reason="no-rule")
        path = put("/scratch/weir-files/rw/attributes")
        os.chown(path, 65534, 65534)
        for call in (("truncate", path), ("chmod", path, 0o666), ("chown", path)):
            self.allowed(*call)


def unnamed_works(folder):
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY))
    except OSError:
        return False
    return True


if __name__ == "__main__":
    unittest.main()
