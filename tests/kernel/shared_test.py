# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Weirs that run at one time share one set of programs; the last to leave takes it away."""

import glob
import stat
import threading
import time

from support import (Runs, WAIT_S, WEIR, errno, json, once, os, outside, pathlib, policy_text, put,
                     subprocess, unittest)

PORT = 4300
CONNECT = ("tcp", "127.0.0.1", PORT)
LOCAL = """  allow:
    - name: local
      addresses: [loopback]
"""
PATHS = """  allow:
    - name: system
      paths: [/**]
      access: [read, write, create, delete, execute]
  deny:
    - name: secret
      paths: [/scratch/weir-secret]
"""
SET = "/sys/fs/bpf/weir/abi-*"


def loaded():
    """The ids of weir's programs, as the kernel tells of them."""
    programs = json.loads(subprocess.run(["bpftool", "-j", "prog"], stdout=subprocess.PIPE,
                                         check=True).stdout)
    return sorted(one["id"] for one in programs if one.get("name", "").startswith("weir_"))


def left_loaded():
    """The same, when the kernel has had the time to free what has ended."""
    deadline = time.monotonic() + WAIT_S
    while loaded() and time.monotonic() < deadline:
        time.sleep(0.2)
    return loaded()


def told(confined):
    """The types of what was denied, or would have been, and of connections."""
    return sorted(record["type"] for record in confined.records()
                  if record.get("verdict") in ("deny", "would-deny")
                  or record["type"] == "network.connect")


class Sharing(Runs):
    """What the tests share."""
    port = PORT

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.secret = put("/scratch/weir-secret")


@once
class First(Sharing):
    when = "first"

    def test_one_set(self):
        """Who comes loads what is missing, and the last to leave takes all away."""
        self.assertEqual(left_loaded(), [])
        zero = self.confined(policy_text(LOCAL))
        few = loaded()
        one = self.confined(policy_text(LOCAL, PATHS))
        before = loaded()
        self.assertLess(set(few), set(before))
        self.end(zero)
        two = self.confined(policy_text(LOCAL, PATHS))
        self.assertEqual(loaded(), before)
        self.refused(one, errno.EACCES, "read", self.secret)
        two.call(*CONNECT)
        self.end(one)
        self.refused(two, errno.EACCES, "read", self.secret)
        self.assertEqual(loaded(), before)
        self.end(two)
        self.assertEqual(told(one), ["file.open"])
        self.assertEqual(told(two), ["file.open", "network.connect"])
        self.assertEqual(glob.glob(SET), [])
        self.assertEqual(left_loaded(), [])


class Shared(Sharing):
    def test_many_at_once(self):
        """They start and end at one time, and none is without its policy for it."""
        allowed, failed = [f"127.0.0.{n}" for n in range(1, 7)], []

        def one(address):
            try:
                confined = self.confined(policy_text(LOCAL.replace("loopback", address)))
                for other in allowed:
                    if other == address:
                        confined.call("tcp", other, PORT)
                    else:
                        self.refused(confined, errno.EPERM, "tcp", other, PORT)
                denied = [record for record in self.end(confined) if record.get("verdict") == "deny"]
                self.assertEqual(len(denied), len(allowed) - 1)
            except Exception as error:     # pylint: disable=broad-except # told below
                failed.append(f"{address}: {error}")
        threads = [threading.Thread(target=one, args=(address,)) for address in allowed]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])

    def test_asked_once(self):
        """Files and guard ask about the same open: whatever other weirs need, there is one record."""
        audit = {"guard": "", "head": "mode: audit\n"}     # a denial would end the asking
        policies = (policy_text(files=PATHS, **audit), policy_text(**audit))
        for first, second in (policies, policies[::-1]):
            pair = [self.confined(first), self.confined(second)]
            for confined in pair:
                confined.call("file_touch", "/proc/sys/kernel/core_pattern", os.O_WRONLY)
                self.end(confined)
                self.assertEqual(told(confined), ["guard.escape"])

    def test_killed_beside_another(self):
        """A dead weir's workload stays confined, and the next weir clears up what is left."""
        one = self.confined(policy_text(LOCAL.replace("loopback", "127.0.0.2"), PATHS))
        cgroup = one.cgroup
        two = self.confined(policy_text(LOCAL, PATHS))
        self.refused(one, errno.EPERM, *CONNECT)
        one.kill()
        for code, call in ((errno.EPERM, CONNECT), (errno.EACCES, ("read", self.secret))):
            # it has ended with its weir, or is as confined as before
            with self.assertRaises((OSError, AssertionError)) as caught:
                one.call(*call)
            if isinstance(caught.exception, OSError):
                self.assertIn(caught.exception.errno, (code, errno.EPIPE))
            else:
                self.assertIn("has ended", str(caught.exception))
        self.refused(two, errno.EACCES, "read", self.secret)
        self.end(two)
        self.end(self.confined(policy_text(LOCAL)))
        self.assertFalse(cgroup.exists())
        outside().call(*CONNECT)

    def test_pins_are_root_s(self):
        confined = self.confined(policy_text(LOCAL))
        folders = glob.glob(SET)
        self.assertEqual(len(folders), 1)
        for folder in (folders[0], *map(str, pathlib.Path(folders[0]).iterdir())):
            status = os.lstat(folder)
            # a symbolic link has no mode of its own
            mode = 0 if stat.S_ISLNK(status.st_mode) else status.st_mode & 0o077
            self.assertEqual((status.st_uid, mode), (0, 0), folder)
        self.end(confined)

    def test_doctor_tells_of_the_dead(self):
        one = self.confined(policy_text(LOCAL))
        one.kill()
        found = json.loads(subprocess.run([str(WEIR), "doctor", "--json"],
                                          stdout=subprocess.PIPE, check=False).stdout)
        self.assertEqual([left["cgroup_id"] for left in found["leftovers"]],
                         [one.cgroup.stat().st_ino])
        self.end(self.confined(policy_text(LOCAL)))


if __name__ == "__main__":
    unittest.main()
