#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
native.py FILE: the part that needs no guest. What the network costs (see network.py), what
starting takes and a reload, and what weir keeps in memory. Run in network and mount namespaces of
its own.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import files
import network
import policies
import reload
from report import Report
from weir import WEIR, WITHOUT, Weir, memory_peak, resident, say

MANY = max(files.SIZES)
MEMORY_MAX_KIB = 10240
START_MAX_MS = 2000	# to read, compile and load MANY patterns
TIMES = 5


def check_ms(weir):
    began_ns = time.monotonic_ns()
    subprocess.run([WEIR, "check", weir.policy], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return (time.monotonic_ns() - began_ns) / 1e6


def load_add(report, folder):
    loads = [(f"{count:,} addresses", policies.addresses(count)) for count in network.SIZES]
    loads += [(f"{count:,} path patterns", files.policy(count)) for count in (10, MANY)]
    for name, text in loads:
        say(f"start: {name}")
        weir = Weir(folder, text, WITHOUT)
        report.add(f"weir check, {name}", statistics.median(check_ms(weir) for _ in range(TIMES)),
                   "ms")
        took = []
        for _ in range(TIMES):
            with weir.held() as (process, took_ns):
                took.append(took_ns / 1e6)
                total, own = resident(process.pid)
                peak = memory_peak(process.pid)
        report.add(f"weir run to exec, {name}", statistics.median(took), "ms",
                   target=("value", START_MAX_MS) if text == loads[-1][1] else None)
        report.add(f"resident memory without rings, {name}", own, "KiB",
                   target=("value", MEMORY_MAX_KIB), total=total, peak=peak)


def main():
    report = Report("Native")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="weir-bench.") as folder:
        load_add(report, pathlib.Path(folder))
        reload.reload_add(report, pathlib.Path(folder))
        network.network_add(report, pathlib.Path(folder))
    report.save(sys.argv[1], rounds=network.ROUNDS)


if __name__ == "__main__":
    main()
