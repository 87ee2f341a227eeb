# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the network tests share: addresses, servers at the other end, namespaces, a look at the wire."""

import contextlib
import ctypes
import os
import pathlib
import select
import socket
import subprocess
import threading

from support import Case, Server, WAIT_S, until

CLONE_NEWNET = 0x40000000
ETH_P_ALL, ETH_P_IP, PACKET_OUTGOING, SO_RCVBUFFORCE = 3, 0x0800, 4, 33
STREAM, DGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET


def command(*argv):
    subprocess.run(argv, check=True)


def sysctl(name, value):
    with open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def addresses_change(action, addresses, device="lo", within=()):
    """All by one process, or it fails. within: a command in front, for another namespace"""
    lines = (f"addr {action} {address}/128 dev {device} nodad\n" if ":" in address else
             f"addr {action} {address}/32 dev {device}\n" for address in addresses)
    subprocess.run([*within, "ip", "-batch", "-"], input="".join(lines), text=True, check=True)


def modules_load(*names):
    """Those that this kernel has."""
    subprocess.run(["modprobe", "-q", "-a", *names], check=False)


class Sink(Case):
    """Tests with a TCP server on `port` and the next, and a UDP socket at `port` that shows what came."""
    port = 4000
    serial = 0

    @classmethod
    def prepare(cls):
        cls.server = Server(cls.port, cls.port + 1)
        cls.addClassCleanup(cls.server.close)
        cls.udp = datagrams("::", cls.port)
        cls.addClassCleanup(cls.udp.close)

    def setUp(self):
        for actor in (self.inside, self.outside):
            actor.sock_close_all()
        super().setUp()
        self.empty()

    def empty(self):
        while select.select([self.udp], [], [], 0)[0]:
            self.udp.recv(65536)

    def text(self):
        Sink.serial += 1
        return f"datagram {self.serial}"

    def arrives(self, text):
        if not select.select([self.udp], [], [], WAIT_S)[0]:
            self.fail(f"{text} did not arrive")
        self.assertEqual(self.udp.recv(65536).decode(), text)

    def nothing_arrives(self):
        """The loopback delivers before a send returns."""
        self.assertEqual(select.select([self.udp], [], [], 0)[0], [])


