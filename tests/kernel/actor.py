# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a workload does, on request: reads one JSON array a line, [NAME, ARGUMENT...], calls that
function of this file, and answers {"ok": value} or {"errno": number}. A test talks to one that
weir confines and, for comparison, to one that nothing confines.
"""
import ctypes
import json
import mmap as memory
import os
import select
import socket
import stat
import struct
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
AT_EMPTY_PATH, AT_SYMLINK_FOLLOW = 0x1000, 0x400
AT_FDCWD = -100
SYS_MEMFD_CREATE, SYS_RENAMEAT2, SYS_EXECVEAT, SYS_OPEN_TREE = 319, 316, 322, 428
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
CLONE_NEWNS = 0x20000
DEVICES = {"char": (stat.S_IFCHR, (1, 3)), "block": (stat.S_IFBLK, (7, 0)),
           "whiteout": (stat.S_IFCHR, (0, 0))}
WAIT_S = 60


def checked(result):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def syscall(number, *args):
    return checked(libc.syscall(ctypes.c_long(number), *args))


# --- network

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
                ("flags", ctypes.c_int), ("sent", ctypes.c_uint)]


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


# --- files

def read(path):
    with open(path, "rb") as file:
        return len(file.read())


def write(path):
    with open(path, "r+b") as file:
        file.write(b"written")


def flags_open(path, flags, mode=0o644):
    os.close(os.open(path, flags, mode))


def open_fd(path, flags):
    return os.open(path, flags)


def open_at(fd, path, flags):
    os.close(os.open(path, flags, dir_fd=fd))


def close_fd(fd):
    os.close(fd)


def reopen(path, flags):
    """Through an O_PATH descriptor, which nothing decides, and /proc/self/fd."""
    fd = os.open(path, os.O_PATH)
    try:
        os.close(os.open(f"/proc/self/fd/{fd}", flags))
    finally:
        os.close(fd)


def listing(path):
    os.listdir(path)


def make(kind, path, target=None):
    if kind == "file":
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    elif kind == "dir":
        os.mkdir(path)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind in DEVICES:
        os.mknod(path, DEVICES[kind][0] | 0o600, os.makedev(*DEVICES[kind][1]))
    elif kind == "symlink":
        os.symlink(target, path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
    else:
        raise ValueError(kind)


def remove(path):
    os.unlink(path)


def remove_dir(path):
    os.rmdir(path)


def rename(old, new, flags=0):
    syscall(SYS_RENAMEAT2, AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags)


def link(old, new):
    os.link(old, new)


def unnamed_file(folder, path):
    """O_TMPFILE, given a name afterwards."""
    fd = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o644)
    try:
        if path:
            checked(libc.linkat(AT_FDCWD, f"/proc/self/fd/{fd}".encode(), AT_FDCWD,
                                os.fsencode(path), AT_SYMLINK_FOLLOW))
    finally:
        os.close(fd)


def truncate(path):
    os.truncate(path, 0)


def chmod(path, mode):
    os.chmod(path, mode)


def chown(path):
    os.chown(path, os.getuid(), os.getgid())


def change_dir(path):
    os.chdir(path)


def dirs_make(name, count):
    """Nested directories, each entered, so that the whole name never has to be given."""
    for _ in range(count):
        os.mkdir(name)
        os.chdir(name)


def dirs_enter(name, count):
    for _ in range(count):
        os.chdir(name)


def exists(path):
    return os.path.lexists(path)


# --- code

def run(argv):
    """Exit status of a program; raises what execve() gave."""
    return spawn(lambda: os.execv(argv[0], argv))


def run_fd(path, flags):
    fd = os.open(path, flags)
    try:
        return spawn(lambda: exec_fd(fd, b"true"))
    finally:
        os.close(fd)


def exec_fd(fd, name):
    argv = (ctypes.c_char_p * 2)(name, None)
    envp = (ctypes.c_char_p * 1)(None)
    syscall(SYS_EXECVEAT, fd, b"", argv, envp, AT_EMPTY_PATH)


def run_memfd(path):
    fd = syscall(SYS_MEMFD_CREATE, b"program", 0)
    try:
        with open(path, "rb") as file:
            os.write(fd, file.read())
        return spawn(lambda: exec_fd(fd, b"true"))
    finally:
        os.close(fd)


def memfd_use():
    """Writing and reading memory files and pipes is free."""
    fd = syscall(SYS_MEMFD_CREATE, b"data", 0)
    os.write(fd, b"data")
    os.close(os.open(f"/proc/self/fd/{fd}", os.O_RDWR))
    os.close(fd)
    ends = os.pipe()
    os.close(os.open(f"/proc/self/fd/{ends[0]}", os.O_RDONLY))
    os.close(ends[0])
    os.close(ends[1])


def map_file(path, protection):
    with open(path, "rb") as file:
        memory.mmap(file.fileno(), 4096, memory.MAP_PRIVATE, protection).close()


libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def protect_file(path, flags=memory.MAP_PRIVATE):
    """Maps for reading, then makes that executable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        at = libc.mmap(None, 4096, memory.PROT_READ, flags, fd, 0)
        if at == ctypes.c_void_p(-1).value:
            checked(-1)
        try:
            checked(libc.mprotect(at, 4096, memory.PROT_READ | memory.PROT_EXEC))
        finally:
            libc.munmap(at, 4096)
    finally:
        os.close(fd)


