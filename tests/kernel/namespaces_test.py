# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Other network namespaces: joined before, joined later, made by the workload itself."""

from net import (DGRAM, STREAM, Echo, Listener, Namespace, Sink, addresses_change, in_namespace,
                 reset_seen, socket)
from support import Actor, USER, as_user, errno, policy_text, unittest

PORT, TAKEN_PORT = 4500, 4501
ALLOWED, DENIED = "192.0.2.1", "192.0.2.2"
ALLOWED6, DENIED6 = "2001:db8::1", "2001:db8::2"
ADDRESSES = [ALLOWED, DENIED, ALLOWED6, DENIED6]
RULES = """  allow:
    - name: one
      addresses: [192.0.2.1, "2001:db8::1", 198.18.0.1]
  listen:
    - name: server
      addresses: [192.0.2.1]
      ports: [3000]
"""


def setUpModule():
    addresses_change("add", ADDRESSES)


def tearDownModule():
    addresses_change("del", ADDRESSES)


class Within:
    """A child of an actor."""

    def __init__(self, actor):
        self.actor, self.child = actor, actor.child_start()

    def call(self, *call):
        return self.actor.call("child", self.child, *call)

    def end(self):
        self.actor.child_end(self.child)


class NamespacesCase(Sink):
    policy = policy_text(RULES)

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.namespace = Namespace("weir-other")
        cls.addClassCleanup(cls.namespace.close)
        cls.furnish(cls.namespace.path)
        echo = Echo(PORT)
        cls.addClassCleanup(echo.close)

    @classmethod
    def furnish(cls, path):
        """Addresses and a server in a namespace."""
        addresses_change("add", ADDRESSES, within=("nsenter", f"--net={path}"))
        echo = in_namespace(path, lambda: Echo(PORT))
        cls.addClassCleanup(echo.close)

    def talk(self, call, how, address):
        name = [address, PORT]
        if how == "sendto":
            fd = call("sock_open", socket.AF_INET6 if ":" in address else socket.AF_INET, DGRAM)
            call("sock_send", fd, "word", "sendto", name)
        else:
            fd = call("sock_client", STREAM if how == "tcp" else DGRAM, name)
            call("sock_send", fd, "word")
        self.assertEqual(call("sock_receive", fd)[0], "word")
        call("sock_close", fd)

    def decides(self, free, confined, addresses=(ALLOWED, DENIED, ALLOWED6, DENIED6)):
        """Of each pair the second is refused. free, confined: call a function there."""
        for allowed, denied in zip(addresses[::2], addresses[1::2]):
            for how in ("tcp", "connected", "sendto"):
                with self.subTest(how, address=denied):
                    self.since = len(self.inside.records())
                    self.talk(free, how, denied)
                    self.talk(confined, how, allowed)
                    with self.assertRaises(PermissionError):
                        self.talk(confined, how, denied)
                    self.record(verdict="deny", reason="no-rule", destination__address=denied)

    def helper(self):
        """A process from outside that is in the other namespace, to be moved."""
        actor = Actor((*self.namespace.within, *as_user(self.user)))
        self.addCleanup(actor.process.communicate)
        self.addCleanup(actor.process.kill)
        return actor

    def listener(self):
        """In the other namespace."""
        listener = self.namespace.do(lambda: Listener(TAKEN_PORT))
        self.addCleanup(listener.close)
        return listener


