# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the command is started with: user, environment, descriptors, limits, signals."""

import json
import os
import pwd
import signal
import subprocess

from harness import Case, python, read_until

REPORT = """
import json, os, resource, signal, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "uid": os.getresuid(), "gid": os.getresgid(), "groups": os.getgroups(),
    "env": {k: os.environ.get(k) for k in ("HOME", "USER", "LOGNAME", "SHELL")},
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "nnp": status["NoNewPrivs"].strip(), "blocked": status["SigBlk"].strip(),
    "ignored": status["SigIgn"].strip(), "caps": status["CapEff"].strip(),
    "fds": sorted(int(n) for n in os.listdir("/proc/self/fd")),
    "files": [os.path.realpath("/proc/self/fd/%d" % n) for n in range(3)],
    "pgrp": os.getpgrp(), "sid": os.getsid(0),
}))
"""


class Credentials(Case):
    def report(self, **kwargs):
        done = self.run_weir(*python(REPORT), **kwargs)
        self.assert_status(done, 0)
        return json.loads(done.stdout)

    def test_sudo_user(self):
        user = pwd.getpwnam("nobody")
        env = dict(os.environ, SUDO_UID=str(user.pw_uid), SUDO_GID=str(user.pw_gid))
        got = self.report(env=env)
        self.assertEqual(got["uid"], [user.pw_uid] * 3)
        self.assertEqual(got["gid"], [user.pw_gid] * 3)
        self.assertEqual(set(got["groups"]), set(os.getgrouplist("nobody", user.pw_gid)))
        self.assertEqual(int(got["caps"], 16), 0)
        self.assertEqual(got["env"], {"HOME": user.pw_dir, "USER": "nobody", "LOGNAME": "nobody",
                                      "SHELL": user.pw_shell})

    def test_sudo_user_ids(self):
        for env, want in (({"SUDO_UID": "65534", "SUDO_GID": "65534"}, "65534 65534\n"),
                          ({"SUDO_UID": "54321", "SUDO_GID": "54322"}, "54321 54322\n"),
                          ({"SUDO_UID": "0", "SUDO_GID": "0"}, "0 0\n")):
            done = self.run_weir("sh", "-c", "echo $(id -u) $(id -g)", env=dict(os.environ, **env))
            self.assert_status(done, 0)
            self.assertEqual(done.stdout, want)

    def test_malformed_sudo_user_is_not_root(self):
        for uid in ("", "x", "-1", "4294967295", "99999999999", "1 "):
            done = self.run_weir("id", env=dict(os.environ, SUDO_UID=uid, SUDO_GID="1"))
            self.assert_status(done, 125)
            self.assertEqual(done.stdout, "")
        env = dict(os.environ, SUDO_UID="1")
        env.pop("SUDO_GID", None)
        self.assert_status(self.run_weir("id", env=env), 125)

    def test_user_option(self):
        env = dict(os.environ, SUDO_UID="54321", SUDO_GID="54321")
        for name in ("nobody", "65534"):
            done = self.run_weir("id", "-un", options=["--user", name], env=env)
            self.assert_status(done, 0)
            self.assertEqual(done.stdout, "nobody\n")
        self.assert_status(self.run_weir("id", options=["--user", "no-such-user"]), 125)

    def test_limits_and_privileges(self):
        got = self.report()
        self.assertEqual(got["core"], [1, 1])
        self.assertEqual(got["nnp"], "1")
        self.assertEqual(got["pgrp"], os.getpgrp())
        self.assertEqual(got["sid"], os.getsid(0))

    def test_signals_as_weir_got_them(self):
        def ignore():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

        done = subprocess.run(self.argv("grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"),
                              stdout=subprocess.PIPE, text=True, preexec_fn=ignore,
                              restore_signals=False, check=False)
        self.assertEqual(done.returncode, 0)
        blocked, ignored = (int(line.split()[1], 16) for line in done.stdout.splitlines())
        self.assertEqual(blocked, 1 << signal.SIGUSR1 - 1)
        for number in (signal.SIGCHLD, signal.SIGUSR2):
            self.assertTrue(ignored & 1 << number - 1)

    def test_descriptors(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        os.set_inheritable(read, True)
        done = subprocess.run(self.argv("ls", "/proc/self/fd"), pass_fds=(read,),
                              stdout=subprocess.PIPE, text=True, check=True)
        # 3 is the folder ls reads
        self.assertEqual(done.stdout.split(), ["0", "1", "2", "3"])

    def test_closed_standard_descriptors(self):
        out = self.dir / "out"
        script = f"readlink /proc/self/fd/0 > {out}; readlink /proc/self/fd/2 >> {out}"
        subprocess.run(["sh", "-c", 'exec "$@" <&- 2>&-', "sh", *self.argv("sh", "-c", script)],
                       check=True)
        self.assertEqual(out.read_text(), "/dev/null\n/dev/null\n")
        attach = [r for r in self.records() if r["type"] == "scope.attach"][0]
        self.assertEqual(list(attach["detail"]["descriptors"]), ["1"])

    def test_cgroup(self):
        done = self.run_weir("grep", "^0::", "/proc/self/cgroup")
        path = done.stdout.strip()[3:]
        self.assertRegex(path, r"/weir-run-\d+-[0-9a-f]{8}$")
        self.assertEqual(self.records()[0]["scope"]["cgroup"], path)


# prints what it gets; USR2 ends it
LISTEN = """
import os, signal
got = []
for name in ("INT", "TERM", "HUP", "QUIT", "USR1", "WINCH", "ALRM", "RTMIN"):
    signal.signal(getattr(signal, "SIG" + name), lambda n, f: got.append(n))
signal.signal(signal.SIGUSR2, lambda n, f: (print(sorted(got), flush=True), os._exit(5)))
print("ready", flush=True)
while True:
    signal.pause()
"""


class Signals(Case):
    def test_passed_on(self):
        process = self.start_weir(*python(LISTEN))
        read_until(process.stdout.fileno(), b"ready")
        sent = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
                signal.SIGWINCH, signal.SIGALRM, signal.SIGRTMIN]
        for number in sent:
            process.send_signal(number)
        process.send_signal(signal.SIGUSR2)
        out, _ = process.communicate()
        # the lowest waiting number comes first: only those below USR2, and WINCH may be late
        got = json.loads(out)
        self.assertTrue({1, 2, 3, 10} <= set(got), got)
        self.assertEqual(len(got), len(set(got)))
        self.assertEqual(process.returncode, 5)

    def test_ended_by_a_signal_passed_on(self):
        process = self.start_weir("sh", "-c", "echo ready; exec sleep 1000")
        read_until(process.stdout.fileno(), b"ready")
        process.terminate()
        process.communicate()
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)

    def test_own_signals_do_not_come_back(self):
        """What the command sends to its process group reaches it once."""
        done = subprocess.run(self.argv(*python("""
import os, signal
got = []
signal.signal(signal.SIGUSR1, lambda n, f: got.append(n))
os.kill(0, signal.SIGUSR1)
# passed on in order: had weir sent the first one too, it would come before this one
signal.signal(signal.SIGUSR2, lambda n, f: (print(len(got), flush=True), os._exit(0)))
os.posix_spawn("/bin/sh", ["sh", "-c", "kill -USR2 $PPID"], os.environ)
while True:
    signal.pause()
""")), stdout=subprocess.PIPE, text=True, start_new_session=True, check=False)
        self.assertEqual(done.stdout, "1\n")
        self.assertEqual(done.returncode, 0)
