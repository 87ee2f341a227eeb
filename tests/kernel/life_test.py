# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Policies that end, weir that is killed, sections that are open or given up."""

import time

from support import Runs, WAIT_S, errno, outside, policy_text, put, select, unittest

PORT = 4200
CONNECT = ("tcp", "127.0.0.1", PORT)
LOCAL = """  allow:
    - name: local
      addresses: [loopback]
"""


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Life(Runs):
    port = PORT

    def test_ended(self):
        """It allows nothing, so nothing can be started, though files were unrestricted."""
        with self.assertRaises(AssertionError) as caught:
            self.confined(policy_text(LOCAL, head="expires: 2020-01-01T00:00:00Z\n"))
        self.assertIn("ended: 126", str(caught.exception))

    def test_ended_without_files(self):
        confined = self.confined(policy_text(LOCAL, head="expires: 2020-01-01T00:00:00Z\n"),
                                 "--without", "files")
        self.refused(confined, errno.EPERM, *CONNECT)
        denied = [record for record in self.end(confined) if record.get("verdict") == "deny"]
        self.assertEqual([record["reason"] for record in denied], ["expired"])

    def test_ends_while_it_runs(self):
        end = int(time.time()) + 30
        confined = self.confined(policy_text(LOCAL, head=f"expires: {stamp(end)}\n"))
        confined.call(*CONNECT)
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            try:
                asked = time.time()
                confined.call(*CONNECT)
                self.assertLess(asked, end + 0.1, "allowed after its end")
            except PermissionError:
                break
            select.select([], [], [], 0.1)
        self.assertGreaterEqual(time.time(), end)
        self.refused(confined, errno.EPERM, *CONNECT)
        self.refused(confined, errno.EACCES, "read", "/etc/hostname")
        # by time, for denials are read first
        flows = sorted((record for record in self.end(confined)
                        if record["type"] == "network.connect"), key=lambda flow: flow["time"])
        self.assertEqual(flows[0]["reason"], "rule")
        self.assertEqual((flows[-1]["verdict"], flows[-1]["reason"]), ("deny", "expired"))

    def test_killed(self):
        """kill -9 of weir: its workload has ended or is as confined as before."""
        confined = self.confined(policy_text(LOCAL.replace("loopback", "127.0.0.2")))
        cgroup = confined.cgroup
        self.refused(confined, errno.EPERM, *CONNECT)
        confined.kill()
        try:
            self.refused(confined, errno.EPERM, *CONNECT)
            self.refused(confined, errno.EPERM, "forked", *CONNECT)
        except AssertionError as error:
            self.assertIn("has ended", str(error))
        # what is left of it goes with the next run
        self.end(self.confined(policy_text(LOCAL)))
        self.assertFalse(cgroup.exists())
        outside().call(*CONNECT)

    def test_everything_open(self):
        path = put("/scratch/weir-open")
        confined = self.confined(policy_text(audit="  record: [network, execute, files]\n"))
        confined.call(*CONNECT)
        confined.call("write", path)
        records = self.end(confined)
        opened = [record for record in records if record.get("file", {}).get("path") == path]
        self.assertEqual([(record["verdict"], record["reason"]) for record in opened],
                         [("allow", "unrestricted")])
        connected = [record for record in records if record["type"] == "network.connect"]
        self.assertEqual([record["reason"] for record in connected], ["unrestricted"])

    def test_files_given_up(self):
        path = put("/scratch/weir-open")
        confined = self.confined(policy_text(LOCAL, "\n  allow:\n    - name: none\n"
                                             "      paths: [/nowhere]\n").replace("files:\n\n",
                                                                                 "files:\n"),
                                 "--without", "files")
        confined.call("write", path)
        confined.call(*CONNECT)
        self.refused(confined, errno.EPERM, "tcp", "192.0.2.1", PORT)
        self.end(confined)

    def test_files_absent(self):
        """Nothing may be opened, so nothing can be started."""
        with self.assertRaises(AssertionError) as caught:
            self.confined(policy_text(LOCAL).replace("files: unrestricted\n", ""))
        self.assertIn("ended: 126", str(caught.exception))

    def test_two_at_once(self):
        one = self.confined(policy_text(LOCAL.replace("loopback", "127.0.0.1")))
        two = self.confined(policy_text(LOCAL.replace("loopback", "127.0.0.2")))
        for _ in range(50):
            one.call("tcp", "127.0.0.1", PORT)
            two.call("tcp", "127.0.0.2", PORT)
            self.refused(one, errno.EPERM, "tcp", "127.0.0.2", PORT)
            self.refused(two, errno.EPERM, "tcp", "127.0.0.1", PORT)
        self.end(one)
        self.refused(two, errno.EPERM, "tcp", "127.0.0.1", PORT)
        self.end(two)


if __name__ == "__main__":
    unittest.main()
