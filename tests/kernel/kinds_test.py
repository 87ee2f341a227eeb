# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which kinds of sockets there are for the confined, whatever is done with them later."""

import struct

from net import DGRAM, SEQPACKET, STREAM, Listener, Sink, addresses_change, modules_load, socket, sysctl
from support import USER, errno, os, policy_text, unittest

ALLOWED, DENIED = "192.0.2.1", "192.0.2.2"
PORT = Sink.port
RAW = socket.SOCK_RAW
INET, INET6, NETLINK = socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK

RULES = """  allow:
    - name: one
      addresses: [192.0.2.1]
"""
ICMP_RULES = """  allow:
    - name: one
      addresses: [192.0.2.1, "2001:db8::1"]
    - name: echo
      addresses: [192.0.2.3, "2001:db8::3"]
      protocol: icmp
  deny:
    - name: never
      addresses: [192.0.2.5]
      protocol: any
"""

# family, type, protocol as in socket(2)
USUAL = [
    (INET, STREAM, 0), (INET, STREAM, socket.IPPROTO_TCP), (INET, DGRAM, 0),
    (INET, DGRAM, socket.IPPROTO_UDP), (INET6, STREAM, 0), (INET6, STREAM, socket.IPPROTO_TCP),
    (INET6, DGRAM, 0), (INET6, DGRAM, socket.IPPROTO_UDP),
    (INET, STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0),
    (socket.AF_UNIX, STREAM, 0), (socket.AF_UNIX, DGRAM, 0), (socket.AF_UNIX, SEQPACKET, 0),
    (NETLINK, RAW, 0), (NETLINK, DGRAM, 0), (NETLINK, RAW, 4), (NETLINK, DGRAM, 4),
]
REFUSED = {
    "MPTCP": (INET, STREAM, 262), "MPTCP, IPv6": (INET6, STREAM, 262),
    "SCTP": (INET, STREAM, 132), "SCTP, one to many": (INET, SEQPACKET, 132),
    "SCTP by its type": (INET, SEQPACKET, 0), "SCTP, IPv6": (INET6, STREAM, 132),
    "DCCP": (INET, 6, 33), "DCCP, IPv6": (INET6, 6, 33),
    "UDP-Lite": (INET, DGRAM, 136), "UDP-Lite, IPv6": (INET6, DGRAM, 136),
    "L2TP": (INET, DGRAM, 115), "L2TP, IPv6": (INET6, DGRAM, 115),
    "ping": (INET, DGRAM, 1), "ping, IPv6": (INET6, DGRAM, 58),
    "SMC": (43, STREAM, 0), "SMC, IPv6": (43, STREAM, 1),
    "vsock": (40, STREAM, 0), "crypto": (38, SEQPACKET, 0), "keys": (15, RAW, 2),
    "TIPC": (30, STREAM, 0), "TIPC, datagrams": (30, DGRAM, 0), "RDS": (21, SEQPACKET, 0),
    "CAN": (29, RAW, 1), "CAN, broadcast manager": (29, DGRAM, 2),
    "Bluetooth, L2CAP": (31, SEQPACKET, 0), "Bluetooth, HCI": (31, RAW, 1),
    "RFCOMM": (31, STREAM, 3), "KCM": (41, DGRAM, 0),
    "PPPoE": (24, STREAM, 0), "LLC": (26, STREAM, 0), "RxRPC": (33, DGRAM, 2),
    "unix, raw": (socket.AF_UNIX, RAW, 0),
    "connector": (NETLINK, DGRAM, 11), "audit": (NETLINK, RAW, 9), "XFRM": (NETLINK, RAW, 6),
    "netfilter": (NETLINK, RAW, 12), "device events": (NETLINK, RAW, 15),
    "generic netlink": (NETLINK, RAW, 16), "netlink for users": (NETLINK, RAW, 2),
    "routing look-up": (NETLINK, RAW, 10), "crypto settings": (NETLINK, RAW, 21),
}
GUARDED_RAW = {
    "raw, ICMP": (INET, RAW, 1), "raw, any header": (INET, RAW, 255), "raw, TCP": (INET, RAW, 6),
    "raw, IPv6": (INET6, RAW, 58), "raw, any header, IPv6": (INET6, RAW, 255),
}
GUARDED_PACKET = {
    "packet": (17, RAW, socket.htons(3)), "packet, datagrams": (17, DGRAM, socket.htons(0x0800)),
    "packet, silent": (17, RAW, 0), "packet by its old name": (INET, 10, socket.htons(3)),
    "XDP": (44, RAW, 0),
}
NAMES = {1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 15: "AF_KEY", 16: "AF_NETLINK",
         17: "AF_PACKET", 21: "AF_RDS", 24: "AF_PPPOX", 26: "AF_LLC", 29: "AF_CAN", 30: "AF_TIPC",
         31: "AF_BLUETOOTH", 33: "AF_RXRPC", 38: "AF_ALG", 40: "AF_VSOCK", 41: "AF_KCM", 43: "AF_SMC",
         44: "AF_XDP"}
