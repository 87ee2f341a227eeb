#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
run.py guest KERNEL... | native: measures, prints tables, leaves build/bench/*.json.
BENCH_PARTS chooses among the guest's: files, programs, network, start.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from report import show
from weir import BIN, REPO, say

GUEST_S = 3600


def guest(kernel):
    """The guest's root is a copy of ours: the file comes back through VM_OUT."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([REPO / "scripts/vm", "-i", "-k", kernel, "-t", str(GUEST_S), "--", "sh", "-c",
                        'exec python3 -B tests/bench/guest.py "$VM_OUT/found.json" "$@"', "sh",
                        *os.environ.get("BENCH_PARTS", "").split()],
                       cwd=REPO, env={**os.environ, "VM_OUT": folder}, check=True)
        path = BIN / f"guest-{kernel}.json"
        path.write_bytes((pathlib.Path(folder) / "found.json").read_bytes())
        return path


def native():
    path = BIN / "native.json"
    subprocess.run(["unshare", "--net", "--mount", sys.executable, "-B", REPO / "tests/bench/native.py",
                    path], check=True)
    return path


def main():
    if sys.argv[1:] == ["native"]:
        paths = [native()]
    elif sys.argv[1:2] == ["guest"] and sys.argv[2:]:
        paths = []
        for kernel in sys.argv[2:]:
            say(f"kernel {kernel}")
            paths.append(guest(kernel))
    else:
        sys.exit(__doc__)
    for path in paths:
        show(path)


main()
