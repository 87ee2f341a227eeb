# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Wildcards in path rules, at real files; whose processes' entries /proc/self means."""

import subprocess

from support import ACTOR_FILES, Case, USER, errno, fresh_dir, os, policy_text, put, unittest

TOP = "/tmp/weir-patterns"
LONG = "n" * 100

POLICY = policy_text(files=f"""  allow:
{ACTOR_FILES}    - name: work
      paths: ["{TOP}/**"]
      access: [read, write, create, delete]
    - name: homes
      paths: ["/srv/weir-homes/*/shared/**"]
      except: ["/srv/weir-homes/r[!n]*/shared/**"]
      access: [read]
    - name: logs
      paths: ["/srv/weir-logs/**/app-?.log"]
      access: [read]
    - name: starts
      paths: ["/srv/weir-starts/v[0-9]**"]
      access: [read]
    - name: own
      paths: ["/proc/self/**"]
      access: [read, write]
    - name: threads
      paths: ["/proc/thread-self/comm"]
      access: [read]
    - name: versions
      paths: ["/proc/*/version", "/proc/[0-9]*/limits"]
      access: [read]
  deny:
    - name: secrets
      paths: ["**/.env", "**/*.pem", "/**/*key?.{LONG}*"]
    - name: hooks
      paths: ["**/.git/hooks/**"]
      access: [write, create, delete]
    - name: oom
      paths: ["/proc/[0-9]*/oom_score_adj"]
      access: [write]
""")


