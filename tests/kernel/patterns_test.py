# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Wildcards in path rules, at real files; whose processes' entries /proc/self means."""

import subprocess

from places import each_place, places
from support import ACTOR_FILES, Case, USER, errno, fresh_dir, os, policy_text, put, unittest

PLACES = places("weir-patterns")
HOMES, LOGS, STARTS = "/srv/weir-homes", "/scratch/weir-logs", "/tmp/weir-starts"
WORK = ", ".join(f'"{place}/**"' for place in PLACES.values())
LONG = "n" * 100

POLICY = policy_text(files=f"""  allow:
{ACTOR_FILES}    - name: work
      paths: [{WORK}]
      access: [read, write, create, delete]
    - name: homes
      paths: ["{HOMES}/*/shared/**"]
      except: ["{HOMES}/r[!n]*/shared/**"]
      access: [read]
    - name: logs
      paths: ["{LOGS}/**/app-?.log"]
      access: [read]
    - name: starts
      paths: ["{STARTS}/v[0-9]**"]
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
    places = PLACES
    policy = POLICY

    @classmethod
    def prepare(cls):
        for top in (*PLACES.values(), HOMES, LOGS, STARTS):
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
        for place, below in zip(PLACES.values(), ("", "/a", "/a/b/c/d/e/f/g")):
            folder = place + below
            for name, rule in ((".env", "secrets"), (".envy", None), ("x.env", None),
                               ("a.pem", "secrets"), (".pem", "secrets"), ("a.pem.x", None),
                               ("a.PEM", None), ("apem", None), ("a.pe", None),
                               (f"monkey1.{LONG}", "secrets"), (f"key2.{LONG}.old", "secrets"),
                               (f"key.{LONG}", None), (f"key2.{LONG[1:]}", None)):
                with self.subTest(f"{folder}/{name}"):
                    self.reads(f"{folder}/{name}", rule)

    @each_place
    def test_a_directory_is_one_too(self, place):
        """What a pattern that does not end in /** takes, not what lies below."""
        put(f"{place}/dir.pem/x")
        self.refused(errno.EACCES, "listing", f"{place}/dir.pem")
        self.allowed("read", f"{place}/dir.pem/x")

    def test_one_name(self):
        """A '*' is any name, and one."""
        self.reads(f"{HOMES}/ann/shared/x")
        self.reads(f"{HOMES}/.x/shared/deep/down/x")
        self.reads(f"{HOMES}/shared/x", "")
        self.reads(f"{HOMES}/ann/bob/shared/x", "")
        self.reads(f"{HOMES}/ann/x", "")
        self.reads(f"{HOMES}/rob/shared/x", "")
        self.reads(f"{HOMES}/rn/shared/x")

    def test_in_the_middle(self):
        self.reads(f"{LOGS}/app-1.log")
        self.reads(f"{LOGS}/a/b/app-1.log")
        self.reads(f"{LOGS}/a/b/app-12.log", "")
        self.reads(f"{LOGS}/a/b/app-.log", "")
        self.reads(f"{LOGS}/a/app-x.log/y", "")

    def test_across(self):
        """Two stars within a name go on below it."""
        self.reads(f"{STARTS}/v1")
        self.reads(f"{STARTS}/v2x/y/z")
        self.reads(f"{STARTS}/v/1", "")

    @each_place
    def test_created_and_renamed(self, place):
        for name in (".env", "x.pem"):
            self.refused(errno.EACCES, "make", "file", f"{place}/{name}")
            self.assertFalse(os.path.exists(f"{place}/{name}"))
            put(f"{place}/{name}")
            self.refused(errno.EACCES, "rename", f"{place}/{name}", f"{place}/plain")
            self.refused(errno.EXDEV, "link", f"{place}/{name}", f"{place}/plain")
            self.refused(errno.EACCES, "remove", f"{place}/{name}")
        put(f"{place}/from")
        self.allowed("rename", f"{place}/from", f"{place}/to")
        self.refused(errno.EACCES, "rename", f"{place}/to", f"{place}/to.pem")

    @each_place
    def test_directories_move_where_nothing_is_widened(self, place):
        fresh_dir(f"{place}/old")
        put(f"{place}/old/deep/a.pem")
        self.allowed("rename", f"{place}/old", f"{place}/new")
        self.refused(errno.EACCES, "read", f"{place}/new/deep/a.pem")
        self.allowed("make", "dir", f"{place}/new/other")
        self.allowed("rename", f"{place}/new/other", f"{place}/other")

    @each_place
    def test_directories_take_no_names_along(self, place):
        put(f"{place}/b/hooks/post-commit")
        fresh_dir(f"{place}/clone")
        self.refused(errno.EXDEV, "rename", f"{place}/b", f"{place}/clone/.git")
        self.record(type="file.rename", verdict="deny", reason="widen")
        self.allowed("rename", f"{place}/b", f"{place}/clone/git")
        put(f"{place}/theirs/.git/hooks/post-commit")
        self.refused(errno.EXDEV, "rename", f"{place}/theirs/.git", f"{place}/away")

    @each_place
    def test_remembered_directories(self, place):
        """Opened before, its names are told apart all the same; renames elsewhere change nothing."""
        for _ in range(3):
            self.reads(f"{place}/often/x")
            self.reads(f"{place}/often/x.pem", "secrets")
            put(f"{place}/elsewhere")
            os.rename(f"{place}/elsewhere", f"{place}/elsewhere2")
            self.reads(f"{place}/often/y")
        fresh_dir(f"{place}-elsewhere")
        os.rename(f"{place}/often", f"{place}-elsewhere/often")
        self.refused(errno.EACCES, "read", f"{place}-elsewhere/often/x")
        os.rename(f"{place}-elsewhere/often", f"{place}/often")
        self.allowed("read", f"{place}/often/x")

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
