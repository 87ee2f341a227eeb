# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the tests of the guard share: the ways around it, what each takes, who is reached by it."""

import errno
import os

from support import Actor, Case, as_user, fresh_dir, policy_text, put

AREA = "/scratch/weir-guard"
MOUNTED = f"{AREA}/here"
KEY = 0x77656900    # of the IPC objects made outside
QUEUE = "/weir-guard"
NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME = (
    0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80)
O_RDWR, O_WRONLY, O_RDONLY = os.O_RDWR, os.O_WRONLY, os.O_RDONLY
TUN_CHARACTER = 0o020000


class Way:
    """One way around: what is called, how it is recorded, and which word opens it."""

    def __init__(self, kind, asked, opens, *call, outside=None, capability=None):
        """asked: None for what differs between kernels;
        outside: the error it meets where nothing confines it, for what cannot be done in full"""
        self.type, self.asked, self.opens, self.call = f"guard.{kind}", asked, opens, call
        self.outside, self.capability = outside, capability

    @property
    def name(self):
        return " ".join(str(part) for part in self.call)


def capability(kind, name, opens, *call, outside=None):
    return Way(kind, "capability", opens, *call, outside=outside, capability=name)


MOUNTS = (
    Way("mount", "mount", "mount", "mount_here", MOUNTED),
    Way("mount", "mount", "mount", "bind_here", MOUNTED),
    Way("mount", "mount", "mount", "remount_here", "/run"),
    Way("mount", "mount", "mount", "context_open"),
    Way("mount", "mount", "mount", "context_pick", "/scratch"),
    Way("mount", "mount", "mount", "tree_clone", AREA),
    Way("mount", "mount", "mount", "tree_set", "/scratch"),
    Way("mount", "move-mount", "mount", "tree_move", AREA, outside=errno.EINVAL),
    Way("mount", "umount", "mount", "unmount", MOUNTED, outside=errno.EINVAL),
    Way("mount", "pivot-root", "mount", "root_pivot", AREA, outside=errno.EINVAL),
    Way("mount", "chroot", "mount", "root_change", AREA),
)

NAMESPACES = tuple(
    Way("namespace", "namespace", "namespaces", how, flags)
    for how in ("namespace_new", "namespace_clone")
    for flags in (NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWPID, NEWNET)
) + tuple(
    Way("namespace", "namespace", "namespaces", "namespace_enter", kind)
    for kind in ("net", "uts", "ipc", "cgroup", "mnt")
)
USER_NAMESPACES = (
    Way("namespace", "user-namespace", "namespaces", "namespace_new", NEWUSER),
    Way("namespace", "user-namespace", "namespaces", "namespace_clone", NEWUSER),
    Way("namespace", "user-namespace", "namespaces", "namespace_new", NEWUSER | NEWNS | NEWNET),
)


def ptrace_ways(pid):
    return (
        Way("ptrace", "ptrace", "ptrace", "ptrace_attach", pid),
        Way("ptrace", "ptrace", "ptrace", "ptrace_seize", pid),
        Way("ptrace", "ptrace", "ptrace", "vm_copy", "process_vm_readv", pid),
        Way("ptrace", "ptrace", "ptrace", "vm_copy", "process_vm_writev", pid),
        Way("ptrace", "ptrace", "ptrace", "proc_open", pid, "mem", O_RDWR),
        Way("ptrace", "ptrace", "ptrace", "proc_read", pid, "environ"),
        Way("ptrace", "ptrace", "ptrace", "proc_read", pid, "maps"),
        Way("ptrace", "ptrace", "ptrace", "proc_link", pid, "exe"),
        Way("ptrace", "ptrace", "ptrace", "proc_link", pid, "ns/net"),
        Way("ptrace", "ptrace", "ptrace", "pidfd_do", "pidfd_getfd", pid, 1, 0),
        Way("ptrace", "ptrace", "ptrace", "call", "kcmp", pid, pid, 1, 0, 0),
        Way("ptrace", "ptrace", "ptrace", "forked", "proc_read", pid, "environ"),
    )


def signal_ways(pid):
    usr1 = 10
    return tuple(
        Way("signal", "signal", "signals", *call) for call in (
            ("kill", pid, usr1), ("kill", pid, 0), ("tgkill", pid, usr1), ("tkill", pid, usr1),
            ("sigqueue", pid, usr1), ("pidfd_do", "pidfd_send_signal", pid, usr1, 0, 0),
            ("forked", "kill", pid, usr1))
    ) + (
        Way("signal", "limit", "signals", "limit", pid),
        Way("signal", "scheduling", "signals", "scheduler", pid),
        Way("signal", "scheduling", "signals", "affinity", pid),
        Way("signal", "scheduling", "signals", "nice", pid),
        Way("signal", "scheduling", "signals", "ioprio", pid),
        Way("signal", "process-file", "signals", "proc_open", pid, "oom_score_adj", O_WRONLY),
    )


