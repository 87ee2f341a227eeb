# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Grants for files, programs and unix sockets, given by the daemon and ended by the kernel."""

import re
import shutil
import socket
import time

from support import (ACTOR_FILES, CGROUPS, Actor, WAIT_S, WEIR, errno, fresh_dir, json, os, pathlib,
                     policy_text, put, signal, subprocess, unittest, until)
from harness import timestamp

FOLDER = "/scratch/weir-grant"
CGROUP = "weir-grant"
SECRET = "secret\n"
LENGTH = len(SECRET)
POLICY = policy_text("  allow: []\n", f"  allow:\n{ACTOR_FILES}" + f"""    - name: open
      paths: ["{FOLDER}/open/**"]
""")


class Grants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        fresh_dir(FOLDER)
        cls.policies = pathlib.Path(fresh_dir(f"{FOLDER}/policies", 0o755))
        fresh_dir(f"{FOLDER}/open")
        cls.log = pathlib.Path(FOLDER) / "log.jsonl"
        cls.cgroup = CGROUPS / CGROUP
        cls.config = put(f"{FOLDER}/weir.yaml", f"version: 1\nlog: {cls.log}\n"
                         f"socket: {FOLDER}/run/control.sock\npolicies: [{cls.policies}]\n")
        cls.env = dict(os.environ, WEIR_SOCKET=f"{FOLDER}/run/control.sock")
        put(str(cls.policies / "kernel-test.yaml"), POLICY)
        cls.cgroup.mkdir(exist_ok=True)
        cls.daemon = subprocess.Popen([str(WEIR), "daemon", "--config", cls.config])
        cls.addClassCleanup(cls.daemon_end)
        until(lambda: subprocess.run([str(WEIR), "status"], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, check=False,
                                     env=cls.env).returncode == 0)

    @classmethod
    def daemon_end(cls):
        cls.daemon.terminate()
        if cls.daemon.wait(WAIT_S):
            raise AssertionError("the daemon has failed")
        cls.cgroup.rmdir()

    def setUp(self):
        self.secret = put(f"{FOLDER}/secret", SECRET)
        self.since = len(self.log.read_text().splitlines())
        self.inside = Actor(["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"',
                             str(self.cgroup)])
        self.addCleanup(self.inside.end)
        self.weir("attach", "--policy", "kernel-test", "--cgroup", f"/{CGROUP}")
        self.addCleanup(self.weir, "detach", "--cgroup", f"/{CGROUP}")
        self.addCleanup(self.grants_end)
        self.addCleanup(self.daemon.send_signal, signal.SIGCONT)

    def grants_end(self):
        for grant in json.loads(self.weir("grant", "--list", "--json").stdout):
            self.weir("grant", "--revoke", grant["id"])

    def weir(self, *args, status=0):
        done = subprocess.run([str(WEIR), *map(str, args)], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, check=False, timeout=WAIT_S,
                              env=self.env)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def grant(self, *args, duration="1h"):
        done = self.weir("grant", "--policy", "kernel-test", *args, "--for", duration)
        return "grant-" + re.fullmatch(r"grant (\d+) is given\n", done.stdout).group(1)

    def refused(self, code, *call):
        try:
            value = self.inside.call(*call)
        except OSError as error:
            self.assertEqual(errno.errorcode[error.errno], errno.errorcode[code], str(call))
            return
        self.fail(f"{call} was not refused: {value}")

    def is_refused(self, *call):
        try:
            self.inside.call(*call)
        except OSError:
            return True
        return False

    def told(self, **wanted):
        """Waits for a record with these words."""
        def look():
            nonlocal found
            # what is behind the last line's end is being written
            lines = self.log.read_text().split("\n")[self.since:-1]
            found = [record for record in map(json.loads, lines)
                     if all(record.get(key) == value for key, value in wanted.items())]
            return found
        found = []
        until(look)
        return found

    def test_read_until_it_is_over(self):
        """Asked for all the while, with the daemon stopped, by a directory that is remembered."""
        self.refused(errno.EACCES, "read", self.secret)
        rule = self.grant("--read", self.secret, duration="20s")
        end = timestamp(self.told(type="policy.grant")[-1]["detail"]["until"])
        self.daemon.send_signal(signal.SIGSTOP)
        self.assertEqual(self.inside.call("read", self.secret), LENGTH)
        self.refused(errno.EACCES, "write", self.secret)
        while True:
            asked = time.time()
            if self.is_refused("read", self.secret):
                break
            self.assertLess(asked, end + 0.1)
        self.assertGreater(time.time(), end - 0.1)
        self.assertEqual(self.inside.call("read", put(f"{FOLDER}/open/a", "a")), 1)
        self.daemon.send_signal(signal.SIGCONT)
        used = self.told(type="file.open", verdict="allow", reason="grant")
        self.assertEqual({(one["policy"]["rule"], one["file"]["path"]) for one in used},
                         {(rule, self.secret)})
        late = self.told(type="file.open", verdict="deny", reason="expired")
        self.assertEqual(late[0]["policy"]["rule"], rule)
        self.told(type="policy.expire")

    def test_all_of_a_folder(self):
        self.grant("--read", f"{FOLDER}/**")
        self.assertEqual(self.inside.call("read", self.secret), LENGTH)
        self.inside.call("listing", FOLDER)
        self.refused(errno.EACCES, "write", self.secret)

    def test_one_read(self):
        rule = self.grant("--read", self.secret, "--once")
        self.assertEqual(self.inside.call("read", self.secret), LENGTH)
        self.refused(errno.EACCES, "read", self.secret)
        used = self.told(type="file.open", reason="grant")
        self.assertEqual([one["policy"]["rule"] for one in used], [rule])
        self.told(type="file.open", verdict="deny", reason="expired")

    def test_one_read_of_many_tasks(self):
        threads = [self.inside.call("thread_start") for _ in range(4)]
        for _ in range(20):
            self.grant("--read", self.secret, "--once")
            done = self.inside.call("threaded_each", threads, "read", self.secret)
            self.assertEqual(sorted(map(str, done)), [str(errno.EACCES)] * 3 + [str(LENGTH)])

    def test_one_write_with_truncation(self):
        """What an open does besides is no use of its own."""
        self.grant("--write", self.secret, "--once")
        fd = self.inside.call("open_fd", self.secret, os.O_WRONLY | os.O_TRUNC)
        self.inside.call("close_fd", fd)
        self.refused(errno.EACCES, "open_fd", self.secret, os.O_WRONLY | os.O_TRUNC)

    def test_one_file_made(self):
        """Making it and opening it are one call."""
        name = f"{FOLDER}/made"
        flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
        rule = self.grant("--create", name, "--write", name, "--once")
        fd = self.inside.call("open_fd", name, flags)
        self.inside.call("close_fd", fd)
        self.refused(errno.EACCES, "open_fd", name, flags)
        os.unlink(name)
        self.refused(errno.EACCES, "open_fd", name, flags)
        self.told(type="file.open", verdict="deny", reason="expired")
        made = self.told(reason="grant")
        self.assertEqual([(one["type"], one["policy"]["rule"]) for one in made],
                         [("file.create", rule)])

    def test_made_and_opened_are_two(self):
        name = f"{FOLDER}/made-node"
        self.grant("--create", name, "--write", name, "--once")
        self.inside.call("make", "fifo", name)
        self.refused(errno.EACCES, "open_fd", name, os.O_WRONLY | os.O_NONBLOCK)

    def test_read_and_write_by_one_grant(self):
        self.grant("--read", self.secret, "--write", self.secret, "--once")
        fd = self.inside.call("open_fd", self.secret, os.O_RDWR)
        self.inside.call("close_fd", fd)
        self.refused(errno.EACCES, "open_fd", self.secret, os.O_RDWR)

    def test_execute(self):
        program = f"{FOLDER}/program"
        shutil.copy("/usr/bin/true", program)
        self.refused(errno.EPERM, "run", [program])
        rule = self.grant("--execute", program)
        for _ in range(2):
            self.assertEqual(self.inside.call("run", [program]), 0)
        ran = self.told(type="process.exec", reason="grant")
        self.assertEqual(ran[0]["policy"]["rule"], rule)

    def test_one_execution(self):
        program = f"{FOLDER}/program-once"
        shutil.copy("/usr/bin/true", program)
        rule = self.grant("--execute", program, "--once")
        self.assertEqual(self.inside.call("run", [program]), 0)
        self.refused(errno.EPERM, "run", [program])
        ran = self.told(type="process.exec", reason="grant")
        self.assertEqual([one["policy"]["rule"] for one in ran], [rule])

    def test_what_was_granted_is_not_kept(self):
        """A file that may be read for a while is not moved to where it may be read for good."""
        self.grant("--read", self.secret, "--delete", self.secret)
        self.refused(errno.EXDEV, "rename", self.secret, f"{FOLDER}/open/kept")
        folder = fresh_dir(f"{FOLDER}/folder")
        put(f"{folder}/file")
        self.grant("--read", f"{folder}/**", "--delete", f"{folder}/**")
        self.refused(errno.EXDEV, "rename", folder, f"{FOLDER}/open/folder")

    def test_unix_once(self):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            path = f"{FOLDER}/socket-{kind}"
            server = socket.socket(socket.AF_UNIX, kind)
            server.bind(path)
            if kind == socket.SOCK_STREAM:
                server.listen()
            self.refused(errno.EPERM, "sock_reach", kind, path)
            rule = self.grant("--unix", path, "--once")
            self.inside.call("sock_reach", kind, path)
            self.refused(errno.EPERM, "sock_reach", kind, path)
            until(lambda: rule in [one["policy"]["rule"] for one in
                                   self.told(type="network.unix", reason="grant")])
            server.close()

    def test_listen_once(self):
        rule = self.grant("--listen", "tcp:loopback:4711", "--once")
        name = ["127.0.0.1", 4711]
        fd = self.inside.call("sock_server", socket.SOCK_STREAM, name)
        for _ in range(2):
            subprocess.run(["/usr/bin/python3", "-c", "import socket; socket.create_connection("
                            "('127.0.0.1', 4711), 5).close()"], check=True, timeout=WAIT_S)
        self.inside.call("sock_close", fd)
        self.refused(errno.EPERM, "sock_server", socket.SOCK_STREAM, name)
        used = self.told(type="network.listen", reason="grant")
        self.assertEqual([one["policy"]["rule"] for one in used], [rule])
