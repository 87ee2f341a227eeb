# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Exit statuses, and what is said with them."""

import os

from harness import Case, subprocess


class Status(Case):
    def test_command_status(self):
        self.assert_status(self.run_weir("true"), 0)
        self.assert_status(self.run_weir("sh", "-c", "exit 7"), 7)

    def test_signal_status(self):
        self.assert_status(self.run_weir("sh", "-c", "kill -TERM $$"), 128 + 15)
        self.assert_status(self.run_weir("sh", "-c", "kill -KILL $$"), 128 + 9)

    def test_not_executable(self):
        plain = self.file("plain", "#!/bin/sh\nexit 0\n", 0o644)
        self.assert_status(self.run_weir(plain), 126)
        self.assert_status(self.run_weir(self.dir), 126)
        no_shell = self.file("script", "#!/nowhere/at/all\n", 0o755)
        self.assert_status(self.run_weir(no_shell), 126)

    def test_not_found(self):
        done = self.run_weir("no-such-command-at-all")
        self.assert_status(done, 127)
        self.assertIn("cannot find no-such-command-at-all", done.stderr)
        self.assert_status(self.run_weir("/no/such/command"), 127)

    def test_path_search(self):
        first, second = self.dir / "first", self.dir / "second"
        first.mkdir()
        second.mkdir()
        self.file("first/tool", "#!/bin/sh\necho first\n", 0o644)
        self.file("second/tool", "echo second\n", 0o755)  # no "#!": the shell's
        env = dict(os.environ, PATH=f"{first}:{second}:/usr/bin:/bin")
        done = self.run_weir("tool", env=env)
        self.assert_status(done, 0)
        self.assertEqual(done.stdout, "second\n")
        env["PATH"] = str(first)
        self.assert_status(self.run_weir("tool", env=env), 126)

    def test_first_word_ends_options(self):
        done = subprocess.run([self.weir, "run", "--policy", self.policy, "--log", self.log,
                               "echo", "--policy", "-n"], stdout=subprocess.PIPE, text=True,
                              check=True)
        self.assertEqual(done.stdout, "--policy -n\n")

    def test_usage_errors_of_run_are_125(self):
        for args in (["run"], ["run", "--policy", self.policy], ["run", "--nonsense"],
                     ["run", "true"], ["run", "--policy", self.policy, "--mode", "loud", "true"],
                     ["run", "--policy", self.policy, "--without", "network", "true"],
                     ["run", "--policy", self.policy, "--set", "novalue", "true"]):
            self.assert_status(self.call(*args), 125)

    def test_usage_errors_elsewhere_are_2(self):
        for args in ([], ["nonsense"], ["--nonsense"], ["check"], ["check", "--nonsense"],
                     ["doctor", "more"], ["attach"], ["detach"], ["status", "more"],
                     ["attach", "--policy", "p", "--pid", "x"], ["reload", "--nonsense"],
                     ["daemon", "more"]):
            self.assert_status(self.call(*args), 2)

    def test_help_and_version(self):
        for args in (["--help"], ["--version"], ["run", "--help"], ["check", "--help"],
                     ["doctor", "--help"], ["daemon", "--help"], ["attach", "--help"],
                     ["detach", "--help"], ["reload", "--help"], ["status", "--help"]):
            done = self.call(*args)
            self.assert_status(done, 0)
            self.assertTrue(done.stdout)
            self.assertEqual(done.stderr, "")

    def test_full_standard_output_is_a_failure(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([self.weir, "--version"], stdout=full, stderr=subprocess.PIPE,
                                  check=False)
        self.assertEqual(done.returncode, 1)


class Refused(Case):
    def test_policy(self):
        done = self.run_weir("true", policy="no-such-policy")
        self.assert_status(done, 125)
        self.assertIn('no policy "no-such-policy"', done.stderr)
        broken = self.file("broken.yaml", "version: 1\nname: x\nnonsense: 1\n")
        done = self.run_weir("echo", "ran", policy=broken)
        self.assert_status(done, 125)
        self.assertIn("broken.yaml:3:1", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_parameters(self):
        policy = self.file("p.yaml", self.policy.read_text() +
                           "parameters: {place: {description: a place}}\n")
        self.assert_status(self.run_weir("true", policy=policy), 125)
        self.assert_status(self.run_weir("true", policy=policy, options=["--set", "place=/x"]), 0)
        self.assert_status(self.run_weir("true", options=["--set", "place=/x"]), 125)
        attach = [r for r in self.records() if r["type"] == "scope.attach"]
        self.assertEqual(attach[0]["detail"]["parameters"], {"place": "/x"})

    def test_label_of_the_identity(self):
        done = self.run_weir("true", options=["--label", "agent=other"])
        self.assert_status(done, 125)
        self.assertIn("identity", done.stderr)

    def test_log(self):
        for log in ("/dev/full", "/proc/nowhere/log", self.dir):
            done = self.run_weir("echo", "ran", log=log)
            self.assert_status(done, 125)
            self.assertEqual(done.stdout, "")

    def test_ordinary_user(self):
        self.dir.chmod(0o777)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               *self.argv("echo", "ran")], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        self.assert_status(done, 125)
        self.assertIn("sudo", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_unenforceable(self):
        policy = self.file("hosts.yaml", self.policy.read_text().replace(
            "addresses: [loopback]", "hosts: [registry.example.com]"))
        done = self.run_weir("echo", "ran", policy=policy)
        self.assert_status(done, 125)
        self.assertIn("hosts.yaml", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_sections_without_lsm(self):
        """Where the kernel has no BPF LSM each section is named, and can be given up; elsewhere none is."""
        policy = self.file("absent.yaml", "version: 1\nname: absent\n")
        doctor = self.call("doctor").stdout
        lsm = " yes" in next(line for line in doctor.splitlines() if line.split()[0] == "lsm")
        done = self.run_weir("true", policy=policy)
        if lsm:
            self.assertIn(done.returncode, (0, 126))
            return
        self.assert_status(done, 125)
        without = []
        for section in ("files", "guard", "unix", "listen"):
            self.assertIn(f"--without {section}", done.stderr)
            without += ["--without", section]
        self.assert_status(self.run_weir("true", policy=policy, options=without[2:]), 125)
        self.assert_status(self.run_weir("true", policy=policy, options=without), 0)
        for record in self.records():
            self.assertEqual(record["detail"]["without"], ["listen", "unix", "files", "guard"])


class Check(Case):
    def test_good_and_bad(self):
        bad = self.file("bad.yaml", "version: 1\nname: x\nmode: loud\nnonsense: 1\n")
        done = self.call("check", self.policy)
        self.assert_status(done, 0)
        self.assertIn("ok (policy e2e, 1 rules", done.stdout)
        done = self.call("check", bad, self.policy)
        self.assert_status(done, 1)
        self.assertIn("bad.yaml:3:7", done.stderr)
        self.assertIn("bad.yaml:4:1", done.stderr)
        self.assertIn("open.yaml: ok", done.stdout)

    def test_doctor(self):
        done = self.call("doctor")
        self.assertIn(done.returncode, (0, 1))
        for word in ("network", "files", "listen", "unix", "guard", "names", "cgroup2", "btf"):
            self.assertIn(word, done.stdout)
        self.assertEqual(self.call("doctor", "--json").returncode, done.returncode)
