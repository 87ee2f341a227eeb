# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""As many addresses as a policy may have: each is found, and what lies between them is not."""

import ipaddress

from harness import PYTHON, Case

ADDRESSES = 1 << 20
APART = 8   # so that each is a range of its own
FIRST = int(ipaddress.IPv4Address("127.0.0.0")) + APART

# connects to each address it is told of, which sends nothing; tells which it reached
CONNECT = """import socket, sys
for address in sys.argv[1:]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        try:
            client.connect((address, 9))
            print(address)
        except PermissionError:
            pass
"""


def address(number, beside=0):
    return str(ipaddress.IPv4Address(FIRST + APART * number + beside))


class Addresses(Case):
    def test_as_many_as_there_may_be(self):
        listed = ", ".join(address(number) for number in range(ADDRESSES))
        policy = self.file("many.yaml", "version: 1\nname: many\nfiles: unrestricted\n"
                           "guard: unrestricted\nnetwork:\n  listen: unrestricted\n"
                           f"  unix: unrestricted\n  allow: [{{name: many, addresses: [{listed}]}}]\n")
        asked = {0, 1, 2, ADDRESSES - 2, ADDRESSES - 1}
        asked |= {(1 << bit) + off for bit in range(1, 20) for off in (-1, 0, 1)}
        wanted = [address(number) for number in sorted(asked)]
        beside = [address(number, off) for number in sorted(asked) for off in (-1, 1)]
        done = self.run_weir(PYTHON, "-c", CONNECT, *wanted, *beside, policy=policy)
        self.assert_status(done, 0)
        self.assertEqual(done.stdout.split(), wanted)
