# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Address rules at real sockets: every way to connect or send, every form of an address."""

from net import Sink, addresses_change, socket
from support import PYTHON, USER, errno, os, policy_text, unittest

ADDRESSES = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "198.51.100.1", "2001:db8::1",
             "2001:db8::2"]
PORT = Sink.port

RULES = """  allow:
    - name: one
      addresses: [192.0.2.1, "2001:db8::1"]
    - name: some-ports
      addresses: [192.0.2.2]
      ports: [80, "4000-4002"]
    - name: only-tcp
      addresses: [192.0.2.3]
      protocol: tcp
    - name: only-udp
      addresses: [192.0.2.4]
      protocol: udp
    - name: wide
      addresses: [198.51.100.0/24]
    - name: local
      addresses: [loopback]
      ports: [4000]
  deny:
    - name: never
      addresses: [198.51.100.1, "2001:db8::/64"]
      ports: [4001, "5000-5999"]
"""

WAYS = ["connected", "sendto", "sendmsg", "sendmmsg"]


def setUpModule():
    addresses_change("add", ADDRESSES)


def tearDownModule():
    addresses_change("del", ADDRESSES)


class Network(Sink):
    policy = policy_text(RULES)

    def test_tcp(self):
        for address, rule in (("192.0.2.1", "one"), ("2001:db8::1", "one"), ("192.0.2.3", "only-tcp"),
                              ("127.0.0.1", "local"), ("127.9.8.7", "local"), ("::1", "local")):
            with self.subTest(address):
                self.allowed("tcp", address, PORT)
                self.record(type="network.connect", verdict="allow", reason="rule",
                            policy__rule=rule, destination={"address": address, "port": PORT,
                                                            "protocol": "tcp"})
        for address in ("192.0.2.4", "2001:db8::2"):
            with self.subTest(address):
                self.free("tcp", address, PORT)
                self.refused(errno.EPERM, "tcp", address, PORT)
                record = self.record(type="network.connect", verdict="deny", reason="no-rule",
                                     destination={"address": address, "port": PORT,
                                                  "protocol": "tcp"})
                self.assertNotIn("rule", record["policy"])
                self.assertEqual(record["identity"], {"agent": "tester"})
                self.assertEqual(record["process"]["pid"], self.inside.pid)

    def test_tcp_fast_open(self):
        self.allowed("tcp_fast_open", "192.0.2.1", PORT)
        self.free("tcp_fast_open", "192.0.2.4", PORT)
        self.refused(errno.EPERM, "tcp_fast_open", "192.0.2.4", PORT)
        self.record(verdict="deny", destination__address="192.0.2.4")

    def test_mapped_tcp(self):
        self.allowed("tcp", "::ffff:192.0.2.1", PORT)
        self.record(verdict="allow", destination__address="192.0.2.1")
        self.refused(errno.EPERM, "tcp", "::ffff:192.0.2.4", PORT)
        self.record(verdict="deny", destination__address="192.0.2.4")

    def test_unspecified_is_loopback(self):
        for address, shown in (("0.0.0.0", "127.0.0.1"), ("::", "::1"),
                               ("::ffff:0.0.0.0", "127.0.0.1")):
            with self.subTest(address):
                self.allowed("tcp", address, PORT)
                self.record(type="network.connect", verdict="allow", policy__rule="local",
                            destination__address=shown)
                self.free("tcp", address, PORT + 1)
                self.refused(errno.EPERM, "tcp", address, PORT + 1)
                self.record(verdict="deny", destination={"address": shown, "port": PORT + 1,
                                                         "protocol": "tcp"})

    def test_unspecified_from_another_address(self):
        """Left to itself the kernel takes the socket's own address, which no rule allows."""
        own = socket.create_server(("192.0.2.3", PORT + 2))
        self.addCleanup(own.close)
        own.settimeout(60)
        self.free("tcp_from", "192.0.2.3", "0.0.0.0", PORT + 2)
        own.accept()[0].close()
        own.setblocking(False)
        for port in (PORT, PORT + 2):   # allowed, and not, at the loopback addresses
            try:
                self.inside.call("tcp_from", "192.0.2.3", "0.0.0.0", port)
            except OSError:
                pass
            self.record(type="network.connect", destination__address="127.0.0.1",
                        destination__port=port)
        with self.assertRaises(BlockingIOError):
            own.accept()

    def test_udp(self):
        for way in WAYS:
            kind = "network.connect" if way == "connected" else "network.send"
            for address, rule in (("192.0.2.1", "one"), ("2001:db8::1", "one"),
                                  ("192.0.2.4", "only-udp"), ("::1", "local")):
                with self.subTest(way=way, address=address):
                    self.since = len(self.inside.records())
                    text = self.text()
                    self.allowed("udp", way, address, PORT, text)
                    self.arrives(text)
                    self.record(type=kind, verdict="allow", reason="rule", policy__rule=rule,
                                destination={"address": address, "port": PORT, "protocol": "udp"})
            for address in ("192.0.2.3", "2001:db8::2"):
                with self.subTest(way=way, address=address):
                    text = self.text()
                    self.free("udp", way, address, PORT, text)
                    self.arrives(text)
                    self.refused(errno.EPERM, "udp", way, address, PORT, "no")
                    self.nothing_arrives()
                    self.record(type=kind, verdict="deny", reason="no-rule",
                                destination={"address": address, "port": PORT, "protocol": "udp"})

    def test_mapped_udp(self):
        for way in WAYS:
            with self.subTest(way):
                text = self.text()
                self.allowed("udp", way, "::ffff:192.0.2.1", PORT, text)
                self.arrives(text)
                self.refused(errno.EPERM, "udp", way, "::ffff:192.0.2.3", PORT, "no")
                self.nothing_arrives()
        for way in ("connected", "sendto"):
            with self.subTest("IPv4 address on an IPv6 socket", way=way):
                text = self.text()
                self.allowed("udp_mapped_socket", "192.0.2.1", PORT, text, way)
                self.arrives(text)
                self.refused(errno.EPERM, "udp_mapped_socket", "192.0.2.3", PORT, "no", way)
                self.nothing_arrives()
        self.record(type="network.send", verdict="deny", destination__address="192.0.2.3")

    def test_sendmmsg_stops_at_the_denied(self):
        targets = [["192.0.2.1", PORT], ["192.0.2.3", PORT], ["192.0.2.1", PORT]]
        self.assertEqual(self.allowed("udp_many", targets, "several"), 1)
        self.arrives("several")
        self.nothing_arrives()

    def test_family_unspec(self):
        text = self.text()
        self.allowed("udp_unspec", "192.0.2.1", PORT, text)
        self.arrives(text)
        text = self.text()
        self.free("udp_unspec", "192.0.2.3", PORT, text)
        self.arrives(text)
        self.refused(errno.EPERM, "udp_unspec", "192.0.2.3", PORT, "no")
        self.nothing_arrives()
        self.refused(errno.EPERM, "udp_reconnect", "192.0.2.1", "192.0.2.3", PORT, "no")
        self.nothing_arrives()

    def test_ports(self):
        for port, ok in ((80, True), (3999, False), (4000, True), (4002, True), (4003, False),
                         (81, False), (65535, False)):
            with self.subTest(port):
                if ok:
                    self.allowed("tcp", "192.0.2.2", port, True)
                    self.record(verdict="allow", policy__rule="some-ports", destination__port=port)
                else:
                    self.refused(errno.EPERM, "tcp", "192.0.2.2", port, True)
                    self.record(verdict="deny", reason="no-rule", destination__port=port)

    def test_deny_beats_allow(self):
        self.allowed("tcp", "198.51.100.1", PORT)
        for port in (4001, 5000, 5999):
            with self.subTest(port):
                self.refused(errno.EPERM, "tcp", "198.51.100.1", port, True)
                self.record(verdict="deny", reason="rule", policy__rule="never",
                            destination__port=port)
        self.allowed("tcp", "198.51.100.1", 6000, True)
        self.refused(errno.EPERM, "tcp", "2001:db8::1", 5500, True)
        self.record(verdict="deny", policy__rule="never", destination__address="2001:db8::1")

    def test_record_tells_the_process(self):
        self.refused(errno.EPERM, "tcp", "192.0.2.4", PORT)
        process = self.record(verdict="deny", process__pid=self.inside.pid)["process"]
        self.assertEqual(process["comm"], "python3")
        self.assertEqual(process["exe"], os.path.realpath(PYTHON))
        self.assertEqual(process["uid"], 65534 if self.user else 0)
        self.refused(errno.EPERM, "forked", "tcp", "192.0.2.4", PORT)
        record = self.record(verdict="deny", process__ppid=self.inside.pid)
        self.assertEqual(record["process"]["ancestors"][0],
                         {"pid": self.inside.pid, "exe": os.path.realpath(PYTHON)})
        self.assertEqual(record["policy"]["name"], "kernel-test")


