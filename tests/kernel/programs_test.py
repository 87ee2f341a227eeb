# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""curl, python3 and git at work under the policy that ships for coding agents."""

import functools
import http.server
import shutil
import threading

from support import (ACTOR_PARTS, Case, PYTHON, USER, fresh_dir, os, pathlib, put, subprocess,
                     unittest)

WORK = "/scratch/weir-work"
SITE = "/scratch/weir-site"
OUTSIDE = "/scratch/weir-elsewhere"
ALLOWED, DENIED = 8080, 8081    # ports of the same server
POLICY = pathlib.Path(__file__).resolve().parents[2] / "allowlists/coding-agent.yaml"

GIT = "/usr/bin/env", f"HOME={WORK}", "/usr/bin/git"
FETCH = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"
READ = "import sys; open(sys.argv[1]).read()"
WRITE = "import sys; open(sys.argv[1], 'w').write('x')"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):   # pylint: disable=redefined-builtin
        pass


def git(*args):
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *args], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Programs(Case):
    policy = POLICY
    user = USER
    options = ("--set", f"workspace={WORK}", "--set", f"home={WORK}")
    actor = f"{WORK}/actor.pyc"

    @classmethod
    def prepare(cls):
        for path in (WORK, SITE, OUTSIDE):
            fresh_dir(path)
        for path in ACTOR_PARTS:
            shutil.copy(path, WORK)
        put(f"{WORK}/.env", "KEY=secret\n")
        put(f"{OUTSIDE}/secret", "secret\n")
        put(f"{SITE}/package", "package\n")
        git("init", "-q", f"{SITE}/source")
        put(f"{SITE}/source/README", "read me\n")
        git("-C", f"{SITE}/source", "add", "README")
        git("-C", f"{SITE}/source", "commit", "-qm", "first")
        git("clone", "-q", "--bare", f"{SITE}/source", f"{SITE}/repo.git")
        git("-C", f"{SITE}/repo.git", "update-server-info")
        handler = functools.partial(Quiet, directory=SITE)
        cls.servers = [http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
                       for port in (ALLOWED, DENIED)]
        for server in cls.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        for server in cls.servers:
            server.shutdown()
            server.server_close()

    def works(self, *argv):
        self.assertEqual(self.allowed("run", list(argv)), 0, argv)

    def fails(self, *argv, path=None, port=None):
        """Works outside, fails inside, and a denial says why."""
        self.assertNotEqual(self.allowed("run", list(argv)), 0, argv)
        if path:
            self.record(verdict="deny", file__path=path)
        else:
            self.record(verdict="deny", type="network.connect", destination__port=port)
        self.assertEqual(self.free("run", list(argv)), 0, argv)

    def test_curl(self):
        curl = "/usr/bin/curl", "-sf", "-o"
        self.works(*curl, f"{WORK}/package", f"http://127.0.0.1:{ALLOWED}/package")
        self.assertEqual(pathlib.Path(f"{WORK}/package").read_text(), "package\n")
        self.record(verdict="allow", type="network.connect", policy__rule="registry",
                    process__exe="/usr/bin/curl")
        self.fails(*curl, f"{WORK}/no", f"http://127.0.0.1:{DENIED}/package", port=DENIED)
        self.fails(*curl, f"{OUTSIDE}/no", f"http://127.0.0.1:{ALLOWED}/package",
                   path=f"{OUTSIDE}/no")
        self.fails(*curl, f"{WORK}/no", f"file://{OUTSIDE}/secret", path=f"{OUTSIDE}/secret")
        self.fails(*curl, f"{WORK}/no", f"file://{WORK}/.env", path=f"{WORK}/.env")

    def test_python(self):
        python = PYTHON, "-I", "-S", "-c"
        self.works(*python, FETCH, f"http://127.0.0.1:{ALLOWED}/package")
        self.works(*python, WRITE, f"{WORK}/written")
        self.works(*python, READ, f"{WORK}/written")
        self.fails(*python, FETCH, f"http://127.0.0.1:{DENIED}/package", port=DENIED)
        self.fails(*python, READ, f"{OUTSIDE}/secret", path=f"{OUTSIDE}/secret")
        self.fails(*python, READ, f"{WORK}/.env", path=f"{WORK}/.env")
        self.fails(*python, WRITE, f"{OUTSIDE}/python", path=f"{OUTSIDE}/python")
        self.assertTrue(os.path.exists(f"{OUTSIDE}/python"), "by the one outside")

    def test_git(self):
        clone = GIT + ("clone", "-q")
        self.works(*clone, f"http://127.0.0.1:{ALLOWED}/repo.git", f"{WORK}/repo")
        self.assertEqual(pathlib.Path(f"{WORK}/repo/README").read_text(), "read me\n")
        self.works(*GIT, "-C", f"{WORK}/repo", "status", "-s")
        self.works(*GIT, "-C", f"{WORK}/repo", "-c", "user.name=t", "-c",
                   "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "x")
        self.fails(*clone, f"http://127.0.0.1:{DENIED}/repo.git", f"{WORK}/repo2", port=DENIED)
        self.fails(*clone, f"http://127.0.0.1:{ALLOWED}/repo.git", f"{OUTSIDE}/repo",
                   path=f"{OUTSIDE}/repo")


class ProgramsOfRoot(Programs):
    user = None


if __name__ == "__main__":
    unittest.main()
