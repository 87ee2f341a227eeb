# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tests of selectors share: processes that are in a cgroup as soon as it is there."""

import ctypes
import errno
import os
import signal
import socket
import struct

from daemon_harness import DaemonCase
from harness import CLOSED

SYS_CLONE3 = 435
CLONE_INTO_CGROUP = 0x200000000

LIBC = ctypes.PyDLL(None, use_errno=True)

REACHED, REFUSED, BROKEN = range(3)


def begun_inside(fd, act):
    """
    Begins a process in the cgroup behind fd; act() gives its exit status. Returns that. By a
    child: where threads run, what is cloned might find a lock of the C library held for ever.
    """
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(clone_inside(fd, act))
        finally:
            os._exit(BROKEN)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def clone_inside(fd, act):
    args = struct.pack("11Q", CLONE_INTO_CGROUP, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, fd)
    pid = LIBC.syscall(SYS_CLONE3, args, len(args))
    if pid == 0:
        os._exit(act())
    if pid < 0:
        # where forks are seen, one into a cgroup in which everything is denied is refused
        if ctypes.get_errno() in (errno.EAGAIN, errno.EPERM):
            return REFUSED
        raise OSError(ctypes.get_errno(), "clone3")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class SelectCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.policy_write("closed", CLOSED)
        self.folder = self.cgroup("agents")

    def select(self, policy="closed"):
        self.daemon(attach=f"""
  - {{match: "{self.name(self.folder)}/*", policy: {policy}}}""")

    def connect(self):
        """In a child."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except PermissionError:
            return REFUSED
        except OSError:
            return BROKEN
        return REACHED

    def enter_and_connect(self, cgroup):
        """A child that moves there by itself."""
        pid = os.fork()
        if pid == 0:
            try:
                with open(cgroup / "cgroup.procs", "w") as file:
                    file.write("0")
                os._exit(self.connect())
            except OSError:
                os._exit(BROKEN)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def begin_and_connect(self, cgroup):
        fd = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return begun_inside(fd, self.connect)
        finally:
            os.close(fd)

    def made(self, name, folder=None):
        cgroup = (folder or self.folder) / name
        cgroup.mkdir()
        return cgroup
