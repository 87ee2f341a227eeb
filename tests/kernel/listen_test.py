# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Listening, accepting and answering, by address and port of the listener."""

from net import DGRAM, STREAM, Listener, Sink, addresses_change, datagrams, select, socket
from support import USER, WAIT_S, errno, os, policy_text, unittest

# local addresses; peers; of these one is denied
ONE, OTHER, PEER, ENEMY = "192.0.2.1", "192.0.2.2", "192.0.2.8", "192.0.2.9"
ONE6, OTHER6, PEER6, ENEMY6 = "2001:db8::1", "2001:db8::2", "2001:db8::8", "2001:db8::9"
REACHED = "192.0.2.3"
ADDRESSES = [ONE, OTHER, PEER, ENEMY, REACHED, ONE6, OTHER6, PEER6, ENEMY6]
PORT, PORT_V4, PORT_V6, PORT_BOTH = 3000, 3100, 3101, 3102
PORT_TCP, PORT_UDP, PORT_ENEMY = 3200, 3201, 3300
SYN_SENT = 2

RULES = """  allow:
    - name: reached
      addresses: [192.0.2.3]
  deny:
    - name: enemy
      addresses: [192.0.2.9, "2001:db8::9"]
  listen:
    - name: local
      addresses: [loopback]
      ports: ["3000-3099"]
    - name: one
      addresses: [192.0.2.1, "2001:db8::1"]
      ports: ["3000-3099"]
    - name: every-v4
      addresses: [0.0.0.0/0]
      ports: [3100]
    - name: every-v6
      addresses: ["::/0"]
      ports: [3101]
    - name: every
      addresses: [0.0.0.0/0, "::/0"]
      ports: [3102]
    - name: stream
      addresses: [192.0.2.1]
      ports: [3200]
      protocol: tcp
    - name: datagram
      addresses: [192.0.2.1]
      ports: [3201]
      protocol: udp
"""
KINDS = {STREAM: "tcp", DGRAM: "udp"}


def setUpModule():
    addresses_change("add", ADDRESSES)


def tearDownModule():
    addresses_change("del", ADDRESSES)


class ListenCase(Sink):
    def listens(self, kind, address, port, rule, dual_stack=False, shown=None):
        self.since = len(self.inside.records())
        fd = self.allowed("sock_server", kind, [address, port], dual_stack)
        record = self.record(type="network.listen", verdict="allow", reason="rule", policy__rule=rule)
        self.assertEqual(record["destination"], {"address": shown or address, "port": port,
                                                 "protocol": KINDS[kind]})
        self.allowed("sock_close", fd)

    def does_not(self, kind, address, port, dual_stack=False, shown=None):
        self.since = len(self.inside.records())
        self.free("sock_close", self.free("sock_server", kind, [address, port], dual_stack))
        self.refused(errno.EPERM, "sock_server", kind, [address, port], dual_stack)
        record = self.record(type="network.listen", verdict="deny", reason="no-rule")
        self.assertEqual(record["destination"], {"address": shown or address, "port": port,
                                                 "protocol": KINDS[kind]})


