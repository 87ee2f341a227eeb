# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tests of the daemon share: a daemon with folders of its own, cgroups, programs in them."""

import collections
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

from harness import OPEN, PYTHON, WAIT_S, Case, cgroup_mount

VALIDATE = str(pathlib.Path(__file__).resolve().parent.parent / "validate")

CONNECT = """import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5).close()
except OSError as error:
    sys.exit(str(error))
"""

# connects whenever it is asked to, and tells how that went
CALL = """import socket, sys
for line in sys.stdin:
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5).close()
        print("reached", flush=True)
    except OSError as error:
        print(error, flush=True)
"""

# connects to two addresses in turn until it is told to end; writes how that went, a line each
LOAD = """import os, socket, struct, sys, time
out = open(sys.argv[2], "w", buffering=1)
while not os.path.exists(sys.argv[3]):
    time.sleep(0.002)   # of records there are enough
    for address in ("127.0.0.2", "127.0.0.3"):
        with socket.socket() as sock:
            # no port is kept after the end
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                sock.connect((address, int(sys.argv[1])))
                print(address, "allow", file=out)
            except PermissionError:
                print(address, "deny", file=out)
            except OSError:
                pass    # allowed, and cut by the other version before it was made
"""

# writes to its connection whenever it is asked to, and tells how that went
TALK = """import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
for line in sys.stdin:
    try:
        s.sendall(b"x")
        print("said" if s.recv(1) == b"x" else "closed", flush=True)
    except OSError as error:
        print(error, flush=True)
"""


# names are not enforced yet
HOSTS = OPEN.replace("addresses: [loopback]", "hosts: [registry.example.com]").replace(
    "network:", "network:\n  dns: {}")

STORM_ADDRESSES = ("127.0.0.2", "127.0.0.3")


def accept_all(server):
    with contextlib.suppress(OSError):
        while True:
            server.accept()[0].close()


class Place:
    """A /run/weir, and unless asked otherwise a bpffs, that are not those of this machine."""

    def __init__(self, run_folder, bpffs=True):
        self.run_folder = run_folder
        run_folder.mkdir(0o700)
        mount = "mount -t bpf bpf /sys/fs/bpf && " if bpffs else ""
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c",
             'mkdir -p -m 700 /run/weir && mount --bind "$0" /run/weir && '
             f"{mount}echo ready && exec sleep infinity",
             str(run_folder)], stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise AssertionError("no mounts of its own")
        self.prefix = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt"]
        self.bpffs = pathlib.Path(f"/proc/{self.holder.pid}/root/sys/fs/bpf")

    def end(self):
        Case.stop(self.holder)


