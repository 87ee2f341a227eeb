# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
What `weir reload` takes with the largest policy there may be, and how long a connect of who is
confined takes at most meanwhile. In mount and network namespaces of its own.
"""

import contextlib
import pathlib
import statistics
import subprocess
import time

import files
import network
import policies
from weir import WEIR, WITHOUT, cgroup2, say

ADDRESSES = max(network.SIZES)
PATTERNS = max(files.SIZES)
TIMES = 5
RELOAD_MAX_MS = 2000

# connects until its input ends, then tells how long one took at most
CONNECTS = """import select, socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
longest = 0
print(flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    began = time.monotonic_ns()
    client = socket.create_connection(server.getsockname())
    longest = max(longest, time.monotonic_ns() - began)
    server.accept()[0].close()
    client.close()
print(longest, flush=True)
"""


class Daemon:
    """With a policy that is in force on a cgroup of its own."""

    def __init__(self, folder, text):
        self.policy = folder / "bench.yaml"
        self.policy.write_text(text)
        self.socket = folder / "control.sock"
        config = folder / "weir.yaml"
        config.write_text(f"version: 1\npolicies: [{folder}]\nlog: {folder}/log.jsonl\n"
                          f"socket: {self.socket}\n")
        folder.chmod(0o700)
        self.cgroup = pathlib.Path(cgroup2()) / f"weir-bench-{folder.name}"
        self.cgroup.mkdir()
        self.process = subprocess.Popen([WEIR, "daemon", "--config", config],
                                        stderr=subprocess.PIPE, text=True)
        while "ready" not in (line := self.process.stderr.readline()):
            if not line:
                raise RuntimeError("the daemon does not start")
        self.ask("attach", "--policy", "bench", "--cgroup", f"/{self.cgroup.name}",
                 *[f"--without={section}" for section in WITHOUT])

    def ask(self, *words):
        subprocess.run([WEIR, *words], check=True, env={"WEIR_SOCKET": str(self.socket)},
                       stdout=subprocess.DEVNULL)

    def reload_ms(self, text):
        self.policy.write_text(text)
        began_ns = time.monotonic_ns()
        self.ask("reload", "bench")
        return (time.monotonic_ns() - began_ns) / 1e6

    @contextlib.contextmanager
    def connects(self):
        """Yields a list that has the longest time of one, in milliseconds, in the end."""
        found = []
        process = subprocess.Popen(["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"',
                                    self.cgroup, "/usr/bin/python3", "-c", CONNECTS],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        yield found
        found.append(int(process.communicate()[0]) / 1e6)

    def end(self):
        self.ask("detach", "--cgroup", f"/{self.cgroup.name}")
        self.process.terminate()
        self.process.communicate()
        self.cgroup.rmdir()


def reload_add(report, folder):
    folder = folder / "reload"
    folder.mkdir()
    # a daemon's own, not that of this machine
    subprocess.run(["mkdir", "-p", "/run/weir"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", "/run/weir"], check=True)
    subprocess.run(["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"], check=True)
    name = f"{ADDRESSES:,} addresses and {PATTERNS:,} path patterns"
    say(f"reload: {name}")
    text = policies.large(ADDRESSES, [f"{files.USED}/**"], *files.named(PATTERNS))
    texts = [text.replace("name: bench", f"name: bench\nidentity: {{turn: t{i}}}") for i in range(2)]
    one = Daemon(folder, text)
    try:
        with one.connects() as longest:
            took = [one.reload_ms(texts[i % 2]) for i in range(TIMES)]
        report.add(f"weir reload, {name}", statistics.median(took), "ms",
                   target=("value", RELOAD_MAX_MS), most=max(took))
        report.add("connect+close meanwhile, the longest", longest[0], "ms")
    finally:
        one.end()
