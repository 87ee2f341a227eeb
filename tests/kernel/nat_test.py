# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Policies name what workloads name: the host's address translation behind it changes nothing."""

import subprocess

from net import DGRAM, STREAM, Echo, Namespace, Sink, addresses_change, command, socket
from support import USER, WAIT_S, errno, policy_text, unittest

# services, which no machine has; those who stand behind them
SERVICE, SERVICE6 = "192.0.2.100", "2001:db8::100"
REDIRECTED, FORBIDDEN, FORBIDDEN6 = "192.0.2.101", "192.0.2.102", "2001:db8::102"
BACKEND, BACKEND6, REACHED, REACHED6 = "192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"
MASKED = "192.0.2.9"
MACHINES = [BACKEND, BACKEND6, REACHED, REACHED6, MASKED]
SERVICES = [SERVICE, SERVICE6, REDIRECTED, FORBIDDEN, FORBIDDEN6]
ECHO, LOCAL, MASK_PORT, MASK_TAKEN = 4500, 4501, 4502, 4503
PUBLISHED, LISTEN_PORT = 8080, 3000

RULES = f"""  allow:
    - name: service
      addresses: [{SERVICE}, {REDIRECTED}, "{SERVICE6}"]
      ports: [80]
    - name: reached
      addresses: [{REACHED}, "{REACHED6}"]
  listen:
    - name: server
      addresses: [{BACKEND}]
      ports: [{LISTEN_PORT}]
"""

NFT = f"""
table ip weir-test {{
	chain output {{
		type nat hook output priority -100;
		ip daddr {SERVICE} tcp dport 80 dnat to {BACKEND}:{ECHO}
		ip daddr {SERVICE} udp dport 80 dnat to {BACKEND}:{ECHO}
		ip daddr {FORBIDDEN} tcp dport 80 dnat to {REACHED}:{ECHO}
		ip daddr {FORBIDDEN} udp dport 80 dnat to {REACHED}:{ECHO}
		ip daddr {REDIRECTED} tcp dport 80 redirect to :{LOCAL}
		ip daddr {REDIRECTED} udp dport 80 redirect to :{LOCAL}
	}}
	chain prerouting {{
		type nat hook prerouting priority -100;
		ip daddr {Namespace.here[0]} tcp dport {PUBLISHED} dnat to {BACKEND}:{LISTEN_PORT}
	}}
	chain postrouting {{
		type nat hook postrouting priority 100;
		ip daddr {REACHED} tcp dport {MASK_PORT}-{MASK_TAKEN} snat to {MASKED}
		ip daddr {REACHED} udp dport {MASK_PORT} snat to {MASKED}
	}}
}}
table ip6 weir-test {{
	chain output {{
		type nat hook output priority -100;
		ip6 daddr {SERVICE6} tcp dport 80 dnat to [{BACKEND6}]:{ECHO}
		ip6 daddr {SERVICE6} udp dport 80 dnat to [{BACKEND6}]:{ECHO}
		ip6 daddr {FORBIDDEN6} tcp dport 80 dnat to [{REACHED6}]:{ECHO}
		ip6 daddr {FORBIDDEN6} udp dport 80 dnat to [{REACHED6}]:{ECHO}
	}}
}}
"""


def setUpModule():
    addresses_change("add", MACHINES)
    for address in SERVICES:
        command("ip", "route", "add", address, "dev", "lo")
    subprocess.run(["nft", "-f", "-"], input=NFT.encode(), check=True)


def tearDownModule():
    for family in ("ip", "ip6"):
        command("nft", "delete", "table", family, "weir-test")
    for address in SERVICES:
        command("ip", "route", "del", address, "dev", "lo")
    addresses_change("del", MACHINES)


