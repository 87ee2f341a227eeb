# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Policies of a given size, as text."""

import ipaddress
import random

# loopback neighbours of the addresses that are used: a look-up has to go deep to tell them apart
ADDRESS_SPACE = int(ipaddress.IPv4Address("127.1.0.0"))
# what net_bench.c sends to
USED = "127.0.0.0/24"

OPENED = """version: 1
name: bench
network: {network}
files: {files}
guard: unrestricted
audit:
  record: [{record}]
  when_full: count
"""


def rules(lines):
    return "\n  allow:\n" + "\n".join(f"    - {line}" for line in lines)


def unrestricted():
    return OPENED.format(network="unrestricted", files="unrestricted", record="network, execute")


def address_list(count):
    """The one that is used among count - 1 that are not."""
    picked = random.Random(count).sample(range(1 << 23), count - 1)
    return [USED] + [str(ipaddress.IPv4Address(ADDRESS_SPACE + host)) for host in picked]


def addresses(count):
    """`count` address rules' worth."""
    found = address_list(count)
    lines = [f"{{name: part-{i}, addresses: [{', '.join(found[i:i + 1000])}]}}"
             for i in range(0, count, 1000)]
    network = rules(lines) + "\n  listen: unrestricted\n  unix: unrestricted"
    return OPENED.format(network=network, files="unrestricted", record="network, execute")


def path_rules(used, others, record="execute"):
    """One rule for each folder; `used` first, others beside it."""
    lines = [f'{{name: rule-{i}, paths: ["{path}/**"], access: [read, execute]}}'
             for i, path in enumerate([used, *others])]
    return OPENED.format(network="unrestricted", files=rules(lines), record=record)


def path_literals(count):
    """`count` literal patterns, 1,000 a rule."""
    paths = [f"/srv/project-{i % 1000}/folder-{i // 1000}/file-{i}.txt" for i in range(count)]
    lines = [f'{{name: part-{i}, paths: [{", ".join(paths[i:i + 1000])}], access: [read]}}'
             for i in range(0, count, 1000)]
    lines.append('{name: everything-else, paths: ["/usr/**"], access: [read, execute]}')
    return OPENED.format(network="unrestricted", files=rules(lines), record="execute")
