# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of actor.py: socket calls through io_uring, by the caller itself or by a kernel worker."""
import ctypes
import mmap as memory
import os
import struct

from actor import syscall
from actor_net import IoVector, Message, sockaddr

SYS_IO_URING_SETUP, SYS_IO_URING_ENTER = 425, 426
OPS = {"sendmsg": 9, "connect": 16, "write": 23, "send": 26, "socket": 45, "bind": 56, "listen": 57}
IOSQE_ASYNC, IORING_ENTER_GETEVENTS = 1 << 4, 1
RING_AT, SQES_AT = 0, 0x10000000


def ring_do(op, worker, fd, address=0, size=0, offset=0):
    """One operation; worker: by a kernel thread. Returns its result."""
    params = ctypes.create_string_buffer(120)
    ring = syscall(SYS_IO_URING_SETUP, 1, params)
    try:
        # struct io_uring_params: two heads of ten words, then struct io_sqring_offsets
        sq = struct.unpack_from("=10I", params, 40)
        cq = struct.unpack_from("=10I", params, 80)
        with memory.mmap(ring, 4096, offset=RING_AT) as rings, \
                memory.mmap(ring, 4096, offset=SQES_AT) as entries:
            entry = struct.pack("=BBHiQQIIQHHI", OPS[op], IOSQE_ASYNC if worker else 0, 0, fd,
                                offset, address, size, 0, 1, 0, 0, 0)
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
