# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A daemon that is killed and taken over, also by another build, under opens and connects."""

import ipaddress
import random
import re
import tempfile

from support import (CGROUPS, PYTHON, SHARE, SHARES, WAIT_S, WEIR, json, os, pathlib, policy_text,
                     select, subprocess, unittest)

KILLS = 194 if SHARE == 1 % SHARES else 3   # 200 over three guests
DENIED = "/scratch/weir-takeover/no"
NETWORK = """  allow: [{name: here, addresses: [127.0.0.1]}]
  listen: unrestricted
  unix: unrestricted
"""
FILES = f"""  allow:
    - name: all
      paths: [/**]
      access: [read, write, create, delete, execute]
  deny:
    - name: secret
      paths: ["{DENIED}/**"]
"""

# Makes files and connects, every second time where it must not, until its input ends; then tells
# how often it has tried, and how many decisions of files and of connects were wrong.
LOAD = """import ipaddress, os, select, socket, sys

def made(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))

def connected(number):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((str(ipaddress.ip_address("127.0.0.1") + number), 9))

def happens(what, *args):
    try:
        what(*args)
    except PermissionError:
        return False
    return True

number = files = connects = 0
print("runs", flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    number += 1
    files += happens(made, f"{sys.argv[1]}/no/{number}") + (not happens(made, sys.argv[1] + "/yes"))
    connects += happens(connected, number) + (not happens(connected, 0))
print(number, files, connects, flush=True)
"""


class Takeover(unittest.TestCase):
    when = "last"

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="weir-takeover-"))
        os.makedirs(DENIED, exist_ok=True)
        self.log = self.dir / "log.jsonl"
        (self.dir / "files.yaml").write_text(policy_text(NETWORK, FILES))
        self.config = self.dir / "weir.yaml"
        # what is denied while programs are loaded anew, which takes a minute on 7.2, has to wait
        self.config.write_text(f"version: 1\nlog: {self.log}\npolicies: [{self.dir}]\n"
                               "rings: {denied: 67108864, allowed: 67108864}\n")
        self.cgroup = CGROUPS / "weir-takeover"
        self.cgroup.mkdir()
        self.process = None
        self.addCleanup(self.end)

    def end(self):
        (self.cgroup / "cgroup.kill").write_text("1")
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(WAIT_S)
        subprocess.run([WEIR, "daemon", "--remove", "--config", self.config], check=True,
                       timeout=WAIT_S)
        self.cgroup.rmdir()

    def start(self, weir=WEIR):
        """Returns when the daemon answers."""
        self.process = subprocess.Popen([weir, "daemon", "--config", self.config],
                                        stderr=subprocess.PIPE)
        said = b""
        while line := self.process.stderr.readline():
            if b"ready" in line:
                return
            said += line
        self.fail(f"the daemon has ended with {self.process.wait()}: {said.decode()}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def another_build(self):
        data = WEIR.read_bytes()
        name = re.search(rb"\bbuild-[0-9a-f]{12}\b", data).group()
        path = self.dir / "weir"
        path.write_bytes(data.replace(name, b"build-" + b"f" * 12))
        path.chmod(0o755)
        return path

    def load(self):
        load = subprocess.Popen([PYTHON, "-c", LOAD, os.path.dirname(DENIED)], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        (self.cgroup / "cgroup.procs").write_text(str(load.pid))
        self.assertEqual(load.stdout.readline(), "runs\n")
        return load

    def denials(self):
        # the last line may be half written
        lines = self.log.read_text().rpartition("\n")[0].splitlines()
        records = [json.loads(line) for line in lines]
        self.assertEqual([r["seq"] for r in records], list(range(1, len(records) + 1)))
        self.assertEqual([r for r in records if r["type"] == "audit.lost"], [])
        denied = [r for r in records if r.get("verdict") == "deny"]
        return ([int(os.path.basename(r["file"]["path"])) for r in denied if "file" in r],
                [int(ipaddress.ip_address(r["destination"]["address"])) -
                 int(ipaddress.ip_address("127.0.0.1")) for r in denied if "destination" in r])

    def test_every_denial_is_recorded_once(self):
        self.start()
        load = self.load()
        subprocess.run([WEIR, "attach", "--policy", "files", "--cgroup", "/weir-takeover"],
                       check=True, timeout=WAIT_S)
        while not all(self.denials()):
            select.select([], [], [], 0.1)
        file, connect = (numbers[0] for numbers in self.denials())   # the first that were confined
        rng = random.Random(KILLS)
        for weir in [WEIR] * KILLS + [self.another_build()]:
            select.select([], [], [], rng.uniform(0, 0.3))
            self.kill()
            select.select([], [], [], rng.uniform(0, 0.3))
            self.start(weir)
        number, *wrong = map(int, load.communicate("", WAIT_S)[0].split())
        self.assertEqual(wrong, [file - 1, connect - 1])
        self.process.terminate()
        self.assertEqual(self.process.wait(WAIT_S), 0)
        self.assertEqual(self.denials(), (list(range(file, number + 1)),
                                          list(range(connect, number + 1))))
