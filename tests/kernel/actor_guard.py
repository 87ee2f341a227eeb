# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of actor.py: what reaches for other processes, mounts, namespaces and the kernel."""
import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import termios
import time

from actor import checked, libc, spawn, syscall
from actor_files import AT_FDCWD

SYS = {
    "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66, "msgget": 68,
    "msgsnd": 69, "msgctl": 71, "ptrace": 101, "syslog": 103, "pivot_root": 155, "chroot": 161,
    "acct": 163, "mount": 165, "umount2": 166, "swapon": 167, "reboot": 169, "sethostname": 170,
    "iopl": 172, "delete_module": 176, "quotactl": 179, "clock_settime": 227, "mq_open": 240,
    "mq_unlink": 241, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
    "ioprio_set": 251, "migrate_pages": 256, "unshare": 272, "perf_event_open": 298,
    "fanotify_init": 300, "open_by_handle_at": 304, "prlimit64": 302, "setns": 308, "process_vm_readv": 310,
    "process_vm_writev": 311, "kcmp": 312, "bpf": 321, "pidfd_send_signal": 424, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fspick": 433, "pidfd_open": 434, "clone3": 435,
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442,
}
CLONE_NEWUSER = 0x10000000
PTRACE_TRACEME, PTRACE_DETACH, PTRACE_ATTACH, PTRACE_SEIZE = 0, 17, 16, 0x4206
IPC_CREAT, IPC_RMID, IPC_STAT = 0o1000, 0, 2
O_ASYNC = 0o20000
WORD = ctypes.c_uint64(7)


def call(name, *args):
    args = [arg.encode() if isinstance(arg, str) else arg for arg in args]
    return syscall(SYS[name], *[ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args])


def call_in_child(name, *args):
    """What cannot be taken back."""
    spawn(lambda: call(name, *args))


def call32(number):
    """A system call without arguments, by the way of i386."""
    import mmap     # pylint: disable=import-outside-toplevel
    # mov eax, number; xor of its arguments; int 0x80; cdqe; ret
    code = (b"\x53\xb8" + struct.pack("=I", number)
            + b"\x31\xdb\x31\xc9\x31\xd2\xcd\x80\x48\x98\x5b\xc3")
    with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC,
                   flags=mmap.MAP_PRIVATE) as memory:
        memory.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        result = ctypes.CFUNCTYPE(ctypes.c_long)(address)()
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return result


# --- other processes

def ptrace(how, number):
    call("ptrace", how, number, 0, 0)
    if how == PTRACE_ATTACH:
        os.waitpid(number, 0x40000000)   # __WALL
    call("ptrace", PTRACE_DETACH, number, 0, 0) if how == PTRACE_ATTACH else None


def ptrace_attach(number):
    ptrace(PTRACE_ATTACH, number)


def ptrace_seize(number):
    def attempt():
        call("ptrace", PTRACE_SEIZE, number, 0, 0)
    spawn(attempt)      # detached when the child ends


def traced_by_parent():
    """The one this process belongs to traces it, for a moment."""
    call("ptrace", PTRACE_TRACEME, 0, 0, 0)


def vector(address, size):
    return ctypes.create_string_buffer(struct.pack("=QQ", address, size))


def vm_copy(name, number):
    """One word of our own memory, at the same place there: both run the same program."""
    own = ctypes.c_uint64(0)
    with open(f"/proc/{number}/maps" if number == os.getpid() else "/proc/self/maps",
              encoding="ascii") as maps:
        start = int(maps.readline().split("-")[0], 16)
    try:
        call(name, number, vector(ctypes.addressof(own), 8), 1, vector(start, 8), 1, 0)
    except OSError as error:
        if error.errno != 14:   # EFAULT: it may, but nothing is there
            raise


def proc_open(number, name, flags):
    os.close(os.open(f"/proc/{number}/{name}", flags))


def proc_read(number, name):
    with open(f"/proc/{number}/{name}", "rb") as file:
        file.read(1)


def proc_link(number, name):
    os.readlink(f"/proc/{number}/{name}")


def pidfd_do(name, number, *args):
    fd = call("pidfd_open", number, 0)
    try:
        result = call(name, fd, *args)
        if name == "pidfd_getfd":
            os.close(result)
    finally:
        os.close(fd)


