#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The part that needs no guest: what sending and connecting cost with every attempt recorded,
what starting takes, and what weir keeps in memory. The variants take turns, round after
round, because the machine has other things to do; ratios are those within a round.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import policies
from report import Report
from weir import AS_USER, BIN, WEIR, Weir, measured, memory_peak, resident, say

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "11"))
COUNTS = {"send": 12800, "connect": 3200}	# operations in a sample, nine of which make a figure
KINDS = {"send": "network.send", "connect": "network.connect"}
WITHOUT = ("files", "guard", "unix", "listen")
SEND_MAX = 1.25		# times bare, recorded
MEMORY_MAX_KIB = 10240


def program(what):
    # by the sender's own use of a processor: the machine has others to serve meanwhile
    return [BIN / "net_bench", "-c", "-w", "2", "-n", COUNTS[what], what]


class Variant:
    """One way of running a benchmark program: its figures, and records written and lost."""

    def __init__(self, name, run, weir=None):
        self.name, self.run, self.weir = name, run, weir
        self.ns, self.tries, self.written, self.lost = [], 0, 0, 0

    def round(self, what):
        figure = self.run(program(what))[what]
        self.ns.append(figure["ns"])
        if self.weir:
            written, lost = self.weir.records(KINDS[what])
            self.tries += COUNTS[what] * (9 + figure["warmup"])
            self.written += written
            self.lost += lost


def bare(command):
    return measured([*AS_USER, *command])


def beside(weir):
    """Runs a program under no policy while weir confines another."""
    def run(command):
        with weir.held():
            return bare(command)
    return run


def empty(command):
    """While programs that do nothing are attached: what the kernel takes for calling them."""
    return measured([BIN / "empty_run", cgroup2(), *AS_USER, *command])


def cgroup2():
    """Where the hierarchy is mounted."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 "):
            return mount.split()[4]
    raise RuntimeError("no cgroup2 hierarchy is mounted")


def variants(folder):
    made = [Variant("bare", bare), Variant("an empty program", empty)]
    ten = Weir(folder, policies.addresses(10), WITHOUT)
    made.append(Variant("weir loaded, no policy", beside(ten)))
    for count in (10, 100000):
        weir = ten if count == 10 else Weir(folder, policies.addresses(count), WITHOUT)
        made.append(Variant(f"weir, {count:,} addresses, recorded", weir.measured, weir))
    return made


def net_add(report, folder, what):
    made = variants(folder)
    bare = made[0]
    for number in range(ROUNDS):
        say(f"{what}: round {number + 1} of {ROUNDS}")
        for variant in made:
            variant.round(what)
    for variant in made:
        more = {}
        if variant is not bare:
            more["ratio"] = round(statistics.median(
                one / base for one, base in zip(variant.ns, bare.ns)), 3)
        if variant.weir:
            more.update(tries=variant.tries, recorded=variant.written, lost=variant.lost)
            if variant.tries != variant.written + variant.lost:
                raise RuntimeError(f"{variant.name}: tries are not recorded + lost: {more}")
        target = ("ratio", SEND_MAX) if variant.weir and what == "send" else None
        report.add(f"{what}, {variant.name}", statistics.median(variant.ns), "ns", target=target,
                   least=min(variant.ns), most=max(variant.ns),
                   base=None if variant is bare else statistics.median(bare.ns), **more)
        if variant.weir:
            report.add(f"{what}, {variant.name}: lost", variant.lost, f"of {variant.tries:,}")


def check_ms(weir):
    began_ns = time.monotonic_ns()
    subprocess.run([WEIR, "check", weir.policy], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return (time.monotonic_ns() - began_ns) / 1e6


def load_add(report, folder):
    for name, text in (("10 addresses", policies.addresses(10)),
                       ("100,000 addresses", policies.addresses(100000)),
                       ("100,000 path patterns", policies.path_literals(100000))):
        say(f"start: {name}")
        weir = Weir(folder, text, WITHOUT)
        report.add(f"weir check, {name}", statistics.median(check_ms(weir) for _ in range(5)), "ms")
        took = []
        for _ in range(5):
            with weir.held() as (process, took_ns):
                took.append(took_ns / 1e6)
                total, own = resident(process.pid)
                peak = memory_peak(process.pid)
        report.add(f"weir run to exec, {name}", statistics.median(took), "ms")
        report.add(f"resident memory without rings, {name}", own, "KiB",
                   target=("value", MEMORY_MAX_KIB), total=total, peak=peak)


def main():
    report = Report("Native")
    with tempfile.TemporaryDirectory(prefix="weir-bench.") as folder:
        load_add(report, pathlib.Path(folder))
        for what in COUNTS:
            net_add(report, folder, what)
    report.save(sys.argv[1], rounds=ROUNDS)


main()