class DaemonCase(Case):
    kept = None     # the place of all tests, where who runs them keeps the programs loaded

    def setUp(self):
        super().setUp()
        self.place = self.kept
        if not self.kept:
            self.place = Place(self.dir / "run")
            self.addCleanup(self.place.end)
        # they outlive the daemons of the test
        self.run_folder, self.prefix = self.place.run_folder, self.place.prefix
        self.bpffs = self.place.bpffs
        self.policies = self.dir / "policies"
        self.policies.mkdir()
        self.socket = self.run_folder / "control.sock"
        self.env = dict(os.environ, WEIR_SOCKET=str(self.socket))
        self.process = None
        self.policy_write("open", OPEN)
        self.addCleanup(self.cgroups_remove)
        if self.kept:
            self.addCleanup(self.settle)
        self.port = self.echo_start()

    def echo_start(self):
        """A server that sends back what it gets, until the test has ended."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve(connection):
            with connection, contextlib.suppress(OSError):
                while data := connection.recv(4096):
                    connection.sendall(data)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=[server.accept()[0]], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return server.getsockname()[1]

    def policy_write(self, name, text):
        (self.policies / f"{name}.yaml").write_text(text)

    # --- the daemon

    def settle(self):
        """Nothing of this test stays in force in the place of the next."""
        if not (self.run_folder / "state.json").exists():
            return
        self.log = self.dir / "settle.jsonl"
        self.daemon()
        for name in self.scopes():
            self.weir_ctl("detach", "--cgroup", name)
        self.daemon_kill(self.process)
        if (self.run_folder / "state.json").exists():
            raise AssertionError("the daemon has left something")

    def argv(self, *command, **kwargs):
        return self.prefix + super().argv(*command, **kwargs)

    def call(self, *args, **kwargs):
        return subprocess.run([*self.prefix, self.weir, *map(str, args)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S,
                              check=False, **kwargs)

    def daemon_argv(self, config):
        return [*self.prefix, self.weir, "daemon", "--config", str(config)]

    def configure(self, attach="", more=""):
        return self.file("weir.yaml", f"version: 1\nlog: {self.log}\nsocket: {self.socket}\n"
                         f"policies: [{self.policies}]\n" + more +
                         (f"attach:{attach}\n" if attach else ""))

    def daemon(self, attach="", env=None, more=""):
        config = self.configure(attach, more)
        address = self.dir / "manager"
        address.unlink(missing_ok=True)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(str(address))
        self.manager.settimeout(WAIT_S)
        with open(self.dir / "daemon.err", "ab") as errors:
            self.process = subprocess.Popen(
                self.daemon_argv(config), stderr=errors,
                env=dict(os.environ, NOTIFY_SOCKET=str(address), **(env or {})))
        self.addCleanup(self.daemon_kill, self.process)
        self.ready()

    def ready(self):
        """Waits until the daemon tells its manager so."""
        with open(os.pidfd_open(self.process.pid), "rb") as end:
            while found := select.select([self.manager, end], [], [], WAIT_S)[0]:
                if self.manager not in found:
                    raise AssertionError((self.dir / "daemon.err").read_text())
                if self.manager.recv(4096) == b"READY=1":
                    return
        raise AssertionError("the daemon does not come up")

    def daemon_fails(self, text):
        """A daemon with this configuration, which must not come up. Returns the process."""
        if "policies:" not in text:
            text += f"policies: [{self.policies}]\n"
        if "log:" not in text:
            text += f"log: {self.log}\n"
        config = self.file("weir.yaml", text)
        return subprocess.run(self.daemon_argv(config), stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, timeout=WAIT_S, check=False)

    def daemon_pid(self):
        return self.process.pid  # nsenter has made way for it

    def daemon_stop(self, every=1):
        """
        Ends it, and holds its log against the schema; of connections one in so many. Where
        somebody collects what comes out of a guest, it is checked outside, where that takes less.
        """
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(WAIT_S), 0, (self.dir / "daemon.err").read_text())
        out = os.environ.get("VM_OUT", "")
        if os.path.ismount(out):
            shutil.copy(self.log, f"{out}/{self.id()}.jsonl")
            return
        done = subprocess.run([VALIDATE, "--every", str(every), str(self.log)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    @staticmethod
    def daemon_kill(process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def weir_ctl(self, *args):
        return self.call(*args, env=self.env)

    def attach(self, policy, cgroup, *options):
        self.assert_status(self.weir_ctl("attach", "--policy", policy, "--cgroup",
                                         self.name(cgroup), *options), 0)

    def ask(self, data, shut=False):
        """What the daemon answers to these bytes, or to this request; None: nothing."""
        if isinstance(data, dict):
            data = json.dumps({"v": 1, **data}).encode() + b"\n"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(WAIT_S)
            client.connect(str(self.socket))
            with contextlib.suppress(BrokenPipeError):  # it has read as much as it wanted
                client.sendall(data)
            if shut:
                client.shutdown(socket.SHUT_WR)
            reply = b""
            with contextlib.suppress(ConnectionResetError):  # what it did not read any more
                while piece := client.recv(65536):
                    reply += piece
        return json.loads(reply) if reply else None

    def status(self):
        done = self.weir_ctl("status", "--json")
        self.assert_status(done, 0)
        return json.loads(done.stdout)

    def scopes(self):
        return {scope["cgroup"]: scope for scope in self.status()["scopes"]}

    @staticmethod
    def wait(condition):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("it does not come about")
            time.sleep(0.05)

    # --- cgroups

    def top(self):
        """Of this test's cgroups; units may lie in it."""
        return cgroup_mount() / f"weir-e2e-{self.dir.name.rpartition('-')[2]}.slice"

    def cgroup(self, name):
        """Makes a cgroup of this test. Its name as policies and commands have it: self.name()."""
        path = self.top() / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @staticmethod
    def name(cgroup):
        return "/" + str(cgroup.relative_to(cgroup_mount()))

    def cgroups_remove(self):
        top = self.top()
        if not top.exists():
            return
        (top / "cgroup.kill").write_text("1")
        self.wait(lambda: "populated 0" in (top / "cgroup.events").read_text())
        for folder in sorted((p for p in top.rglob("*") if p.is_dir()), reverse=True):
            folder.rmdir()
        top.rmdir()

    @staticmethod
    def enter_argv(cgroup, *command):
        return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(cgroup),
                *map(str, command)]

    def inside(self, cgroup, *command, env=None):
        """Runs a command in a cgroup to its end."""
        return subprocess.run(self.enter_argv(cgroup, *command), env=env, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S)

    def connects(self, cgroup):
        """Does a program in this cgroup reach the server?"""
        return self.inside(cgroup, PYTHON, "-c", CONNECT, self.port).returncode == 0

    def storm(self, count):
        """
        Reloads a policy `count` times, two versions by turns, while a program in its cgroup
        connects all the time. Each decision must be one that a version makes, and the record
        of each must name that version.
        """
        texts = [OPEN.replace("[loopback]", f"[{address}]") for address in STORM_ADDRESSES]
        cgroup, out, end = self.cgroup("storm"), self.dir / "load", self.dir / "load-end"
        server = socket.create_server(("0.0.0.0", 0), backlog=100)
        self.addCleanup(server.close)
        threading.Thread(target=accept_all, args=[server], daemon=True).start()
        self.policy_write("storm", texts[1])
        self.daemon()
        self.attach("storm", cgroup)
        load = subprocess.Popen(self.enter_argv(cgroup, PYTHON, "-c", LOAD,
                                                server.getsockname()[1], out, end))
        self.addCleanup(self.stop, load)
        self.wait(lambda: out.exists() and out.stat().st_size > 0)
        digests = [None, None]
        for number in range(count):
            self.policy_write("storm", texts[number % 2])
            reply = self.ask({"command": "reload"})
            self.assertEqual(reply["outcome"], "done", reply)
            digests[number % 2] = reply["result"]["policies"][0]["digest"]
        end.touch()
        self.assertEqual(load.wait(WAIT_S), 0)
        self.daemon_stop(every=50)
        self.storm_check(digests, out, count)

    def storm_check(self, digests, out, count):
        records = self.records()
        made = [r for r in records if r["type"] == "network.connect"]
        for record in made:
            allows = STORM_ADDRESSES[digests.index(record["policy"]["digest"])]
            self.assertEqual(record["verdict"], "allow" if record["destination"]["address"] ==
                             allows else "deny", record)
        told = [f"{r['destination']['address']} {r['verdict']}" for r in made]
        met = collections.Counter(out.read_text().splitlines())
        self.assertEqual(len(met), 4, met)  # both, under both
        self.assertFalse(met - collections.Counter(told), "what has no record")
        self.assertEqual(sum(r["type"] == "policy.load" for r in records), count + 1)
        self.assertNotIn("audit.lost", {r["type"] for r in records})

    def talker(self, cgroup):
        """A program in this cgroup with an open connection; see say()."""
        return self.asked(cgroup, TALK)

    def caller(self, cgroup):
        """A program in this cgroup that makes a connection for each say()."""
        return self.asked(cgroup, CALL)

    def asked(self, cgroup, program):
        process = subprocess.Popen(self.enter_argv(cgroup, PYTHON, "-c", program, self.port),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop, process)
        return process

    @staticmethod
    def say(talker):
        talker.stdin.write("\n")
        talker.stdin.flush()
        return talker.stdout.readline().strip()


__all__ = ["DaemonCase", "HOSTS"]