def kill(number, sig):
    os.kill(number, sig)


def tgkill(number, sig):
    syscall(234, number, number, sig)


def tkill(number, sig):
    syscall(200, number, sig)


def sigqueue(number, sig):
    info = ctypes.create_string_buffer(128)
    struct.pack_into("=iii", info, 0, sig, 0, -1)   # SI_QUEUE
    syscall(129, number, sig, info)


def signal_by_file(number, sig, how="F_SETOWN"):
    """A pipe that has a signal sent when something comes."""
    ends = os.pipe()
    try:
        if how == "F_SETOWN":
            fcntl.fcntl(ends[0], fcntl.F_SETOWN, number)
        else:
            fcntl.fcntl(ends[0], 15, struct.pack("=ii", 1, number))     # F_SETOWN_EX
        fcntl.fcntl(ends[0], 10, sig)   # F_SETSIG
        fcntl.fcntl(ends[0], fcntl.F_SETFL, O_ASYNC | os.O_NONBLOCK)
        os.write(ends[1], b"x")
    finally:
        os.close(ends[0])
        os.close(ends[1])


def signals_count():
    """From now on SIGUSR1 is counted; how many there were."""
    signals_count.seen = getattr(signals_count, "seen", 0)
    signal.signal(signal.SIGUSR1, lambda *_: setattr(signals_count, "seen", signals_count.seen + 1))
    return signals_count.seen


def limit(number):
    resource.prlimit(number, resource.RLIMIT_STACK, resource.prlimit(number, resource.RLIMIT_STACK))


def limit_raise():
    """A hard limit lowered for sure, and raised again."""
    for hard in (1, 2):
        call("prlimit64", 0, resource.RLIMIT_CORE, vector(1, hard), 0)


def scheduler(number):
    os.sched_setscheduler(number, os.SCHED_BATCH, os.sched_param(0))
    os.sched_setscheduler(number, os.SCHED_OTHER, os.sched_param(0))


def affinity(number):
    os.sched_setaffinity(number, os.sched_getaffinity(number))


def nice(number):
    os.setpriority(os.PRIO_PROCESS, number, os.getpriority(os.PRIO_PROCESS, number))


def ioprio(number):
    call("ioprio_set", 1, number, 2 << 13 | 4)    # what everybody has


# --- mounts and namespaces

def mount_here(path):
    call("mount", "none", path, "tmpfs", 0, 0)
    call("umount2", path, 0)


def bind_here(path):
    call("mount", path, path, "", 0x1000, 0)    # MS_BIND
    call("umount2", path, 0)


def remount_here(path):
    call("mount", "none", path, "", 0x20 | 0x200000, 0)     # MS_REMOUNT


def context_open():
    os.close(call("fsopen", "tmpfs", 0))


def context_pick(path):
    os.close(call("fspick", AT_FDCWD, path, 0))


def tree_clone(path):
    os.close(call("open_tree", AT_FDCWD, path, 1))      # OPEN_TREE_CLONE


def tree_move(path):
    """What is no mount point: EINVAL, where it is asked for at all."""
    call("move_mount", AT_FDCWD, path, AT_FDCWD, path, 0)


def tree_set(path):
    call("mount_setattr", AT_FDCWD, path, 0, ctypes.create_string_buffer(32), 32)


def root_change(path):
    call_in_child("chroot", path)


def root_pivot(path):
    call("pivot_root", path, path)


def namespace_new(flags):
    call_in_child("unshare", flags)


