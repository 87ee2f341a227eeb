# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the kernel tests share: a confined actor and a free one, policies, records."""

import atexit
import errno
import ipaddress
import itertools
import json
import os
import pathlib
import py_compile
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

os.umask(0)     # what tests and actors make is for everybody, as its mode says

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "e2e"))   # some tests there are run here, too
WEIR = HERE.parent.parent / "build/weir"
PYTHON = "/usr/bin/python3"
# the actor is started hundreds of times, and most of what it did was to compile itself
ACTOR_DIR = pathlib.Path(tempfile.mkdtemp(prefix="weir-actor-", dir="/opt"))
ACTOR_DIR.chmod(0o755)
atexit.register(shutil.rmtree, ACTOR_DIR)
ACTOR_PARTS = [py_compile.compile(str(path), str(ACTOR_DIR / path.name) + "c", doraise=True)
               for path in sorted(HERE.glob("actor*.py"))]
ACTOR = str(ACTOR_DIR / "actor.pyc")
OUT = pathlib.Path(os.environ.get("VM_OUT", "/tmp"))
CGROUPS = pathlib.Path("/sys/fs/cgroup")
WAIT_S = int(os.environ.setdefault("WEIR_TEST_WAIT_S", "300"))  # an emulated guest is slow; what has not come by then does not come
USER = "nobody"
# which of the guests this is, and how many there are
SHARE, SHARES = map(int, os.environ.get("WEIR_SHARE", "0/1").split("/"))

# what the actor itself needs under a files section
ACTOR_FILES = f"""    - name: actor
      paths: ["/usr/**", /etc/ld.so.cache, /etc/localtime, /dev/null, {", ".join(ACTOR_PARTS)}]
      access: [read, execute]
"""


def policy_text(network="unrestricted", files="unrestricted", audit="", head="",
                guard="unrestricted"):
    """A policy; sections as YAML text, indented by two where they are mappings, left out if empty."""
    def section(name, text):
        if not text:
            return ""
        return f"{name}:\n{text}" if text.startswith(" ") else f"{name}: {text}\n"
    return (f"version: 1\nname: kernel-test\nidentity: {{agent: tester}}\n{head}"
            + section("network", network) + section("files", files) + section("guard", guard)
            + section("audit", audit))


def once_in(guest):
    """
    For a test, or a class of them, of what the kernel does not decide: of several guests this one
    has it. Each has its share, so that all take about as long.
    """
    def mark(what):
        what.guest = guest % SHARES
        return what
    return mark


once = once_in(0)


def as_user(user):
    """What goes in front of a command that is to run as this user, if it is one."""
    return ("setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups") if user else ()


class Actor:
    """A running actor.py; its functions are this object's methods."""

    def __init__(self, prefix=(), stderr=None, actor=ACTOR):
        self.process = subprocess.Popen([*prefix, PYTHON, "-I", "-S", "-B", actor],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=stderr, start_new_session=True)
        self.pid = self.answer()

    def answer(self):
        if not select.select([self.process.stdout], [], [], WAIT_S)[0]:
            raise AssertionError("the actor does not answer")
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the actor has ended: {self.process.wait()}")
        answer = json.loads(line)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["text"])
        return answer["ok"]

    def ask(self, name, *args):
        """Without waiting for the answer."""
        self.process.stdin.write(json.dumps([name, *args]).encode() + b"\n")
        self.process.stdin.flush()

    def call(self, name, *args):
        self.ask(name, *args)
        return self.answer()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: self.call(name, *args)

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(WAIT_S)
        self.process.stdout.close()
        return status


class Confined(Actor):
    """An actor under `weir run`."""

    numbers = itertools.count(1)
    count = 0
    starting_s = ending_s = 0   # what most of the time goes to

    def __init__(self, policy, name, user=None, options=(), actor=ACTOR, within=()):
        """policy: its text, or the path of its file; within: a command in front of weir"""
        Confined.count = number = next(Confined.numbers)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="weir-kernel-"))
        self.dir.chmod(0o755)
        self.policy = policy
        if not isinstance(policy, pathlib.Path):
            self.policy = self.dir / "policy.yaml"
            self.policy.write_text(policy)
        self.log = self.dir / f"{number:03}-{name}.jsonl"
        self.stderr = self.dir / "stderr"
        command = [*within, str(WEIR), "run", "--policy", str(self.policy), "--log", str(self.log),
                   *(["--user", user] if user else []), *options, "--"]
        began = time.monotonic()
        with open(self.stderr, "wb") as stderr:
            try:
                super().__init__(command, stderr, actor)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.stderr.read_text()}") from error
        Confined.starting_s += time.monotonic() - began
        self.read_at = 0
        self.known = []

    def records(self):
        """What is in the log by now, whole lines only."""
        with open(self.log, "rb") as file:
            file.seek(self.read_at)
            data = file.read()
        data = data[:data.rfind(b"\n") + 1]
        self.read_at += len(data)
        self.known += [json.loads(line) for line in data.splitlines()]
        return self.known

    @property
    def cgroup(self):
        return CGROUPS / self.records()[0]["scope"]["cgroup"].lstrip("/")

    def end(self):
        began = time.monotonic()
        status = super().end()
        Confined.ending_s += time.monotonic() - began
        shutil.copy(self.log, OUT)
        if status:
            raise AssertionError(f"weir run ended with {status}:\n{self.stderr.read_text()}")
        return status

    def kill(self):
        """Kills weir itself."""
        self.process.kill()
        self.process.wait()


