# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`weir daemon --remove`, where somebody lives; tests of takeover do the rest."""

from daemon_harness import DaemonCase
from harness import WAIT_S


class Remove(DaemonCase):
    def remove(self):
        return self.call("daemon", "--remove", "--config", str(self.dir / "weir.yaml"))

    def test_refuses_while_somebody_lives(self):
        self.daemon()
        done = self.remove()
        self.assert_status(done, 1)
        self.assertIn(str(self.daemon_pid()), done.stderr)
        self.daemon_stop()
        process = self.start_weir("cat", log=self.dir / "run.jsonl")
        process.stdin.write(b"x\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"x\n")
        done = self.remove()
        self.assert_status(done, 1)
        self.assertIn(str(process.pid), done.stderr)
        process.communicate(timeout=WAIT_S)
        self.assert_status(self.remove(), 0)
        self.assertEqual(sorted(self.bpffs.glob("weir/*")), [])
