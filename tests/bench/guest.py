#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The guest's part, where clocks count instructions: what opening a file costs bare, under
Landlock and under weir, and what tasks under no policy pay while weir is loaded.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import policies
from report import Report
from weir import AS_USER, BIN, WEIR, Weir, measured, memory_peak, resident, say

SCRATCH = pathlib.Path("/scratch")
DEEP = SCRATCH / "a/b/c/d/e/f/g"
FILES = {"depth 1": SCRATCH / "file", "depth 8": DEEP / "file"}
SIZES = (10, 1000)
# where the folders lie that the other rules name: a name beside them has to be looked up
PLACES = {"": pathlib.Path("/tmp/rules"), " beside": SCRATCH / "rules"}
PROGRAMS = SCRATCH / "bin"
CGROUPS = pathlib.Path("/sys/fs/cgroup/bench")
FREE_MAX = 400		# instructions a hook may cost a task under no policy
LANDLOCK_PART = 1.5	# of Landlock's added cost


def prepare():
    os.umask(0)     # what is confined is not root
    SCRATCH.chmod(0o777)
    DEEP.mkdir(parents=True)
    for path in FILES.values():
        path.write_text("x\n")
    (SCRATCH / "spare").write_text("x\n")
    for where in PLACES.values():
        for i in range(max(SIZES)):
            (where / str(i)).mkdir(parents=True)
    PROGRAMS.mkdir()
    for name in ("open_bench", "rename_bench", "net_bench", "landlock_run", "hold"):
        shutil.copy(BIN / name, PROGRAMS)
    # everything at the same depth, as services are: weir's command beside what is not confined
    (CGROUPS / "free").mkdir(parents=True)
    (CGROUPS / "cgroup.procs").write_text(str(os.getpid()))


def free():
    """For a process that is not to be below weir's own cgroup."""
    (CGROUPS / "free/cgroup.procs").write_text(str(os.getpid()))


def others(count, place=""):
    return [PLACES[place] / str(i) for i in range(count - 1)]


def opens(run):
    """Instructions an open and close takes at each depth, by a function that runs a command."""
    found = run([PROGRAMS / "open_bench", *FILES.values()])
    return {depth: found[str(path)]["ns"] for depth, path in FILES.items()}


def after_rename(run):
    found = run([PROGRAMS / "rename_bench", FILES["depth 8"], SCRATCH / "spare"])
    return found[str(FILES["depth 8"])]["ns"]


def nets(run, times=5):
    """
    By the sender's own use: on one processor, the reader of the records takes turns with it.
    A process's connects cost up to 600 instructions more or less than another's: the median.
    """
    return {what: statistics.median(run([PROGRAMS / "net_bench", "-c", "-n", "640", what])[what]["ns"]
                                    for _ in range(times))
            for what in ("send", "connect")}


def bare(command):
    return measured([*AS_USER, *command], preexec_fn=free)


def landlock(count):
    dirs = [SCRATCH, *others(count)]
    return lambda command: bare([PROGRAMS / "landlock_run", *dirs, "--", *command])


def empty(command):
    """While programs that do nothing are attached: what the kernel takes for calling them."""
    return measured([BIN / "empty_run", "/sys/fs/cgroup", *AS_USER, *command], preexec_fn=free)


def opens_add(report, base):
    """Landlock and weir, at each size and depth."""
    for count in SIZES:
        say(f"open: Landlock and weir, {count} rules")
        against = opens(landlock(count))
        found = {f"weir, {count} rules{place}":
                 opens(Weir(SCRATCH, policies.path_rules(SCRATCH, others(count, place))).measured)
                 for place in PLACES}
        for depth in FILES:
            report.add(f"open, {depth}, Landlock, {count} rules", against[depth], "instructions",
                       base=base["open"][depth])
            limit = LANDLOCK_PART * (against[depth] - base["open"][depth])
            for name in found:
                report.add(f"open, {depth}, {name}", found[name][depth], "instructions",
                           base=base["open"][depth], target=("added", limit))


