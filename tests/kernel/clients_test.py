# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real programs as clients, and as servers: they reach whom the policy names, and nobody else."""

import functools
import http.server
import shutil
import socketserver
import struct
import threading

from net import addresses_change, command, sysctl
from support import (Case, PYTHON, USER, WAIT_S, fresh_dir, os, pathlib, policy_text, put, signal,
                     subprocess, unittest)

ALLOWED, DENIED, PINGED = "192.0.2.1", "192.0.2.2", "192.0.2.3"
ALLOWED6, DENIED6 = "2001:db8::1", "2001:db8::2"
ADDRESSES = [ALLOWED, DENIED, PINGED, ALLOWED6, DENIED6]
HTTP, HTTP2, DNS, SSH, GIT, SERVED = 8080, 8082, 5300, 2222, 9418, 3000
WORK = "/scratch/weir-clients"
SITE, OUTPUT, KEY = f"{WORK}/site", f"{WORK}/output", f"{WORK}/key"
WORD = "package"

RULES = """  allow:
    - name: host
      addresses: [192.0.2.1, "2001:db8::1"]
      protocol: any
    - name: echo
      addresses: [192.0.2.3]
      protocol: icmp
  listen:
    - name: served
      addresses: [192.0.2.1]
      ports: [3000]
"""

CURL = "/usr/bin/curl", "-gsf", "--noproxy", "*", "-m", str(WAIT_S), "-w", "%{http_version}"
DIG = ("/usr/bin/dig", "-p", str(DNS), "+short", "+tries=1", f"+time={WAIT_S}", "package.example", "A")
PING = "/usr/bin/ping", "-n", "-c", "1", "-W", str(WAIT_S)
SSH_CLIENT = ("/usr/bin/ssh", "-F", "/dev/null", "-i", KEY, "-p", str(SSH), "-o", "BatchMode=yes", "-o",
              "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
GIT_CLIENT = "/usr/bin/env", f"HOME={WORK}", "/usr/bin/git", "clone", "-q"

FETCH = """fetch(process.argv[1]).then(answer => answer.text()).then(
    text => { console.log(text); process.exit(0) },
    error => { console.log(error.cause || error); process.exit(1) })
"""
NODE = "/usr/bin/node", "-e", FETCH
HTTP2_SERVER = f"""const server = require("http2").createServer()
server.on("stream", stream => {{ stream.respond({{":status": 200}}); stream.end("{WORD}") }})
server.listen({HTTP2}, "::", () => console.log("ready"))
"""
ASYNCIO = f"""import asyncio, sys
class Query(asyncio.DatagramProtocol):
    def __init__(self, done):
        self.done = done
    def datagram_received(self, data, peer):
        self.done.set_result(data)
    def error_received(self, error):
        self.done.set_exception(error)
async def main(address):
    reader, writer = await asyncio.open_connection(address, {HTTP})
    writer.write(b"GET /{WORD} HTTP/1.0\\r\\n\\r\\n")
    print((await reader.read()).decode())
    writer.close()
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(lambda: Query(done), remote_addr=(address, {DNS}))
    transport.sendto(bytes(12))
    await done
    done = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(lambda: Query(done), local_addr=("0.0.0.0", 0))
    transport.sendto(bytes(12), (address, {DNS}))
    await done
asyncio.run(main(sys.argv[1]))
"""


def setUpModule():
    addresses_change("add", ADDRESSES)
    sysctl("net.ipv4.ping_group_range", "0 2147483647")


def tearDownModule():
    addresses_change("del", ADDRESSES)


class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):   # pylint: disable=redefined-builtin
        pass


def dns_answer(query):
    """192.0.2.77, whatever was asked."""
    if len(query) <= 12:
        return query
    end = query.index(b"\0", 12) + 5
    return (query[:2] + struct.pack("!HHHHH", 0x8580, 1, 1, 0, 0) + query[12:end]
            + struct.pack("!HHHIH4B", 0xc00c, 1, 1, 60, 4, 192, 0, 2, 77))


