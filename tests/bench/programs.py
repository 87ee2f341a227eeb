# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whole programs at work in a guest that counts instructions: bare and under weir."""

import subprocess

import policies
from files import PROGRAMS, SCRATCH, USED, bare
from weir import AS_USER, Weir, say

TREE = USED / "tree"
PROJECT = USED / "project"
FOLDERS, FILES = 400, 50	# 20,000 files
WORKED = f"{USED}/**", "/dev/null", "/dev/tty"
READ = "/usr", "/etc"
RATIO_MAX = 1.03

GIT = "git", "-C", TREE, "-c", "user.name=bench", "-c", "user.email=bench@example.com"
COMMANDS = {
    "git status, 20,000 files": ["env", f"HOME={USED}", *GIT[:3], "status", "--short"],
    "find, 20,000 files": ["find", TREE, "-type", "f", "-size", "+1k"],
    "make, a C project": ["env", f"TMPDIR={USED}", "make", "-C", PROJECT, "-B"],
}

MAKEFILE = """CFLAGS := -O1 -Wall
OBJ := $(patsubst %.c,%.o,$(wildcard *.c))
project: $(OBJ)
\tgcc $^ -o $@
%.o: %.c
\tgcc $(CFLAGS) -c $< -o $@
"""
MAIN = "int part_0(void);\nint main(void) { return part_0() < 0; }\n"
PART = """#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int part_%d(void)
{
\tchar text[64];

\tsnprintf(text, sizeof(text), "%%d %%s", errno, strerror(errno));
\treturn (int)strlen(text) + socket(AF_UNIX, SOCK_STREAM, 0);
}
"""


def prepare():
    """As the user who works there."""
    for i in range(FOLDERS):
        path = TREE / f"part-{i % 20}" / f"folder-{i}"
        path.mkdir(parents=True)
        for j in range(FILES):
            (path / f"file-{j}.txt").write_text(f"{i % 7} {j % 5}\n")
    PROJECT.mkdir()
    (PROJECT / "Makefile").write_text(MAKEFILE)
    (PROJECT / "main.c").write_text(MAIN)
    for i in range(6):
        (PROJECT / f"part_{i}.c").write_text(PART % i)
    subprocess.run(["chown", "-R", "nobody:nogroup", TREE, PROJECT], check=True)
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*AS_USER, "env", f"HOME={USED}", *GIT, *command], check=True)


def took(run, name):
    found = run([PROGRAMS / "program_bench", name, *COMMANDS[name]])
    return found[name]["ns"] / 1e6


def programs_add(report):
    say("programs: 20,000 files")
    prepare()
    weir = Weir(SCRATCH, policies.path_rules(WORKED, READ))
    for name in COMMANDS:
        say(f"programs: {name}")
        base = took(bare, name)
        report.add(f"{name}: bare", base, "million instructions")
        report.add(f"{name}: weir", took(weir.measured, name), "million instructions", base=base,
                   target=("ratio", RATIO_MAX))
