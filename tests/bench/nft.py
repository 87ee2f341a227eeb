# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
nftables doing what weir does: for one cgroup, addresses of a set are accepted, the rest is
dropped, and the first packet of each flow is logged. Each set has a network namespace of its
own: it stays loaded, and what it adds (connection tracking as well) burdens nobody else.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess

import policies
from weir import REPO, cgroup2, say

# `ct state new` would log every datagram of a flow that is not answered; the mark logs one.
LOGGED = "ct mark 0 ct mark set 1 log group 0\n    accept"
CHECKED = f"ip daddr != @allowed drop\n    {LOGGED}"		# every packet, as weir does
REMEMBERED = f"ct mark 1 accept\n    {CHECKED}"		# the first packet of a flow only

RULES = """
table inet weir_bench {{
  set allowed {{
    type ipv4_addr
    flags interval
    elements = {{ {elements} }}
  }}
  chain confined {{
    {confined}
  }}
  chain out {{
    type filter hook output priority 0; policy accept;
    socket cgroupv2 level 1 "{cgroup}" jump confined
  }}
}}
"""


class Cgroup:
    """One that only programs under nftables are in."""

    def __init__(self):
        self.folder = pathlib.Path(cgroup2()) / f"weir-bench-{os.getpid()}"

    def __enter__(self):
        self.folder.mkdir()
        return self

    def __exit__(self, *_):
        self.folder.rmdir()

    def name(self):
        """As nft takes it: from the place where it expects the hierarchy."""
        return self.folder.relative_to("/sys/fs/cgroup")

    def command(self, *command):
        return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', self.folder / "cgroup.procs", *command]


class Nft:
    """One set of addresses, loaded. Raises RuntimeError where this is not to be had."""

    def __init__(self, cgroup, count, confined=CHECKED):
        self.cgroup = cgroup
        self.logged = self.lost = 0
        if not shutil.which("nft"):
            raise RuntimeError("there is no nft (nftables)")
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.holder.stdin.write(b"\n")
        self.holder.stdin.flush()
        self.holder.stdout.readline()		# from here on it is in its namespace
        rules = RULES.format(elements=",\n".join(policies.address_list(count)),
                             confined=confined, cgroup=cgroup.name())
        say(f"nftables: loading {count:,} addresses")
        try:
            self.inside("ip", "link", "set", "lo", "up")
            self.inside("nft", "-f", "-", given=rules)
        except RuntimeError:
            self.close()
            raise

    def close(self):
        self.holder.communicate()

    def within(self, *command):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *command]

    def inside(self, *command, given=None):
        done = subprocess.run(self.within(*command), input=given, text=True, check=False,
                              capture_output=True)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()[:500]}")

    @contextlib.contextmanager
    def read(self):
        """Takes and counts what is logged meanwhile."""
        reader = subprocess.Popen(self.within(REPO / "tests/bench/nflog.py"), text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if reader.stdout.readline() != "ready\n":
            raise RuntimeError("the log of nftables cannot be read")
        try:
            yield
        finally:
            found = json.loads(reader.communicate()[0])
            self.logged += found["read"]
            self.lost += found["lost"]
