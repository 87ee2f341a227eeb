# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the guard leaves alone: the workload among itself, ordinary programs; and what it keeps when
the policy denies nothing: weir itself."""

import subprocess

from guarded import AREA, GuardCase, MOUNTED, MOUNTS, NAMESPACES, ptrace_ways, signal_ways
from support import (ACTOR_FILES, Actor, CGROUPS, Confined, USER, as_user, errno, once, os, pathlib,
                     policy_text, unittest)

SIGUSR1 = 10
SESSION = "/usr/bin/env", "HOME=" + AREA, "/bin/bash", "-ec"
GIT = "git -c user.name=t -c user.email=t@example.com"

# each ends with 0; none of them may meet the guard
ORDINARY = {
    "a shell": "echo a | tr a b | grep -q b; (sleep 100 & kill %1 || kill $!; wait $! || true); "
               "trap 'exit 0' TERM; kill $$; sleep 1; exit 1",
    "files": "cp -a /etc/hostname here; chmod 600 here; touch -d yesterday here; ln here there; "
             "mv there other; tar cf a.tar here other; tar xf a.tar; rm here other a.tar",
    "git": f"rm -rf repo; {GIT} init -q repo; cd repo; echo a > a; {GIT} add a; "
           f"{GIT} commit -qm first; {GIT} gc -q; {GIT} log --oneline | grep -q first",
    "make": "printf 'all: a b\\na b:\\n\\ttouch $@\\n' > Makefile; make -s -j2; rm a b Makefile",
    "a compiler": "echo 'int main(void) { return 0; }' > c.c; gcc -o c c.c; ./c; rm c c.c",
    "gdb": "gdb -q -batch -ex run -ex bt --args /usr/bin/true | grep -q 'exited normally'",
    "node": "node -e 'require(\"child_process\").execSync(\"true\"); "
            "new (require(\"worker_threads\").Worker)(\"1\", {eval: true})'",
    "ssh-keygen": "rm -f key; ssh-keygen -q -t ed25519 -N '' -f key; ssh-keygen -l -f key",
    "python, processes": "python3 -c 'import multiprocessing as m, subprocess as s\n"
                         "if __name__ == \"__main__\":\n"
                         " l = m.Lock(); p = m.Process(target=l.acquire); p.start(); p.join()\n"
                         " assert p.exitcode == 0\n"
                         " q = s.Popen([\"sleep\", \"100\"]); q.terminate(); assert q.wait() == -15\n"
                         "'",
    "strace": "strace -f -o trace /bin/sh -c 'true; true'; grep -q exited trace; rm trace",
}


class Inside(GuardCase):
    """Processes, IPC and keys within the scope are free."""

    def test_processes(self):
        child = self.allowed("child_start")
        self.allowed("child", child, "signals_count")
        self.opened(*ptrace_ways(child), *signal_ways(child))
        self.allowed("signal_by_file", child, SIGUSR1)
        self.allowed("child_end", child)

    def test_process_of_another_user(self):
        if self.user:
            self.skipTest("only root may")
        pid = self.allowed("started", ["/usr/bin/setpriv", f"--reuid={USER}", "--clear-groups",
                                       "/usr/bin/sleep", "600"])
        for way in ptrace_ways(pid)[4:7]:
            self.allowed(*way.call)
        self.allowed("stopped", pid)

    def test_traced_by_a_parent_inside(self):
        self.allowed("forked", "traced_by_parent")

    def test_moved_in(self):
        """Who was put into the scope by hand belongs to it, also before it has acted."""
        actor = Actor(as_user(self.user))
        self.addCleanup(actor.process.communicate)
        self.addCleanup(actor.process.kill)
        self.refused(errno.EPERM, "kill", actor.pid, 0)
        self.record(type="guard.signal", verdict="deny", detail__target_pid=actor.pid)
        (self.inside.cgroup / "cgroup.procs").write_text(str(actor.pid))
        self.allowed("kill", actor.pid, 0)
        self.allowed("proc_read", actor.pid, "environ")
        (CGROUPS / "cgroup.procs").write_text(str(actor.pid))

    def test_terminal_of_who_was_moved_in(self):
        """Whom the launcher's filter of calls does not keep from it."""
        legacy = pathlib.Path("/proc/sys/dev/tty/legacy_tiocsti")   # from 6.2 on; 0: for root alone
        if legacy.exists():
            self.addCleanup(legacy.write_text, legacy.read_text())
            legacy.write_text("1")
        actor = Actor(as_user(self.user))
        self.addCleanup(actor.process.communicate)
        self.addCleanup(actor.process.kill)
        self.free("terminal_input")
        (self.inside.cgroup / "cgroup.procs").write_text(str(actor.pid))
        self.refused_by(actor, errno.EPERM, "terminal_input")
        self.record(type="guard.escape", verdict="deny", detail__asked="terminal")
        (CGROUPS / "cgroup.procs").write_text(str(actor.pid))

    def test_signals_from_outside(self):
        child = self.allowed("child_start")
        self.allowed("child", child, "signals_count")
        self.free("kill", child, SIGUSR1)
        self.free("proc_read", child, "environ")
        self.assertGreater(self.allowed("child", child, "signals_count"), 0)
        self.allowed("child_end", child)

    def test_ipc(self):
        for kind in ("shm", "sem", "msg"):
            number = self.allowed(f"{kind}_make", 0x1234)
            child = self.allowed("child_start")
            self.allowed("child", child, f"{kind}_use", 0x1234)
            self.allowed("child_end", child)
            self.allowed("ipc_status", kind, number)
            self.allowed("ipc_remove", kind, number)
            # the memory goes to one of somebody else's now, most likely
            number = self.victim.call(f"{kind}_make", 0x1235)
            self.refused(errno.EACCES, "ipc_status", kind, number)
            self.victim.ipc_remove(kind, number)

    def test_keys(self):
        self.allowed("key_session", "weir-test")
        key = self.allowed("key_add", -3, "mine")
        self.allowed("key_describe", key)
        self.allowed("key_describe", -3)

    def test_own_files_in_proc(self):
        self.allowed("proc_open", self.inside.pid, "comm", os.O_WRONLY)
        self.allowed("proc_open", self.inside.pid, "oom_score_adj", os.O_WRONLY)
        self.allowed("proc_open", "self", "mem", os.O_RDWR)
        self.allowed("proc_open", "thread-self", "comm", os.O_WRONLY)