class Nat(Sink):
    policy = policy_text(RULES)

    @classmethod
    def prepare(cls):
        super().prepare()
        for address, port in ((BACKEND, ECHO), (BACKEND6, ECHO), (REACHED, ECHO), (REACHED6, ECHO),
                              ("127.0.0.1", LOCAL), (REACHED, MASK_PORT)):
            cls.addClassCleanup(Echo(port, address).close)
        cls.namespace = Namespace("weir-nat")
        cls.addClassCleanup(cls.namespace.close)

    def talk(self, do, how, name):
        """There and back."""
        kind = STREAM if how == "tcp" else DGRAM
        if how == "sendto":
            fd = do("sock_open", socket.AF_INET6 if ":" in name[0] else socket.AF_INET, kind)
            do("sock_send", fd, "word", "sendto", name)
        else:
            fd = do("sock_client", kind, name)
            do("sock_send", fd, "word")
        text, peer = do("sock_receive", fd)
        self.assertEqual(text, "word")
        if kind == DGRAM:
            self.assertEqual(peer, name)
        do("sock_close", fd)

    def works(self, how, name, rule):
        self.since = len(self.inside.records())
        self.talk(self.free, how, name)
        self.talk(self.allowed, how, name)
        self.record(verdict="allow", policy__rule=rule,
                    type="network.send" if how == "sendto" else "network.connect",
                    destination={"address": name[0], "port": name[1],
                                 "protocol": "tcp" if how == "tcp" else "udp"})
        self.fence()
        self.assertEqual(self.made(verdict="deny"), [])

    def stops(self, how, name):
        self.since = len(self.inside.records())
        self.talk(self.free, how, name)
        if how == "sendto":
            fd = self.allowed("sock_open", socket.AF_INET6 if ":" in name[0] else socket.AF_INET, DGRAM)
            self.refused(errno.EPERM, "sock_send", fd, "word", "sendto", name)
            self.allowed("sock_close", fd)
        else:
            self.refused(errno.EPERM, "sock_reach", STREAM if how == "tcp" else DGRAM, name)
        self.record(verdict="deny", reason="no-rule", destination__address=name[0],
                    destination__port=name[1])

    def test_service(self):
        for how in ("tcp", "connected", "sendto"):
            for address in (SERVICE, SERVICE6, REDIRECTED):
                with self.subTest(how=how, address=address):
                    self.works(how, [address, 80], "service")

    def test_backend_by_its_own_name(self):
        for how in ("tcp", "connected", "sendto"):
            for address in (BACKEND, BACKEND6):
                with self.subTest(how=how, address=address):
                    self.stops(how, [address, ECHO])
            with self.subTest(how=how, redirected=True):
                self.stops(how, ["127.0.0.1", LOCAL])

    def test_refused_service(self):
        """What stands behind it is allowed; it is not."""
        for how in ("tcp", "connected", "sendto"):
            for address, behind in ((FORBIDDEN, REACHED), (FORBIDDEN6, REACHED6)):
                with self.subTest(how=how, address=address):
                    self.works(how, [behind, ECHO], "reached")
                    self.stops(how, [address, 80])

    def test_other_source(self):
        """Seen from the other end, somebody else has called."""
        for how in ("tcp", "connected", "sendto"):
            with self.subTest(how):
                self.works(how, [REACHED, MASK_PORT], "reached")
        with socket.create_server((REACHED, MASK_TAKEN)) as server:
            fd = self.allowed("sock_client", STREAM, [REACHED, MASK_TAKEN])
            taken, peer = server.accept()
            taken.close()
            self.assertEqual(peer[0], MASKED)
            self.allowed("sock_close", fd)

    def test_long_talk(self):
        """Datagrams of an unconnected socket to a service, time and again."""
        fd = self.allowed("sock_open", socket.AF_INET, DGRAM)
        for number in range(20):
            self.allowed("sock_send", fd, f"word {number}", "sendto", [SERVICE, 80])
            self.assertEqual(self.allowed("sock_receive", fd), [f"word {number}", [SERVICE, 80]])
        self.allowed("sock_close", fd)
        flow = self.record(type="network.flow")
        self.assertEqual(flow["destination"], {"address": SERVICE, "port": 80, "protocol": "udp"})
        self.fence()
        self.assertEqual(len(self.made(type="network.send")), 1)

    def test_published_port(self):
        """The other way round: a port of the host leads to the workload."""
        for do in (self.free, self.allowed):
            fd = do("sock_server", STREAM, [BACKEND, LISTEN_PORT])
            client = self.namespace.do(lambda: socket.create_connection(
                (Namespace.here[0], PUBLISHED), WAIT_S))
            with client:
                made, peer = do("sock_accept", fd)
                self.assertEqual(peer[0], Namespace.there[0])
                do("sock_send", made, "answer")
                self.assertEqual(client.recv(100), b"answer")
            do("sock_close", made)
            do("sock_close", fd)
        self.record(type="network.accept", verdict="allow", policy__rule="server",
                    source__address=Namespace.there[0],
                    destination={"address": BACKEND, "port": LISTEN_PORT, "protocol": "tcp"})


class NatOfUser(Nat):
    user = USER


if __name__ == "__main__":
    unittest.main()
