# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Running the benchmark programs: bare, under weir, and beside a weir that confines something else."""

import collections
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
WEIR = REPO / "build/weir"
BIN = REPO / "build/bench"
WITHOUT = ("files", "guard", "unix", "listen")     # what needs BPF LSM
USER = "nobody"     # as agents are to run; permissions are checked otherwise for root
AS_USER = ["setpriv", f"--reuid={USER}", "--regid=nogroup", "--clear-groups"]


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def cgroup2():
    """Where the hierarchy is mounted."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 "):
            return mount.split()[4]
    raise RuntimeError("no cgroup2 hierarchy is mounted")


def measured(command, **options):
    """The figures a benchmark program prints, by their names."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.PIPE, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {figure["name"]: figure for figure in found}


class Weir:
    """One policy, and how `weir run` is called with it."""

    def __init__(self, folder, policy, without=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        self.policy = self.folder / "policy.yaml"
        self.policy.write_text(policy)
        self.log = self.folder / "log.jsonl"
        self.without = [f"--without={section}" for section in without]

    def command(self, *command):
        return [str(word) for word in (WEIR, "run", "--user", USER, "--policy", self.policy,
                                       "--log", self.log, *self.without, "--", *command)]

    def measured(self, command, **options):
        self.log.unlink(missing_ok=True)
        return measured(self.command(*command), **options)

    def records(self):
        """By type: how many records the last run has written, and how many are told as lost."""
        written, lost = collections.Counter(), collections.Counter()
        with self.log.open() as log:
            for line in log:
                written[line.partition('"type":"')[2].partition('"')[0]] += 1
                if '"type":"audit.lost"' in line:
                    lost.update(json.loads(line)["detail"]["count"])
        return written, lost

    @contextlib.contextmanager
    def held(self, hold=BIN / "hold"):
        """Loaded, with a command that does nothing. Yields the process, and when both had started."""
        self.log.unlink(missing_ok=True)
        began_ns = time.monotonic_ns()
        process = subprocess.Popen(self.command(hold), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"weir run ended: {process.communicate()[1]}")
        try:
            yield process, int(line) - began_ns
        finally:
            process.communicate()
            if process.returncode:
                raise RuntimeError(f"weir run: status {process.returncode}")


def resident(pid):
    """KiB a process keeps in memory: all of it, and without the rings (mapped twice in a row)."""
    total = rings = size = 0
    name = ""
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        fields = line.split()
        if not fields[0].endswith(":"):
            name = fields[5] if len(fields) > 5 else ""
        elif fields[0] == "Size:":
            size = int(fields[1])
        elif fields[0] == "Rss:":
            total += int(fields[1])
            # other maps that are shared with the kernel side are far smaller
            rings += int(fields[1]) if "bpf-map" in name and size >= 1024 else 0
    return total, total - rings


def memory_peak(pid):
    """KiB, the most it has ever had."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("no VmHWM")
