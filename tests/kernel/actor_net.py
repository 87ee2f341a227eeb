# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of actor.py: what is done with an internet socket of its own, from its making to its end."""
import ctypes
import select
import socket
import struct
import time

from actor import WAIT_S, checked, libc


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def tcp(address, port, any_end=False):
    """Connects. any_end: a refusal by the other end counts as reached too."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as sock:
        sock.settimeout(WAIT_S)
        try:
            sock.connect((address, port))
        except ConnectionRefusedError:
            if not any_end:
                raise


def tcp_from(source, address, port):
    """Connects from an address of this machine."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as sock:
        sock.settimeout(WAIT_S)
        sock.bind((source, 0))
        sock.connect((address, port))


def tcp_fast_open(address, port):
    """A first segment with data: a send that connects."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as sock:
        sock.sendto(b"x", socket.MSG_FASTOPEN, (address, port))


def udp(how, address, port, data, family=0):
    """One datagram: "connected", "sendto", "sendmsg" or "sendmmsg"."""
    with socket.socket(family or family_of(address), socket.SOCK_DGRAM) as sock:
        if how == "connected":
            sock.connect((address, port))
            sock.send(data.encode())
        elif how == "sendto":
            sock.sendto(data.encode(), (address, port))
        elif how == "sendmsg":
            sock.sendmsg([data.encode()], [], 0, (address, port))
        else:
            sendmmsg(sock, [(address, port)], data)


def udp_many(targets, data):
    """sendmmsg() with one datagram a target; how many went out."""
    with socket.socket(family_of(targets[0][0]), socket.SOCK_DGRAM) as sock:
        return sendmmsg(sock, targets, data)


class IoVector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("name_len", ctypes.c_uint32),
                ("iov", ctypes.POINTER(IoVector)), ("n_iov", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_len", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("pad", ctypes.c_int),
                ("sent", ctypes.c_uint)]


def sockaddr(address, port, family=None):
    own = family_of(address)
    head = struct.pack("=H", own if family is None else family) + struct.pack("!H", port)
    raw = socket.inet_pton(own, address)
    if own == socket.AF_INET:
        return head + raw + bytes(8)
    return head + bytes(4) + raw + bytes(4)


def sendmmsg(sock, targets, data):
    vector = IoVector(data.encode(), len(data))
    messages = (Message * len(targets))()
    for message, (address, port) in zip(messages, targets):
        name = sockaddr(address, port)
        message.name, message.name_len = name, len(name)
        message.iov, message.n_iov = ctypes.pointer(vector), 1
    return checked(libc.sendmmsg(sock.fileno(), messages, len(targets), 0))


def udp_unspec(address, port, data):
    """sendto() with AF_UNSPEC as the address's family, which IPv4 takes as its own."""
    name = sockaddr(address, port, socket.AF_UNSPEC)
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
        checked(libc.sendto(sock.fileno(), data.encode(), len(data), 0, name, len(name)))


def udp_mapped_socket(address, port, data, how):
    """An IPv6 socket that is given an IPv4 address as such."""
    name = sockaddr(address, port)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        if how == "connected":
            checked(libc.connect(sock.fileno(), name, len(name)))
            sock.send(data.encode())
        else:
            checked(libc.sendto(sock.fileno(), data.encode(), len(data), 0, name, len(name)))


def udp_reconnect(first, second, port, data):
    """Connects, dissolves the association with AF_UNSPEC, connects to another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((first, port))
        none = sockaddr("0.0.0.0", 0, socket.AF_UNSPEC)
        checked(libc.connect(sock.fileno(), none, len(none)))
        sock.connect((second, port))
        sock.send(data.encode())


# --- what is counted

def tcp_talk(address, port, n_send, n_receive, reset=False):
    """
    Sends that many bytes to a Talker (net.py), which answers with as many as it is asked for.
    Returns how long the connection was there, at least and at most, in nanoseconds.
    """
    began = time.monotonic_ns()
    with socket.socket(family_of(address), socket.SOCK_STREAM) as sock:
        sock.settimeout(WAIT_S)
        sock.connect((address, port))
        connected = time.monotonic_ns()
        sock.sendall(f"{n_receive:<16}".encode() + bytes(n_send - 16))
        sock.shutdown(socket.SHUT_WR)
        received = 0
        while data := sock.recv(1 << 20):
            received += len(data)
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
        done = time.monotonic_ns()
    if received != n_receive:
        raise ValueError(f"{received} bytes instead of {n_receive}")
    return [done - connected, time.monotonic_ns() - began]


def udp_burst(address, port, count, size, connected=False):
    """That many datagrams by one socket, as fast as it goes."""
    vector = IoVector(bytes(size), size)
    messages = (Message * 1000)()
    name = sockaddr(address, port)
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
        if connected:
            sock.connect((address, port))
        for message in messages:
            message.iov, message.n_iov = ctypes.pointer(vector), 1
            if not connected:
                message.name, message.name_len = name, len(name)
        while count:
            count -= checked(libc.sendmmsg(sock.fileno(), messages, min(count, 1000), 0))


def udp_rotate(targets, rounds, more=()):
    """One socket sends to each of them in turn, so many times, and once to more."""
    with socket.socket(family_of(targets[0][0]), socket.SOCK_DGRAM) as sock:
        for _ in range(rounds):
            for target in targets:
                sock.sendto(b"x", tuple(target))
        for target in more:
            sock.sendto(b"x", tuple(target))


def udp_talk(how, address, port, sizes):
    """Datagrams of these sizes to who sends them back."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
        sock.settimeout(WAIT_S)
        if how == "connected":
            sock.connect((address, port))
        for size in sizes:
            if how == "connected":
                sock.send(bytes(size))
            else:
                sock.sendto(bytes(size), (address, port))
            if len(sock.recv(65536)) != size:
                raise ValueError(f"not the {size} bytes that were sent")


def ping(how, address, times=1):
    """An echo request by an ICMP socket, which needs no right but net.ipv4.ping_group_range."""
    v6 = ":" in address
    kind = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    with socket.socket(family_of(address), socket.SOCK_DGRAM, kind) as sock:
        if how == "connected":
            sock.connect((address, 0))
        for number in range(times):
            request = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0, number) + b"ping"
            if how == "connected":
                sock.send(request)
            else:
                sock.sendto(request, (address, 0))
            if not select.select([sock], [], [], WAIT_S)[0]:
                raise TimeoutError(110, "no answer")
            if sock.recv(100)[8:] != b"ping":
                raise ValueError("another answer")