def rename_add(report, base):
    """Right after a rename what is remembered of directories is of no use."""
    say("open after a rename")
    weir = Weir(SCRATCH, policies.path_rules(SCRATCH, others(10))
                .replace("access: [read, execute]}", "access: [read, write, create, delete, execute]}", 1))
    report.add("open after a rename, depth 8, Landlock, 10 rules", after_rename(landlock_open),
               "instructions", base=base["rename"])
    report.add("open after a rename, depth 8, weir, 10 rules", after_rename(weir.measured),
               "instructions", base=base["rename"])


def landlock_open(command):
    """Landlock with renames left alone: its rules here give no right to them."""
    return bare([PROGRAMS / "landlock_run", "-r", SCRATCH, *others(10), "--", *command])


def free_add(report, base):
    """A task under no policy, while weir confines another."""
    say("a task under no policy while weir is loaded")
    weir = Weir(SCRATCH, policies.path_rules(SCRATCH, others(10)))
    with weir.held(PROGRAMS / "hold"):
        found, net = opens(bare), nets(bare)
    for depth, value in opens(empty).items():
        report.add(f"open, {depth}, an empty program", value, "instructions",
                   base=base["open"][depth])
    for depth in FILES:
        report.add(f"open, {depth}, weir loaded, no policy", found[depth], "instructions",
                   base=base["open"][depth], target=("added", FREE_MAX))
    for what, value in nets(empty).items():
        report.add(f"{what}, an empty program", value, "instructions", base=base["net"][what])
    for what, value in net.items():
        report.add(f"{what}, weir loaded, no policy", value, "instructions",
                   base=base["net"][what], target=("added", FREE_MAX))


def net_add(report, base):
    """The same under a policy, every attempt recorded."""
    for count in SIZES:
        say(f"network: weir, {count} addresses")
        weir = Weir(SCRATCH, policies.addresses(count), without=["files"])
        for what, value in nets(weir.measured, 1).items():
            report.add(f"{what}, weir, {count} addresses, recorded", value, "instructions",
                       base=base["net"][what])


def load_add(report):
    """What starting takes, and what the process keeps in memory."""
    for name, text in (("10 path rules", policies.path_rules(SCRATCH, others(10))),
                       ("100,000 path patterns",
                        policies.path_literals(100000).replace("/usr/**", "/scratch/**"))):
        say(f"start: {name}")
        weir = Weir(SCRATCH, text)
        began_ns = time.monotonic_ns()
        subprocess.run([WEIR, "check", weir.policy], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        report.add(f"weir check, {name}", (time.monotonic_ns() - began_ns) / 1e6,
                   "million instructions")
        with weir.held(PROGRAMS / "hold") as (process, took_ns):
            report.add(f"weir run to exec, {name}", took_ns / 1e6, "million instructions")
            total, own = resident(process.pid)
            report.add(f"resident memory without rings, {name}", own, "KiB",
                       target=("value", 10240), total=total, peak=memory_peak(process.pid))


def main():
    prepare()
    report = Report("Guest, instructions")
    say("bare")
    base = {"open": opens(bare), "rename": after_rename(bare), "net": nets(bare)}
    for depth in FILES:
        report.add(f"open, {depth}, bare", base["open"][depth], "instructions")
    opens_add(report, base)
    report.add("open after a rename, depth 8, bare", base["rename"], "instructions")
    rename_add(report, base)
    for what, value in base["net"].items():
        report.add(f"{what}, bare", value, "instructions")
    free_add(report, base)
    net_add(report, base)
    load_add(report)
    again = opens(bare)
    for depth in FILES:
        report.add(f"open, {depth}, bare, at the end", again[depth], "instructions",
                   base=base["open"][depth])
    report.save(sys.argv[1])


main()
