# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The guard: every way around names and policies that is known, as root, as a user, and opened."""
import subprocess

from guarded import (ALWAYS, AREA, BPF, GuardCase, KEY, MODULES, MOUNTED, MOUNTS, NAMESPACES,
                     NEWNET, NEWNS, QUEUE, QUEUES, TUN, USER_NAMESPACES, Way, ptrace_ways,
                     signal_ways)
from net import modules_load, sysctl
from support import USER, errno, fresh_dir, os, policy_text, put, unittest

SIGUSR1 = 10


def setUpModule():
    modules_load("tun", "vhost_net", "uinput", "loop")
    sysctl("kernel.perf_event_paranoid", 1)
    sysctl("kernel.dmesg_restrict", 0)


class IpcCase(GuardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.objects = {kind: cls.victim.call(f"{kind}_make", KEY) for kind in ("shm", "sem", "msg")}
        cls.victim.queue_open(QUEUE[1:], os.O_RDWR | os.O_CREAT)

    @classmethod
    def tearDownClass(cls):
        for kind, number in cls.objects.items():
            cls.victim.ipc_remove(kind, number)
        cls.victim.queue_remove(QUEUE[1:])
        super().tearDownClass()

    def ipc_ways(self):
        numbers = self.objects
        return tuple(Way("escape", "ipc", "ipc", *call) for call in (
            ("shm_use", KEY), ("sem_use", KEY), ("msg_use", KEY), ("shm_attach", numbers["shm"]),
            ("sem_operate", numbers["sem"]), ("msg_send", numbers["msg"]),
            ("ipc_status", "shm", numbers["shm"]), ("ipc_status", "sem", numbers["sem"]),
            ("ipc_status", "msg", numbers["msg"]))) + QUEUES

    def removal_ways(self):
        """Each on an object of its own, since it works outside."""
        for kind in ("shm", "sem", "msg"):
            spare = self.victim.call(f"{kind}_make", 0)
            self.free("ipc_remove", kind, spare)
            spare = self.victim.call(f"{kind}_make", 0)
            yield kind, spare


class Guard(IpcCase):
    def test_mounts(self):
        self.closed(*MOUNTS)

    def test_mounts_by_i386(self):
        """mount(2) is 21 there, and fails otherwise for what its arguments are."""
        for number in (21, 428, 430):
            with self.assertRaises(OSError) as raised:
                self.outside.call32(number)
            self.assertNotEqual(raised.exception.errno, errno.EPERM)
        self.refused(errno.EPERM, "call32", 430)
        self.record(type="guard.escape", detail__capability="CAP_SYS_ADMIN")

    def test_namespaces(self):
        self.closed(*NAMESPACES, *USER_NAMESPACES)

    def test_other_processes(self):
        self.closed(*ptrace_ways(self.victim.pid))

    def test_traced_by_who_is_outside(self):
        """The parent of the workload is weir."""
        self.free("forked", "traced_by_parent")
        self.refused(errno.EPERM, "traced_by_parent")
        self.record(type="guard.ptrace", detail__asked="traceme", detail__target_comm="weir")

    def test_signals(self):
        ways = signal_ways(self.victim.pid)
        self.closed(*ways)
        got = self.victim.signals_count()
        for way in ways:
            self.refused(errno.EPERM, *way.call)
        self.assertEqual(self.victim.signals_count(), got)

    def test_signals_by_a_file(self):
        for how in ("F_SETOWN", "F_SETOWN_EX"):
            with self.subTest(how):
                got = self.victim.signals_count()
                self.free("signal_by_file", self.victim.pid, SIGUSR1, how)
                self.assertEqual(self.victim.signals_count(), got + 1)
                self.since = len(self.inside.records())
                self.allowed("signal_by_file", self.victim.pid, SIGUSR1, how)
                self.record(type="guard.signal", verdict="deny", process__pid=self.inside.pid,
                            detail__target_pid=self.victim.pid, detail__number=SIGUSR1)
                self.assertEqual(self.victim.signals_count(), got + 1)

    def test_ipc(self):
        self.closed(*self.ipc_ways())
        for kind, number in self.removal_ways():
            self.refused(errno.EPERM, "ipc_remove", kind, number)
            self.victim.ipc_remove(kind, number)
        self.refused(errno.EPERM, "queue_remove", QUEUE[1:])

    def test_refused_queue_is_not_made(self):
        self.refused(errno.EPERM, "queue_open", QUEUE[1:] + "-none", os.O_RDWR | os.O_CREAT)
        self.record(type="guard.escape", verdict="deny", detail__asked="message-queue")
        self.refused_by(self.victim, errno.ENOENT, "queue_open", QUEUE[1:] + "-none", os.O_RDWR)

    def test_keys(self):
        outside = self.victim.key_add(-3)    # the session's keyring
        self.free("key_add", -3, "mine")
        for way in (("key_add", -3, "a"), ("key_describe", -3), ("key_describe", outside),
                    ("key_add", -4, "a"), ("key_request", "weir:none")):
            with self.subTest(way):
                self.since = len(self.inside.records())
                with self.assertRaises(OSError) as raised:
                    self.inside.call(*way)
                self.assertIn(raised.exception.errno, (errno.EPERM, errno.EACCES, errno.ENOKEY))
                self.record(type="guard.escape", verdict="deny", detail__opens="ipc")

    def test_bpf(self):
        self.closed(*BPF)

    def test_modules(self):
        self.closed(*MODULES)

    def test_tunnels(self):
        self.closed(*TUN)

    def test_what_nothing_opens(self):
        self.closed(*ALWAYS)

    def test_other_credentials_by_a_link(self):
        """The kernel lends a request those that the task had when it was submitted."""
        try:
            self.outside.ring_open_later("/dev/mem", os.O_RDONLY)
        except OSError as error:
            self.skipTest(f"not even unconfined on this kernel: {error}")
        self.refused(errno.EPERM, "ring_open_later", "/dev/mem", os.O_RDONLY)
        self.record(type="guard.escape", verdict="deny", detail__capability="CAP_SYS_RAWIO")

    def test_overlay_after_io_uring(self):
        """It acts with credentials of its own, and must go on to see its layers as they are."""
        merged, lower, upper, work = (fresh_dir(f"{AREA}/{name}") for name in (
            "merged", "lower", "upper", "work"))
        mount = ["mount", "-t", "overlay", "overlay", merged, "-o",
                 f"lowerdir={lower},upperdir={upper},workdir={work}"]
        file = put(f"{lower}/folder/file").replace(lower, merged)
        subprocess.run(mount, check=True)
        self.addCleanup(subprocess.run, ["umount", merged], check=True)
        self.free("remove", file)
        self.free("remove_dir", f"{merged}/folder")
        os.mkdir(f"{merged}/folder")    # covers the one below: an attribute says so
        subprocess.run(["umount", merged], check=True)
        subprocess.run(mount, check=True)
        self.allowed("ring_open", False, f"{AREA}/file", os.O_RDONLY)
        self.refused(errno.ENOENT, "read", file)
        self.fence()
        self.assertEqual(self.made(verdict="deny"), [])

    def test_names_of_the_kernel(self):
        """Beside those that are tried with the rest, what is there must be refused to go."""
        folder = fresh_dir("/sys/fs/cgroup/weir-guard-there")
        self.addCleanup(os.rmdir, folder)
        for way in (("remove_dir", folder), ("rename", folder, f"{folder}2")):
            with self.subTest(way):
                self.refused(errno.EPERM, *way)
        self.record(type="guard.escape", verdict="deny", detail__asked="kernel-file")

    def test_limits_stay(self):
        """With a core dump's limit raised, a helper of the kernel would run as root outside."""
        self.free("forked", "limit_raise")
        self.refused(errno.EPERM, "limit_raise")
        self.record(type="guard.escape", detail__capability="CAP_SYS_RESOURCE")

    def test_in_a_child_and_a_thread(self):
        index = self.allowed("thread_start")
        for how in (("forked",), ("threaded", index)):
            with self.subTest(how):
                self.refused(errno.EPERM, *how, "mount_here", MOUNTED)
                self.refused(errno.EPERM, *how, "kill", self.victim.pid, 0)
                self.refused(errno.EPERM, *how, "kernel_log", 3)

    def test_who_is_outside_is_free(self):
        """Also right after somebody inside was refused the same."""
        self.closed(MOUNTS[0])
        self.free("mount_here", MOUNTED)


class GuardOfUser(IpcCase):
    user = USER
    test_other_processes = Guard.test_other_processes
    test_signals_by_a_file = Guard.test_signals_by_a_file
    test_traced_by_who_is_outside = Guard.test_traced_by_who_is_outside
    test_ipc = Guard.test_ipc
    test_keys = Guard.test_keys
    test_refused_queue_is_not_made = Guard.test_refused_queue_is_not_made

    def test_signals(self):
        self.closed(*signal_ways(self.victim.pid))

    def test_user_namespaces(self):
        self.closed(*USER_NAMESPACES)

    def test_tunnels(self):
        os.chmod("/dev/net/tun", 0o666)
        self.closed(TUN[0])

    def test_kernel_log(self):
        self.closed(ALWAYS[0])


def word_class(word, opens, closed):
    """A class of tests for one word."""
    class Word(IpcCase):
        policy = policy_text(guard=f"{{allow: [{word}]}}")

        def test_opened(self):
            self.opened(*opens(self))

        def test_rest_is_closed(self):
            self.closed(*closed(self))

    Word.__name__ = Word.__qualname__ = "Opened" + word.title().replace("-", "")
    return Word

OpenedMount = word_class("mount", lambda case: MOUNTS, lambda case: (
    NAMESPACES[0], USER_NAMESPACES[0], *ptrace_ways(case.victim.pid)[:1], ALWAYS[5], ALWAYS[6], BPF[0]))
OpenedNamespaces = word_class(
    "namespaces", lambda case: NAMESPACES + USER_NAMESPACES + (
        Way("", "", "", "namespace_user_then", NEWNS | NEWNET, "namespace_new", NEWNET),),
    lambda case: (MOUNTS[0], MOUNTS[3], MOUNTS[5], ALWAYS[6], *signal_ways(case.victim.pid)[:1]))
OpenedPtrace = word_class("ptrace", lambda case: ptrace_ways(case.victim.pid), lambda case: (
    *signal_ways(case.victim.pid)[:1], MOUNTS[0], NAMESPACES[0], case.ipc_ways()[0]))
OpenedSignals = word_class(
    "signals", lambda case: signal_ways(case.victim.pid) + (
        Way("", "", "", "signal_by_file", case.victim.pid, SIGUSR1),),
    lambda case: (*ptrace_ways(case.victim.pid)[:3], MOUNTS[0], case.ipc_ways()[0]))
# but for making a queue, which has the kernel ask for CAP_SYS_RESOURCE, and do without
OpenedIpc = word_class("ipc", lambda case: case.ipc_ways()[:-1] + (
    Way("", "", "", "key_add", -3, "a"), Way("", "", "", "key_describe", -3)), lambda case: (
        *signal_ways(case.victim.pid)[:1], MOUNTS[0]))
OpenedBpf = word_class("bpf", lambda case: BPF, lambda case: (
    MOUNTS[0], *ptrace_ways(case.victim.pid)[:1], ALWAYS[6]))
OpenedModules = word_class("kernel-modules", lambda case: MODULES, lambda case: (MOUNTS[0], BPF[0]))
OpenedTun = word_class("tun", lambda case: TUN, lambda case: (MOUNTS[0], ALWAYS[0]))


class InNamespaces(GuardCase):
    """What a user namespace gives, once they are allowed: not mounts, by no way."""
    policy = policy_text(guard="{allow: [namespaces]}")

    def test_mounts(self):
        for way in MOUNTS[:4] + MOUNTS[5:6]:
            with self.subTest(way.name):
                self.refused(errno.EPERM, "namespace_user_then", NEWNS, *way.call)
                self.record(type="guard.mount", verdict="deny", detail__opens="mount")

    def test_mounts_by_i386(self):
        self.refused(errno.EPERM, "namespace_user_then", NEWNS, "call32", 430)
        self.record(type="guard.escape", detail__capability="CAP_SYS_ADMIN")


if __name__ == "__main__":
    unittest.main()
