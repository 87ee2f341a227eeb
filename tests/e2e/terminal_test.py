# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A command keeps its terminal: its signals, stopping and continuing, shells inside."""

import os
import pty
import shlex
import signal

from harness import (WAIT_S, Case, cgroup_mount, pathlib, python, read_until, subprocess,
                     wait_end)

# counts what it gets; USR2 ends it
COUNT = """
import os, signal
got = []
for name in ("INT", "QUIT", "WINCH"):
    signal.signal(getattr(signal, "SIG" + name), lambda n, f: got.append(n))
signal.signal(signal.SIGUSR2, lambda n, f: (print("got", sorted(got), "end", flush=True), os._exit(0)))
print("ready", flush=True)
while True:
    signal.pause()
"""


class Terminal(Case):
    def spawn(self, *argv):
        """Starts a program as the leader of a session with a terminal of its own."""
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(PS1="outer> ", PS2="", TERM="dumb", HISTFILE="/dev/null")
            os.execvp(argv[0], argv)
        self.addCleanup(self.hang_up, pid, fd)
        return pid, fd

    @staticmethod
    def hang_up(pid, fd):
        os.close(fd)
        wait_end(pid)
        os.waitpid(pid, 0)

    def shell(self):
        _, fd = self.spawn("bash", "--norc", "--noprofile", "-i")
        read_until(fd, b"outer> ")
        return fd

    @staticmethod
    def line(fd, text):
        os.write(fd, text.encode() + b"\n")

    def command(self, *argv, **kwargs):
        return " ".join(shlex.quote(word) for word in self.argv(*argv, **kwargs))

    def test_terminal_signals_reach_the_command_once(self):
        pid, fd = self.spawn(*self.argv(*python(COUNT)))
        read_until(fd, b"ready")
        os.write(fd, b"\x03\x1c")
        # shown after the signal and after what it throws away: output that was on its way
        read_until(fd, b"^\\")
        os.kill(pid, signal.SIGUSR2)
        self.assertIn(b"got [2, 3] end", read_until(fd, b" end"))

    def test_input_cannot_be_pushed_into_the_terminal(self):
        push = """
import errno, fcntl, termios
TIOCLINUX = 0x541C
for request, argument in ((termios.TIOCSTI, b"x"), (termios.TIOCSTI | 1 << 32, b"x"),
                          (TIOCLINUX, b"\\x03")):
    try:
        if request >> 32:
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.syscall(16, ctypes.c_long(0), ctypes.c_long(request), ctypes.c_char_p(b"x")):
                raise OSError(ctypes.get_errno(), "ioctl")
        else:
            fcntl.ioctl(0, request, argument)
        print("pushed", hex(request))
    except OSError as error:
        print(errno.errorcode[error.errno])
print("done", flush=True)
"""
        _, fd = self.spawn(*self.argv(*python(push)))
        out = read_until(fd, b"done")
        self.assertEqual(out.count(b"EPERM"), 3, out)
        self.assertNotIn(b"pushed", out)

    def test_filter_where_a_terminal_can_be_reached(self):
        """All system calls pay for it: not where none is shared and no right to others' is held."""
        show = ["grep", "Seccomp:", "/proc/self/status"]
        for options, wanted in (([], "2"), (["--user", "nobody"], "0")):
            done = subprocess.run(self.argv(*show, options=options), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=WAIT_S, check=True, start_new_session=True)
            self.assertEqual(done.stdout.split(), ["Seccomp:", wanted])
        _, fd = self.spawn(*self.argv(*show, options=["--user", "nobody"]))
        read_until(fd, b"Seccomp:\t2")

    def test_stop_and_continue(self):
        script = self.file("wait.sh", "echo started $((6 * 7)); while read word; do "
                                      "echo \"heard $word.\"; done; exit 9\n")
        fd = self.shell()
        self.line(fd, self.command("sh", script))
        read_until(fd, b"started 42")
        os.write(fd, b"\x1a")
        self.assertIn(b"Stopped", read_until(fd, b"outer> "))
        self.line(fd, "fg")
        self.line(fd, "again")
        read_until(fd, b"heard again.")
        os.write(fd, b"\x04")
        read_until(fd, b"outer> ")
        self.line(fd, "echo status=$?.")
        read_until(fd, b"status=9.")

    def test_stop_by_weir(self):
        """A SIGTSTP that a process sends to weir alone stops the command, and so weir."""
        fd = self.shell()
        self.line(fd, self.command("sh", "-c", "trap 'echo on $((6 * 8))' CONT; "
                                               "echo started $((6 * 7)); while :; do read x; done"))
        read_until(fd, b"started 42")
        os.kill(self.running(), signal.SIGTSTP)
        self.assertIn(b"Stopped", read_until(fd, b"outer> "))
        self.line(fd, "fg")
        read_until(fd, b"on 48")    # the shell has given the terminal by then
        os.write(fd, b"\x03")
        read_until(fd, b"outer> ")
        self.line(fd, "echo status=$?.")
        read_until(fd, b"status=130.")

    def running(self):
        """The weir that writes this test's log: its name stands in the cgroup's."""
        return int(self.records()[0]["scope"]["cgroup"].rpartition("/")[2].split("-")[2])

    def test_shell_inside(self):
        fd = self.shell()
        self.line(fd, "PS1='inner> ' " + self.command("bash", "--norc", "--noprofile", "-i"))
        read_until(fd, b"inner> ")
        self.line(fd, "sleep 1000")
        # its own line back, then the job must hold the terminal before ^Z means it
        self.wait_foreground(fd, "sleep")
        os.write(fd, b"\x1a")
        self.assertIn(b"Stopped", read_until(fd, b"inner> "))
        self.line(fd, "fg")
        self.wait_foreground(fd, "sleep")
        os.write(fd, b"\x03")
        read_until(fd, b"inner> ")
        self.line(fd, "exit 4")
        read_until(fd, b"outer> ")
        self.line(fd, "echo status=$?.")
        read_until(fd, b"status=4.")

    @staticmethod
    def wait_foreground(fd, name):
        """Until the terminal's foreground process group is led by a program of this name."""
        while True:
            leader = os.tcgetpgrp(fd)
            try:
                comm = pathlib.Path(f"/proc/{leader}/comm").read_text().strip()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if comm == name:
                return
            os.sched_yield()

    def test_ended_with_the_terminal(self):
        """A hang-up ends the command, and weir cleans up though it has no terminal any more."""
        pid, fd = pty.fork()
        if pid == 0:
            argv = self.argv("sh", "-c", "echo ready; exec sleep 1000")
            os.execvp(argv[0], argv)
        read_until(fd, b"ready")
        cgroup = cgroup_mount() / self.records()[0]["scope"]["cgroup"][1:]
        self.assertTrue(cgroup.exists())
        os.close(fd)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 128 + signal.SIGHUP)
        self.assertFalse(cgroup.exists())
        self.assertEqual(self.records()[-1]["type"], "agent.stop")
