# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets that could go elsewhere than their socket says; and unusual ones that must arrive."""

import contextlib
import struct

from net import (DGRAM, STREAM, Listener, Sink, Sniffer, Talker, addresses_change, command,
                 socket, sysctl)
from support import USER, errno, policy_text, unittest

ALLOWED, HOP = "192.0.2.1", "192.0.2.2"
ALLOWED6, HOP6 = "2001:db8::1", "2001:db8::2"
# for TCP, which goes on sending: where the confined connect, and nobody else
CONFINED, CONFINED_HOP = "192.0.2.3", "192.0.2.4"
CONFINED6, CONFINED_HOP6 = "2001:db8::3", "2001:db8::4"
ADDRESSES = [ALLOWED, HOP, ALLOWED6, HOP6, CONFINED, CONFINED_HOP, CONFINED6, CONFINED_HOP6]
PORT = Sink.port
TCP_PORT, TALK_PORT = PORT + 7, PORT + 8

RULES = """  allow:
    - name: one
      addresses: [192.0.2.1, 192.0.2.3, "2001:db8::1", "2001:db8::3"]
"""

IP, IPV6, UDP = socket.IPPROTO_IP, socket.IPPROTO_IPV6, socket.IPPROTO_UDP
IP_TOS, IP_TTL, IP_OPTIONS, IP_RETOPTS, IP_PKTINFO = 1, 2, 4, 7, 8
UDP_SEGMENT = 103
PKTOPTIONS_2292, FLOWINFO_SEND, PKTINFO6, HOPLIMIT = 6, 33, 50, 52
HOPOPTS, RTHDRDSTOPTS, RTHDR, DSTOPTS, TCLASS = 54, 55, 57, 59, 67
DSTOPTS_2292, RTHDR_2292 = 4, 5


