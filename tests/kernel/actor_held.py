# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A part of actor.py: times and attributes of files, watches, and descriptors that are held."""
import ctypes
import fcntl
import mmap as memory
import os
import resource
import signal
import struct

from actor import checked, libc, spawn, syscall
from actor_files import AT_EMPTY_PATH, AT_FDCWD

SYS_FILE_SETATTR, SYS_COPY_FILE_RANGE, SYS_NAME_TO_HANDLE, SYS_OPEN_BY_HANDLE = 469, 326, 303, 304
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602
FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR = 0x801c581f, 0x401c5820
IN_MODIFY, F_NOTIFY, DN_MODIFY = 2, 1026, 2
FAN_MARK_ADD, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM, FAN_MODIFY = 1, 0x10, 0x100, 2
ACL = "system.posix_acl_access"
# user::rw- group::r-- other::r-- and, so that it is more than a mode, user 4242 and the mask
ACL_VALUE = struct.pack("=I", 2) + b"".join(
    struct.pack("=HHI", tag, mode, number) for tag, mode, number in (
        (1, 6, 0xffffffff), (2, 4, 4242), (4, 4, 0xffffffff), (16, 6, 0xffffffff),
        (32, 4, 0xffffffff)))


# --- times, attributes

def times(path, follow=True):
    os.utime(path, (1000000000, 1000000000), follow_symlinks=follow)


def times_now(path):
    os.utime(path)


def attr_set(path, name):
    os.setxattr(path, name, b"value")


def attr_get(path, name):
    return len(os.getxattr(path, name))


def attr_list(path):
    return os.listxattr(path)


def attr_remove(path, name):
    os.removexattr(path, name)


def acl_set(path):
    os.setxattr(path, ACL, ACL_VALUE)


def acl_get(path):
    os.getxattr(path, ACL)


def acl_remove(path):
    os.removexattr(path, ACL)


def opened(call):
    """The same through a descriptor that is open for reading."""
    def act(path, *args):
        fd = os.open(path, os.O_RDONLY)
        try:
            return call(fd, *args)
        finally:
            os.close(fd)
    return act


times_fd, attr_set_fd, attr_get_fd = opened(times_now), opened(attr_set), opened(attr_get)


@opened
def flags_set(fd):
    """As chattr(1) does: the same flags again."""
    flags = bytearray(8)
    fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
    fcntl.ioctl(fd, FS_IOC_SETFLAGS, bytes(flags))


@opened
def project_set(fd):
    attributes = bytearray(28)
    fcntl.ioctl(fd, FS_IOC_FSGETXATTR, attributes)
    fcntl.ioctl(fd, FS_IOC_FSSETXATTR, bytes(attributes))


@opened
def control(fd, number):
    fcntl.ioctl(fd, number, bytearray(4096))


def file_setattr(path):
    syscall(SYS_FILE_SETATTR, AT_FDCWD, os.fsencode(path), ctypes.create_string_buffer(24), 24, 0)


# --- watches

def watch(path):
    fd = checked(libc.inotify_init())
    try:
        checked(libc.inotify_add_watch(fd, os.fsencode(path), IN_MODIFY))
    finally:
        os.close(fd)


def watch_dir(path):
    """The old way."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.fcntl(fd, F_NOTIFY, DN_MODIFY)
        fcntl.fcntl(fd, F_NOTIFY, 0)
    finally:
        os.close(fd)


def watch_all(path, kind=0):
    """fanotify; kind: FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM, 0 for the object itself."""
    fd = checked(libc.fanotify_init(0, os.O_RDONLY))
    try:
        checked(libc.fanotify_mark(fd, FAN_MARK_ADD | kind, ctypes.c_uint64(FAN_MODIFY), AT_FDCWD,
                                   os.fsencode(path)))
    finally:
        os.close(fd)


# --- descriptors that are held

def held_read(fd):
    return os.pread(fd, 100, 0).decode()


def held_list(fd):
    return os.listdir(fd)


def held_write(fd):
    os.pwrite(fd, b"changed", 0)


def held_map(fd, flags=memory.MAP_SHARED):
    memory.mmap(fd, 4096, flags, memory.PROT_READ).close()


def held_truncate(fd):
    os.ftruncate(fd, 3)


def held_allocate(fd):
    os.posix_fallocate(fd, 0, 8192)


def held_copy(fd, into):
    """Within the kernel, from one descriptor to another."""
    syscall(SYS_COPY_FILE_RANGE, fd, None, into, None, 4, 0)


def held_send(fd, into):
    os.sendfile(into, fd, 0, 4)


def held_splice(fd):
    ends = os.pipe()
    try:
        os.splice(fd, ends[1], 4, offset_src=0)
    finally:
        os.close(ends[0])
        os.close(ends[1])


def held_child(fd):
    """By a child, which has inherited it."""
    return spawn(lambda: held_read(fd))


def held_cat(fd):
    """By a program, which has inherited it."""
    def act():
        ends = os.pipe()
        os.set_inheritable(ends[0], True)   # what it says waits there
        for number, end in enumerate((fd, ends[1], ends[1])):
            os.dup2(end, number)
        os.execv("/usr/bin/cat", ["cat"])
    return spawn(act)


def held_name(fd, path):
    """Gives what is open a name."""
    checked(libc.linkat(fd, b"", AT_FDCWD, os.fsencode(path), AT_EMPTY_PATH))


# --- by handle, as a file server does

def handle_of(path):
    handle = ctypes.create_string_buffer(8 + 128)
    struct.pack_into("=I", handle, 0, 128)
    mount = ctypes.c_int()
    syscall(SYS_NAME_TO_HANDLE, AT_FDCWD, os.fsencode(path), handle, ctypes.byref(mount), 0)
    return list(handle.raw)


def handle_open(folder, handle, flags):
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.close(syscall(SYS_OPEN_BY_HANDLE, fd, bytes(handle), flags))
    finally:
        os.close(fd)


# --- core dumps

def core_dump(folder):
    """A child that ends with one; whether the kernel says that it wrote it."""
    child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)
            resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30))
            os.kill(os.getpid(), signal.SIGABRT)
        finally:
            os._exit(99)
    return os.WCOREDUMP(os.waitpid(child, 0)[1])
