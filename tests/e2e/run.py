#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the end-to-end tests of the command line; ends with "N passed, N failed"."""

import fcntl
import os
import sys
import unittest

import harness


class Result(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main():
    if os.geteuid() != 0:
        print("these tests need root", file=sys.stderr)
        return 2
    # the machine's own cgroups, bpffs and switches are tested with: by one at a time
    with open("/run/weir-e2e.lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for the end of another run of these tests", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        return run()


def run():
    harness.Case.weir = os.path.realpath(sys.argv[1])
    folder = os.path.dirname(os.path.realpath(__file__))
    suite = unittest.defaultTestLoader.discover(folder, pattern=os.environ.get("E2E", "*_test.py"))
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result)
    result = runner.run(suite)
    for test, why in result.skipped:
        print(f"skipped: {test}: {why}")
    failed = result.testsRun - result.passed - len(result.skipped)
    print(f"{result.passed} passed, {failed} failed")
    return 1 if failed or not result.passed else 0


if __name__ == "__main__":
    sys.exit(main())
