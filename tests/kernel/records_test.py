# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What of the traffic that is allowed is recorded, how often, and with which totals."""

from net import DGRAM, STREAM, Sink, Talker, addresses_change, command, datagrams, received_of, socket
from support import USER, WAIT_S, errno, os, policy_text, signal, unittest

ONE, PEER, DENIED, MANY = "192.0.2.1", "192.0.2.8", "192.0.2.2", "198.18.1."
ONE6 = "2001:db8::1"
ADDRESSES = [ONE, PEER, DENIED, ONE6, *(f"{MANY}{number}" for number in range(1, 130))]
PORT = Sink.port
TALK_PORT, LISTEN_PORT = PORT + 8, 3000
HEAD = 16   # bytes before those that a Talker is asked for

RULES = """  allow:
    - name: one
      addresses: [192.0.2.1, "2001:db8::1"]
    - name: many
      addresses: [198.18.1.0/24]
  listen:
    - name: server
      addresses: [192.0.2.1]
      ports: [3000]
"""


def setUpModule():
    addresses_change("add", ADDRESSES)


def tearDownModule():
    addresses_change("del", ADDRESSES)


class Records(Sink):
    policy = policy_text(RULES)

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.talker = Talker(TALK_PORT)
        cls.addClassCleanup(cls.talker.close)

    def setUp(self):
        super().setUp()
        self.fence()    # what tests before have closed
        self.since = len(self.inside.records())

    def network(self):
        """What there is by now, each as its type and destination address."""
        self.fence()
        return [(record["type"].removeprefix("network."), record["destination"]["address"])
                for record in self.made() if record["type"].startswith("network.")]

    def flow(self, address, sent, received, port=TALK_PORT, protocol="tcp"):
        record = self.record(type="network.flow", destination={"address": address, "port": port,
                                                               "protocol": protocol})
        self.assertEqual(record["verdict"], "allow")
        self.assertEqual((record["flow"]["bytes_sent"], record["flow"]["bytes_received"]),
                         (sent, received))
        return record

    def test_connections(self):
        for address in (ONE, ONE6):
            for _ in range(5):
                self.since = len(self.inside.records())
                self.allowed("tcp_talk", address, TALK_PORT, HEAD, 0)
                self.flow(address, HEAD, 0)
                self.assertEqual(self.network(), [("connect", address), ("flow", address)])

    def test_totals_of_tcp(self):
        for address in (ONE, ONE6, f"::ffff:{ONE}"):
            for sent, received in ((HEAD, 0), (HEAD, 1), (HEAD + 1, 70000), (1 << 20, 0),
                                   (3333333, 4444444)):
                for reset in (False, True):
                    with self.subTest(address=address, sent=sent, received=received, reset=reset):
                        self.since = len(self.inside.records())
                        least, most = self.allowed("tcp_talk", address, TALK_PORT, sent, received, reset)
                        record = self.flow(address.removeprefix("::ffff:"), sent, received)
                        self.assertEqual(record["policy"]["rule"], "one")
                        self.assertTrue(least <= record["flow"]["duration_ns"] <= most + 10**10)
                        self.assertGreater(record["source"]["port"], 0)

    def test_what_is_sent_again_is_not_counted_again(self):
        """On a network that loses, doubles and swaps packets."""
        command("tc", "qdisc", "add", "dev", "lo", "root", "netem", "loss", "5%", "duplicate", "5%",
                "delay", "1ms", "reorder", "75%")
        self.addCleanup(command, "tc", "qdisc", "del", "dev", "lo", "root")
        for address in (ONE, ONE6):
            self.since = len(self.inside.records())
            self.allowed("tcp_talk", address, TALK_PORT, 1000000, 777777)
            self.flow(address, 1000000, 777777)

    def test_connection_that_nobody_takes(self):
        """It was tried, and nothing was carried."""
        self.refused(errno.ECONNREFUSED, "tcp", ONE, PORT + 99)
        self.record(type="network.connect", verdict="allow", destination__port=PORT + 99)
        self.fence()
        for record in self.made(type="network.flow"):
            self.assertEqual((record["flow"]["bytes_sent"], record["flow"]["bytes_received"]), (0, 0))

    def test_end_of_the_process(self):
        """Killed, with the connection open."""
        child = self.allowed("child_start")
        fd = self.allowed("child", child, "sock_client", STREAM, [ONE, TALK_PORT])
        self.allowed("child", child, "sock_send", fd, "0" * 1000)
        os.kill(child, signal.SIGKILL)
        self.allowed("child_end", child)
        self.flow(ONE, 1000, 0)

    def test_end_of_the_last_holder(self):
        """Shared with a child: there is one end."""
        fd = self.allowed("sock_client", STREAM, [ONE, TALK_PORT])
        child = self.allowed("child_start")
        self.allowed("sock_send", fd, "0" * HEAD)
        self.allowed("sock_close", fd)
        self.allowed("child", child, "sock_send", fd, "0" * 10)
        self.fence()
        self.assertEqual(self.made(type="network.flow"), [])
        self.allowed("child_end", child)
        self.flow(ONE, HEAD + 10, 0)
        self.assertEqual(len([what for what, _ in self.network() if what == "flow"]), 1)

    def test_accepted(self):
        for sent, received in ((0, 0), (1, 70000), (100000, 3)):
            with self.subTest(sent=sent, received=received):
                self.since = len(self.inside.records())
                fd = self.allowed("sock_server", STREAM, [ONE, LISTEN_PORT])
                with socket.create_connection((ONE, LISTEN_PORT), WAIT_S, (PEER, 0)) as client:
                    made, _ = self.allowed("sock_accept", fd)
                    client.sendall(bytes(received))
                    left = received
                    while left:
                        left -= len(self.allowed("sock_receive", made)[0])
                    self.allowed("sock_send", made, "x" * sent)
                    self.assertEqual(len(received_of(client, sent)), sent)
                    source = {"address": PEER, "port": client.getsockname()[1]}
                    self.allowed("sock_close", made)
                self.allowed("sock_close", fd)
                record = self.record(type="network.flow", source=source)
                self.assertEqual(record["destination"], {"address": ONE, "port": LISTEN_PORT,
                                                         "protocol": "tcp"})
                self.assertEqual(record["policy"]["rule"], "server")
                self.assertEqual((record["flow"]["bytes_sent"], record["flow"]["bytes_received"]),
                                 (sent, received))
                self.fence()
                self.assertEqual(len(self.made(type="network.accept", source=source)), 1)

    def test_totals_of_udp(self):
        for how in ("connected", "sendto"):
            for address in (ONE, ONE6):
                with self.subTest(how=how, address=address):
                    self.since = len(self.inside.records())
                    sizes = [0, 1, 1200, 60000, 7]
                    self.allowed("udp_talk", how, address, TALK_PORT, sizes)
                    self.flow(address, sum(sizes), sum(sizes), TALK_PORT, "udp")
                    first = "connect" if how == "connected" else "send"
                    self.assertEqual(self.network(), [(first, address), ("flow", address)])

    def test_many_datagrams_to_one(self):
        for connected in (True, False):
            with self.subTest(connected=connected):
                self.since = len(self.inside.records())
                self.allowed("udp_burst", ONE, PORT, 100000, 10, connected)
                self.flow(ONE, 1000000, 0, PORT, "udp")
                first = "connect" if connected else "send"
                self.assertEqual(self.network(), [(first, ONE), ("flow", ONE)])

    def test_many_destinations(self):
        targets = [[f"{MANY}{number}", PORT] for number in range(1, 65)]
        sends = [("send", address) for address, _ in targets]
        self.allowed("udp_rotate", targets, 5)
        self.record(type="network.flow")
        self.assertEqual([one for one in self.network() if one[0] == "send"], sends)
        self.since = len(self.inside.records())
        self.allowed("udp_rotate", targets, 5, [[f"{MANY}65", PORT]])
        flow = self.record(type="network.flow")
        self.assertEqual([one for one in self.network() if one[0] == "send"],
                         [*sends, ("send", f"{MANY}65")])
        self.assertEqual(flow["flow"]["bytes_sent"], 64 * 5 + 1)
        self.assertEqual(flow["detail"]["destinations"], 65)

    def test_ports_are_destinations(self):
        self.allowed("udp_rotate", [[ONE, PORT], [ONE, TALK_PORT], [f"{MANY}1", PORT]], 3)
        self.record(type="network.flow")
        self.fence()
        self.assertEqual([(record["destination"]["address"], record["destination"]["port"])
                          for record in self.made(type="network.send")],
                         [(ONE, PORT), (ONE, TALK_PORT), (f"{MANY}1", PORT)])

    def test_each_socket_for_itself(self):
        for _ in range(3):
            self.allowed("udp", "sendto", ONE, PORT, "x")
        self.several(3, type="network.flow")
        kinds = [what for what, _ in self.network()]
        self.assertEqual((kinds.count("send"), kinds.count("flow")), (3, 3))

    def test_denials_count_for_themselves(self):
        """Nothing of what was refused is in the totals."""
        fd = self.allowed("sock_open", socket.AF_INET, DGRAM)
        self.allowed("sock_send", fd, "1234", "sendto", [ONE, PORT])
        self.free("udp", "sendto", DENIED, PORT, "x")
        self.refused(errno.EPERM, "sock_send", fd, "56789", "sendto", [DENIED, PORT])
        self.record(type="network.send", verdict="deny", destination__address=DENIED)
        self.allowed("sock_close", fd)
        self.flow(ONE, 4, 0, PORT, "udp")

    def test_socket_of_no_use(self):
        """Never connected, nothing sent: no flow."""
        for kind in (STREAM, DGRAM):
            self.allowed("sock_make", socket.AF_INET, kind)
            fd = self.allowed("sock_open", socket.AF_INET, kind)
            self.allowed("sock_bind", fd, [ONE, 0])
            self.allowed("sock_close", fd)
        self.assertEqual(self.network(), [])

    def test_served_datagrams(self):
        """Who is answered stands in the totals."""
        fd = self.allowed("sock_server", DGRAM, [ONE, LISTEN_PORT])
        with datagrams(PEER, 0) as client:
            client.sendto(b"question", (ONE, LISTEN_PORT))
            _, name = self.allowed("sock_receive", fd)
            self.allowed("sock_send", fd, "a long answer", "sendto", name)
            self.assertEqual(client.recv(100), b"a long answer")
        self.allowed("sock_close", fd)
        flow = self.record(type="network.flow")["flow"]
        self.assertEqual((flow["bytes_sent"], flow["bytes_received"]), (13, 8))


class RecordsOfUser(Records):
    user = USER


class Unrecorded(Sink):
    """A policy that wants only programs recorded: refusals are, all the same."""
    policy = policy_text(RULES, audit="  record: [execute]\n")

    def test_only_refusals(self):
        self.allowed("tcp", ONE, PORT)
        self.allowed("udp", "sendto", ONE, PORT, "x")
        self.allowed("udp", "connected", ONE, PORT, "x")
        fd = self.allowed("sock_server", STREAM, [ONE, LISTEN_PORT])
        with socket.create_connection((ONE, LISTEN_PORT), WAIT_S):
            self.allowed("sock_close", self.allowed("sock_accept", fd)[0])
        self.allowed("sock_close", fd)
        self.free("tcp", DENIED, PORT)
        self.refused(errno.EPERM, "tcp", DENIED, PORT)
        self.record(type="network.connect", verdict="deny")
        self.fence()
        self.assertEqual([record for record in self.made(verdict="allow")
                          if record["type"].startswith("network.")], [])


if __name__ == "__main__":
    unittest.main()