class Listen(ListenCase):
    policy = policy_text(RULES)

    def test_addresses_and_ports(self):
        for kind in KINDS:
            for address, rule in ((ONE, "one"), (ONE6, "one"), ("127.0.0.1", "local"),
                                  ("127.1.2.3", "local"), ("::1", "local")):
                with self.subTest(kind=kind, address=address):
                    for port in (PORT, PORT + 99):
                        self.listens(kind, address, port, rule)
                    for port in (PORT - 1, PORT + 100 if address[0] == ":" else PORT + 150):
                        self.does_not(kind, address, port)
            for address in (OTHER, OTHER6):
                with self.subTest(kind=kind, address=address):
                    self.does_not(kind, address, PORT)

    def test_protocols(self):
        self.listens(STREAM, ONE, PORT_TCP, "stream")
        self.does_not(DGRAM, ONE, PORT_TCP)
        self.listens(DGRAM, ONE, PORT_UDP, "datagram")
        self.does_not(STREAM, ONE, PORT_UDP)

    def test_every_address(self):
        for kind in KINDS:
            with self.subTest(kind):
                self.does_not(kind, "0.0.0.0", PORT)
                self.does_not(kind, "::", PORT)
                self.does_not(kind, "::", PORT, True)
                self.listens(kind, "0.0.0.0", PORT_V4, "every-v4")
                self.does_not(kind, "::", PORT_V4)
                self.does_not(kind, "::", PORT_V4, True)
                self.listens(kind, "::", PORT_V6, "every-v6")
                self.does_not(kind, "0.0.0.0", PORT_V6)
                self.does_not(kind, "::", PORT_V6, True)
                self.listens(kind, "0.0.0.0", PORT_BOTH, "every")
                self.listens(kind, "::", PORT_BOTH, "every")
                self.listens(kind, "::", PORT_BOTH, "every", True)

    def test_mapped(self):
        for kind in KINDS:
            with self.subTest(kind):
                self.listens(kind, f"::ffff:{ONE}", PORT, "one", True, ONE)
                self.does_not(kind, f"::ffff:{OTHER}", PORT, True, OTHER)

    def test_only_bound(self):
        """The port alone, before anybody listens."""
        self.free("sock_close", self.free("sock_server", STREAM, [OTHER, PORT]))
        fd = self.allowed("sock_open", socket.AF_INET, STREAM)
        self.refused(errno.EPERM, "sock_bind", fd, [OTHER, PORT])
        self.record(type="network.listen", verdict="deny", destination__address=OTHER)
        self.allowed("sock_close", fd)

    def test_address_of_nobody(self):
        """IP_FREEBIND, which anybody may ask for."""
        for do in (self.free, self.allowed):
            fd = do("sock_open", socket.AF_INET, STREAM)
            do("sock_option", fd, socket.IPPROTO_IP, 15, 1)
            if do == self.free:
                do("sock_bind", fd, ["203.0.113.1", PORT])
            else:
                self.refused(errno.EPERM, "sock_bind", fd, ["203.0.113.1", PORT])
                self.record(type="network.listen", verdict="deny",
                            destination__address="203.0.113.1")
            do("sock_close", fd)

    def test_any_port_is_free(self):
        """As clients do: to take an address, not a port."""
        for kind in KINDS:
            for address in (OTHER, OTHER6, "0.0.0.0", "::", ONE):
                with self.subTest(kind=kind, address=address):
                    family = socket.AF_INET6 if ":" in address else socket.AF_INET
                    fd = self.allowed("sock_open", family, kind)
                    self.allowed("sock_bind", fd, [address, 0])
                    self.allowed("sock_close", fd)
        self.allowed("tcp_from", OTHER, REACHED, self.port)
        self.fence()
        self.assertEqual(self.made(type="network.listen"), [])

    def test_listen_without_a_port(self):
        for name in (None, [OTHER, 0], [ONE, 0], ["0.0.0.0", 0]):
            with self.subTest(name):
                for do in (self.free, self.allowed):
                    fd = do("sock_open", socket.AF_INET, STREAM)
                    if name:
                        do("sock_bind", fd, name)
                    if do == self.free:
                        do("sock_listen", fd)
                    else:
                        self.since = len(self.inside.records())
                        self.refused(errno.EPERM, "sock_listen", fd)
                        self.record(type="network.listen", verdict="deny", reason="no-rule",
                                    destination__protocol="tcp")
                    do("sock_close", fd)

    def test_by_io_uring(self):
        if os.environ.get("WEIR_VM") == "6.1":     # which binds by bind(2) alone
            with self.assertRaises(OSError) as raised:
                self.outside.ring_bind(False, self.free("sock_open", socket.AF_INET, STREAM), [ONE, PORT])
            self.assertEqual(raised.exception.errno, errno.EINVAL)
            return
        for worker in (False, True):
            fd = self.free("sock_open", socket.AF_INET, STREAM)
            self.free("ring_bind", worker, fd, [OTHER, PORT])
            self.free("ring_listen", worker, fd)
            self.free("sock_close", fd)
            fd = self.allowed("sock_open", socket.AF_INET, STREAM)
            self.refused(errno.EPERM, "ring_bind", worker, fd, [OTHER, PORT])
            self.refused(errno.EPERM, "ring_listen", worker, fd)
            # where no connection has ended lately, and no worker holds on to the one before
            self.allowed("ring_bind", worker, fd, [ONE, PORT + 50 + worker])
            self.allowed("ring_listen", worker, fd)
            self.allowed("sock_close", fd)

    def connect(self, peer, name, wait=True):
        """From outside."""
        client = socket.socket(socket.AF_INET6 if ":" in peer else socket.AF_INET, STREAM)
        self.addCleanup(client.close)
        client.bind((peer, 0))
        client.settimeout(WAIT_S if wait else 0)
        code = client.connect_ex(name)
        self.assertIn(code, (0, 0 if wait else errno.EINPROGRESS))
        return client

    def test_accept(self):
        """What a peer is answered goes through, though no rule allows to go there."""
        for address, peer in ((ONE, PEER), (ONE6, PEER6), (f"::ffff:{ONE}", PEER),
                              ("127.0.0.1", "127.0.0.1")):
            with self.subTest(address):
                self.since = len(self.inside.records())
                local = address.removeprefix("::ffff:")
                fd = self.allowed("sock_server", STREAM, [address, PORT], address != ONE6)
                client = self.connect(peer, (local, PORT))
                made, name = self.allowed("sock_accept", fd)
                self.assertEqual(name[1], client.getsockname()[1])
                client.sendall(b"question")
                self.assertEqual(self.allowed("sock_receive", made)[0], "question")
                for how in ("send", "write", "sendmsg"):
                    self.allowed("sock_send", made, f"answer by {how}", how)
                    self.assertEqual(client.recv(100), f"answer by {how}".encode())
                record = self.record(type="network.accept", verdict="allow", reason="rule",
                                     policy__rule="local" if address[0:3] == "127" else "one")
                self.assertEqual(record["source"], {"address": peer, "port": name[1]})
                self.assertEqual(record["destination"], {"address": local, "port": PORT,
                                                         "protocol": "tcp"})
                self.allowed("sock_close", made)
                self.allowed("sock_close", fd)
                self.assertEqual(client.recv(100), b"")
        # to connect there is another matter
        server = socket.create_server((PEER, PORT))
        self.addCleanup(server.close)
        self.free("tcp", PEER, PORT)
        self.refused(errno.EPERM, "tcp", PEER, PORT)

    def test_denied_peer(self):
        """network.deny is for those who come, too: they are not answered at all."""
        for address, peer, enemy in ((ONE, PEER, ENEMY), (ONE6, PEER6, ENEMY6)):
            with self.subTest(enemy):
                self.since = len(self.inside.records())
                free = self.free("sock_server", STREAM, [address, PORT_ENEMY])
                self.connect(enemy, (address, PORT_ENEMY))
                self.free("sock_accept", free)
                self.free("sock_close", free)
                fd = self.allowed("sock_server", STREAM, [address, PORT])
                client = self.connect(enemy, (address, PORT), False)
                record = self.record(type="network.accept", verdict="deny", reason="rule",
                                     policy__rule="enemy", source__address=enemy)
                self.assertEqual(record["source"], {"address": enemy, "port": client.getsockname()[1]})
                self.assertEqual(record["destination"], {"address": address, "port": PORT,
                                                         "protocol": "tcp"})
                self.assertFalse(self.allowed("sock_is_ready", fd))
                self.assertEqual(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0], SYN_SENT)
                self.connect(peer, (address, PORT))     # while others are welcome
                self.allowed("sock_close", self.allowed("sock_accept", fd)[0])
                self.allowed("sock_close", fd)
                client.close()      # it tried again and again

    def test_connect_after_listening(self):
        """A socket that has listened, or was accepted, is no way out."""
        listener = Listener(PORT_ENEMY)
        self.addCleanup(listener.close)
        for do in (self.free, self.allowed):
            fd = do("sock_server", STREAM, [ONE, PORT])
            client = self.connect(PEER, (ONE, PORT))
            made, _ = do("sock_accept", fd)
            for old in (fd, made):
                do("sock_dissolve", old)
                if do == self.free:
                    do("sock_connect", old, [OTHER, PORT_ENEMY])
                    listener.take().close()
                    do("sock_close", old)
                    continue
                self.since = len(self.inside.records())
                self.refused(errno.EPERM, "sock_connect", old, [OTHER, PORT_ENEMY])
                self.record(type="network.connect", verdict="deny", destination__address=OTHER)
                do("sock_connect", old, [REACHED, PORT_ENEMY])
                listener.take().close()
                do("sock_close", old)
            client.close()

    def test_answering_datagrams(self):
        for address, peer, stranger in ((ONE, PEER, OTHER), (ONE6, PEER6, OTHER6),
                                        (f"::ffff:{ONE}", f"::ffff:{PEER}", f"::ffff:{OTHER}")):
            with self.subTest(address):
                self.since = len(self.inside.records())
                local = address.removeprefix("::ffff:")
                fd = self.allowed("sock_server", DGRAM, [address, PORT], address != ONE6)
                client = datagrams(peer.removeprefix("::ffff:"), 0)
                self.addCleanup(client.close)
                name = [peer, client.getsockname()[1]]
                # not yet
                self.refused(errno.EPERM, "sock_send", fd, "no", "sendto", name)
                client.sendto(b"question", (local, PORT))
                self.assertEqual(self.allowed("sock_receive", fd), ["question", name])
                for how in ("sendto", "sendmsg", "sendmmsg"):
                    self.allowed("sock_send", fd, f"answer by {how}", how, name)
                    self.assertEqual(client.recv(100), f"answer by {how}".encode())
                # another port of the same peer, and somebody else
                self.free("udp", "sendto", stranger, self.port, "x")
                self.arrives("x")
                for other in ([peer, self.port], [stranger, self.port]):
                    self.refused(errno.EPERM, "sock_send", fd, "no", "sendto", other)
                    self.nothing_arrives()
                    self.record(type="network.send", verdict="deny", reason="no-rule",
                                destination={"address": other[0].removeprefix("::ffff:"),
                                             "port": self.port, "protocol": "udp"})
                self.refused(errno.EPERM, "sock_connect", fd, [stranger, self.port])
                # where it may go anyway
                if address == ONE:
                    self.allowed("sock_send", fd, "sent", "sendto", [REACHED, self.port])
                    self.arrives("sent")
                self.allowed("sock_close", fd)

    def test_denied_peer_is_not_answered(self):
        free = self.free("sock_server", DGRAM, [ONE, PORT_ENEMY])
        fd = self.allowed("sock_server", DGRAM, [ONE, PORT])
        client = datagrams(ENEMY, 0)
        self.addCleanup(client.close)
        name = list(client.getsockname())
        client.sendto(b"question", (ONE, PORT_ENEMY))
        self.free("sock_receive", free)
        self.free("sock_send", free, "answer", "sendto", name)
        self.assertEqual(client.recv(100), b"answer")
        self.free("sock_close", free)
        client.sendto(b"question", (ONE, PORT))     # whether it comes in or not
        self.refused(errno.EPERM, "sock_send", fd, "no", "sendto", name)
        self.assertEqual(select.select([client], [], [], 0)[0], [])
        self.record(verdict="deny", reason="rule", policy__rule="enemy")
        self.allowed("sock_close", fd)

    def test_client_port_answers_nobody(self):
        """A datagram socket at a port of the kernel's choice does not listen."""
        for do in (self.free, self.allowed):
            fd = do("sock_open", socket.AF_INET, DGRAM)
            do("sock_bind", fd, [ONE, 0])
            client = datagrams(PEER, 0)
            self.addCleanup(client.close)
            client.sendto(b"question", tuple(do("sock_name", fd)))
            answer = "sock_send", fd, "answer", "sendto", list(client.getsockname())
            if do == self.free:
                do(*answer)
                self.assertEqual(client.recv(100), b"answer")
            else:
                self.refused(errno.EPERM, *answer)
                self.assertEqual(select.select([client], [], [], 0)[0], [])
            do("sock_close", fd)


