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


def address_rules(count):
    found = address_list(count)
    lines = [f"{{name: part-{i}, addresses: [{', '.join(found[i:i + 1000])}]}}"
             for i in range(0, count, 1000)]
    return rules(lines) + "\n  listen: unrestricted\n  unix: unrestricted"


def addresses(count):
    """`count` address rules' worth."""
    return OPENED.format(network=address_rules(count), files="unrestricted",
                         record="network, execute")


WILDCARDS = """
  deny:
    - {name: secrets, paths: ["**/.env", "**/*.pem", "/home/*/.ssh/**"]}"""


def file_rules(used, folders=(), files=()):
    """Everything at the patterns `used`; the others may be read and executed, 1,000 a rule."""
    others = [f'"{path}/**"' for path in folders] + [str(path) for path in files]
    patterns = ", ".join(f'"{pattern}"' for pattern in used)
    lines = [f"{{name: used, paths: [{patterns}], access: [read, write, create, delete, execute]}}"]
    lines += [f'{{name: part-{i}, paths: [{", ".join(others[i:i + 1000])}], access: [read, execute]}}'
              for i in range(0, len(others), 1000)]
    return rules(lines)


def path_rules(used, folders=(), files=(), wildcards=False):
    return OPENED.format(network="unrestricted", record="execute",
                         files=file_rules(used, folders, files) + (WILDCARDS if wildcards else ""))


def large(addresses, used, folders, files):
    """Both at one time."""
    return OPENED.format(network=address_rules(addresses), record="network, execute",
                         files=file_rules(used, folders, files))
