# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a workload does, on request: reads one JSON array a line, [NAME, ARGUMENT...], calls that
function of this file or of its parts, and answers {"ok": value} or {"errno": number}. A test talks
to one that weir confines and, for comparison, to one that nothing confines.
"""
import ctypes
import json
import marshal
import os
import select
import signal
import struct
import sys
import threading
import types

# files beside this one, compiled as it is
PYC_HEADER = 16
PARTS = ("actor_files", "actor_held", "actor_net", "actor_sock", "actor_ring", "actor_guard")

libc = ctypes.CDLL(None, use_errno=True)
WAIT_S = 60


def checked(result):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def syscall(number, *args):
    return checked(libc.syscall(ctypes.c_long(number), *args))


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


def forked(*call):
    return spawn(lambda: do(call))


def forked_deep(depth, *call):
    """A child of a child of a child..."""
    if depth == 0:
        do(call)
        return
    spawn(lambda: forked_deep(depth - 1, *call))


def spawned(argv):
    """posix_spawn(): vfork() underneath. The exit status."""
    pid = os.posix_spawn(argv[0], argv, {})
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def started(argv):
    """A program that goes on running; its pid."""
    return os.posix_spawn(argv[0], argv, os.environ)


def stopped(number):
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)


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


def threaded_each(indexes, *call):
    """All at once. What each was given, or the number of its error."""
    for index in indexes:
        threads[index].begin(list(call))
    values = []
    for index in indexes:
        try:
            values.append(threads[index].end())
        except OSError as error:
            values.append(error.errno)
    return values


def replace(argv):
    """exec, by whichever thread calls this."""
    os.execv(argv[0], argv)


def replace_unasked(index, argv):
    """The thread execs: there will be no answer but the new program's."""
    threads[index].call = ["replace", argv]
    os.write(threads[index].calls[1], b"x")
    select.select([threads[index].answers[0]], [], [], WAIT_S)
    raise OSError(json.loads(os.read(threads[index].answers[0], 65536))["errno"], "exec")


class Child:
    """A forked process that does what it is asked until its end."""

    def __init__(self):
        calls, answers = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(calls[1])
            os.close(answers[0])
            try:
                with open(calls[0], encoding="utf-8") as file:
                    for line in file:
                        os.write(answers[1], answer_of(json.loads(line)).encode() + b"\n")
            finally:
                os._exit(0)
        os.close(calls[0])
        os.close(answers[1])
        self.calls = calls[1]
        self.answers = open(answers[0], encoding="utf-8")

    def ask(self, call):
        os.write(self.calls, json.dumps(call).encode() + b"\n")
        answer = json.loads(self.answers.readline())
        if "errno" in answer:
            raise OSError(answer["errno"], "in the child")
        return answer["ok"]

    def end(self):
        os.close(self.calls)
        self.answers.close()
        os.waitpid(self.pid, 0)


children = {}


def child_start():
    """The pid of a new child, which names it."""
    made = Child()
    children[made.pid] = made
    return made.pid


def child(number, *call):
    return children[number].ask(list(call))


def child_end(number):
    children.pop(number).end()


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
            do(call)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        finally:
            os._exit(199)
    os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise OSError(status, "in the child")


def do(call):
    return globals()[call[0]](*call[1:])


def answer_of(call):
    try:
        return json.dumps({"ok": do(call)})
    except OSError as error:
        return json.dumps({"errno": error.errno, "text": str(error)})


def part(name):
    """Imports by path: an import by name lists the folder, which policies need not allow."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.pyc")
    module = sys.modules[name] = types.ModuleType(name)
    with open(path, "rb") as file:
        code = marshal.loads(file.read()[PYC_HEADER:])
    exec(code, vars(module))     # pylint: disable=exec-used
    globals().update((key, value) for key, value in vars(module).items() if not key.startswith("_"))


def main():
    sys.modules["actor"] = sys.modules["__main__"]
    for name in PARTS:
        part(name)
    print(json.dumps({"ok": os.getpid()}), flush=True)
    for line in sys.stdin:
        print(answer_of(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
