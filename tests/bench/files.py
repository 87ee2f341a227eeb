# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
What operations on files cost in a guest that counts instructions: bare, under Landlock, under
AppArmor, under weir, and under no policy while weir confines something else.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import zlib

import apparmor
import policies
from weir import AS_USER, BIN, Weir, measured, say

SCRATCH = pathlib.Path("/scratch")
USED = SCRATCH / "used"		# where everything is allowed
RULES = SCRATCH / "rules"	# what other patterns name, beside it
LISTS = SCRATCH / "lists"
PROGRAMS = USED / "bin"
SPARE = USED / "spare"
CGROUPS = pathlib.Path("/sys/fs/cgroup/bench")

DEPTHS = (1, 4, 8, 16)
SIZES = (10, 1000, 100000)
APPARMOR_SIZES = (10, 1000)	# for more its parser takes an hour, emulated
COUNT = 500
COUNT_OF_CALLS = 10000

FREE_MAX = 400		# instructions a hook may cost a task under no policy
STAT_MAX = 20		# stat is not decided
DEEP_PART = 0.35	# of what Landlock adds to an open eight directories deep
FLAT_MAX = 1.05		# the largest policy, times the smallest


def folder(depth):
    return USED.joinpath(*["d"] * (depth - 1))


def jobs():
    """(title, operation, path) of each figure."""
    found = [("read, open file", "read", USED / "file"), ("write, open file", "write", USED / "file")]
    for depth in DEPTHS:
        for title, operation in (("open", "open"), ("open after a rename", "open_renamed"),
                                 ("create and unlink", "create"), ("rename", "rename")):
            found.append((f"{title}, depth {depth}", operation, folder(depth) / "file"))
        if depth in (1, 8):
            found.append((f"stat, depth {depth}", "stat", folder(depth) / "file"))
            found.append((f"exec, depth {depth}", "exec", folder(depth) / "nothing"))
    return found


def named(count):
    """What count - 1 patterns name: folders with all below them, and files."""
    names = [RULES / f"{zlib.crc32(str(i).encode()):08x}" for i in range(count - 1)]
    return names[::2], names[1::2]


def prepare():
    os.umask(0)     # what is confined is not root
    SCRATCH.chmod(0o777)
    folder(max(DEPTHS)).mkdir(parents=True)
    for depth in DEPTHS:
        (folder(depth) / "file").write_text("x\n")
        shutil.copy(BIN / "nothing", folder(depth))
    SPARE.write_text("x\n")
    PROGRAMS.mkdir()
    for name in ("file_bench", "program_bench", "net_bench", "landlock_run", "hold"):
        shutil.copy(BIN / name, PROGRAMS)
    RULES.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,nr_inodes=0", "tmpfs", RULES], check=True)
    LISTS.mkdir()
    for count in SIZES:
        (LISTS / str(count)).write_text("".join(f"{path}\n" for paths in named(count)
                                                for path in paths))
    folders, files = named(max(SIZES))
    for path in folders:
        path.mkdir()
    for path in files:
        path.touch()
    # everything at the same depth, as services are: weir's command beside what is not confined
    (CGROUPS / "free").mkdir(parents=True)
    (CGROUPS / "cgroup.procs").write_text(str(os.getpid()))


def free():
    """For a process that is not to be below weir's own cgroup."""
    (CGROUPS / "free/cgroup.procs").write_text(str(os.getpid()))


def bare(command):
    return measured([*AS_USER, *command], preexec_fn=free)


def landlock(count):
    return lambda command: bare([PROGRAMS / "landlock_run", USED, LISTS / str(count), *command])


def empty(command):
    """While programs that do nothing are attached: what the kernel takes for calling them."""
    return measured([BIN / "empty_run", "/sys/fs/cgroup", *AS_USER, *command], preexec_fn=free)


def profiled(count):
    def enter():
        free()
        apparmor.Profile.enter()

    def run(command):
        with apparmor.Profile(USED, *named(count)):
            return measured([*AS_USER, *command], preexec_fn=enter)
    return run


def policy(count, wildcards=False):
    return policies.path_rules([f"{USED}/**"], *named(count), wildcards)


def figures(run, wanted=None):
    """By title."""
    chosen = [job for job in jobs() if not wanted or job[0].startswith(wanted)]
    words = [word for _, operation, path in chosen for word in (operation, path)]
    found = run([PROGRAMS / "file_bench", "-n", COUNT, "spare", SPARE, *words])
    return {title: found[f"{operation} {path}"] for title, operation, path in chosen}