class NetworkOfUser(Network):
    user = USER


class Audit(Sink):
    policy = policy_text(RULES, head="mode: audit\n")

    def test_nothing_is_denied(self):
        self.allowed("tcp", "192.0.2.4", PORT)
        self.record(type="network.connect", verdict="would-deny", reason="no-rule",
                    destination__address="192.0.2.4")
        self.allowed("tcp", "198.51.100.1", PORT + 1)
        self.record(verdict="would-deny", reason="rule", policy__rule="never")
        self.allowed("tcp", "192.0.2.1", PORT)
        self.record(verdict="allow", policy__rule="one")
        text = self.text()
        self.allowed("udp", "sendto", "192.0.2.3", PORT, text)
        self.arrives(text)
        self.record(type="network.send", verdict="would-deny", destination__address="192.0.2.3")


class Unrestricted(Sink):
    """Nothing denied, every attempt recorded; and policies that have ended, in the same guest."""
    policy = policy_text("unrestricted")

    def test_all_is_allowed_and_recorded(self):
        self.allowed("tcp", "192.0.2.4", PORT)
        self.record(type="network.connect", verdict="allow", reason="unrestricted",
                    destination__address="192.0.2.4")


class Absent(Sink):
    policy = policy_text("unrestricted").replace("network: unrestricted\n", "")

    def test_nothing_is_allowed(self):
        for address in ("192.0.2.1", "127.0.0.1", "::1"):
            self.refused(errno.EPERM, "tcp", address, PORT)
            self.record(verdict="deny", reason="no-rule", destination__address=address)


if __name__ == "__main__":
    unittest.main()