TYPES = {1: "SOCK_STREAM", 2: "SOCK_DGRAM", 3: "SOCK_RAW", 5: "SOCK_SEQPACKET", 6: "SOCK_DCCP",
         10: "SOCK_PACKET"}
NOT_THERE = errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT
# what newer kernels have given up
GONE = {"6.1": (), "6.12": (), "latest": ("DCCP", "DCCP, IPv6", "UDP-Lite", "UDP-Lite, IPv6", "SMC",
                                          "SMC, IPv6")}

SOCK_DIAG_BY_FAMILY, SOCK_DESTROY = 20, 21
RTM_NEWLINK, RTM_GETLINK, RTM_NEWADDR, RTM_GETADDR, RTM_GETROUTE = 16, 18, 20, 22, 26
REQUEST, ACK, DUMP = 1, 4, 0x300


def setUpModule():
    addresses_change("add", [ALLOWED, DENIED, "192.0.2.3", "192.0.2.5", "2001:db8::1", "2001:db8::3",
                             "2001:db8::4"])
    sysctl("net.ipv4.ping_group_range", "0 2147483647")
    # some of them Debian loads only when asked by name
    modules_load("sctp", "dccp_ipv4", "dccp_ipv6", "l2tp_ip", "l2tp_ip6", "smc", "vsock",
                 "vmw_vsock_virtio_transport", "vsock_loopback", "algif_hash", "af_key", "tipc", "rds",
                 "can_raw", "can_bcm", "bluetooth", "rfcomm", "kcm", "pppoe", "llc2", "rxrpc",
                 "crypto_user", "nfnetlink", "xfrm_user", "xsk_diag")


def tearDownModule():
    addresses_change("del", [ALLOWED, DENIED, "192.0.2.3", "192.0.2.5", "2001:db8::1", "2001:db8::3",
                             "2001:db8::4"])


def netlink_message(kind, flags, payload):
    data = struct.pack("=IHHII", 16 + len(payload), kind, flags, 1, 0) + payload
    return data + bytes(-len(data) % 4)


def address_new(address):
    """RTM_NEWADDR: another address of lo."""
    data = struct.pack("=HH", 8, 2) + socket.inet_aton(address)     # IFA_LOCAL
    return netlink_message(RTM_NEWADDR, REQUEST | ACK,
                           struct.pack("=BBBBI", INET, 32, 0, 0, socket.if_nametoindex("lo")) + data)


LINKS = netlink_message(RTM_GETLINK, REQUEST | DUMP, bytes(16))
NOOP = netlink_message(1, 0, b"")


