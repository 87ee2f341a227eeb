# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of actor.py: sockets by their descriptors, one step a call; passing them; namespaces.

A name is [ADDRESS, PORT], a path, or "@" and an abstract name; a text stands for its Latin-1 bytes.
"""
import contextlib
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct

from actor import WAIT_S, checked, libc, spawn, syscall
from actor_net import sendmmsg, sockaddr

SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
NO_ADDRESS = bytes(16)     # AF_UNSPEC


def name_in(name):
    if isinstance(name, list):
        return tuple(name)
    return name.replace("@", "\0", 1).encode("latin-1") if name.startswith("@") else name


def name_out(name):
    if isinstance(name, tuple):
        return list(name[:2])
    if isinstance(name, bytes):
        return name.replace(b"\0", b"@", 1).decode("latin-1")
    return name


@contextlib.contextmanager
def sock_of(fd):
    sock = socket.socket(fileno=fd)
    try:
        yield sock
    finally:
        sock.detach()


opened = set()


def keep(fd):
    opened.add(fd)
    return fd


def sock_open(family, kind, protocol=0):
    return keep(socket.socket(family, kind, protocol).detach())


def sock_make(family, kind, protocol=0):
    socket.socket(family, kind, protocol).close()


def sock_pair(family, kind):
    return [keep(sock.detach()) for sock in socket.socketpair(family, kind)]


def sock_close(fd):
    opened.discard(fd)
    os.close(fd)


def sock_close_all():
    """What a test that failed has left; it may have closed some as files."""
    for fd in list(opened):
        opened.discard(fd)
        with contextlib.suppress(OSError):
            os.close(fd)


def sock_bind(fd, name):
    with sock_of(fd) as sock:
        sock.bind(name_in(name))


def sock_listen(fd):
    with sock_of(fd) as sock:
        sock.listen(100)


def sock_server(kind, name, dual_stack=False):
    """A bound socket, which also listens if it is of that sort."""
    family = socket.AF_UNIX
    if isinstance(name, list):
        family = socket.AF_INET6 if ":" in name[0] else socket.AF_INET
    with socket.socket(family, kind) as sock:
        if family != socket.AF_UNIX and kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual_stack)
        sock.bind(name_in(name))
        if kind != socket.SOCK_DGRAM:
            sock.listen(100)
        return keep(sock.detach())


def sock_client(kind, name):
    """A connected socket."""
    family = socket.AF_UNIX
    if isinstance(name, list):
        family = socket.AF_INET6 if ":" in name[0] else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.connect(name_in(name))
        return keep(sock.detach())


def sock_reach(kind, name):
    """Connects, and no more."""
    sock_close(sock_client(kind, name))


def sock_connect(fd, name):
    with sock_of(fd) as sock:
        sock.connect(name_in(name))


def sock_connect_begin(fd, name):
    """Does not wait. The error at once, or 0."""
    os.set_blocking(fd, False)
    with sock_of(fd) as sock:
        return sock.connect_ex(name_in(name))


def sock_dissolve(fd):
    """Connects to no address: the end of a connection, of listening, of an association."""
    checked(libc.connect(fd, NO_ADDRESS, len(NO_ADDRESS)))


def sock_wait(fd):
    if not select.select([fd], [], [], WAIT_S)[0]:
        raise TimeoutError(110, "nothing came")


def sock_accept(fd):
    """The new socket, and the peer's name."""
    sock_wait(fd)
    with sock_of(fd) as sock:
        made, peer = sock.accept()
        return [keep(made.detach()), name_out(peer)]


def sock_is_ready(fd):
    return bool(select.select([fd], [], [], 0)[0])


def sock_name(fd):
    with sock_of(fd) as sock:
        return name_out(sock.getsockname())


def sock_option(fd, level, option, value):
    """value: a number, or bytes in hexadecimal"""
    with sock_of(fd) as sock:
        sock.setsockopt(level, option, value if isinstance(value, int) else bytes.fromhex(value))


def sock_option_get(fd, level, option):
    with sock_of(fd) as sock:
        return sock.getsockopt(level, option)


def sock_state(fd):
    """Of TCP: 1 established, 2 SYN sent, 7 closed..."""
    with sock_of(fd) as sock:
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def sock_receive(fd):
    """What comes next, and from whom; "" at the end."""
    sock_wait(fd)
    with sock_of(fd) as sock:
        data, peer = sock.recvfrom(65536)
        return [data.decode("latin-1"), name_out(peer)]


