# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sockets that were connected by others, or before there was a policy: decided at their next packet."""

import shutil
import tempfile

from net import (DGRAM, SEQPACKET, STREAM, Listener, Sink, addresses_change, datagrams, received_of,
                 reset_seen, select, socket, sysctl)
from support import (OUT, PYTHON, USER, WAIT_S, WEIR, Actor, as_user, errno, fresh_dir, json, os,
                     pathlib, policy_text, subprocess, unittest)

ALLOWED, DENIED = "192.0.2.1", "192.0.2.2"
FORMS = {ALLOWED: ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"),
         DENIED: ("192.0.2.2", "2001:db8::2", "::ffff:192.0.2.2")}
ADDRESSES = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]
PORT = Sink.port
TCP_PORT, OTHER_PORT = PORT + 7, PORT + 9
FOLDER = "/scratch/weir-before"
DOOR = f"{FOLDER}/door"

RULES = f"""  allow:
    - name: one
      addresses: [192.0.2.1, "2001:db8::1"]
  unix:
    - name: door
      paths: [{DOOR}]
"""

CALLS = ["send", "write", "writev", "sendmsg", "sendfile", "splice", "zerocopy", "child"]
RINGS = [(op, worker) for op in ("send", "write", "sendmsg") for worker in (False, True)]
ENDED = {errno.ECONNABORTED, errno.EPIPE, errno.ECONNRESET}

# writes to its standard input and output, waits for the end of the former, writes once more
INHERITOR = """import os, select, sys
def write(fd):
    try:
        os.write(fd, b"inherited")
        return 0
    except OSError as error:
        return error.errno
codes = [write(1), write(0)]
select.select([0], [], [], 300)
os.write(2, f"codes {codes[0]} {codes[1]} {write(0)}\\n".encode())
"""


def setUpModule():
    addresses_change("add", ADDRESSES)
    sysctl("kernel.yama.ptrace_scope", 0)


def tearDownModule():
    addresses_change("del", ADDRESSES)


def send(actor, fd, text, how="send"):
    if isinstance(how, tuple):
        actor.ring_send(*how, fd, text)
    else:
        actor.sock_send(fd, text, how)


def shown(address):
    return address.removeprefix("::ffff:")