def raw(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def control(level, kind, value):
    """One of ancillary data, as it lies in memory."""
    data = struct.pack("=QII", 16 + len(value), level, kind) + value
    return data + bytes(-len(data) % 8)


OPTIONS = {
    "no operation": b"\1\1\1\1",
    "record route": b"\7\7\4" + bytes(5),
    "time stamps": b"\x44\x0c\5\0" + bytes(8),
    "router alert": b"\x94\4\0\0",
}
ROUTES = {
    "loose source route": b"\x83\7\4" + raw(HOP) + b"\0",
    "strict source route": b"\x89\7\4" + raw(HOP) + b"\0",
}
PADDED = b"\0\0\1\4\0\0\0\0"    # a header of options that are none
MOBILE = b"\0\2\2\1\0\0\0\0" + raw(HOP6)     # routing header of type 2
SEGMENTS = b"\0\4\4\1\1\0\0\0" + bytes(16) + raw(HOP6)   # of type 4, segment routing
OPTIONS6 = {"routing, type 2": (RTHDR, MOBILE), "routing, type 4": (RTHDR, SEGMENTS)}
# those only root may set
OPTIONS6_ROOT = {"hop by hop": (HOPOPTS, PADDED), "destination": (DSTOPTS, PADDED),
                 "several of old": (PKTOPTIONS_2292, control(IPV6, RTHDR_2292, MOBILE))}
CONTROLS6_ROOT = {"hop by hop": (HOPOPTS, PADDED), "destination": (DSTOPTS, PADDED),
                  "before routing": (RTHDRDSTOPTS, PADDED), "of old": (DSTOPTS_2292, PADDED)}


def setUpModule():
    addresses_change("add", ADDRESSES)
    for device in ("all", "lo"):
        sysctl(f"net.ipv4.conf.{device}.accept_local", 1)
        sysctl(f"net.ipv4.conf.{device}.accept_source_route", 1)
        sysctl(f"net.ipv6.conf.{device}.seg6_enabled", 1)


def tearDownModule():
    addresses_change("del", ADDRESSES)
    for device in ("all", "lo"):
        sysctl(f"net.ipv4.conf.{device}.accept_local", 0)


class Packets(Sink):
    policy = policy_text(RULES)

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.listener, cls.talker, cls.wire = Listener(TCP_PORT), Talker(TALK_PORT), Sniffer()
        for one in (cls.listener, cls.talker, cls.wire):
            cls.addClassCleanup(one.close)

    def setUp(self):
        super().setUp()
        self.listener.drain()
        self.wire.sent_to()

    def opened(self, do, address, options=(), connected=False):
        """A datagram socket with these options, by self.free or self.allowed."""
        fd = do("sock_open", socket.AF_INET6 if ":" in address else socket.AF_INET, DGRAM)
        if connected:
            do("sock_connect", fd, [address, PORT])
        for level, option, value in options:
            do("sock_option", fd, level, option, value if isinstance(value, int) else value.hex())
        return fd

    def stops(self, address, hop, options, connected=False, controls=()):
        """It leaves when nothing confines who sends it, for its destination or for the hop."""
        call = "sock_send_control" if controls else "sock_send"
        extra = ([[level, kind, value.hex()] for level, kind, value in controls],) if controls else ()
        name = None if connected else [address, PORT]
        if controls:
            args = lambda fd, text: (fd, text, name, *extra)
        else:
            args = lambda fd, text: (fd, text, "send" if connected else "sendto", name)
        fd = self.opened(self.free, address, options, connected)
        self.free(call, *args(fd, self.text()))
        self.free("sock_close", fd)
        self.assertTrue(self.wire.sent_to(address, hop))
        self.empty()
        self.since = len(self.inside.records())
        fd = self.opened(self.allowed, address, options, connected)
        self.refused(errno.EPERM, call, *args(fd, "no"))
        self.allowed("sock_close", fd)
        self.assertEqual(self.wire.sent_to(address, hop, tcp=False), [])
        self.nothing_arrives()
        self.record(verdict="deny", reason="packet", detail__layer="packet")

    def test_options(self):
        for name, value in OPTIONS.items():
            for connected in (False, True):
                with self.subTest(name, connected=connected):
                    self.stops(ALLOWED, HOP, [(IP, IP_OPTIONS, value)], connected)

    def test_options_arrive_unconfined(self):
        """Source routes too: they are not only sent."""
        for name, value in {**OPTIONS, **ROUTES}.items():
            with self.subTest(name):
                text = self.text()
                fd = self.opened(self.free, ALLOWED, [(IP, IP_OPTIONS, value)])
                self.free("sock_send", fd, text, "sendto", [ALLOWED, PORT])
                self.free("sock_close", fd)
                self.arrives(text)

    def test_options_of_one_datagram(self):
        for name, value in OPTIONS.items():
            for connected in (False, True):
                with self.subTest(name, connected=connected):
                    self.stops(ALLOWED, HOP, [], connected, [(IP, IP_RETOPTS, value)])

    def test_extension_headers(self):
        for name, (option, value) in OPTIONS6.items():
            for connected in (False, True):
                with self.subTest(name, connected=connected):
                    self.stops(ALLOWED6, HOP6, [(IPV6, option, value)], connected)

    def test_extension_header_of_one_datagram(self):
        self.stops(ALLOWED6, HOP6, [], False, [(IPV6, RTHDR, MOBILE)])
        self.stops(ALLOWED6, HOP6, [], True, [(IPV6, RTHDR, MOBILE)])

    def test_extension_header_of_a_flow_label(self):
        def labelled(do):
            fd = self.opened(do, ALLOWED6, [(IPV6, FLOWINFO_SEND, 1)])
            label = do("sock_flow_label", fd, ALLOWED6, control(IPV6, RTHDR, MOBILE).hex())
            return fd, label
        fd, label = labelled(self.free)
        self.free("sock_send_labelled", fd, "x", ALLOWED6, PORT, label)
        self.free("sock_close", fd)
        self.assertTrue(self.wire.sent_to(HOP6))
        fd, label = labelled(self.allowed)
        self.refused(errno.EPERM, "sock_send_labelled", fd, "no", ALLOWED6, PORT, label)
        self.allowed("sock_close", fd)
        self.assertEqual(self.wire.sent_to(ALLOWED6, HOP6), [])
        self.record(verdict="deny", reason="packet", detail__layer="packet")

    def connecting(self, do, address, level, option, value):
        fd = do("sock_open", socket.AF_INET6 if ":" in address else socket.AF_INET, STREAM)
        do("sock_option", fd, level, option, value.hex())
        do("sock_connect_begin", fd, [address, TCP_PORT])
        return fd

    def tcp_stops(self, address, hop, level, option, value):
        fd = self.connecting(self.free, address, level, option, value)
        self.assertTrue(self.wire.sent_to(address, hop))
        self.free("sock_close", fd)
        self.listener.drain()
        self.since = len(self.inside.records())
        others = [CONFINED6, CONFINED_HOP6] if ":" in address else [CONFINED, CONFINED_HOP]
        fd = self.connecting(self.allowed, others[0], level, option,
                             value.replace(raw(hop), raw(others[1])))
        self.record(verdict="deny", reason="packet", detail__layer="packet")
        self.allowed("sock_close", fd)
        self.assertEqual(self.wire.sent_to(*others), [])
        self.assertTrue(self.listener.nobody())

    def test_tcp(self):
        for name, value in OPTIONS.items():
            with self.subTest(name):
                self.tcp_stops(ALLOWED, HOP, IP, IP_OPTIONS, value)
        for name, (option, value) in OPTIONS6.items():
            with self.subTest(name):
                self.tcp_stops(ALLOWED6, HOP6, IPV6, option, value)

    def test_tcp_arrives_unconfined(self):
        for name, value in {**OPTIONS, **ROUTES}.items():
            with self.subTest(name):
                fd = self.connecting(self.free, ALLOWED, IP, IP_OPTIONS, value)
                self.listener.take().close()
                self.free("sock_close", fd)

    def test_options_for_an_old_connection(self):
        for do in (self.free, self.allowed):
            fd = do("sock_client", STREAM, [ALLOWED, TCP_PORT])
            with self.listener.take() as peer:
                do("sock_send", fd, "before")
                self.assertEqual(peer.recv(100), b"before")
                do("sock_option", fd, IP, IP_OPTIONS, OPTIONS["no operation"].hex())
                if do == self.free:
                    do("sock_send", fd, "after")
                    self.assertEqual(peer.recv(100), b"after")
                    do("sock_close", fd)
                    continue
                with contextlib.suppress(OSError):
                    self.inside.sock_send(fd, "after")
                self.record(verdict="deny", reason="packet", detail__layer="packet")
                do("sock_close", fd)
                peer.setblocking(False)
                with contextlib.suppress(BlockingIOError, ConnectionResetError):
                    self.assertEqual(peer.recv(100), b"")

    def test_what_must_arrive(self):
        lo = socket.if_nametoindex("lo")
        for address, level, kind, value in (
                (ALLOWED, IP, IP_TOS, b"\x10\0\0\0"), (ALLOWED, IP, IP_TTL, b"\7\0\0\0"),
                (ALLOWED, IP, IP_PKTINFO, struct.pack("=I8x", lo)),
                (ALLOWED6, IPV6, TCLASS, b"\x10\0\0\0"), (ALLOWED6, IPV6, HOPLIMIT, b"\7\0\0\0"),
                (ALLOWED6, IPV6, PKTINFO6, struct.pack("=16xI", lo))):
            for connected in (False, True):
                with self.subTest(address=address, kind=kind, connected=connected):
                    text = self.text()
                    fd = self.opened(self.allowed, address, (), connected)
                    self.allowed("sock_send_control", fd, text, None if connected else [address, PORT],
                                 [[level, kind, value.hex()]])
                    self.allowed("sock_close", fd)
                    self.arrives(text)

    def test_segments(self):
        """One send, several datagrams."""
        for address in (ALLOWED, ALLOWED6):
            fd = self.opened(self.allowed, address)
            self.allowed("sock_send_control", fd, "first second third!", [address, PORT],
                         [[UDP, UDP_SEGMENT, struct.pack("=H", 7).hex()]])
            self.allowed("sock_close", fd)
            for text in ("first s", "econd t", "hird!"):
                self.arrives(text)

    def test_sizes(self):
        """Nothing at all, and in fragments."""
        for mtu in ("65536", "1400"):
            command("ip", "link", "set", "lo", "mtu", mtu)
            self.addCleanup(command, "ip", "link", "set", "lo", "mtu", "65536")
            for address in (ALLOWED, ALLOWED6):
                for size in (0, 1, 1352, 1353, 60000):
                    with self.subTest(mtu=mtu, address=address, size=size):
                        fd = self.opened(self.allowed, address)
                        self.allowed("sock_send", fd, "x" * size, "sendto", [address, PORT])
                        self.allowed("sock_close", fd)
                        self.arrives("x" * size)

    def test_big_tcp(self):
        """Segments above 64 KiB have an extension header of the kernel's own."""
        command("ip", "link", "set", "lo", "gso_max_size", "180000")
        self.addCleanup(command, "ip", "link", "set", "lo", "gso_max_size", "65536")

        def big(do):
            do("tcp_talk", ALLOWED6, TALK_PORT, 1 << 22, 1 << 22)
            return max(self.wire.sent_to(ALLOWED6)) > 65536 + 40

        for do in (self.free, self.allowed):
            # where memory is in pieces, segments are smaller
            self.assertTrue(any(big(do) for _ in range(5)))
        self.fence()
        self.assertEqual([record for record in self.inside.records()[self.since:]
                          if record["verdict"] == "deny"], [])


class PacketsOfRoot(Packets):
    """And what an ordinary user may not set."""

    def test_source_routes(self):
        for name, value in ROUTES.items():
            for connected in (False, True):
                with self.subTest(name, connected=connected):
                    self.stops(ALLOWED, HOP, [(IP, IP_OPTIONS, value)], connected)
                    self.stops(ALLOWED, HOP, [], connected, [(IP, IP_RETOPTS, value)])
            with self.subTest(name, tcp=True):
                self.tcp_stops(ALLOWED, HOP, IP, IP_OPTIONS, value)

    def test_more_extension_headers(self):
        for name, (option, value) in OPTIONS6_ROOT.items():
            for connected in (False, True):
                with self.subTest(name, connected=connected):
                    self.stops(ALLOWED6, HOP6, [(IPV6, option, value)], connected)

    def test_more_extension_headers_of_one_datagram(self):
        for name, (option, value) in CONTROLS6_ROOT.items():
            for connected in (False, True):
                with self.subTest(name, connected=connected):
                    controls = [(IPV6, option, value)]
                    if option == RTHDRDSTOPTS:
                        controls.append((IPV6, RTHDR, MOBILE))
                    self.stops(ALLOWED6, HOP6, [], connected, controls)


class PacketsOfUser(Packets):
    user = USER


del Packets     # the two above are run


if __name__ == "__main__":
    unittest.main()
