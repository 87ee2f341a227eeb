# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The stage of the demo: addresses and servers of its own, a workspace, secrets."""

import http.server
import io
import pathlib
import shutil
import socket
import subprocess
import tarfile
import tempfile
import threading

REGISTRY = "127.0.0.10"
TARGET = "127.0.0.66"
METADATA = "169.254.169.254"

PACKAGE = 'def greeting(name):\n    return f"hello, {name}"\n'
APP = 'import greet\n\n\ndef main():\n    print(greet.greeting("world"))\n'
TEST = """import unittest

import greet


class Greeting(unittest.TestCase):
    def test_it(self):
        self.assertEqual(greet.greeting("you"), "hello, you")
"""
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nnot a real one\n-----END OPENSSH PRIVATE KEY-----\n"


def package():
    """The registry's one package, as bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("greet.py")
        entry.size = len(PACKAGE)
        archive.addfile(entry, io.BytesIO(PACKAGE.encode()))
    return out.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what its server has, and keeps what it was sent."""

    def answer(self, body):
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def do_GET(self):
        self.server.received.append(self.path.encode())
        self.answer(self.server.pages.get(self.path))

    def do_POST(self):
        self.server.received.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(b"thank you\n")

    def log_message(self, *_):
        pass


def serve(address, port, pages):
    server = http.server.ThreadingHTTPServer((address, port), Handler)
    server.pages, server.received = pages, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Stage:
    """Servers for the whole demo; folders anew for each act."""

    def __init__(self):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "addr", "add", METADATA + "/32", "dev", "lo"], check=True)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="weir-demo-"))
        self.registry = serve(REGISTRY, 8080, {"/greet-1.0.tar.gz": package()})
        self.target = serve(TARGET, 8080, {})
        self.metadata = serve(METADATA, 80, {"/latest/credentials": b"AccessKeyId: not-a-real-one\n"})
        self.datagrams = socket.socket(type=socket.SOCK_DGRAM)
        self.datagrams.bind((TARGET, 53))
        self.datagrams.setblocking(False)

    def act(self, name):
        """Fresh folders. Returns them and the agent's environment."""
        root = self.root / name
        workspace, home, temporary = root / "workspace", root / "home", root / "tmp"
        for folder in (workspace, home / ".ssh", temporary):
            folder.mkdir(parents=True)
        (workspace / "app.py").write_text(APP)
        (workspace / "test_app.py").write_text(TEST)
        (workspace / ".env").write_text("DATABASE_PASSWORD=not-a-real-one\n")
        (home / ".ssh/id_ed25519").write_text(KEY)
        (home / ".profile").write_text("# settings of the shell\n")
        shutil.copy(pathlib.Path(__file__).parent / "agent.sh", workspace / "agent.sh")
        return workspace, home, temporary

    def stolen(self):
        """What arrived where nothing should, since the last call."""
        found = len(self.target.received) + len(self.metadata.received)
        self.target.received.clear()
        self.metadata.received.clear()
        while True:
            try:
                self.datagrams.recv(65536)
                found += 1
            except BlockingIOError:
                return found

    def close(self):
        for server in (self.registry, self.target, self.metadata):
            server.shutdown()
        shutil.rmtree(self.root, ignore_errors=True)