def datagrams(address, port):
    """A UDP socket; of "::" also for IPv4."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind((address, port))
    return sock


class Listener:
    """Takes TCP connections for the test itself."""

    def __init__(self, port, address="::"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = socket.create_server((address, port), family=family, backlog=100,
                                         dualstack_ipv6=address == "::")
        self.sock.settimeout(WAIT_S)

    def take(self):
        sock = self.sock.accept()[0]
        sock.settimeout(WAIT_S)
        return sock

    def nobody(self):
        """Nobody has connected."""
        return not select.select([self.sock], [], [], 0)[0]

    def drain(self):
        while not self.nobody():
            self.take().close()

    def close(self):
        self.sock.close()


class Threads:
    """Serves connections, each in a thread; a datagram socket at the same port sends back what it gets."""

    def __init__(self, port, address="::"):
        self.listener = Listener(port, address)
        self.listener.sock.settimeout(None)
        self.udp = datagrams(address, port)
        self.threads = [threading.Thread(target=work, daemon=True)
                        for work in (self.connections, self.datagrams)]
        for thread in self.threads:
            thread.start()

    def connections(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                sock = self.listener.sock.accept()[0]
                threading.Thread(target=self.connection, args=[sock], daemon=True).start()

    def connection(self, sock):
        with sock, contextlib.suppress(OSError):
            self.serve(sock)

    def serve(self, sock):
        raise NotImplementedError

    def datagrams(self):
        with contextlib.suppress(OSError):
            while True:
                data, peer = self.udp.recvfrom(65536)
                if not peer:    # shut down
                    return
                self.udp.sendto(data, peer)

    def close(self):
        for sock in (self.listener.sock, self.udp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        # who is in recvfrom() keeps the socket and its port until it is awake
        for thread in self.threads:
            thread.join()


class Echo(Threads):
    def serve(self, sock):
        while data := sock.recv(65536):
            sock.sendall(data)


class Talker(Threads):
    """Reads to the end, then sends as many bytes as the first sixteen ask for: see tcp_talk."""

    def serve(self, sock):
        head = sock.recv(16, socket.MSG_WAITALL)
        while sock.recv(1 << 20):
            pass
        sock.sendall(bytes(int(head)))


class Sniffer:
    """Sees what leaves by the loopback or another device, also what nobody takes."""

    def __init__(self, device="lo"):
        self.sock = socket.socket(socket.AF_PACKET, DGRAM, socket.htons(ETH_P_ALL))
        self.sock.bind((device, ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)

    def sent_to(self, *addresses, tcp=True):
        """
        The lengths of the packets that have left for these since the last look; tcp=False: not
        those of connections, which may be about to end still.
        """
        raw = [socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
               for address in addresses]
        lengths = []
        data = bytearray(40)
        while select.select([self.sock], [], [], 0)[0]:
            length, (_, kind, direction, *_) = self.sock.recvfrom_into(data, 40, socket.MSG_TRUNC)
            to = data[16:20] if kind == ETH_P_IP else data[24:40]
            protocol = data[9] if kind == ETH_P_IP else data[6]
            if protocol == socket.IPPROTO_TCP and not tcp:
                continue
            if direction == PACKET_OUTGOING and bytes(to) in raw:
                lengths.append(length)
        return lengths

    def close(self):
        self.sock.close()


def in_namespace(path, action):
    """Does something in a network namespace, by a thread of its own; sockets made there stay there."""
    results = []

    def run():
        fd = os.open(path, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) < 0:
                raise OSError(ctypes.get_errno(), path)
            results.append(action())
        finally:
            os.close(fd)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if not results:
        raise AssertionError(f"it did not work in {path}")
    return results[0]


class Namespace:
    """A network namespace with a cable to the one of the guest: 198.18.0.1 here, .2 there, fd18:: too."""
    here, there = ("198.18.0.1", "fd18::1"), ("198.18.0.2", "fd18::2")

    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        self.within = "nsenter", f"--net={self.path}"
        command("ip", "netns", "add", name)
        command("ip", "link", "add", "weir-here", "type", "veth", "peer", "name", "weir-there",
                "netns", name)
        for device, within, addresses in (("weir-here", (), self.here),
                                          ("weir-there", self.within, self.there)):
            for address, bits in zip(addresses, (24, 64)):
                command(*within, "ip", "addr", "add", f"{address}/{bits}", "dev", device,
                        *(["nodad"] if bits == 64 else []))
            command(*within, "ip", "link", "set", device, "up")
        command(*self.within, "ip", "link", "set", "lo", "up")
        # the kernel notices a while later that the cable is plugged in, and drops until then
        state = pathlib.Path("/sys/class/net/weir-here/operstate")
        until(lambda: state.read_text() == "up\n")

    def do(self, action):
        return in_namespace(self.path, action)

    def close(self):
        command("ip", "link", "del", "weir-here")
        command("ip", "netns", "del", self.name)


def reset_seen(sock):
    """The other end of a connection was reset, and nothing came before."""
    try:
        data = sock.recv(65536)
    except ConnectionResetError:
        return
    raise AssertionError(f"no reset, but {data!r}")


def received_of(sock, size):
    """That many bytes, or what there is to the end."""
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


__all__ = ["DGRAM", "Echo", "Listener", "Namespace", "SEQPACKET", "STREAM", "Sink", "Sniffer", "Talker",
           "addresses_change", "command", "datagrams", "in_namespace", "modules_load",
           "received_of", "reset_seen", "select", "socket", "sysctl"]
