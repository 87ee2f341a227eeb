# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Paths through mounts: bind mounts, other namespaces, other roots, detached trees."""

from support import ACTOR_FILES, Case, errno, fresh_dir, os, policy_text, put, subprocess, unittest

MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 0x1000, 0x4000, 0x40000, 2
TOP = "/scratch/weir-mounts"


class Mounts(Case):
    policy = policy_text(files=f"""  allow:
{ACTOR_FILES}    - name: open
      paths: ["{TOP}/open/**", "{TOP}/mounted/**", {TOP}/file]
      access: [read]
  deny:
    - name: never
      paths: [{TOP}/mounted/folds/name]
""")

    @classmethod
    def prepare(cls):
        fresh_dir(TOP)
        for name in ("open", "mounted", "closed", "closed/below"):
            os.mkdir(f"{TOP}/{name}")
        for name in ("open/f", "mounted/under", "closed/f", "closed/below/f", "file"):
            put(f"{TOP}/{name}")

    def bind(self, source, target):
        self.free("mount", f"{TOP}/{source}", f"{TOP}/{target}", None, MS_BIND)

    def unbind(self, target):
        self.free("unmount", f"{TOP}/{target}")

    def test_bind_mount_is_another_name(self):
        for _ in range(20):     # what is remembered of a directory must not outlive a mount
            self.refused(errno.EACCES, "read", f"{TOP}/closed/f")
            self.bind("closed", "mounted")
            self.allowed("read", f"{TOP}/mounted/f")
            self.allowed("read", f"{TOP}/mounted/below/f")
            self.allowed("listing", f"{TOP}/mounted")
            self.refused(errno.EACCES, "read", f"{TOP}/closed/f")
            self.unbind("mounted")
            self.allowed("read", f"{TOP}/mounted/under")
            self.bind("open", "closed")
            self.refused(errno.EACCES, "read", f"{TOP}/closed/f")
            self.allowed("read", f"{TOP}/open/f")
            self.unbind("closed")

    def test_bound_file(self):
        self.bind("closed/f", "file")
        self.allowed("read", f"{TOP}/file")
        self.unbind("file")
        self.bind("file", "closed/f")
        self.refused(errno.EACCES, "read", f"{TOP}/closed/f")
        self.record(verdict="deny", file__path=f"{TOP}/closed/f")
        self.unbind("closed/f")

    def test_mount_over_mount(self):
        self.free("mount", "tmpfs", f"{TOP}/mounted", "tmpfs")
        os.makedirs(f"{TOP}/mounted/a/b")
        self.bind("closed", "mounted/a/b")
        self.allowed("read", f"{TOP}/mounted/a/b/below/f")
        self.unbind("mounted/a/b")
        self.unbind("mounted")
        self.free("mount", "tmpfs", f"{TOP}/closed/below", "tmpfs")
        put(f"{TOP}/closed/below/f")
        self.refused(errno.EACCES, "read", f"{TOP}/closed/below/f")
        self.record(verdict="deny", file__path=f"{TOP}/closed/below/f")
        self.unbind("closed/below")

    def test_other_root(self):
        self.allowed("rooted", TOP, "read", "/open/f")
        self.free("rooted", TOP, "read", "/closed/f")
        self.refused(errno.EACCES, "rooted", TOP, "read", "/closed/f")
        self.record(verdict="deny", file__path=f"{TOP}/closed/f")
        self.refused(errno.EACCES, "rooted", f"{TOP}/closed", "read", "/f")

    def test_other_namespace(self):
        self.allowed("private", ["read", f"{TOP}/open/f"])
        self.refused(errno.EACCES, "private", ["read", f"{TOP}/closed/f"])
        self.record(verdict="deny", reason="no-rule", file__path=f"{TOP}/closed/f")

    def test_descriptor_of_another_namespace(self):
        self.free("private_at", f"{TOP}/open", "f")
        self.refused(errno.EACCES, "private_at", f"{TOP}/open", "f")
        self.record(verdict="deny", reason="unresolved-path")

    def test_detached_tree(self):
        for actor in (self.outside, self.inside):
            fd = actor.tree_open(f"{TOP}/open")
            if actor is self.outside:
                actor.open_at(fd, "f", os.O_RDONLY)
            else:
                self.refused(errno.EACCES, "open_at", fd, "f", os.O_RDONLY)
                self.record(verdict="deny", reason="unresolved-path")
            actor.close_fd(fd)

    def test_mount_detached_meanwhile(self):
        self.free("mount", "tmpfs", f"{TOP}/mounted", "tmpfs")
        put(f"{TOP}/mounted/f")
        fds = [actor.open_fd(f"{TOP}/mounted", os.O_PATH) for actor in (self.inside, self.outside)]
        self.allowed("open_at", fds[0], "f", os.O_RDONLY)
        self.free("unmount", f"{TOP}/mounted", MNT_DETACH)
        self.free("open_at", fds[1], "f", os.O_RDONLY)
        self.refused(errno.EACCES, "open_at", fds[0], "f", os.O_RDONLY)
        self.record(verdict="deny", reason="unresolved-path")
        self.allowed("close_fd", fds[0])
        self.free("close_fd", fds[1])

    def test_magic_link_into_a_kernel_file_system(self):
        """It has no place in any namespace, and is no pipe either."""
        path = "/sys/kernel/security/apparmor/policy"
        for name in (path, f"{path}/profiles", f"{path}/.."):
            self.free("listing", name)
            self.refused(errno.EACCES, "listing", name)
        self.record(verdict="deny", reason="unresolved-path")

    def test_names_in_either_case(self):
        """In a folder that folds case a rule's name is not the name that was found."""
        image = put(f"{TOP}/image")
        os.truncate(image, 16 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "casefold", image], check=True)
        subprocess.run(["modprobe", "loop"], check=True)
        subprocess.run(["mount", "-o", "loop", image, f"{TOP}/mounted"], check=True)
        self.addCleanup(self.unbind, "mounted")
        os.mkdir(f"{TOP}/mounted/folds")
        subprocess.run(["chattr", "+F", f"{TOP}/mounted/folds"], check=True)
        put(f"{TOP}/mounted/folds/Name")
        put(f"{TOP}/mounted/folds/other")
        self.allowed("read", put(f"{TOP}/mounted/plain"))
        self.free("read", f"{TOP}/mounted/folds/name")
        for name in ("Name", "name", "NAME"):
            self.refused(errno.EACCES, "read", f"{TOP}/mounted/folds/{name}")
        self.record(verdict="deny", reason="unresolved-path")


if __name__ == "__main__":
    unittest.main()