def namespace_clone(flags):
    args = struct.pack("=11Q", flags, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
    child = call("clone3", ctypes.c_char_p(args), len(args))
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def namespace_enter(kind, number="self"):
    def attempt():
        with open(f"/proc/{number}/ns/{kind}", "rb") as file:
            call("setns", file.fileno(), 0)
    spawn(attempt)


def namespace_user_then(flags, *then):
    """In a user namespace of its own, as its root."""
    def attempt():
        call("unshare", CLONE_NEWUSER | flags)
        globals()[then[0]](*then[1:])
    spawn(attempt)


# --- the kernel

def bpf(command, data=b""):
    attr = ctypes.create_string_buffer(data, 128)
    result = call("bpf", command, attr, 128)
    if command in (0, 5, 7, 13, 14, 30):    # those that give a descriptor
        os.close(result)


def bpf_map():
    bpf(0, struct.pack("=IIII", 2, 4, 4, 1))    # an array


def bpf_by_id(command, number):
    bpf(command, struct.pack("=I", number))


def bpf_pin(path):
    raw = ctypes.create_string_buffer(os.fsencode(path))
    bpf(7, struct.pack("=Q", ctypes.addressof(raw)))


def perf():
    attr = struct.pack("=IIQ", 1, 128, 0) + bytes(112)      # PERF_TYPE_SOFTWARE, the clock
    attr = attr[:40] + struct.pack("=Q", 0x60) + attr[48:]  # only user space
    os.close(call("perf_event_open", ctypes.create_string_buffer(attr), 0, -1, -1, 0))


def module_by_socket(family, kind, protocol):
    socket.socket(family, kind, protocol).close()


def kernel_log(kind):
    call("syslog", kind, ctypes.create_string_buffer(4096), 4096)


def clock_set():
    now = time.clock_gettime(time.CLOCK_REALTIME)
    call("clock_settime", 0, ctypes.create_string_buffer(struct.pack("=qq", int(now),
                                                                     int(now % 1 * 1e9))))


def host_name():
    name = socket.gethostname()
    call("sethostname", name, len(name))


def device_make(path, kind, major, minor):
    os.mknod(path, kind | 0o600, os.makedev(major, minor))
    os.unlink(path)


def file_touch(path, flags):
    """Opened and closed."""
    os.close(os.open(path, flags))


def folder_make(path):
    os.mkdir(path)
    os.rmdir(path)


def mode_change(path):
    os.chmod(path, os.stat(path).st_mode & 0o7777)


def terminal_input():
    """Into that of a terminal of one's own."""
    def attempt():
        os.setsid()
        own = os.openpty()[1]
        fcntl.ioctl(own, termios.TIOCSCTTY, 0)
        fcntl.ioctl(own, termios.TIOCSTI, b"x")
    spawn(attempt)


def tun_make():
    with open("/dev/net/tun", "r+b", buffering=0) as file:
        fcntl.ioctl(file, 0x400454ca, struct.pack("=16sH22x", b"", 0x1001))     # TUNSETIFF


def tun_on(fd):
    fcntl.ioctl(fd, 0x400454ca, struct.pack("=16sH22x", b"", 0x1001))


# --- IPC

def shm_make(key):
    return call("shmget", key, 4096, IPC_CREAT | 0o666)


def shm_use(key):
    number = call("shmget", key, 0, 0)
    shm_attach(number)


def shm_attach(number):
    address = libc_shmat(number)
    checked(libc.shmdt(ctypes.c_void_p(address)))


def libc_shmat(number):
    libc.shmat.restype = ctypes.c_long
    return checked(libc.shmat(number, None, 0))


def sem_make(key):
    return call("semget", key, 1, IPC_CREAT | 0o666)


def sem_use(key):
    call("semget", key, 0, 0)


def sem_operate(number):
    call("semop", number, ctypes.create_string_buffer(struct.pack("=Hhh", 0, 1, 0)), 1)


def msg_make(key):
    return call("msgget", key, IPC_CREAT | 0o666)


def msg_use(key):
    call("msgget", key, 0)


def msg_send(number):
    call("msgsnd", number, ctypes.create_string_buffer(struct.pack("=qq", 1, 1)), 8, 0o4000)


def ipc_status(kind, number):
    call(kind + "ctl", number, *([0] if kind == "sem" else []), IPC_STAT,
         ctypes.create_string_buffer(256))


def ipc_remove(kind, number):
    call(kind + "ctl", number, *([0] if kind == "sem" else []), IPC_RMID, 0)


def queue_open(name, flags):
    os.close(call("mq_open", name, flags, 0o666, 0))


def queue_remove(name):
    call("mq_unlink", name)


def key_add(keyring, name="a"):
    return call("add_key", "user", name, "secret", 6, keyring)


def key_describe(number):
    call("keyctl", 6, number, ctypes.create_string_buffer(256), 256)


def key_session(name):
    return call("keyctl", 1, name)      # KEYCTL_JOIN_SESSION_KEYRING


def key_request(name):
    call("request_key", "user", name, "how", -1)
