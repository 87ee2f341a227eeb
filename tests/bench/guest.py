#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The guest's part, where clocks count instructions: what files, whole programs and the network
cost, and what starting takes.
"""

import json
import statistics
import subprocess
import sys
import time

import files
import policies
import programs
from files import PROGRAMS, SCRATCH, bare, empty
from report import Report
from weir import WEIR, Weir, memory_peak, resident, say

SIZES = (10, 1000)		# of addresses
MANY = max(files.SIZES)
RESIDENT_MAX = 10 << 10		# KiB
TABLES_MAX = 64 << 10


def nets(run, times=5):
    """
    By the sender's own use: on one processor, the reader of the records takes turns with it.
    A process's connects cost up to 600 instructions more or less than another's: the median.
    """
    return {what: statistics.median(run([PROGRAMS / "net_bench", "-c", "-n", "640", what])[what]["ns"]
                                    for _ in range(times))
            for what in ("send", "connect")}


def net_free_add(report, base):
    """A task under no policy, while weir confines another."""
    say("network: a task under no policy while weir is loaded")
    with Weir(SCRATCH, files.policy(10)).held(PROGRAMS / "hold"):
        found = nets(bare)
    for what, value in nets(empty).items():
        report.add(f"{what}, empty programs", value, "instructions", base=base[what])
    for what, value in found.items():
        report.add(f"{what}, weir loaded, no policy", value, "instructions", base=base[what],
                   target=("added", files.FREE_MAX))


def net_add(report):
    """Every attempt recorded."""
    say("network: bare")
    base = nets(bare)
    for what, value in base.items():
        report.add(f"{what}, bare", value, "instructions")
    net_free_add(report, base)
    for count in SIZES:
        say(f"network: weir, {count} addresses")
        weir = Weir(SCRATCH, policies.addresses(count), without=["files"])
        for what, value in nets(weir.measured, 1).items():
            report.add(f"{what}, weir, {count} addresses, recorded", value, "instructions",
                       base=base[what])


def tables_kib():
    """What the kernel keeps in weir's maps."""
    shown = subprocess.run(["bpftool", "-j", "map", "show"], stdout=subprocess.PIPE, check=True)
    return sum(found["bytes_memlock"] for found in json.loads(shown.stdout)
               if found.get("name", "").startswith("weir_")) >> 10


def load_add(report):
    """What starting takes, and what is kept in memory."""
    for count in (10, MANY):
        name = f"{count:,} path patterns"
        say(f"start: {name}")
        weir = Weir(SCRATCH, files.policy(count))
        began_ns = time.monotonic_ns()
        subprocess.run([WEIR, "check", weir.policy], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        report.add(f"weir check, {name}", (time.monotonic_ns() - began_ns) / 1e6,
                   "million instructions")
        with weir.held(PROGRAMS / "hold") as (process, took_ns):
            report.add(f"weir run to exec, {name}", took_ns / 1e6, "million instructions")
            total, own = resident(process.pid)
            report.add(f"resident memory without rings, {name}", own, "KiB",
                       target=("value", RESIDENT_MAX), total=total, peak=memory_peak(process.pid))
            report.add(f"tables in the kernel, {name}", tables_kib(), "KiB",
                       target=("value", TABLES_MAX))


def main():
    parts = {"files": files.files_add, "programs": programs.programs_add, "network": net_add,
             "start": load_add}
    path, *wanted = sys.argv[1:]
    files.prepare()
    report = Report("Guest, instructions")
    for name, add in parts.items():
        if name in wanted or not wanted:
            add(report)
    report.save(path)


main()
