# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the end-to-end tests share: policies, starting weir, waiting for events without sleeping."""

import datetime
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

# one that every user may execute
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable

# who starts tests in the background may have them ignored, and every program would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# emulated guests are slow; an event that has not come by then does not come
WAIT_S = int(os.environ.get("WEIR_TEST_WAIT_S", 60))

OPEN = """version: 1
name: e2e
identity: {agent: tester}
network:
  allow:
    - name: local
      addresses: [loopback]
  listen: unrestricted
  unix: unrestricted
files: unrestricted
guard: unrestricted
"""

CLOSED = OPEN.replace("addresses: [loopback]", "addresses: [192.0.2.1]")


def cgroup_mount():
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        if rest.startswith("cgroup2 "):
            return pathlib.Path(fields.split()[4])
    raise RuntimeError("no cgroup2")


def alive(pid):
    """A process that has not ended; a zombie has."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def wait_end(pid):
    """Waits until a process that is not our child has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([fd], [], [], WAIT_S)[0]:
            raise AssertionError(f"process {pid} does not end")
    finally:
        os.close(fd)


def read_until(fd, pattern, timeout=WAIT_S):
    """Reads from a descriptor until the bytes `pattern` are in what was read."""
    data = b""
    deadline = time.monotonic() + timeout
    while pattern not in data:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            raise AssertionError(f"{pattern!r} does not come; so far: {data!r}")
        try:
            piece = os.read(fd, 65536)
        except OSError:
            piece = b""
        if not piece:
            raise AssertionError(f"the end before {pattern!r}: {data!r}")
        data += piece
    return data


class Case(unittest.TestCase):
    weir = None  # path of the program under test, set by run.py

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="weir-e2e-"))
        self.dir.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.policy = self.file("open.yaml", OPEN)
        self.log = self.dir / "log.jsonl"

    def file(self, name, text, mode=0o644):
        path = self.dir / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def argv(self, *command, policy=None, options=(), log=None):
        return [self.weir, "run", "--policy", str(policy or self.policy), "--log",
                str(log or self.log), *options, "--", *map(str, command)]

    def run_weir(self, *command, env=None, stdin=subprocess.DEVNULL, **kwargs):
        """`weir run` to its end. Returns the finished process, output as text."""
        return subprocess.run(self.argv(*command, **kwargs), env=env, stdin=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S,
                              check=False)

    def start_weir(self, *command, **kwargs):
        """`weir run` in the background, with pipes."""
        process = subprocess.Popen(self.argv(*command, **kwargs), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.stop, process)
        return process

    @staticmethod
    def stop(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def call(self, *args, **kwargs):
        return subprocess.run([self.weir, *map(str, args)], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=WAIT_S, check=False, **kwargs)

    def records(self, log=None):
        # what is behind the last line's end is being written
        lines = pathlib.Path(log or self.log).read_text().split("\n")[:-1]
        records = [json.loads(line) for line in lines]
        self.assertEqual([record["seq"] for record in records], list(range(1, len(records) + 1)))
        return records

    def assert_status(self, done, status):
        self.assertEqual(done.returncode, status, f"{done.args}\n{done.stdout}\n{done.stderr}")


def timestamp(text):
    """A record's time in seconds, to the microsecond."""
    return datetime.datetime.fromisoformat(text[:26] + "+00:00").timestamp()


def python(text, *args):
    """A command that runs a Python program."""
    return [PYTHON, "-c", text, *map(str, args)]


__all__ = ["Case", "CLOSED", "OPEN", "PYTHON", "WAIT_S", "alive", "cgroup_mount", "os", "pathlib", "python",
           "read_until", "signal", "subprocess", "timestamp", "unittest", "wait_end"]