class ListenOfUser(Listen):
    user = USER


class ListenAnywhere(ListenCase):
    """Rules without ports, which cover those that the kernel chooses."""
    policy = policy_text("""  listen:
    - name: anywhere
      addresses: [0.0.0.0/0]
    - name: one
      addresses: ["2001:db8::1"]
""")

    def test_any_port(self):
        for family, name, rule in ((socket.AF_INET, None, "anywhere"),
                                   (socket.AF_INET, ["0.0.0.0", 0], "anywhere"),
                                   (socket.AF_INET, [ONE, 0], "anywhere"),
                                   (socket.AF_INET6, [ONE6, 0], "one")):
            with self.subTest(name):
                self.since = len(self.inside.records())
                fd = self.allowed("sock_open", family, STREAM)
                if name:
                    self.allowed("sock_bind", fd, name)
                self.allowed("sock_listen", fd)
                local = self.allowed("sock_name", fd)
                # one that is not bound gets its port when it has been decided
                self.record(type="network.listen", verdict="allow", policy__rule=rule,
                            destination={"address": local[0], "port": local[1] if name else 0,
                                         "protocol": "tcp"})
                address = local[0] if name and name != ["0.0.0.0", 0] else OTHER
                with socket.create_connection((address, local[1]), WAIT_S) as client:
                    made, _ = self.allowed("sock_accept", fd)
                    self.allowed("sock_send", made, "answer")
                    self.assertEqual(client.recv(100), b"answer")
                    self.allowed("sock_close", made)
                self.allowed("sock_close", fd)
        fd = self.allowed("sock_open", socket.AF_INET6, STREAM)
        self.refused(errno.EPERM, "sock_listen", fd)
        self.allowed("sock_close", fd)