class DnsDatagrams(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(dns_answer(data), self.client_address)


class DnsStreams(socketserver.StreamRequestHandler):
    def handle(self):
        size, = struct.unpack("!H", self.rfile.read(2))
        answer = dns_answer(self.rfile.read(size))
        self.wfile.write(struct.pack("!H", len(answer)) + answer)


class Datagrams(socketserver.ThreadingUDPServer):
    """Answers come from the address that was asked, for which each has a socket of its own."""


class Clients(Case):
    policy = policy_text(RULES)

    @classmethod
    def prepare(cls):
        fresh_dir(WORK)
        put(f"{SITE}/{WORD}", WORD)
        for address in (ALLOWED, DENIED):
            cls.serve(http.server.ThreadingHTTPServer, (address, HTTP),
                      functools.partial(Files, directory=SITE))
            cls.serve(Datagrams, (address, DNS), DnsDatagrams)
            cls.serve(socketserver.ThreadingTCPServer, (address, DNS), DnsStreams)
        cls.program("ready", "/usr/bin/node", "-e", HTTP2_SERVER)
        cls.git_prepare()
        cls.ssh_prepare()

    @classmethod
    def serve(cls, kind, name, handler):
        kind.allow_reuse_address = kind.daemon_threads = True
        server = kind(name, handler)
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    @classmethod
    def program(cls, ready, *argv):
        """Runs it until the end of the class, from when it has said that it is ready."""
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   start_new_session=True)
        cls.addClassCleanup(process.communicate)
        cls.addClassCleanup(os.killpg, process.pid, signal.SIGKILL)     # git has one of its own
        for line in process.stdout:
            if ready in line:
                return
        raise AssertionError(f"{argv[0]} has ended: {process.wait()}")

    @classmethod
    def git_prepare(cls):
        git = "git", "-C", SITE, "-c", "user.name=t", "-c", "user.email=t@example.com"
        command(*git, "init", "-q", "source")
        command(*git, "-C", "source", "commit", "-q", "--allow-empty", "-m", "first")
        cls.program("Ready", "git", "daemon", "--verbose", "--export-all", "--reuseaddr",
                    f"--port={GIT}", f"--base-path={SITE}", SITE)

    @classmethod
    def ssh_prepare(cls):
        """For root, whose keys are the guest's own."""
        subprocess.run(["dropbearkey", "-t", "ed25519", "-f", f"{WORK}/host"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY)
        shutil.chown(KEY, cls.user or "root")
        os.chmod(KEY, 0o600)
        os.makedirs("/root/.ssh", 0o700, exist_ok=True)
        shutil.copy(f"{KEY}.pub", "/root/.ssh/authorized_keys")
        os.chmod("/root/.ssh/authorized_keys", 0o600)
        cls.program("Not backgrounding", "dropbear", "-F", "-E", "-s", "-p", str(SSH),
                    "-r", f"{WORK}/host")

    def run_by(self, call, argv):
        """Its status and what it said: its standard output is not the actor's."""
        with open(OUTPUT, "wb"):
            os.chmod(OUTPUT, 0o666)
        status = call("run", ["/bin/sh", "-c", 'exec "$@" >"$0" 2>&1 </dev/null', OUTPUT, *argv])
        return status, pathlib.Path(OUTPUT).read_text(errors="replace")

    def works(self, said, *argv, call=None):
        status, text = self.run_by(call or self.allowed, argv)
        self.assertEqual(status, 0, f"{argv}: {text}")
        self.assertIn(said, text)

    def fails(self, *argv):
        """What it says of it."""
        status, text = self.run_by(self.allowed, argv)
        self.assertNotEqual(status, 0, f"{argv}: {text}")
        return text

    def both(self, said, *argv, at=lambda address: address, exe=None, kind="network.connect",
             addresses=(ALLOWED, DENIED)):
        """Works with the one, and not with the other; at: the argument made of an address."""
        exe = exe or os.path.realpath(argv[0])
        allowed, denied = addresses
        self.works(said, *argv, at(allowed))
        self.record(type=kind, verdict="allow", destination__address=allowed, process__exe=exe)
        self.works(said, *argv, at(denied), call=self.free)
        self.fails(*argv, at(denied))
        self.record(type=kind, verdict="deny", destination__address=denied, process__exe=exe)

    def test_curl(self):
        self.both(f"{WORD}1.1", *CURL, at=lambda address: f"http://{address}:{HTTP}/{WORD}")

    def test_curl_http2(self):
        for addresses in ((ALLOWED, DENIED), (ALLOWED6, DENIED6)):
            self.both(f"{WORD}2", *CURL, "--http2-prior-knowledge", addresses=addresses,
                      at=lambda address: f"http://{f'[{address}]' if ':' in address else address}:{HTTP2}/")

    def test_node(self):
        self.both(WORD, *NODE, at=lambda address: f"http://{address}:{HTTP}/{WORD}")

    def test_asyncio(self):
        self.both(WORD, PYTHON, "-I", "-c", ASYNCIO)

    def test_dig(self):
        for options in ((), ("+tcp",)):
            with self.subTest(options):
                self.since = len(self.inside.records())
                arguments = *DIG, *options
                self.works("192.0.2.77", *arguments, f"@{ALLOWED}")
                self.record(verdict="allow", destination__port=DNS, process__exe="/usr/bin/dig")
                self.works("192.0.2.77", *arguments, f"@{DENIED}", call=self.free)
                self.assertNotIn("192.0.2.77", self.fails(*arguments, f"@{DENIED}"))
                self.record(verdict="deny", destination__address=DENIED, destination__port=DNS,
                            process__exe="/usr/bin/dig")

    def test_ping(self):
        """Its first look for a source address is a UDP socket, unless it is told the address."""
        for address, denied, options in ((ALLOWED, DENIED, ()), (ALLOWED6, DENIED6, ()),
                                         (PINGED, DENIED, ("-I", ALLOWED))):
            with self.subTest(address):
                self.since = len(self.inside.records())
                self.works("1 received", *PING, *options, address)
                self.record(verdict="allow", destination={"address": address, "protocol": "icmp"},
                            process__exe="/usr/bin/ping")
                self.works("1 received", *PING, *options, denied, call=self.free)
                # it waits for an answer to what it could not send
                self.fails(*PING, "-W", "2", *options, denied)
                self.record(verdict="deny", destination__address=denied, process__exe="/usr/bin/ping")

    def test_ssh(self):
        argv = SSH_CLIENT
        self.works(WORD, *argv, f"root@{ALLOWED}", "cat", f"{SITE}/{WORD}")
        self.record(type="network.connect", verdict="allow", destination__port=SSH,
                    process__exe="/usr/bin/ssh")
        self.works(WORD, *argv, f"root@{DENIED}", "cat", f"{SITE}/{WORD}", call=self.free)
        self.fails(*argv, f"root@{DENIED}", "true")
        self.record(type="network.connect", verdict="deny", destination__address=DENIED,
                    process__exe="/usr/bin/ssh")

    def test_git(self):
        for number, (call, address) in enumerate(((self.allowed, ALLOWED), (self.free, DENIED))):
            copy = f"{WORK}/copy-{number}"
            self.works("", *GIT_CLIENT, f"git://{address}:{GIT}/source", copy, call=call)
            self.assertTrue(os.path.exists(f"{copy}/.git/HEAD"))
            shutil.rmtree(copy)
        self.fails(*GIT_CLIENT, f"git://{DENIED}:{GIT}/source", f"{WORK}/copy")
        self.record(type="network.connect", verdict="deny", destination__port=GIT)

    def test_servers(self):
        """Those of others, at a port that a rule lets them take."""
        node = "require('http').createServer((q, a) => a.end('{}')).listen({}, '{}')"
        for name, argv in (("python", lambda port: (PYTHON, "-m", "http.server", "--bind", ALLOWED,
                                                    "--directory", SITE, str(port))),
                           ("node", lambda port: ("/usr/bin/node", "-e",
                                                  node.format(WORD, port, ALLOWED)))):
            with self.subTest(name):
                self.since = len(self.inside.records())
                shell = ["/bin/sh", "-c", 'exec "$@" >/dev/null 2>&1 </dev/null', "sh"]
                pid = self.allowed("started", [*shell, *argv(SERVED)])
                self.works(WORD, *CURL, "--retry", "30", "--retry-connrefused",
                           f"http://{ALLOWED}:{SERVED}/{WORD}", call=self.free)
                self.record(type="network.accept", verdict="allow", destination__port=SERVED,
                            policy__rule="served")
                self.allowed("stopped", pid)
                self.fails(*argv(SERVED + 1))
                self.record(type="network.listen", verdict="deny", destination__port=SERVED + 1)


class ClientsOfUser(Clients):
    user = USER


if __name__ == "__main__":
    unittest.main()
