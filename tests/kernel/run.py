#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Runs the kernel tests on the kernel this runs on, as root: every *_test.py beside it and the C
programs given as arguments. TESTS chooses by name ("scope" or "scope_test.Scope.test_fork").
Ends with "N passed, N failed, N skipped".
"""
import collections
import faulthandler
import fcntl
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

from support import Confined, HERE, SHARE, WAIT_S, WEIR, policy_text
from daemon_harness import DaemonCase, Place

HANGS_S = 3 * WAIT_S    # a test that takes so long tells where it is
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


class Result(unittest.TextTestResult):
    passed = 0
    spent_s = collections.Counter()     # by module, with what its classes set up

    def startTestRun(self):
        super().startTestRun()
        self.ended = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        faulthandler.dump_traceback_later(HANGS_S, repeat=True, file=sys.stdout)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell(self.failures[-1])

    def addError(self, test, err):
        super().addError(test, err)
        self.tell(self.errors[-1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.tell(max(self.failures[-1:] + self.errors[-1:], key=lambda one: one[0] is subtest))

    def tell(self, failure):
        """At once, for a guest that ends early takes the list at the end with it."""
        self.stream.writeln(failure[1])

    def printErrors(self):
        """Told already."""

    def stopTest(self, test):
        super().stopTest(test)
        faulthandler.cancel_dump_traceback_later()
        now = time.monotonic()
        self.spent_s[test.id().partition(".")[0]] += now - self.ended
        self.ended = now
        took = now - self.began
        if took > 5:
            self.stream.writeln(f"    ({took:.1f} s)")


def chosen(suite, wanted):
    """The tests in it that are wanted, and for this guest."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from chosen(test, wanted)
        elif here(test) and (not wanted or any(word in test.id() for word in wanted)):
            yield test


def here(test):
    """Is this the guest for it?"""
    method = getattr(test, test.id().rpartition(".")[2], None)
    return all(getattr(what, "guest", SHARE) == SHARE for what in (test, method))


def python_tests(tests, when):
    """
    when: those of classes that say so, which are about what is loaded: "first", before anything
    is, or "last", when nobody else needs what is any more; or "kept", all the others.
    """
    # grouped by class, as the loader found them: a class has one confined workload
    suite = unittest.TestSuite(test for test in tests if getattr(test, "when", "kept") == when)
    if not suite.countTestCases():
        return 0, 0, 0
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(suite)
    bad = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    return result.passed, bad, len(result.skipped)


def program_test(path):
    """A C program prints a line a check and ends with its counts; without them it has failed."""
    began = time.monotonic()
    done = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    print(done.stdout, end="")
    counts = COUNTS.match(done.stdout.splitlines()[-1] if done.stdout else "")
    print(f"{os.path.basename(path)}: status {done.returncode}, {time.monotonic() - began:.1f} s",
          flush=True)
    if not counts or (done.returncode == 0) != (int(counts[2]) == 0):
        return 0, 1, 0
    return tuple(map(int, counts.groups()))


class Kept:
    """
    Keeps the programs that weirs share, all of them, while tests run, also those of daemons:
    otherwise each weir that finds no other loads and detaches them anew, which is most of what an
    emulated guest does.
    """
    EVERYTHING = policy_text("{}", '  allow:\n    - {name: all, paths: ["/**"]}\n', guard="{}")

    def __init__(self):
        with self.weir(self.EVERYTHING, "/usr/bin/cat") as weir:
            weir.stdin.write(b"\n")
            weir.stdin.flush()
            if weir.stdout.readline() != b"\n":
                raise AssertionError("weir does not start")
            [folder] = self.found()
            self.folder = os.open(folder, os.O_RDONLY)
            fcntl.flock(self.folder, fcntl.LOCK_SH)
            weir.stdin.close()
        DaemonCase.kept = Place(pathlib.Path("/run/weir-daemons"), bpffs=False)

    @staticmethod
    def found():
        return list(pathlib.Path("/sys/fs/bpf/weir").glob("abi-*"))

    @staticmethod
    def weir(policy, *command):
        file = pathlib.Path("/run/weir-kept.yaml")
        file.write_text(policy)
        return subprocess.Popen([str(WEIR), "run", "--policy", str(file), "--log", "/dev/null", "--",
                                 *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def release(self):
        """The next weir to leave takes them away."""
        DaemonCase.kept.end()
        DaemonCase.kept = None
        os.close(self.folder)

    def remove(self):
        """What no test has taken away."""
        if not self.found():
            return
        with self.weir(policy_text(), "/usr/bin/true") as weir:
            weir.communicate()


def left_over():
    """What the tests must not leave behind; the kernel frees programs a while after their end."""
    deadline = time.monotonic() + WAIT_S
    while (found := left_now()) and time.monotonic() < deadline:
        time.sleep(0.5)
    for what in found:
        print(f"left behind: {what}")
    return 1 if found else 0


def left_now():
    found = [str(path) for path in pathlib.Path("/sys/fs/cgroup").glob("**/weir*")]
    found += [str(path) for path in pathlib.Path("/sys/fs/bpf").glob("weir*/**/*")]
    shown = subprocess.run(["bpftool", "prog"], stdout=subprocess.PIPE, text=True, check=True)
    found += [line for line in shown.stdout.splitlines() if "name weir_" in line]
    return found


def main():
    wanted = os.environ.get("TESTS", "").split()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    tests = list(chosen(unittest.defaultTestLoader.discover(str(HERE), pattern="*_test.py"),
                        wanted))
    programs = [path for path in sys.argv[1:]
                if not wanted or any(word in path for word in wanted)]
    counts = [python_tests(tests, "first"), (0, left_over(), 0)]
    kept = Kept()
    counts += map(program_test, programs)
    counts.append(python_tests(tests, "kept"))
    kept.release()
    counts.append(python_tests(tests, "last"))
    kept.remove()
    print(", ".join(f"{module} {spent:.0f} s" for module, spent in Result.spent_s.most_common()))
    if Confined.count:
        print(f"weir run {Confined.count} times: {Confined.starting_s:.0f} s to start, "
              f"{Confined.ending_s:.0f} s to end")
    counts.append((0, left_over(), 0))
    passed, failed, skipped = map(sum, zip(*counts))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
