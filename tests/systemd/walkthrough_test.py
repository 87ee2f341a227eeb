#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Does what a document says, as root: walkthrough_test.py DOCUMENT

A fence ```console has commands after "$ " and what they print, where "…" stands for anything in
a line, and alone on one for any lines. A fence with a path behind its language is that file. Ends with
"N passed, N failed", and stops at the first that failed.
"""
import pathlib
import re
import subprocess
import sys

LIMIT_S = 600


def fences(text):
    """The first line of each without its ticks, and the lines in it."""
    for match in re.finditer(r"^```(.+)\n((?:.*\n)*?)```$", text, re.MULTILINE):
        yield match[1], match[2]


def steps(lines):
    """The commands of a console, each with what it is to print."""
    for part in re.split(r"^\$ ", lines, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def pattern(printed):
    """Of what is printed: a line of "…" alone is any number of lines."""
    wanted = ""
    for line in printed.splitlines():
        if line == "…":
            wanted += r"(?:.*\n)*?"
        else:
            wanted += "".join(".*" if piece == "…" else re.escape(piece)
                              for piece in re.split("(…)", line)) + "\n"
    return wanted


def run(command, printed):
    done = subprocess.run(["bash", "-c", command.replace("sudo ", "")], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S,
                          check=False)
    failed = done.returncode != 0 or not re.fullmatch(pattern(printed), done.stdout)
    print(f"{'not ok' if failed else 'ok'} - {command}", flush=True)
    if failed:
        print(f"status {done.returncode}; it printed:\n{done.stdout}instead of:\n{printed}")
    return not failed


def main():
    passed = failed = 0
    for head, lines in fences(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")):
        language, _, path = head.partition(" ")
        if path:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(path).write_text(lines, encoding="utf-8")
        if language != "console":
            continue
        for command, printed in steps(lines):
            if failed:
                break
            good = run(command, printed)
            passed += good
            failed += not good
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