class KindsCase(Sink):
    def works(self, kinds):
        for name, kind in kinds.items():
            with self.subTest(name):
                self.allowed("sock_make", *kind)

    def is_there(self, name, kind):
        """It works outside, or this kernel is known to have it no more."""
        if name in GONE[os.environ.get("WEIR_VM", "latest")]:
            with self.assertRaises(OSError) as raised:
                self.outside.sock_make(*kind)
            self.assertIn(raised.exception.errno, NOT_THERE)
        else:
            self.free("sock_make", *kind)

    def none_is_made(self, kinds, reason, *how):
        for name, (family, kind, protocol) in kinds.items():
            with self.subTest(name):
                self.is_there(name, (family, kind, protocol))
                self.since = len(self.inside.records())
                self.refused(errno.EPERM, *how, "sock_make", family, kind, protocol)
                if (family, kind) == (INET, 10):
                    family = 17     # which the kernel makes of it first
                self.record(type="network.socket", verdict="deny", reason=reason,
                            detail__family=NAMES[family], detail__type=TYPES[kind],
                            detail__protocol=protocol)


class Kinds(KindsCase):
    policy = policy_text(RULES, guard="")

    def test_usual_kinds(self):
        for kind in USUAL:
            with self.subTest(kind):
                self.allowed("sock_make", *kind)
        for kind in (STREAM, DGRAM, SEQPACKET):
            for fd in self.allowed("sock_pair", socket.AF_UNIX, kind):
                self.allowed("sock_close", fd)
        self.fence()
        self.assertEqual(self.made(type="network.socket"), [])

    def test_other_kinds(self):
        self.none_is_made(REFUSED, "family")

    def test_raw_and_packet_sockets(self):
        self.none_is_made(GUARDED_RAW, "guard")
        self.none_is_made(GUARDED_PACKET, "guard")

    def test_flags_hide_nothing(self):
        flags = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self.free("sock_make", INET, STREAM | flags, 262)
        self.refused(errno.EPERM, "sock_make", INET, STREAM | flags, 262)
        self.record(type="network.socket", reason="family", detail__type="SOCK_STREAM",
                    detail__protocol=262)

    def test_by_io_uring(self):
        for worker in (False, True):
            with self.subTest(worker=worker):
                self.allowed("ring_socket", worker, INET, STREAM)
                self.free("ring_socket", worker, INET, STREAM, 262)
                self.refused(errno.EPERM, "ring_socket", worker, INET, STREAM, 262)
                self.free("ring_socket", worker, INET, RAW, 1)
                self.refused(errno.EPERM, "ring_socket", worker, INET, RAW, 1)
        self.record(type="network.socket", verdict="deny", reason="guard", detail__type="SOCK_RAW")

    def test_in_a_child_and_a_thread(self):
        self.refused(errno.EPERM, "forked", "sock_make", *REFUSED["SCTP"])
        index = self.allowed("thread_start")
        self.refused(errno.EPERM, "threaded", index, "sock_make", *REFUSED["SCTP"])


class KindsOfUser(Kinds):
    user = USER

    def test_in_a_user_namespace(self):
        """Where an ordinary user has every right, for a network of its own."""
        for actor in (self.outside, self.inside):
            child = actor.child_start()
            try:
                actor.child(child, "net_new", True)
            except OSError as error:    # the guard's refusal, as soon as there is one
                self.assertEqual((actor, error.errno), (self.inside, errno.EPERM))
                actor.child_end(child)
                return
            for kind in (*GUARDED_RAW.values(), *GUARDED_PACKET.values()):
                if actor is self.outside:
                    self.free("child", child, "sock_make", *kind)
                else:
                    self.refused(errno.EPERM, "child", child, "sock_make", *kind)
            actor.child_end(child)
        self.record(type="network.socket", verdict="deny", reason="guard",
                    detail__family="AF_PACKET")


class KindsUnguarded(KindsCase):
    policy = policy_text(RULES)

    def test_kinds(self):
        self.works(GUARDED_RAW)
        self.works(GUARDED_PACKET)
        self.none_is_made({name: REFUSED[name] for name in ("MPTCP", "vsock", "netfilter")}, "family")


class KindsWithRaw(KindsCase):
    policy = policy_text(RULES, guard="{allow: [raw-sockets]}")

    def test_kinds(self):
        self.works(GUARDED_RAW)
        self.none_is_made(GUARDED_PACKET, "guard")


