# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Containers confined by `weir oci-hook`, with crun and runc. They need cgroup2 alone and BPF LSM,
so that this is skipped elsewhere; in a guest: scripts/vm -- tests/e2e/run_native.sh
"""

import json
import pathlib
import shutil
import subprocess
import unittest

from daemon_harness import DaemonCase
from harness import OPEN, WAIT_S, cgroup_mount

BUSYBOX = "/usr/bin/busybox"

CONTAINED = OPEN.replace("addresses: [loopback]", "addresses: [192.0.2.1]").replace(
    "files: unrestricted\nguard: unrestricted", """files:
  allow:
    - name: programs
      paths: [/bin/busybox, /bin/sh]
      access: [read, execute]
    - name: devices
      paths: [/dev/null]
      access: [read, write]
""")


def enforced():
    lsm = pathlib.Path("/sys/kernel/security/lsm")
    return lsm.exists() and "bpf" in lsm.read_text() and cgroup_mount() == pathlib.Path(
        "/sys/fs/cgroup")


@unittest.skipUnless(enforced(), "needs BPF LSM and cgroup2 at /sys/fs/cgroup")
class Containers(DaemonCase):
    runtime = None
    hook_args = ()

    def setUp(self):
        if not self.runtime:
            self.skipTest("a base of others")
        super().setUp()
        self.policy_write("contained", CONTAINED)
        root = self.dir / "bundle/rootfs"
        for folder in ("bin", "proc", "dev", "sys", "tmp"):
            (root / folder).mkdir(parents=True)
        for name in ("busybox", "sh", "other"):
            shutil.copy(BUSYBOX, root / "bin" / name)
        subprocess.run(["runc", "spec"], cwd=self.dir / "bundle", check=True)
        self.spec = json.loads((self.dir / "bundle/config.json").read_text())
        # only the policy is in the way
        self.spec["root"]["readonly"] = False
        for capabilities in self.spec["process"]["capabilities"].values():
            capabilities.append("CAP_SYS_ADMIN")

    def container(self, *command, annotations=None, options=(), socket=None):
        """Runs one to its end, in the network of the host."""
        spec = self.spec
        spec["process"].update(terminal=False, args=list(command))
        spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"]
                                       if n["type"] != "network"]
        spec["linux"]["cgroupsPath"] = f"{self.name(self.top())}/c1"
        spec["annotations"] = {"io.weir.policy": "contained"} if annotations is None else annotations
        spec["hooks"] = {"createRuntime": [{
            "path": self.weir, "args": ["weir", "oci-hook", *options],
            "env": [f"WEIR_SOCKET={socket or self.socket}"]}]}
        (self.dir / "bundle/config.json").write_text(json.dumps(spec))
        return subprocess.run([self.runtime, "--root", str(self.dir / "state"), "run", "c1"],
                              cwd=self.dir / "bundle", text=True, check=False, timeout=WAIT_S,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL)

    def assert_refused(self, done, said):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("it runs", done.stdout)
        self.assertIn(said, done.stderr)

    def test_confined_from_the_first_instruction(self):
        self.daemon()
        connect = ("/bin/busybox", "nc", "127.0.0.1", str(self.port), "-e", "/bin/true")
        done = self.container("/bin/busybox", "echo", "it runs", annotations={})
        self.assertEqual((done.returncode, done.stdout), (0, "it runs\n"), done.stderr)
        done = self.container("/bin/busybox", "echo", "it runs")
        self.assertEqual((done.returncode, done.stdout), (0, "it runs\n"), done.stderr)
        done = self.container(*connect)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Operation not permitted", done.stderr)
        for script, said in (("exec /bin/other echo it runs", "not permitted"),
                             ("echo it runs > /tmp/x", "Permission denied"),
                             ("busybox mount -t tmpfs tmpfs /tmp", "permission denied"),
                             ("busybox unshare -m /bin/sh -c true", "not permitted")):
            done = self.container("/bin/sh", "-c", f"echo begun; {script}",
                                  annotations={"io.weir.policy": "contained",
                                               "io.weir.label.image": "busybox"})
            self.assertEqual(done.stdout, "begun\n", script + done.stderr)
            self.assertIn(said.lower(), done.stderr.lower())
        # the program itself is decided, too
        self.assertNotEqual(self.container("/bin/other", "echo", "it runs").stdout, "it runs\n")
        self.wait(lambda: not self.scopes())
        self.daemon_stop()
        records = self.records()
        denied = [r for r in records if r.get("verdict") == "deny"]
        self.assertLessEqual({"network.connect", "file.create", "guard.mount", "guard.namespace"},
                             {r["type"] for r in denied})
        self.assertIn("busybox", {r["identity"].get("image") for r in denied})
        # what the runtime did before was not the container's doing
        self.assertEqual({r["process"]["comm"] for r in denied if "guard" in r["type"]},
                         {"busybox"})

    def test_what_is_wrong_keeps_it_from_starting(self):
        echo = ("/bin/busybox", "echo", "it runs")
        self.assert_refused(self.container(*echo), "")
        self.daemon()
        self.assert_refused(self.container(*echo, annotations={"io.weir.policy": "nothing"}), "")
        self.assert_refused(self.container(*echo, annotations={"io.weir.police": "contained"}), "")
        self.assert_refused(self.container(*echo, annotations={}, options=["--require"]), "")
        self.assert_refused(self.container(*echo, options=["--policy", "open"]), "")
        self.assert_refused(self.container(*echo, options=["--policy", "contained"], annotations={
            "io.weir.set.workspace": "/"}), "")
        done = self.container(*echo, annotations={}, options=["--policy", "contained", "--require"])
        self.assertEqual((done.returncode, done.stdout), (0, "it runs\n"), done.stderr)
        done = self.container("/bin/other", "echo", "it runs", annotations={},
                              options=["--policy", "contained"])
        self.assertNotEqual(done.returncode, 0)
        self.wait(lambda: not self.scopes())


class Crun(Containers):
    runtime = "crun"


class Runc(Containers):
    runtime = "runc"


del Containers