class Patterns(Case):
    policy = POLICY

    @classmethod
    def prepare(cls):
        for top in (TOP, "/srv/weir-homes", "/srv/weir-logs", "/srv/weir-starts"):
            fresh_dir(top)
        cls.stranger = subprocess.Popen(["/usr/bin/sleep", "1000"], user=cls.user)
        cls.addClassCleanup(cls.stranger.wait)
        cls.addClassCleanup(cls.stranger.kill)

    def reads(self, path, rule=None, within=True):
        """Reads what is there; rule: what denies it, "" for none."""
        if within:
            put(path)
        self.free("read", path)
        if rule is None:
            self.allowed("read", path)
            return
        self.refused(errno.EACCES, "read", path)
        record = self.record(type="file.open", verdict="deny", file__path=path)
        self.assertEqual(record["policy"].get("rule", ""), rule)

    def test_names_anywhere(self):
        for folder in (TOP, f"{TOP}/a", f"{TOP}/a/b/c/d/e/f/g"):
            for name, rule in ((".env", "secrets"), (".envy", None), ("x.env", None),
                               ("a.pem", "secrets"), (".pem", "secrets"), ("a.pem.x", None),
                               ("a.PEM", None), ("apem", None), ("a.pe", None),
                               (f"monkey1.{LONG}", "secrets"), (f"key2.{LONG}.old", "secrets"),
                               (f"key.{LONG}", None), (f"key2.{LONG[1:]}", None)):
                with self.subTest(f"{folder}/{name}"):
                    self.reads(f"{folder}/{name}", rule)

    def test_a_directory_is_one_too(self):
        """What a pattern that does not end in /** takes, not what lies below."""
        put(f"{TOP}/dir.pem/x")
        self.refused(errno.EACCES, "listing", f"{TOP}/dir.pem")
        self.allowed("read", f"{TOP}/dir.pem/x")

    def test_one_name(self):
        """A '*' is any name, and one."""
        self.reads("/srv/weir-homes/ann/shared/x")
        self.reads("/srv/weir-homes/.x/shared/deep/down/x")
        self.reads("/srv/weir-homes/shared/x", "")
        self.reads("/srv/weir-homes/ann/bob/shared/x", "")
        self.reads("/srv/weir-homes/ann/x", "")
        self.reads("/srv/weir-homes/rob/shared/x", "")
        self.reads("/srv/weir-homes/rn/shared/x")

    def test_in_the_middle(self):
        self.reads("/srv/weir-logs/app-1.log")
        self.reads("/srv/weir-logs/a/b/app-1.log")
        self.reads("/srv/weir-logs/a/b/app-12.log", "")
        self.reads("/srv/weir-logs/a/b/app-.log", "")
        self.reads("/srv/weir-logs/a/app-x.log/y", "")

    def test_across(self):
        """Two stars within a name go on below it."""
        self.reads("/srv/weir-starts/v1")
        self.reads("/srv/weir-starts/v2x/y/z")
        self.reads("/srv/weir-starts/v/1", "")

    def test_created_and_renamed(self):
        for name in (".env", "x.pem"):
            self.refused(errno.EACCES, "make", "file", f"{TOP}/{name}")
            self.assertFalse(os.path.exists(f"{TOP}/{name}"))
            put(f"{TOP}/{name}")
            self.refused(errno.EACCES, "rename", f"{TOP}/{name}", f"{TOP}/plain")
            self.refused(errno.EXDEV, "link", f"{TOP}/{name}", f"{TOP}/plain")
            self.refused(errno.EACCES, "remove", f"{TOP}/{name}")
        put(f"{TOP}/from")
        self.allowed("rename", f"{TOP}/from", f"{TOP}/to")
        self.refused(errno.EACCES, "rename", f"{TOP}/to", f"{TOP}/to.pem")

    def test_directories_move_where_nothing_is_widened(self):
        fresh_dir(f"{TOP}/old")
        put(f"{TOP}/old/deep/a.pem")
        self.allowed("rename", f"{TOP}/old", f"{TOP}/new")
        self.refused(errno.EACCES, "read", f"{TOP}/new/deep/a.pem")
        self.allowed("make", "dir", f"{TOP}/new/other")
        self.allowed("rename", f"{TOP}/new/other", f"{TOP}/other")

    def test_directories_take_no_names_along(self):
        put(f"{TOP}/b/hooks/post-commit")
        fresh_dir(f"{TOP}/clone")
        self.refused(errno.EXDEV, "rename", f"{TOP}/b", f"{TOP}/clone/.git")
        self.record(type="file.rename", verdict="deny", reason="widen")
        self.allowed("rename", f"{TOP}/b", f"{TOP}/clone/git")
        put(f"{TOP}/theirs/.git/hooks/post-commit")
        self.refused(errno.EXDEV, "rename", f"{TOP}/theirs/.git", f"{TOP}/away")

    def test_remembered_directories(self):
        """Opened before, its names are told apart all the same; renames elsewhere change nothing."""
        for _ in range(3):
            self.reads(f"{TOP}/often/x")
            self.reads(f"{TOP}/often/x.pem", "secrets")
            put(f"{TOP}/elsewhere")
            os.rename(f"{TOP}/elsewhere", f"{TOP}/elsewhere2")
            self.reads(f"{TOP}/often/y")
        fresh_dir("/tmp/weir-elsewhere")
        os.rename(f"{TOP}/often", "/tmp/weir-elsewhere/often")
        self.refused(errno.EACCES, "read", "/tmp/weir-elsewhere/often/x")
        os.rename("/tmp/weir-elsewhere/often", f"{TOP}/often")
        self.allowed("read", f"{TOP}/often/x")

    def test_own_processes(self):
        own = self.allowed("pid")
        for path in ("/proc/self/status", f"/proc/{own}/status", "/proc/thread-self/comm"):
            self.allowed("read", path)
        self.allowed("run", ["/usr/bin/grep", "-q", ".", "/proc/self/stat"])
        for pid in (1, self.stranger.pid):
            self.reads(f"/proc/{pid}/status", "", False)
            self.reads(f"/proc/{pid}/limits", None, False)
        self.reads(f"/proc/{own}/limits", None, False)
        self.reads("/proc/version", "", False)

    def test_numbers_are_names_too(self):
        """A rule that denies by number also means the workload's own."""
        self.refused(errno.EACCES, "write", "/proc/self/oom_score_adj")
        self.assertEqual(self.record(type="file.open", verdict="deny")["policy"]["rule"], "oom")
        self.allowed("write", "/proc/self/comm")


class PatternsOfUser(Patterns):
    user = USER


if __name__ == "__main__":
    unittest.main()