class InsideOfUser(Inside):
    user = USER


class Ordinary(GuardCase):
    def test_programs(self):
        os.chmod(AREA, 0o777)
        for name, script in ORDINARY.items():
            with self.subTest(name):
                self.since = len(self.inside.records())
                self.allowed("run", [*SESSION, f"exec >/dev/null; cd {AREA}; {script}"])
                self.fence()
                self.assertEqual([record["detail"] for record in self.made(verdict="deny")], [])


class OrdinaryOfUser(Ordinary):
    user = USER


class Audit(GuardCase):
    """Nothing is denied but what would be done to weir."""
    policy = policy_text(guard="", head="mode: audit\n")

    def test_would_be_denied(self):
        for way in (MOUNTS[0], NAMESPACES[0], *ptrace_ways(self.victim.pid)[:3],
                    *signal_ways(self.victim.pid)):
            with self.subTest(way.name):
                self.since = len(self.inside.records())
                self.allowed(*way.call)
                self.record(type=way.type, verdict="would-deny", reason="guard")

    def test_weir_is_out_of_reach(self):
        Own.check(self, self.inside.process.pid)


def asked_to_read():
    """Does this kernel ask who has CAP_PERFMON, and no CAP_SYS_PTRACE, before it shows the memory
    of others? Newer ones (6.18, 7.2) do not, so that no hook can refuse."""
    shown = subprocess.run(["setpriv", "--bounding-set=-all,+perfmon", "cat",
                            f"/proc/{os.getpid()}/environ"], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return shown.returncode != 0


class Own(GuardCase):
    """What belongs to weir, where the words that would open it are there."""
    policy = policy_text(guard="{allow: [bpf, signals, ptrace, mount]}")

    def test_weir_is_out_of_reach(self):
        self.check(self, self.inside.process.pid)

    @staticmethod
    def check(case, weir):
        asked = asked_to_read()
        for way in (*ptrace_ways(weir), *signal_ways(weir)):
            if not asked and "proc_read" in way.call:
                continue
            with case.subTest(way.name):
                with case.assertRaises(OSError) as raised:
                    case.inside.call(*way.call)
                case.assertIn(raised.exception.errno, (errno.EPERM, errno.EACCES))
        case.record(type="guard.signal", verdict="deny", detail__target_pid=weir)
        case.allowed("bpf_map")
        shown = subprocess.run(["bpftool", "-j", "map", "show", "name", "weir_marks"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout
        number = int(shown.split('"id":')[1].split(",")[0])
        shown = subprocess.run(["bpftool", "-j", "prog", "show"], check=True,
                               stdout=subprocess.PIPE, text=True).stdout
        program = int(shown[:shown.index('"name":"weir_')].rsplit('"id":', 1)[1].split(",")[0])
        pin = next(str(path) for path in pathlib.Path("/sys/fs/bpf/weir").rglob("weir_task_free"))
        for way in (("bpf_by_id", 14, number), ("bpf_by_id", 13, program), ("bpf_by_id", 30, 1),
                    ("bpf_pin", pin), ("remove", pin),
                    ("rename", pin, f"{pin}x"),
                    ("unmount", "/sys/fs/bpf", 2), ("unmount", "/sys", 2)):
            with case.subTest(way):
                case.since = len(case.inside.records())
                case.refused(errno.EPERM, *way)
                case.record(verdict="deny", reason="guard")
        case.assertTrue(os.path.exists(pin))
        for path in (MOUNTED, f"{MOUNTED}/in"):
            os.makedirs(path, exist_ok=True)
            case.allowed("call", "mount", "none", path, "tmpfs", 0, 0)
        case.allowed("unmount", MOUNTED, 2)     # where there is none below


class WithFiles(GuardCase):
    """The same where rules on files are enforced too, whatever they say."""
    policy = policy_text(guard="", files=f"""  allow:
{ACTOR_FILES}    - name: all
      paths: ["/**"]
""")

    def test_files_that_set_the_kernel(self):
        for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
                     "/sys/fs/cgroup/cgroup.procs"):
            self.free("file_touch", path, os.O_WRONLY)
            self.since = len(self.inside.records())
            self.refused(errno.EPERM, "file_touch", path, os.O_WRONLY)
            self.record(type="guard.escape", verdict="deny", detail__asked="kernel-file",
                        detail__path=path)
            self.allowed("file_touch", path, os.O_RDONLY) if "sysrq" not in path else None
        self.allowed("proc_open", self.inside.pid, "comm", os.O_WRONLY)
        self.refused(errno.EPERM, "proc_open", self.victim.pid, "comm", os.O_WRONLY)
        self.allowed("write", f"{AREA}/file")
        self.refused(errno.EPERM, "mount_here", MOUNTED)


@once
class Nobody(unittest.TestCase):
    """Where the guard is open, its hooks are not there."""
    when = "first"

    def programs(self, *options, guard):
        confined = Confined(policy_text(guard=guard), "guard-open", options=options)
        shown = subprocess.run(["bpftool", "prog"], check=True, stdout=subprocess.PIPE, text=True)
        confined.call("host_name")
        confined.end()
        return shown.stdout.count("weir_guard_")

    def test_open(self):
        self.assertEqual(self.programs(guard="unrestricted"), 0)
        self.assertEqual(self.programs("--without", "guard", guard=""), 0)


if __name__ == "__main__":
    unittest.main()
