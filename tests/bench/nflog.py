#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Takes what nftables logs to group 0 of this network namespace and counts it, headers of the
packets included, as a log would need them. Says `ready`, and `{"read", "lost"}` when standard
input ends: lost are the times its socket had no room.
"""

import errno
import json
import select
import socket
import struct
import sys

NETLINK_NETFILTER = 12
CONFIG = 4 << 8 | 1		# linux/netfilter/nfnetlink_log.h
PACKET = 4 << 8 | 0
CFG_CMD, CFG_MODE, CFG_TIMEOUT = 1, 2, 4
CMD_BIND = 1
COPY_PACKET, COPY_BYTES = 2, 64
REQUEST, ACK = 1, 4		# linux/netlink.h
ERROR = 2
TIMEOUT = 10			# hundredths of a second that the kernel keeps a packet back
HEADER = struct.Struct("=IHHII")


def configure(sock, kind, value):
    attribute = struct.pack("=HH", 4 + len(value), kind) + value
    attribute += bytes(-len(attribute) % 4)
    message = struct.pack("=BBH", socket.AF_UNSPEC, 0, 0) + attribute
    sock.send(HEADER.pack(HEADER.size + len(message), CONFIG, REQUEST | ACK, 1, 0) + message)
    reply = sock.recv(4096)
    error = struct.unpack_from("=i", reply, HEADER.size)[0]
    if HEADER.unpack_from(reply)[1] != ERROR or error:
        raise OSError(-error, "nfnetlink_log")


def packets(data):
    found = at = 0
    while at + HEADER.size <= len(data):
        length, kind = HEADER.unpack_from(data, at)[:2]
        found += kind == PACKET
        at += length + 3 & ~3
    return found


def main():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)		# SO_RCVBUFFORCE
    sock.bind((0, 0))
    configure(sock, CFG_CMD, bytes([CMD_BIND]))
    configure(sock, CFG_MODE, struct.pack(">IBB", COPY_BYTES, COPY_PACKET, 0))
    configure(sock, CFG_TIMEOUT, struct.pack(">I", TIMEOUT))
    read = lost = 0
    print("ready", flush=True)
    while True:
        ready = select.select([sock, sys.stdin], [], [])[0]
        if sock not in ready:
            ready = select.select([sock], [], [], 3 * TIMEOUT / 100)[0]
            if not ready:
                break
        try:
            read += packets(sock.recv(1 << 20))
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            lost += 1
    print(json.dumps({"read": read, "lost": lost}))


main()