class Before(Sink):
    policy = policy_text(RULES)

    @classmethod
    def prepare(cls):
        super().prepare()
        fresh_dir(FOLDER)
        cls.listener = Listener(TCP_PORT)
        cls.door = socket.socket(socket.AF_UNIX, SEQPACKET)
        cls.door.bind(DOOR)
        cls.door.listen()
        os.chmod(DOOR, 0o777)
        cls.owner = cls.actor_of_user()     # whose descriptors are fetched
        for close in (cls.listener.close, cls.door.close, cls.owner.end):
            cls.addClassCleanup(close)

    def setUp(self):
        super().setUp()
        self.listener.drain()

    @classmethod
    def actor_of_user(cls):
        return Actor(as_user(cls.user))

    def helper(self):
        """A process from outside, to be moved."""
        actor = self.actor_of_user()
        self.addCleanup(actor.process.communicate)
        self.addCleanup(actor.process.kill)
        return actor

    def move(self, actor):
        (self.inside.cgroup / "cgroup.procs").write_text(str(actor.pid))

    def obtain(self, way, kind, name, confined=True):
        """A socket connected outside, in the hands of a confined process or, to compare, of a free one."""
        if way == "moved":
            actor = self.helper()
            fd = actor.sock_client(kind, name)
            if confined:
                self.move(actor)
            return actor, fd
        actor = self.inside if confined else self.outside
        if way == "fetched":
            owned = self.owner.sock_client(kind, name)
            try:
                return actor, actor.fd_fetch(self.owner.pid, owned)
            finally:
                self.owner.sock_close(owned)
        with socket.socket(socket.AF_INET6 if ":" in name[0] else socket.AF_INET, kind) as sock:
            sock.connect(tuple(name))
            return actor, self.passed(actor, sock)

    def passed(self, actor, sock):
        end = actor.sock_client(SEQPACKET, DOOR)
        with self.door.accept()[0] as served:
            socket.send_fds(served, [b"x"], [sock.fileno()])
            fd = actor.fd_take(end)
        actor.sock_close(end)
        return fd

    def tcp_works(self, way, address, how, confined):
        actor, fd = self.obtain(way, STREAM, [address, TCP_PORT], confined)
        with self.listener.take() as peer:
            send(actor, fd, "given", how)
            self.assertEqual(peer.recv(100), b"given")
            peer.send(b"back")
            self.assertEqual(actor.sock_receive(fd)[0], "back")
        actor.sock_close(fd)

    def tcp_ends(self, way, address, how="send"):
        actor, fd = self.obtain(way, STREAM, [address, TCP_PORT])
        with self.listener.take() as peer:
            try:
                send(actor, fd, "stolen", how)
            except OSError as error:
                self.assertIn(error.errno, {errno.EPERM, *ENDED})
            reset_seen(peer)
        self.record(verdict="deny", reason="no-rule", detail__layer="packet",
                    destination={"address": shown(address), "port": TCP_PORT, "protocol": "tcp"})
        with self.assertRaises(OSError) as raised:
            send(actor, fd, "more")
        self.assertIn(raised.exception.errno, ENDED)
        actor.sock_close(fd)

    def udp_works(self, way, address, how, confined):
        actor, fd = self.obtain(way, DGRAM, [address, PORT], confined)
        text = self.text()
        send(actor, fd, text, how)
        self.arrives(text)
        actor.sock_close(fd)

    def udp_stops(self, way, address, how="send"):
        actor, fd = self.obtain(way, DGRAM, [address, PORT])
        if how in ("sendfile", "splice"):   # whose results are those of a pipe in between
            try:
                send(actor, fd, "no", how)
            except OSError as error:
                self.assertEqual(error.errno, errno.EPERM)
        else:
            self.refused_by(actor, errno.EPERM, *(("ring_send", *how, fd, "no")
                                                  if isinstance(how, tuple)
                                                  else ("sock_send", fd, "no", how)))
        self.nothing_arrives()
        # an IPv6 socket names an IPv4 address anew with each send
        layer = {} if "ffff" in address else {"detail__layer": "packet"}
        self.record(verdict="deny", reason="no-rule", **layer,
                    destination={"address": shown(address), "port": PORT, "protocol": "udp"})
        actor.sock_close(fd)

    def test_tcp(self):
        for way in ("moved", "passed", "fetched"):
            for allowed, denied in zip(FORMS[ALLOWED], FORMS[DENIED]):
                with self.subTest(way=way, address=denied):
                    self.since = len(self.inside.records())
                    self.tcp_works(way, denied, "send", False)
                    self.tcp_works(way, allowed, "send", True)
                    self.tcp_ends(way, denied)

    def test_udp(self):
        for way in ("moved", "passed", "fetched"):
            for allowed, denied in zip(FORMS[ALLOWED], FORMS[DENIED]):
                with self.subTest(way=way, address=denied):
                    self.since = len(self.inside.records())
                    self.udp_works(way, denied, "send", False)
                    self.udp_works(way, allowed, "send", True)
                    self.udp_stops(way, denied)

    def test_every_way_to_write(self):
        for how in (*CALLS, *RINGS):
            with self.subTest(how):
                self.since = len(self.inside.records())
                self.tcp_works("passed", DENIED, how, False)
                self.tcp_works("passed", ALLOWED, how, True)
                self.tcp_ends("passed", DENIED, how)
                self.udp_works("passed", DENIED, how, False)
                self.udp_works("passed", ALLOWED, how, True)
                self.udp_stops("passed", DENIED, how)

    def test_outside_is_untouched(self):
        """The same destinations at the same time, by another socket."""
        stream = self.free("sock_client", STREAM, [DENIED, TCP_PORT])
        other = self.listener.take()
        self.addCleanup(other.close)
        datagram = self.free("sock_client", DGRAM, [DENIED, PORT])
        self.tcp_ends("passed", DENIED)
        self.udp_stops("passed", DENIED)
        self.free("sock_send", stream, "untouched")
        self.assertEqual(other.recv(100), b"untouched")
        self.free("sock_send", datagram, "untouched")
        self.arrives("untouched")
        self.free("sock_close", stream)
        self.free("sock_close", datagram)

    def test_unconnected(self):
        """Made outside, used inside: decided as if it had been made inside."""
        with socket.socket(socket.AF_INET, DGRAM) as sock:
            fd = self.passed(self.inside, sock)
        text = self.text()
        self.allowed("sock_send", fd, text, "sendto", [ALLOWED, PORT])
        self.arrives(text)
        self.refused(errno.EPERM, "sock_send", fd, "no", "sendto", [DENIED, PORT])
        self.refused(errno.EPERM, "sock_connect", fd, [DENIED, PORT])
        self.nothing_arrives()
        self.record(type="network.send", verdict="deny", destination__address=DENIED)
        self.allowed("sock_close", fd)
        with socket.socket(socket.AF_INET, STREAM) as sock:
            fd = self.passed(self.inside, sock)
        self.refused(errno.EPERM, "sock_connect", fd, [DENIED, TCP_PORT])
        self.record(type="network.connect", verdict="deny", destination__port=TCP_PORT)
        self.allowed("sock_connect", fd, [ALLOWED, TCP_PORT])
        self.allowed("sock_close", fd)

    def test_connected_anew(self):
        for kind, port in ((STREAM, TCP_PORT), (DGRAM, PORT)):
            with self.subTest(kind):
                actor, fd = self.obtain("passed", kind, [DENIED, port])
                self.allowed("sock_dissolve", fd)
                self.refused(errno.EPERM, "sock_connect", fd, [DENIED, port])
                self.allowed("sock_connect", fd, [ALLOWED, port])
                actor.sock_close(fd)

    def test_connected_and_sent_elsewhere(self):
        actor, fd = self.obtain("passed", DGRAM, [DENIED, PORT])
        text = self.text()
        self.allowed("sock_send", fd, text, "sendto", [ALLOWED, PORT])
        self.arrives(text)
        self.refused(errno.EPERM, "sock_send", fd, "no")
        self.refused(errno.EPERM, "sock_send", fd, "no", "sendto", [DENIED, PORT])
        self.nothing_arrives()
        actor.sock_close(fd)

    def test_listening(self):
        """Whoever made it: no rule lets the confined take connections there."""
        with socket.create_server((ALLOWED, OTHER_PORT)) as server:
            free = self.passed(self.outside, server)
            with socket.create_connection((ALLOWED, OTHER_PORT), WAIT_S) as client:
                made, _ = self.free("sock_accept", free)
                self.free("sock_send", made, "taken")
                self.assertEqual(client.recv(100), b"taken")
                self.free("sock_close", made)
            self.free("sock_close", free)
            bound = self.passed(self.inside, server)
        with socket.socket() as client:
            client.setblocking(False)
            client.connect_ex((ALLOWED, OTHER_PORT))
            # nobody answers, or nobody says a word
            while not select.select([], [client], [], 0.05)[1] and not self.made(verdict="deny"):
                pass
            try:
                if self.allowed("sock_is_ready", bound):
                    self.inside.sock_send(self.inside.sock_accept(bound)[0], "taken")
            except OSError as error:
                self.assertIn(error.errno, {errno.EPERM, *ENDED})
            self.record(verdict="deny")
            self.allowed("sock_close", bound)
            with self.assertRaises((BlockingIOError, ConnectionResetError, ConnectionRefusedError)):
                client.recv(100)

    def test_receiving_datagrams(self):
        """Whoever made it: those that have sent to it are not answered."""
        for confined in (False, True):
            actor = self.inside if confined else self.outside
            with datagrams(ALLOWED, OTHER_PORT) as server:
                fd = self.passed(actor, server)
            with datagrams(DENIED, OTHER_PORT) as client:
                client.sendto(b"asked", (ALLOWED, OTHER_PORT))
                self.assertEqual(actor.sock_receive(fd)[1], [DENIED, OTHER_PORT])
                answer = "sock_send", fd, "answer", "sendto", [DENIED, OTHER_PORT]
                if confined:
                    self.refused(errno.EPERM, *answer)
                    self.assertEqual(select.select([client], [], [], 0)[0], [])
                else:
                    self.free(*answer)
                    self.assertEqual(client.recv(100), b"answer")
            actor.sock_close(fd)

    def launch(self, confined, address):
        """INHERITOR with sockets as its input (TCP) and output (UDP); what it says, and TCP's other end."""
        command = [PYTHON, "-I", "-S", "-c", INHERITOR]
        folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-kernel-"))
        log = folder / f"inherited-{self.user}-{address}.jsonl"
        if confined:
            command = [str(WEIR), "run", "--policy", str(self.inside.policy), "--log", str(log),
                       *(["--user", self.user] if self.user else []), "--", *command]
        with socket.create_connection((address, TCP_PORT)) as stream, \
                socket.socket(socket.AF_INET, DGRAM) as datagram, \
                open(folder / "said", "w+b") as said:
            datagram.connect((address, PORT))
            process = subprocess.Popen(command, stdin=stream, stdout=datagram, stderr=said)
        self.addCleanup(process.kill)
        return process, folder / "said", log, self.listener.take()

    def codes(self, process, said):
        process.wait(WAIT_S)
        for line in said.read_text().splitlines():
            if line.startswith("codes "):
                return [int(word) for word in line.split()[1:]]
        self.fail(said.read_text())

    def test_inherited(self):
        for confined, address in ((False, DENIED), (True, ALLOWED)):
            with self.subTest(confined=confined):
                process, said, _, peer = self.launch(confined, address)
                with peer:
                    self.assertEqual(received_of(peer, 9), b"inherited")
                self.arrives("inherited")
                self.assertEqual(self.codes(process, said)[:2], [0, 0])
        process, said, log, peer = self.launch(True, DENIED)
        with peer:
            reset_seen(peer)
        codes = self.codes(process, said)
        self.nothing_arrives()
        self.assertEqual(codes[0], errno.EPERM)
        self.assertIn(codes[2], ENDED)
        records = [json.loads(line) for line in log.read_text().splitlines()]
        shutil.copy(log, OUT)
        for port in (PORT, TCP_PORT):
            self.assertTrue([record for record in records if record.get("verdict") == "deny"
                             and record.get("detail", {}).get("layer") == "packet"
                             and record["destination"]["port"] == port], port)


class BeforeOfUser(Before):
    user = USER


if __name__ == "__main__":
    unittest.main()