class KindsWithPacket(KindsCase):
    policy = policy_text(RULES, guard="{allow: [packet-sockets]}")

    def test_kinds(self):
        self.works(GUARDED_PACKET)
        self.none_is_made(GUARDED_RAW, "guard")


class KindsGuarded(KindsCase):
    """What the guard keeps of an open network."""
    policy = policy_text("unrestricted", guard="")

    def test_kinds(self):
        self.allowed("sock_make", *REFUSED["SCTP"])
        self.none_is_made(GUARDED_RAW, "guard")
        self.none_is_made(GUARDED_PACKET, "guard")

    def test_changing(self):
        fd = self.allowed("sock_open", NETLINK, RAW, 0)
        self.allowed("sock_send_bytes", fd, address_new("192.0.2.241").hex())   # answered by an error
        self.record(type="guard.escape", verdict="deny", detail__capability="CAP_NET_ADMIN")
        self.allowed("sock_close", fd)
        with socket.socket(INET, DGRAM) as sock, self.assertRaises(OSError):
            sock.bind(("192.0.2.241", 0))


class KindsOpen(KindsCase):
    """What a policy opens."""
    policy = policy_text("unrestricted")

    def test_kinds(self):
        for name, kind in REFUSED.items():
            with self.subTest(name):
                if name not in GONE[os.environ.get("WEIR_VM", "latest")]:
                    self.allowed("sock_make", *kind)
        fd = self.allowed("sock_open", NETLINK, RAW, 0)
        self.allowed("sock_send_bytes", fd, address_new("192.0.2.240").hex())
        self.allowed("sock_close", fd)
        addresses_change("del", ["192.0.2.240"])


class Netlink(KindsCase):
    """Asking is free; changing is not."""
    policy = policy_text(RULES)
    serial = 0

    def fresh(self):
        """The message for an address that nobody has yet."""
        Netlink.serial += 1
        return f"192.0.2.{100 + Netlink.serial}"

    def has(self, address):
        with socket.socket(INET, DGRAM) as sock:
            try:
                sock.bind((address, 0))
            except OSError:
                return False
            return True

    def test_reading(self):
        diag = struct.pack("=BBBBI48x", INET, socket.IPPROTO_TCP, 0, 0, 0xfff)
        for protocol, message in (
                (0, LINKS), (0, netlink_message(RTM_GETADDR, REQUEST | DUMP, bytes(16))),
                (0, netlink_message(RTM_GETROUTE, REQUEST | DUMP, bytes(16))),
                (4, netlink_message(SOCK_DIAG_BY_FAMILY, REQUEST | DUMP, diag))):
            for how in ("send", "write"):
                with self.subTest(protocol=protocol, how=how):
                    fd = self.allowed("sock_open", NETLINK, RAW, protocol)
                    self.allowed("sock_send_bytes", fd, message.hex(), how)
                    self.assertNotEqual(self.allowed("sock_receive", fd)[0], "")
                    self.allowed("sock_close", fd)
        self.fence()
        self.assertEqual(self.made(type="network.socket"), [])

    def test_changing(self):
        for how in ("send", "write", "writev", "sendmsg"):
            for before in (b"", LINKS, NOOP, LINKS + NOOP):
                with self.subTest(how=how, before=len(before)):
                    address = self.fresh()
                    fd = self.free("sock_open", NETLINK, RAW, 0)
                    self.free("sock_send_bytes", fd, (before + address_new(address)).hex(), how)
                    self.free("sock_close", fd)
                    self.assertTrue(self.has(address))
                    addresses_change("del", [address])
                    self.since = len(self.inside.records())
                    fd = self.allowed("sock_open", NETLINK, RAW, 0)
                    self.refused(errno.EPERM, "sock_send_bytes", fd,
                                 (before + address_new(address)).hex(), how)
                    self.allowed("sock_close", fd)
                    self.assertFalse(self.has(address))
                    self.record(type="network.socket", verdict="deny",
                                detail__family="AF_NETLINK", detail__protocol=0,
                                detail__netlink_type=RTM_NEWADDR)

    def test_changing_by_io_uring(self):
        for worker in (False, True):
            for op in ("send", "write", "sendmsg"):
                with self.subTest(op, worker=worker):
                    address = self.fresh()
                    data = address_new(address).decode("latin-1")
                    fd = self.free("sock_open", NETLINK, RAW, 0)
                    self.free("ring_send", op, worker, fd, data)
                    self.free("sock_close", fd)
                    self.assertTrue(self.has(address))
                    addresses_change("del", [address])
                    fd = self.allowed("sock_open", NETLINK, RAW, 0)
                    self.refused(errno.EPERM, "ring_send", op, worker, fd, data)
                    self.allowed("sock_close", fd)
                    self.assertFalse(self.has(address))

    def test_ending_connections(self):
        """SOCK_DESTROY, with which root ends anybody's."""
        listener = Listener(PORT + 5)
        self.addCleanup(listener.close)
        client = socket.create_connection(("127.0.0.1", PORT + 5))
        self.addCleanup(client.close)
        message = self.destroy(client)
        fd = self.allowed("sock_open", NETLINK, RAW, 4)
        self.refused(errno.EPERM, "sock_send_bytes", fd, message.hex())
        self.record(type="network.socket", verdict="deny", detail__netlink_type=SOCK_DESTROY)
        client.send(b"still there")
        fd = self.free("sock_open", NETLINK, RAW, 4)
        self.free("sock_send_bytes", fd, message.hex())
        self.free("sock_close", fd)
        with self.assertRaises(ConnectionAbortedError):
            client.send(b"x")

    @staticmethod
    def destroy(client):
        own, peer = client.getsockname(), client.getpeername()
        named = (struct.pack("!HH", own[1], peer[1]) + socket.inet_aton(own[0]) + bytes(12)
                 + socket.inet_aton(peer[0]) + bytes(12))
        return netlink_message(SOCK_DESTROY, REQUEST | ACK,
                               struct.pack("=BBBBI", INET, socket.IPPROTO_TCP, 0, 0, 0xfff) + named
                               + struct.pack("=I8s", 0, b"\xff" * 8))


