# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of actor.py: calls through io_uring, by the caller itself or by a kernel worker."""
import ctypes
import mmap as memory
import os
import select
import struct

from actor import checked, libc, syscall
from actor_net import IoVector, Message, sockaddr

SYS_IO_URING_SETUP, SYS_IO_URING_ENTER, SYS_IO_URING_REGISTER = 425, 426, 427
OPS = {"poll": 6, "sendmsg": 9, "connect": 16, "openat": 18, "read": 22, "write": 23, "send": 26,
       "openat2": 28, "renameat": 35, "unlinkat": 36, "mkdirat": 37, "symlinkat": 38, "linkat": 39,
       "setxattr": 42, "getxattr": 44, "socket": 45, "bind": 56, "listen": 57}
REGISTER_PERSONALITY, PR_SET_KEEPCAPS, AT_FDCWD, AT_REMOVEDIR = 9, 8, -100, 0x200
IOSQE_IO_LINK, IOSQE_ASYNC, IORING_ENTER_GETEVENTS = 1 << 2, 1 << 4, 1
SYS_CAPGET, SYS_CAPSET, CAPABILITY_VERSION = 125, 126, 0x20080522
RING_AT, SQES_AT = 0, 0x10000000


def personality_of(ring):
    """The caller's credentials, kept with the ring; its own are others from then on."""
    number = syscall(SYS_IO_URING_REGISTER, ring, REGISTER_PERSONALITY, None, 0)
    checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    return number


def ring_do(op, worker, fd, address=0, size=0, offset=0, flags=0, third=0, other=False):
    """
    One operation. worker: by a kernel thread; flags: the operation's own; third: one more address;
    other: with other credentials than the caller's. Returns its result.
    """
    params = ctypes.create_string_buffer(120)
    ring = syscall(SYS_IO_URING_SETUP, 1, params)
    try:
        # struct io_uring_params: two heads of ten words, then struct io_sqring_offsets
        sq = struct.unpack_from("=10I", params, 40)
        cq = struct.unpack_from("=10I", params, 80)
        with memory.mmap(ring, 4096, offset=RING_AT) as rings, \
                memory.mmap(ring, 4096, offset=SQES_AT) as entries:
            entry = struct.pack("=BBHiQQIIQHHIQQ", OPS[op], IOSQE_ASYNC if worker else 0, 0, fd,
                                offset, address, size, flags, 1, 0,
                                personality_of(ring) if other else 0, 0, third, 0)
            entries[:len(entry)] = entry
            struct.pack_into("=I", rings, sq[6], 0)     # array[0]: the first entry
            struct.pack_into("=I", rings, sq[1], 1)     # tail
            syscall(SYS_IO_URING_ENTER, ring, 1, 1, IORING_ENTER_GETEVENTS, None, 0)
            result = struct.unpack_from("=i", rings, cq[5] + 8)[0]
    finally:
        os.close(ring)
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def ring_socket(worker, family, kind, protocol=0):
    """Made and closed."""
    os.close(ring_do("socket", worker, family, 0, protocol, kind))


def raw_name(name):
    """A struct sockaddr of what actor_sock.py calls a name."""
    if isinstance(name, list):
        return sockaddr(*name)
    if name.startswith("@"):
        return struct.pack("=H", 1) + name.replace("@", "\0", 1).encode("latin-1")
    return struct.pack("=H", 1) + os.fsencode(name) + b"\0"


def ring_connect(worker, fd, name):
    raw = raw_name(name)
    ring_do("connect", worker, fd, address_of(raw), 0, len(raw))


def ring_bind(worker, fd, name):
    raw = raw_name(name)
    ring_do("bind", worker, fd, address_of(raw), 0, len(raw))


def ring_listen(worker, fd):
    ring_do("listen", worker, fd, 0, 100)


def ring_send(op, worker, fd, data, name=None):
    """op: "send" or "write", to the peer; "sendmsg", to who is named if anybody is"""
    data = data.encode("latin-1")
    if op != "sendmsg":
        ring_do(op, worker, fd, address_of(data), len(data), 0)
        return
    vector = IoVector(data, len(data))
    message = Message()
    if name:
        raw = raw_name(name)
        message.name, message.name_len = raw, len(raw)
    message.iov, message.n_iov = ctypes.pointer(vector), 1
    ring_do(op, worker, fd, ctypes.addressof(message), 1)


def address_of(data):
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value


# --- files