class ListenOpen(ListenCase):
    policy = policy_text("  listen: unrestricted\n")

    def test_all_is_allowed(self):
        for kind in KINDS:
            for address in (OTHER, "0.0.0.0", "::"):
                self.since = len(self.inside.records())
                fd = self.allowed("sock_server", kind, [address, PORT_ENEMY], True)
                self.record(type="network.listen", verdict="allow", reason="unrestricted")
                self.allowed("sock_close", fd)
        fd = self.allowed("sock_server", STREAM, [OTHER, PORT])
        with socket.create_connection((OTHER, PORT), WAIT_S) as client:
            made, _ = self.allowed("sock_accept", fd)
            self.allowed("sock_send", made, "answer")
            self.assertEqual(client.recv(100), b"answer")
            self.record(type="network.accept", verdict="allow", reason="unrestricted")
        self.refused(errno.EPERM, "tcp", OTHER, self.port)


class ListenAbsent(ListenCase):
    policy = policy_text("  allow:\n    - name: all\n      addresses: [0.0.0.0/0, \"::/0\"]\n")

    def test_nothing_is_allowed(self):
        """To go everywhere is not to be reached."""
        for kind in KINDS:
            for address in ("127.0.0.1", "::", "0.0.0.0"):
                self.does_not(kind, address, PORT_ENEMY)


if __name__ == "__main__":
    unittest.main()