def sock_send(fd, data, how="send", name=None):
    """Data to the peer, or to who is named ("sendto", "sendmsg", "sendmmsg")."""
    SENDS[how](fd, data.encode("latin-1"), name and name_in(name))


def send(fd, data, name):
    with sock_of(fd) as sock:
        sock.send(data)


def sendto(fd, data, name):
    with sock_of(fd) as sock:
        sock.sendto(data, name)


def sendmsg(fd, data, name):
    with sock_of(fd) as sock:
        sock.sendmsg([data], [], 0, name)


def send_several(fd, data, name):
    with sock_of(fd) as sock:
        sendmmsg(sock, [name], data.decode("latin-1"))


def send_zero_copy(fd, data, name):
    with sock_of(fd) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        sock.send(data, MSG_ZEROCOPY)


def send_file(fd, data, name):
    source = os.memfd_create("data")
    try:
        os.write(source, data)
        os.sendfile(fd, source, 0, len(data))
    finally:
        os.close(source)


def send_spliced(fd, data, name):
    ends = os.pipe()
    try:
        os.write(ends[1], data)
        os.splice(ends[0], fd, len(data))
    finally:
        os.close(ends[0])
        os.close(ends[1])


def send_in_child(fd, data, name):
    spawn(lambda: os.write(fd, data))


SENDS = {"send": send, "sendto": sendto, "sendmsg": sendmsg, "sendmmsg": send_several,
         "zerocopy": send_zero_copy, "sendfile": send_file, "splice": send_spliced,
         "write": lambda fd, data, name: os.write(fd, data),
         "writev": lambda fd, data, name: os.writev(fd, [data]), "child": send_in_child}


def sock_send_control(fd, data, name, controls):
    """With ancillary data: [LEVEL, TYPE, HEXADECIMAL BYTES]..."""
    with sock_of(fd) as sock:
        sock.sendmsg([data.encode("latin-1")],
                     [(level, kind, bytes.fromhex(value)) for level, kind, value in controls], 0,
                     *([name_in(name)] if name else []))


def sock_send_bytes(fd, value, how="send"):
    SENDS[how](fd, bytes.fromhex(value), None)


def sock_flow_label(fd, address, controls):
    """Takes a flow label with which options go (IPV6_FLOWLABEL_MGR); returns it."""
    label = 0x12345
    request = (socket.inet_pton(socket.AF_INET6, address) + struct.pack("!I", label)
               + struct.pack("=BBHHHI", 0, 255, 1, 0, 0, 0) + bytes.fromhex(controls))
    with sock_of(fd) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, 32, request)
    return label


def sock_send_labelled(fd, data, address, port, label):
    name = sockaddr(address, port)
    name = name[:4] + struct.pack("!I", label) + name[8:]
    data = data.encode("latin-1")
    checked(libc.sendto(fd, data, len(data), 0, name, len(name)))


# --- descriptors

def fd_pass(sock_fd, *fds):
    with sock_of(sock_fd) as sock:
        socket.send_fds(sock, [b"x"], fds)


def fd_pass_to(sock_fd, name, *fds):
    """By a datagram."""
    with sock_of(sock_fd) as sock:
        rights = socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"={len(fds)}i", *fds)
        sock.sendmsg([b"x"], [rights], 0, name_in(name))


def fd_take(sock_fd):
    sock_wait(sock_fd)
    with sock_of(sock_fd) as sock:
        fds = socket.recv_fds(sock, 10, 10)[1]
    if not fds:
        raise OSError(errno.EACCES, "none came")     # recvmsg() does not say why
    return keep(fds[0])


def fd_fetch(pid, fd):
    """Out of another process."""
    process = syscall(SYS_PIDFD_OPEN, pid, 0)
    try:
        return keep(syscall(SYS_PIDFD_GETFD, process, fd, 0))
    finally:
        os.close(process)


def fd_path(path):
    """O_PATH: nothing decides it."""
    return os.open(path, os.O_PATH)


# --- network namespaces

def net_new(user=False):
    """A new one, and with user a new user namespace, which gives rights in it; lo is up."""
    ids = os.getuid(), os.getgid()
    checked(libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if user else 0)))
    if user:
        for file, text in (("setgroups", "deny"), ("uid_map", f"0 {ids[0]} 1"),
                           ("gid_map", f"0 {ids[1]} 1")):
            with open(f"/proc/self/{file}", "w", encoding="ascii") as out:
                out.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("=16sh22x", b"lo", 0)
        flags = struct.unpack("=16sh22x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("=16sh22x", b"lo", flags | IFF_UP))


def net_enter(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        checked(libc.setns(fd, CLONE_NEWNET))
    finally:
        os.close(fd)