class NetlinkOfUser(KindsCase):
    policy = policy_text(RULES)
    user = USER
    test_reading = Netlink.test_reading

    def test_changing(self):
        """A user may not anyway; that it was tried is recorded."""
        fd = self.allowed("sock_open", NETLINK, RAW, 0)
        self.refused(errno.EPERM, "sock_send_bytes", fd, address_new("192.0.2.200").hex())
        self.record(type="network.socket", verdict="deny", detail__netlink_type=RTM_NEWADDR)


class Icmp(Sink):
    policy = policy_text(ICMP_RULES)

    def test_ping(self):
        for how in ("connected", "sendto"):
            for address in ("192.0.2.3", "2001:db8::3"):
                with self.subTest(how=how, address=address):
                    self.since = len(self.inside.records())
                    self.allowed("ping", how, address)
                    self.record(verdict="allow", reason="rule", policy__rule="echo",
                                destination={"address": address, "protocol": "icmp"})
            # allowed for TCP and UDP; not at all; and denied by name
            for address, reason in ((ALLOWED, "no-rule"), (DENIED, "no-rule"), ("192.0.2.5", "rule"),
                                    ("2001:db8::1", "no-rule"), ("2001:db8::4", "no-rule")):
                with self.subTest(how=how, address=address):
                    self.since = len(self.inside.records())
                    self.free("ping", how, address)
                    self.refused(errno.EPERM, "ping", how, address)
                    self.record(verdict="deny", reason=reason,
                                destination={"address": address, "protocol": "icmp"})

    def test_only_ping(self):
        self.refused(errno.EPERM, "tcp", "192.0.2.3", PORT)
        self.refused(errno.EPERM, "udp", "sendto", "192.0.2.3", PORT, "no")
        self.nothing_arrives()
        self.refused(errno.EPERM, "sock_make", *REFUSED["UDP-Lite"])


class IcmpOfUser(Icmp):
    user = USER


if __name__ == "__main__":
    unittest.main()