class Runs(unittest.TestCase):
    """Tests that start and end workloads of their own, beside a server at `port`."""

    port = None

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.port)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def confined(self, policy, *options):
        confined = Confined(policy, self._testMethodName, options=options)
        self.addCleanup(confined.process.kill)
        return confined

    def refused(self, confined, code, *call):
        try:
            confined.call(*call)
        except BrokenPipeError as error:
            raise AssertionError("the workload has ended") from error
        except OSError as error:
            self.assertEqual(error.errno, code)
            return
        self.fail(f"{call} was not refused")

    def end(self, confined):
        confined.end()
        check_log(confined)
        return confined.records()


def inner(record, path):
    for key in path.split("__"):
        record = record.get(key, {}) if isinstance(record, dict) else None
    return record


class Case(unittest.TestCase):
    """
    Tests of one policy: `inside` is confined by it for the whole class, `outside` by nothing.
    A class that sets `user` has its workload run by that user, one that sets `within` has weir run
    by that command.
    """

    policy = None
    user = None
    options = ()
    actor = ACTOR
    within = ()
    fences = 0

    @classmethod
    def setUpClass(cls):
        if cls.policy is None:
            raise unittest.SkipTest("a base of others")
        cls.prepare()
        cls.inside = Confined(cls.policy, cls.__name__, cls.user, cls.options, cls.actor, cls.within)
        cls.outside = outside()

    @classmethod
    def prepare(cls):
        """What has to be there before the workload starts."""

    @classmethod
    def tearDownClass(cls):
        if "inside" in cls.__dict__:
            cls.inside.end()
            check_log(cls.inside)

    def setUp(self):
        self.since = len(self.inside.records())

    def allowed(self, name, *args):
        try:
            return self.inside.call(name, *args)
        except OSError as error:
            raise AssertionError(f"{name}{args} inside: {error}") from error

    def free(self, name, *args):
        """The same by a process that nothing confines: it must work, or the test shows nothing."""
        try:
            return self.outside.call(name, *args)
        except OSError as error:
            raise AssertionError(f"{name}{args} outside: {error}") from error

    def refused(self, code, name, *args):
        self.refused_by(self.inside, code, name, *args)

    def refused_by(self, actor, code, name, *args):
        try:
            value = actor.call(name, *args)
        except OSError as error:
            self.assertEqual(errno.errorcode[error.errno], errno.errorcode[code], f"{name}{args}")
            return
        self.fail(f"{name}{args} was not refused: {value}")

    def record(self, **wanted):
        """Waits for a record made in this test with these fields (file__path=... goes inside)."""
        return self.several(1, **wanted)[0]

    def several(self, count, **wanted):
        """Waits for so many of them, at least."""
        deadline = time.monotonic() + WAIT_S
        while True:
            made = self.made(**wanted)
            if len(made) >= count:
                return made
            if time.monotonic() > deadline:
                lines = "\n".join(json.dumps(record) for record in self.made()[-20:])
                raise AssertionError(f"{len(made)} of {count} records with {wanted}; the last ones:\n"
                                     f"{lines}")
            select.select([], [], [], 0.02)

    def made(self, **wanted):
        """Those of this test's records by now that have these fields."""
        return [record for record in self.inside.records()[self.since:]
                if all(inner(record, key) == value for key, value in wanted.items())]

    def fence(self):
        """Returns when the record of everything before is in the log."""
        Case.fences += 1
        argv = ["/usr/bin/true", f"fence {Case.fences}"]
        self.allowed("run", argv)
        self.record(type="process.exec", process__args=argv)


def check_log(confined):
    records = confined.records()
    if [record["seq"] for record in records] != list(range(1, len(records) + 1)):
        raise AssertionError("the numbers of the records have a gap")
    if any(record["type"] == "audit.lost" for record in records):
        raise AssertionError("records were lost")
    if records[-1]["type"] != "agent.stop":
        raise AssertionError(f"the last record is {records[-1]}")


class Server:
    """Takes connections on 0.0.0.0 and ::, and ends them."""

    def __init__(self, *ports):
        self.sockets = [socket.create_server(("::", port), family=socket.AF_INET6, backlog=100,
                                             dualstack_ipv6=True) for port in ports]
        for sock in self.sockets:
            threading.Thread(target=self.serve, args=[sock], daemon=True).start()

    @staticmethod
    def serve(sock):
        try:
            while True:
                sock.accept()[0].close()
        except OSError:
            pass    # closed

    def close(self):
        for sock in self.sockets:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()


_outside = []


def outside():
    """The one free actor."""
    if not _outside:
        _outside.append(Actor())
        atexit.register(_outside[0].end)
    return _outside[0]


def until(condition):
    """Waits for it."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it does not come about")
        select.select([], [], [], 0.02)


def fresh_dir(path, mode=0o777):
    subprocess.run(["rm", "-rf", path], check=True)     # deeper than Python can
    os.makedirs(path)
    os.chmod(path, mode)
    return path


def put(path, text="text\n", mode=0o666):
    """A file with its directories."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


__all__ = ["ACTOR", "ACTOR_FILES", "ACTOR_PARTS", "Actor", "CGROUPS", "Case", "Confined", "HERE",
           "OUT", "PYTHON", "Runs", "SHARE", "SHARES", "Server", "USER", "WAIT_S", "WEIR",
           "as_user", "check_log", "errno", "fresh_dir", "ipaddress", "json", "once", "once_in",
           "os", "outside", "pathlib", "policy_text", "put", "select", "signal", "subprocess",
           "unittest", "until"]