def map_memory(flags):
    """Code that comes from no file, as compilers at run time make it."""
    memory.mmap(-1, 4096, flags | memory.MAP_ANONYMOUS, memory.PROT_READ | memory.PROT_EXEC).close()


# --- processes

def spawn(action):
    """A child that does something and ends; its exit status, or the error it met."""
    ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ends[0])
            action()
            os._exit(0)
        except OSError as error:
            os.write(ends[1], struct.pack("=i", error.errno))
        finally:
            os._exit(99)
    os.close(ends[1])
    error = os.read(ends[0], 4)
    os.close(ends[0])
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if error:
        raise OSError(struct.unpack("=i", error)[0], "in the child")
    return status


def forked(name, *args):
    return spawn(lambda: globals()[name](*args))


def forked_deep(depth, name, *args):
    """A child of a child of a child..."""
    if depth == 0:
        globals()[name](*args)
        return
    spawn(lambda: forked_deep(depth - 1, name, *args))


def spawned(argv):
    """posix_spawn(): vfork() underneath. The exit status."""
    pid = os.posix_spawn(argv[0], argv, {})
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Thread(threading.Thread):
    """Waits for a call, does it, and waits on. Silent until then."""

    def __init__(self):
        super().__init__(daemon=True)
        self.calls, self.answers = os.pipe(), os.pipe()
        self.call = None
        self.start()

    def run(self):
        while os.read(self.calls[0], 1):
            answer = answer_of(self.call)
            os.write(self.answers[1], answer.encode())

    def begin(self, call):
        self.call = call
        os.write(self.calls[1], b"x")

    def end(self):
        select.select([self.answers[0]], [], [], WAIT_S)
        answer = json.loads(os.read(self.answers[0], 65536))
        if "errno" in answer:
            raise OSError(answer["errno"], "in the thread")
        return answer.get("ok")

    def ask(self, call):
        self.begin(call)
        return self.end()


threads = []


def thread_start():
    threads.append(Thread())
    return len(threads) - 1


def threaded(index, *call):
    return threads[index].ask(list(call))


def threaded_at_once(indexes, *call):
    for index in indexes:
        threads[index].begin(list(call))
    for index in indexes:
        threads[index].end()


def replace(argv):
    """exec, by whichever thread calls this."""
    os.execv(argv[0], argv)


def replace_unasked(index, argv):
    """The thread execs: there will be no answer but the new program's."""
    threads[index].call = ["replace", argv]
    os.write(threads[index].calls[1], b"x")
    select.select([threads[index].answers[0]], [], [], WAIT_S)
    raise OSError(json.loads(os.read(threads[index].answers[0], 65536))["errno"], "exec")


def pid():
    return os.getpid()


def cgroup_make(path):
    os.mkdir(path)


def cgroup_join(path):
    with open(path + "/cgroup.procs", "w", encoding="ascii") as file:
        file.write("0")


def cgroup_into(path, *call):
    """A child made inside another cgroup (CLONE_INTO_CGROUP) does the call."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    args = struct.pack("=11Q", 0x200000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, fd)
    child = syscall(435, ctypes.c_char_p(args), len(args))
    if child == 0:
        try:
            globals()[call[0]](*call[1:])
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        finally:
            os._exit(199)
    os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise OSError(status, "in the child")


# --- mounts and namespaces, as root

def unshare_mounts():
    checked(libc.unshare(CLONE_NEWNS))


def mount(source, target, kind=None, flags=0):
    checked(libc.mount(source.encode(), target.encode(), kind and kind.encode(), flags, None))


def unmount(target, flags=0):
    checked(libc.umount2(target.encode(), flags))


def tree_open(path):
    """A detached copy of a mount."""
    return syscall(SYS_OPEN_TREE, AT_FDCWD, os.fsencode(path), 1)


def rooted(root, *call):
    def act():
        os.chroot(root)
        globals()[call[0]](*call[1:])
    return spawn(act)


def private(*calls):
    """In a mount namespace of its own, several calls one after the other."""
    def act():
        unshare_mounts()
        for call in calls:
            globals()[call[0]](*call[1:])
    return spawn(act)


def private_at(folder, name):
    """Through a descriptor of the former namespace."""
    fd = os.open(folder, os.O_PATH)

    def act():
        unshare_mounts()
        open_at(fd, name, os.O_RDONLY)
    try:
        return spawn(act)
    finally:
        os.close(fd)


def answer_of(call):
    try:
        return json.dumps({"ok": globals()[call[0]](*call[1:])})
    except OSError as error:
        return json.dumps({"errno": error.errno, "text": str(error)})


def main():
    print(json.dumps({"ok": os.getpid()}), flush=True)
    for line in sys.stdin:
        print(answer_of(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
