# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python's own tests of its file functions: under a policy for their folder they end as without."""

import shutil

from support import (Actor, Case, HERE, USER, as_user, errno, fresh_dir, once_in, policy_text,
                     subprocess, unittest)

WORK, FREE = "/scratch/weir-suites", "/scratch/weir-suites-free"
SUITE = HERE / "suite.py"
# what the tests want beside their own folder
SYSTEM = f"""  allow:
    - name: work
      paths: ["{WORK}/**"]
      access: [read, write, create, delete, execute]
    - name: system
      paths: [/, "/usr/**", "/etc/**", "/proc/**"]
      access: [read, execute]
    - name: devices
      paths: [/dev/null, /dev/zero, /dev/urandom, /dev/tty, "/dev/pts/**", /dev/ptmx]
      access: [read, write]
"""


def failures(outcomes):
    return [text for text in outcomes.values() if text.startswith("failed:")]


@once_in(2)
class Suites(Case):
    policy = policy_text(files=SYSTEM, guard="")
    user = USER
    maxDiff = None
    actor = f"{WORK}/{SUITE.name}"

    @classmethod
    def prepare(cls):
        for folder in (WORK, FREE):
            shutil.copy(SUITE, fresh_dir(folder))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = Actor(as_user(cls.user), subprocess.DEVNULL, f"{FREE}/{SUITE.name}")
        cls.addClassCleanup(cls.outside.end)

    def outcomes(self, module, name):
        """Of the tests of a class, at the same time inside and outside."""
        for actor in (self.inside, self.outside):
            actor.ask("run", module, name)
        return self.inside.answer(), self.outside.answer()

    def compare(self, module, least):
        """All classes of a module. least: tests that pass."""
        passed = 0
        for name in self.free("classes", module):
            inside, outside = self.outcomes(module, name)
            if inside != outside or failures(outside):
                # some measure time, and a guest's processors take turns
                inside, outside = self.outcomes(module, name)
            with self.subTest(name):
                self.assertEqual(inside, outside)
            self.assertEqual(failures(outside), [])
            passed += list(outside.values()).count("passed")
        self.assertGreaterEqual(passed, least)

    def test_bound(self):
        """They are under the policy."""
        self.refused(errno.EACCES, "names", FREE)
        self.free("names", FREE)

    def test_os(self):
        self.compare("test_os", 250)

    def test_shutil(self):
        self.compare("test_shutil", 130)

    def test_pathlib(self):
        self.compare("test_pathlib", 300)

    def test_tempfile(self):
        self.compare("test_tempfile", 95)


if __name__ == "__main__":
    unittest.main()
