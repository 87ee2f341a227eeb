# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of actor.py: files, code, mounts."""
import ctypes
import mmap as memory
import os
import socket
import stat

from actor import checked, do, libc, spawn, syscall

AT_EMPTY_PATH, AT_SYMLINK_FOLLOW = 0x1000, 0x400
AT_FDCWD = -100
SYS_MEMFD_CREATE, SYS_RENAMEAT2, SYS_EXECVEAT, SYS_OPEN_TREE = 319, 316, 322, 428
SYS_PIVOT_ROOT = 155
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
DEVICES = {"char": (stat.S_IFCHR, (1, 3)), "block": (stat.S_IFBLK, (7, 0)),
           "whiteout": (stat.S_IFCHR, (0, 0))}


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


def run_with(environment, argv):
    """The same with other variables."""
    return spawn(lambda: os.execve(argv[0], argv, environment))


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


# --- mounts and namespaces, as root

def unshare_mounts():
    checked(libc.unshare(CLONE_NEWNS))


def mount(source, target, kind=None, flags=0):
    checked(libc.mount(source.encode(), target.encode(), kind and kind.encode(), flags, None))


def pivot(root):
    """The folder becomes the root of the tree; the former root lies on top of it, and is left."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount(root, root, None, MS_BIND)
    os.chdir(root)
    syscall(SYS_PIVOT_ROOT, b".", b".")
    unmount(".", 2)


def unmount(target, flags=0):
    checked(libc.umount2(target.encode(), flags))


def tree_open(path):
    """A detached copy of a mount."""
    return syscall(SYS_OPEN_TREE, AT_FDCWD, os.fsencode(path), 1)


def rooted(root, *call):
    def act():
        os.chroot(root)
        do(call)
    return spawn(act)


def private(*calls):
    """In a mount namespace of its own, several calls one after the other."""
    def act():
        unshare_mounts()
        for call in calls:
            do(call)
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