class Namespaces(NamespacesCase):
    def test_joined_before(self):
        actor, free = self.helper(), self.helper()
        (self.inside.cgroup / "cgroup.procs").write_text(str(actor.pid))
        self.decides(free.call, actor.call)
        # by the cable, to where the others are
        self.decides(free.call, actor.call, (Namespace.here[0], Namespace.here[1]))

    def test_sockets_of_before(self):
        """Connected there, before the policy; a connection is reset in its own namespace."""
        listener = self.listener()
        for moved in (False, True):
            actor = self.helper()
            datagram = actor.sock_client(DGRAM, [DENIED, PORT])
            stream = actor.sock_client(STREAM, [DENIED, TAKEN_PORT])
            with listener.take() as peer:
                if not moved:
                    actor.sock_send(datagram, "word")
                    self.assertEqual(actor.sock_receive(datagram)[0], "word")
                    actor.sock_send(stream, "word")
                    self.assertEqual(peer.recv(100), b"word")
                    continue
                (self.inside.cgroup / "cgroup.procs").write_text(str(actor.pid))
                self.refused_by(actor, errno.EPERM, "sock_send", datagram, "no")
                actor.sock_send(stream, "no")
                reset_seen(peer)
        for port in (PORT, TAKEN_PORT):
            self.record(verdict="deny", process__pid=actor.pid, destination__address=DENIED,
                        destination__port=port, detail__layer="packet")

    def test_made_inside(self):
        """By an ordinary user with a user namespace, which lets it."""
        free, confined = Within(self.outside), Within(self.inside)
        for one in (free, confined):
            self.addCleanup(one.end)
            one.call("net_new", bool(self.user) and one is confined)
            self.furnish(f"/proc/{one.child}/ns/net")
        self.decides(free.call, confined.call)
        confined.call("sock_close", confined.call("sock_server", STREAM, [ALLOWED, 3000]))
        free.call("sock_close", free.call("sock_server", STREAM, [ALLOWED, 3001]))
        self.refused(errno.EPERM, "child", confined.child, "sock_server", STREAM, [ALLOWED, 3001])
        self.record(type="network.listen", verdict="deny")
        for kind in ((socket.AF_INET, STREAM, 262), (17, socket.SOCK_RAW, 0)):
            free.call("sock_make", *kind)
        self.refused(errno.EPERM, "child", confined.child, "sock_make", socket.AF_INET, STREAM, 262)


class NamespacesOfUser(Namespaces):
    user = USER


class NamespacesOfRoot(NamespacesCase):
    def test_joined_later(self):
        """By its own hand; and with a socket that stays in the other namespace."""
        listener = self.listener()
        free, confined = Within(self.outside), Within(self.inside)
        for one in (free, confined):
            self.addCleanup(one.end)
            old = one.call("sock_open", socket.AF_INET, DGRAM)
            one.call("net_enter", self.namespace.path)
            if one is free:
                one.call("sock_send", old, "word", "sendto", [DENIED, PORT])
                self.assertEqual(one.call("sock_receive", old)[0], "word")
                one.call("sock_reach", STREAM, [DENIED, TAKEN_PORT])
                listener.take().close()
        self.refused(errno.EPERM, "child", confined.child, "sock_send", old, "no", "sendto",
                     [DENIED, PORT])
        self.decides(free.call, confined.call)


class NamespacesFromTheStart(NamespacesCase):
    """weir itself is in the other one."""
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.within = cls.namespace.within

    def test_decisions(self):
        self.decides(self.helper().call, self.inside.call)

    def test_socket_from_elsewhere(self):
        """It was connected in the first one, and is reset there."""
        listener = Listener(TAKEN_PORT)
        self.addCleanup(listener.close)
        for moved in (False, True):
            actor = Actor()
            self.addCleanup(actor.process.communicate)
            self.addCleanup(actor.process.kill)
            fd = actor.sock_client(STREAM, [DENIED, TAKEN_PORT])
            with listener.take() as peer:
                if moved:
                    (self.inside.cgroup / "cgroup.procs").write_text(str(actor.pid))
                actor.sock_send(fd, "word")
                if moved:
                    reset_seen(peer)
                else:
                    self.assertEqual(peer.recv(100), b"word")
        self.record(verdict="deny", process__pid=actor.pid, detail__layer="packet",
                    destination={"address": DENIED, "port": TAKEN_PORT, "protocol": "tcp"})


if __name__ == "__main__":
    unittest.main()
