# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Executing: programs, scripts, their interpreters and loaders, and mapped code."""

import mmap
import shutil

from support import ACTOR_FILES, Case, USER, errno, fresh_dir, os, policy_text, put, unittest

PLACES = ["/scratch/weir-code", "/tmp/weir-code", "/srv/weir-code"]
KINDS = {"x": "execute", "rx": "read, execute", "r": "read"}
LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBRARY = "/lib/x86_64-linux-gnu/libm.so.6"

RULES = ACTOR_FILES + "".join(f"""    - name: {kind}{number}
      paths: ["{place}/{kind}/**"]
      access: [{access}]
""" for number, place in enumerate(PLACES) for kind, access in KINDS.items())


class Code(Case):
    policy = policy_text(files=f"  allow:\n{RULES}")

    @classmethod
    def prepare(cls):
        for place in PLACES:
            fresh_dir(place)
            for kind in [*KINDS, "none"]:
                os.mkdir(f"{place}/{kind}")
                shutil.copy("/usr/bin/true", f"{place}/{kind}/true")
                shutil.copy("/bin/sh", f"{place}/{kind}/sh")
                shutil.copy(LIBRARY, f"{place}/{kind}/library")

    def test_programs(self):
        for place in PLACES:
            for kind, ok in (("x", True), ("rx", True), ("r", False), ("none", False)):
                path = f"{place}/{kind}/true"
                with self.subTest(path):
                    self.since = len(self.inside.records())
                    if ok:
                        self.assertEqual(self.allowed("run", [path, "an argument"]), 0)
                        record = self.record(type="process.exec", verdict="allow", file__path=path)
                        self.assertEqual(record["process"]["args"], [path, "an argument"])
                        self.assertEqual(record["reason"], "rule")
                    else:
                        self.refused(errno.EPERM, "run", [path])
                        self.record(type="process.exec", verdict="deny", reason="no-rule",
                                    file={"path": path, "access": ["execute"]})
                        self.assertEqual(self.free("run", [path]), 0)

    def test_program_by_descriptor(self):
        for place in PLACES:
            for kind, ok in (("x", True), ("r", False), ("none", False)):
                with self.subTest(place=place, kind=kind):
                    args = ("run_fd", f"{place}/{kind}/true", os.O_PATH)
                    self.assertEqual(self.free(*args), 0)
                    if ok:
                        self.assertEqual(self.allowed(*args), 0)
                    else:
                        self.refused(errno.EPERM, *args)
            self.refused(errno.EPERM, "run_fd", f"{place}/r/true", os.O_RDONLY)

    def test_program_in_memory(self):
        self.assertEqual(self.free("run_memfd", "/usr/bin/true"), 0)
        self.refused(errno.EPERM, "run_memfd", "/usr/bin/true")
        self.record(type="process.exec", verdict="deny")

    def test_scripts(self):
        for place in PLACES:
            with self.subTest(place):
                text = f"#!{place}/%s/sh\nexit 3\n"
                for kind, interpreter, ok in (("rx", "x", True), ("rx", "rx", True),
                                              ("rx", "r", False), ("rx", "none", False),
                                              ("r", "rx", False), ("none", "rx", False)):
                    path = put(f"{place}/{kind}/script-{interpreter}", text % interpreter, 0o777)
                    self.assertEqual(self.free("run", [path]), 3)
                    if ok:
                        self.assertEqual(self.allowed("run", [path]), 3)
                    else:
                        self.refused(errno.EPERM, "run", [path])
                # a script that its interpreter may not read
                path = put(f"{place}/x/script", text % "x", 0o777)
                self.assertNotEqual(self.allowed("run", [path]), 3)

    def test_scripts_of_scripts(self):
        """An interpreter may be a script, whose own interpreter is decided as well."""
        for place in PLACES:
            for inner, last, ok in (("rx", "x", True), ("r", "x", False), ("rx", "none", False)):
                with self.subTest(place=place, inner=inner, last=last):
                    put(f"{place}/{inner}/inner", f"#!{place}/{last}/sh\nexit 4\n", 0o777)
                    path = put(f"{place}/rx/outer", f"#!{place}/{inner}/inner\n", 0o777)
                    self.assertEqual(self.free("run", [path]), 4)
                    if ok:
                        self.assertEqual(self.allowed("run", [path]), 4)
                    else:
                        self.refused(errno.EPERM, "run", [path])

    def test_library_loaded_in_front(self):
        """LD_PRELOAD: the program runs without it, and the record says why."""
        for place in PLACES:
            for kind, ok in (("rx", True), ("r", False)):
                with self.subTest(place=place, kind=kind):
                    self.since = len(self.inside.records())
                    path = f"{place}/{kind}/library"
                    call = "run_with", {"LD_PRELOAD": path}, [f"{place}/rx/sh", "-c", "exit 5"]
                    self.assertEqual(self.free(*call), 5)
                    self.assertEqual(self.allowed(*call), 5)
                    if ok:
                        self.fence()
                        self.assertFalse(self.made(verdict="deny", file__path=path))
                    else:
                        self.record(type="process.exec", verdict="deny",
                                    file={"path": path, "access": ["execute"]})

    def test_loader_named_directly(self):
        for place in PLACES:
            with self.subTest(place):
                self.assertEqual(self.allowed("run", [LOADER, f"{place}/rx/true"]), 0)
                self.assertEqual(self.free("run", [LOADER, f"{place}/r/true"]), 0)
                self.assertEqual(self.allowed("run", [LOADER, f"{place}/r/true"]), 127)
                self.record(type="process.exec", verdict="deny",
                            file={"path": f"{place}/r/true", "access": ["execute"]})

    def test_mapping(self):
        code = mmap.PROT_READ | mmap.PROT_EXEC
        for place in PLACES:
            with self.subTest(place):
                self.allowed("map_file", f"{place}/r/true", mmap.PROT_READ)
                self.allowed("map_file", f"{place}/rx/true", code)
                self.free("map_file", f"{place}/r/true", code)
                self.refused(errno.EPERM, "map_file", f"{place}/r/true", code)
                self.record(verdict="deny", file__path=f"{place}/r/true")

    def test_making_a_mapping_executable(self):
        for place in PLACES:
            for flags in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
                with self.subTest(place=place, flags=flags):
                    self.since = len(self.inside.records())
                    self.allowed("protect_file", f"{place}/rx/true", flags)
                    self.free("protect_file", f"{place}/r/true", flags)
                    self.refused(errno.EPERM, "protect_file", f"{place}/r/true", flags)
                    self.record(verdict="deny")

    def test_code_from_no_file(self):
        self.allowed("map_memory", mmap.MAP_PRIVATE)


class CodeOfUser(Code):
    user = USER


if __name__ == "__main__":
    unittest.main()
