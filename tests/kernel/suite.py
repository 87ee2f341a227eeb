# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs test classes of Python's own on request, in the folder this file lies in: reads one JSON
array a line, ["classes", MODULE], ["run", MODULE, CLASS] or ["names", FOLDER], and answers
{"ok": value} or {"errno": number}. See suites_test.py.
"""
import importlib
import json
import os
import unittest

FOLDER = os.path.dirname(os.path.abspath(__file__))


class Result(unittest.TestResult):
    """What became of each test, by its name."""

    def __init__(self):
        super().__init__()
        self.found = {}

    def tell(self, test, outcome):
        self.found.setdefault(test.id(), outcome)

    def addSuccess(self, test):
        self.tell(test, "passed")

    def addSkip(self, test, reason):
        self.tell(test, f"skipped: {reason}")

    def addExpectedFailure(self, test, err):
        self.tell(test, "failed as expected")

    def addUnexpectedSuccess(self, test):
        self.tell(test, "passed unexpectedly")

    def addFailure(self, test, err):
        self.tell(test, f"failed: {self._exc_info_to_string(err, test)}")

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err:
            self.tell(test, f"failed: {subtest}: {self._exc_info_to_string(err, test)}")


def module(name):
    return importlib.import_module(f"test.{name}")


def classes(name):
    """Those with tests, in the order of the file."""
    return [key for key, value in vars(module(name)).items()
            if isinstance(value, type) and issubclass(value, unittest.TestCase)
            and value.__module__ == f"test.{name}"
            and unittest.defaultTestLoader.getTestCaseNames(value)]


def run(name, class_name):
    result = Result()
    unittest.defaultTestLoader.loadTestsFromTestCase(
        getattr(module(name), class_name)).run(result)
    return result.found


def names(folder):
    return os.listdir(folder)


def answer_of(call):
    what, *args = call
    try:
        return {"ok": {"classes": classes, "run": run, "names": names}[what](*args)}
    except OSError as error:
        return {"errno": error.errno, "text": str(error)}


def main():
    # what the tests write is not an answer, and what they read is not a call
    calls, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    os.chdir(FOLDER)
    os.environ["TMPDIR"] = FOLDER
    from test import support    # pylint: disable=import-outside-toplevel
    support.use_resources = []  # none of the tests that take long
    print(json.dumps({"ok": os.getpid()}), file=answers, flush=True)
    for line in calls:
        print(json.dumps(answer_of(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