def calls_total():
    shown = subprocess.run(["bpftool", "-j", "prog", "show"], stdout=subprocess.PIPE, check=True)
    return sum(program.get("run_cnt", 0) for program in json.loads(shown.stdout)
               if program.get("name", "").startswith("weir_"))


@contextlib.contextmanager
def calls_counted():
    path = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
    path.write_text("1")
    try:
        yield
    finally:
        path.write_text("0")


def calls():
    """How many programs an operation calls, at any depth."""
    found = {}
    with calls_counted():
        for _, operation, path in jobs():
            if operation in found or operation == "open_renamed":   # the rename calls some, too
                continue
            before = calls_total()
            figure, = bare([PROGRAMS / "file_bench", "-n", COUNT_OF_CALLS, "-r", 1, "-w", 1,
                            operation, path]).values()
            # what starting the process calls is lost among so many
            found[operation] = round((calls_total() - before) / figure["operations"])
    return {**found, "open_renamed": found["open"]}


class Found:
    """Figures by variant and title, and the rows of the report that they become."""

    def __init__(self, report):
        self.report = report
        self.values = {}
        self.counts = {}    # of patterns, by variant
        self.bare = self.take("bare", bare)

    def take(self, variant, run, wanted=None, count=0):
        say(f"files: {variant}")
        self.values[variant] = figures(run, wanted)
        self.counts[variant] = count
        return self.values[variant]

    def added(self, variant, title):
        return self.values[variant][title]["ns"] - self.bare[title]["ns"]

    def add(self, variant, title, target=None, **more):
        if title not in self.values[variant]:
            return
        figure = self.values[variant][title]
        base = None if variant == "bare" else self.bare[title]["ns"]
        self.report.add(f"{title}: {variant}", figure["ns"], "instructions", base=base,
                        target=target, steady=figure["steady"], **more)


def target_of(found, title, variant):
    if not variant.startswith("weir, "):
        return None
    against = found.added(f"Landlock, {found.counts[variant]:,}", title)
    if title == "open, depth 1":
        return "added", against
    if title == "open, depth 8":
        return "added", DEEP_PART * against
    return ("added", STAT_MAX) if title.startswith("stat") else None


def flat_add(report, found, title):
    least, most = (found.added(f"weir, {count:,}", title) for count in (SIZES[0], SIZES[-1]))
    report.add(f"{title}: added by weir, {SIZES[-1]:,} / {SIZES[0]:,}", most, "instructions",
               base=least, target=("ratio", FLAT_MAX))


def others_take(report, found):
    for count in SIZES:
        found.take(f"Landlock, {count:,}", landlock(count))
    if not apparmor.enabled():
        report.skip("AppArmor", "the kernel does not run it")
        return
    for count in APPARMOR_SIZES:
        found.take(f"AppArmor, {count:,}", profiled(count))


def wildcards_take(report, found):
    """10 patterns, and some with wildcards."""
    name = "weir, 10 and wildcards"
    try:
        found.take(name, Weir(SCRATCH, policy(10, wildcards=True)).measured, count=10)
    except RuntimeError as error:
        if "status 125" not in str(error):
            raise
        report.skip(name, "weir refuses such a policy: " + str(error).splitlines()[1])


def free_take(found):
    """Tasks under no policy, while weir confines another. Returns what operations call."""
    found.take("empty programs", empty, "open, ")
    with Weir(SCRATCH, policy(10)).held(PROGRAMS / "hold"):
        found.take("weir loaded, no policy", bare)
        return calls()


def free_add(found, title, hooks):
    found.add("empty programs", title)
    variant = "weir loaded, no policy"
    if hooks:
        found.add(variant, title, ("per_hook", FREE_MAX), hooks=hooks,
                  per_hook=round(found.added(variant, title) / hooks, 1))
    else:
        found.add(variant, title, ("added", STAT_MAX), hooks=0)


def files_add(report):
    found = Found(report)
    others_take(report, found)
    for count in SIZES:
        found.take(f"weir, {count:,}", Weir(SCRATCH, policy(count)).measured, count=count)
    wildcards_take(report, found)
    confined = list(found.values)
    hooks = free_take(found)
    for title, operation, _ in jobs():
        for variant in confined:
            found.add(variant, title, target_of(found, title, variant))
        free_add(found, title, hooks[operation])
        if title.startswith("open, "):
            flat_add(report, found, title)
    again = figures(bare, "open, ")
    for title, figure in again.items():
        report.add(f"{title}: bare, at the end", figure["ns"], "instructions",
                   base=found.bare[title]["ns"])