def ring_open(worker, path, flags, mode=0o644):
    name = os.fsencode(path)
    os.close(ring_do("openat", worker, AT_FDCWD, address_of(name), mode, 0, flags))


def ring_open2(worker, path, flags, mode=0):
    name, how = os.fsencode(path), struct.pack("=QQQ", flags, mode, 0)
    os.close(ring_do("openat2", worker, AT_FDCWD, address_of(name), len(how), address_of(how)))


def ring_remove(worker, path, folder=False):
    name = os.fsencode(path)
    ring_do("unlinkat", worker, AT_FDCWD, address_of(name), flags=AT_REMOVEDIR if folder else 0)


def ring_make_dir(worker, path):
    name = os.fsencode(path)
    ring_do("mkdirat", worker, AT_FDCWD, address_of(name), 0o755)


def ring_names(op, worker, old, new, flags=0):
    """op: renameat, linkat"""
    names = os.fsencode(old), os.fsencode(new)
    ring_do(op, worker, AT_FDCWD, address_of(names[0]), AT_FDCWD & 0xffffffff, address_of(names[1]),
            flags)


def ring_symlink(worker, target, path):
    names = os.fsencode(target), os.fsencode(path)
    ring_do("symlinkat", worker, AT_FDCWD, address_of(names[0]), 0, address_of(names[1]))


def ring_attr(op, worker, path, name, other=False):
    """op: setxattr, getxattr"""
    names, value = (os.fsencode(path), name.encode()), ctypes.create_string_buffer(b"value", 100)
    return ring_do(op, worker, 0, address_of(names[1]), 5 if op == "setxattr" else 100,
                   ctypes.addressof(value), 0, address_of(names[0]), other)


def ring_read(worker, fd):
    data = ctypes.create_string_buffer(100)
    size = ring_do("read", worker, fd, ctypes.addressof(data), 100)
    return data.raw[:size].decode()


def credentials_renew():
    """Credentials like the caller's own, in another place: its requests keep those of before."""
    header, sets = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITY_VERSION, 0)), \
        ctypes.create_string_buffer(24)
    syscall(SYS_CAPGET, header, sets)
    syscall(SYS_CAPSET, header, sets)


def poll_waits(ring):
    """Has a request to poll been taken up? The kernel lists them."""
    with open(f"/proc/self/fdinfo/{ring}", encoding="ascii") as told:
        return told.read().partition("PollList:")[2].lstrip().startswith("op=")


def ring_open_later(path, flags):
    """
    Opened by the caller itself, but with credentials that are not its own any more: those with
    which the request was linked behind one that had to wait.
    """
    folder, name = os.path.split(os.fsencode(path))
    folder = os.open(folder, os.O_PATH)
    os.stat(path)       # what is not in the kernel's cache is opened by a worker
    ends, params = os.pipe(), ctypes.create_string_buffer(120)
    ring = syscall(SYS_IO_URING_SETUP, 2, params)
    sq, cq = struct.unpack_from("=10I", params, 40), struct.unpack_from("=10I", params, 80)
    with memory.mmap(ring, 4096, offset=RING_AT) as rings, \
            memory.mmap(ring, 4096, offset=SQES_AT) as entries:
        for place, (op, how, fd, address, size, own) in enumerate((
                ("poll", IOSQE_ASYNC | IOSQE_IO_LINK, ends[0], 0, 0, select.POLLIN),
                ("openat", 0, folder, address_of(name), 0, flags))):
            struct.pack_into("=BBHiQQIIQHHIQQ", entries, 64 * place, OPS[op], how, 0, fd, 0, address,
                             size, own, place, 0, 0, 0, 0, 0)
            struct.pack_into("=I", rings, sq[6] + 4 * place, place)
        struct.pack_into("=I", rings, sq[1], 2)     # tail
        syscall(SYS_IO_URING_ENTER, ring, 2, 0, 0, None, 0)
        credentials_renew()
        # what is ready before the worker looks is done by the worker, to the end
        while not poll_waits(ring):
            select.select([], [], [], 0.01)
        os.write(ends[1], b"x")
        syscall(SYS_IO_URING_ENTER, ring, 0, 2, IORING_ENTER_GETEVENTS, None, 0)
        done = dict(struct.unpack_from("=qi", rings, cq[5] + 16 * place) for place in range(2))
    for fd in (ring, folder, *ends):
        os.close(fd)
    if done[1] < 0:
        raise OSError(-done[1], os.strerror(-done[1]))
    os.close(done[1])