BPF = (
    Way("bpf", None, "bpf", "bpf_map"),     # some kernels ask for CAP_BPF first
    Way("bpf", "perf", "bpf", "perf"),
)
MODULES = (
    capability("module", "CAP_SYS_MODULE", "kernel-modules", "call", "delete_module", "none_such", 0,
               outside=errno.ENOENT),
    Way("module", "module", "kernel-modules", "module_by_socket", 9, 5, 0,
        outside=errno.EAFNOSUPPORT),        # AF_X25
)
TUN = (
    Way("escape", "tun", "tun", "file_touch", "/dev/net/tun", O_RDWR),
    Way("escape", "tun", "tun", "tun_make"),
)
QUEUES = (
    Way("escape", "message-queue", "ipc", "queue_open", QUEUE[1:], O_RDWR),
    Way("escape", "message-queue", "ipc", "queue_open", QUEUE[1:] + "-new", O_RDWR | os.O_CREAT),
)

# what nothing opens
ALWAYS = (
    Way("escape", "kernel-log", None, "kernel_log", 3),
    Way("escape", "kernel-log", None, "kernel_log", 10),
    Way("escape", "quota", None, "call", "quotactl", 0x80000100, 0, 0, 0),   # Q_SYNC
    capability("escape", "CAP_SYS_BOOT", None, "call", "reboot", 0xfee1dead - 2**32, 672274793, 0, 0),
    capability("escape", "CAP_SYS_BOOT", None, "call", "kexec_load", 0, 99, 0, 0,
               outside=errno.EINVAL),
    capability("escape", "CAP_SYS_ADMIN", None, "call", "swapon", AREA, 0, outside=errno.EISDIR),
    capability("escape", "CAP_SYS_ADMIN", None, "host_name"),
    capability("escape", "CAP_SYS_PACCT", None, "call", "acct", 0),
    capability("escape", "CAP_SYS_TIME", None, "clock_set"),
    capability("escape", "CAP_SYS_RAWIO", None, "call", "iopl", 3),
    capability("escape", "CAP_SYS_RAWIO", None, "file_touch", "/dev/mem", O_RDONLY),
    capability("escape", "CAP_MKNOD", None, "device_make", f"{AREA}/null", TUN_CHARACTER, 1, 3),
    capability("escape", "CAP_SYS_ADMIN", None, "call", "fanotify_init", 4, 0),
    Way("escape", "kernel-file", None, "file_touch", "/proc/sys/kernel/core_pattern", O_WRONLY),
    Way("escape", "kernel-file", None, "file_touch", "/proc/sysrq-trigger", O_WRONLY),
    Way("escape", "kernel-file", None, "file_touch", "/sys/kernel/uevent_seqnum", O_WRONLY,
        outside=errno.EACCES),
    Way("escape", "kernel-file", None, "file_touch", "/sys/fs/cgroup/cgroup.procs", O_WRONLY),
    Way("escape", "kernel-file", None, "file_touch", "/dev/kmsg", O_WRONLY),
    Way("escape", "kernel-file", None, "file_touch", "/dev/uinput", O_WRONLY),
    Way("escape", "kernel-file", None, "file_touch", "/dev/loop-control", O_RDONLY),
    Way("escape", "kernel-file", None, "folder_make", "/sys/fs/cgroup/weir-guard"),
    Way("escape", "kernel-file", None, "mode_change", "/sys/fs/cgroup/cgroup.procs"),
)


class GuardCase(Case):
    """As root; a class with a user has everything done by that user, outside too."""
    policy = policy_text(guard="")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.victim = cls.another()
        cls.victim.signals_count()
        if cls.user:
            cls.outside = cls.another()

    @classmethod
    def prepare(cls):
        fresh_dir(AREA)
        os.makedirs(MOUNTED)
        put(f"{AREA}/file")

    @classmethod
    def another(cls):
        """A process outside that belongs to the same user."""
        actor = Actor(as_user(cls.user))
        cls.addClassCleanup(actor.end)
        return actor

    def works_outside(self, way):
        if not way.outside:
            self.free(*way.call)
            return
        with self.assertRaises(OSError) as raised:
            self.outside.call(*way.call)
        self.assertEqual(raised.exception.errno, way.outside, way.name)

    def closed(self, *ways):
        for way in ways:
            with self.subTest(way.name):
                self.works_outside(way)
                self.since = len(self.inside.records())
                try:
                    value = self.inside.call(*way.call)
                except OSError as error:
                    # what the kernel makes of it, in some calls
                    self.assertIn(error.errno, (errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT),
                                  way.name)
                else:
                    self.fail(f"{way.name} was not refused: {value}")
                wanted = {"detail__asked": way.asked, "detail__capability": way.capability}
                record = self.record(type=way.type, verdict="deny", reason="guard",
                                     **{key: value for key, value in wanted.items() if value})
                self.assertEqual(record["detail"].get("opens"), way.opens, way.name)

    def opened(self, *ways):
        for way in ways:
            with self.subTest(way.name):
                if not way.outside:
                    self.allowed(*way.call)
                    continue
                with self.assertRaises(OSError) as raised:
                    self.inside.call(*way.call)
                self.assertEqual(raised.exception.errno, way.outside, way.name)
        self.fence()
        self.assertEqual(self.made(verdict="deny"), [])
