# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Unix sockets: whom one may talk to, by the name it was bound to, whatever name is used; descriptors."""

import subprocess

from net import DGRAM, SEQPACKET, STREAM, select, socket
from support import Actor, Case, USER, errno, fresh_dir, os, policy_text, unittest

FOLDER = "/scratch/weir-unix"
OPEN, SHUT = f"{FOLDER}/open", f"{FOLDER}/shut"     # what is below the first is listed
INSIDE = f"{FOLDER}/inside"     # where the workload makes its own
KINDS = {"stream": STREAM, "dgram": DGRAM, "seqpacket": SEQPACKET}
OPEN_NAMES = [f"{FOLDER}/listed-{{}}", f"{OPEN}/a/b-{{}}", "@weir-listed-{}"]
SHUT_NAMES = [f"{FOLDER}/listed-{{}}x", f"{SHUT}/a-{{}}", f"{FOLDER}/open-{{}}", "@weir-listed-{}x",
              "@weir-listed-{}\0", "@weir-shut-{}", f"@{FOLDER}/listed-{{}}"]

RULES = f"""  unix:
    - name: literal
      paths: [{FOLDER}/listed-stream, {FOLDER}/listed-dgram, {FOLDER}/listed-seqpacket]
    - name: below
      paths: ["{OPEN}/**"]
    - name: abstract
      paths: ["@weir-listed-stream", "@weir-listed-dgram", "@weir-listed-seqpacket"]
"""
RULE_OF = dict(zip(OPEN_NAMES, ("literal", "below", "abstract")))


def bound(kind, name):
    """A socket of the test's own."""
    sock = socket.socket(socket.AF_UNIX, kind)
    if name.startswith("@"):
        name = "\0" + name[1:]
    else:
        os.makedirs(os.path.dirname(name), exist_ok=True)
    sock.bind(name)
    if name[0] != "\0":
        os.chmod(name, 0o777)
    if kind != DGRAM:
        sock.listen(100)
    return sock


class UnixCase(Case):
    @classmethod
    def prepare(cls):
        for path in (FOLDER, OPEN, SHUT, INSIDE):
            fresh_dir(path)
        cls.peers = {}
        for name in (*OPEN_NAMES, *SHUT_NAMES):
            for word, kind in KINDS.items():
                cls.peers[name.format(word)] = sock = bound(kind, name.format(word))
                cls.addClassCleanup(sock.close)

    def setUp(self):
        for actor in (self.inside, self.outside):
            actor.sock_close_all()
        super().setUp()
        for name, sock in self.peers.items():
            self.drain(name, sock)

    def drain(self, name, sock):
        while self.came(sock):
            if "dgram" in name:
                sock.recv(100)
            else:
                sock.accept()[0].close()

    @staticmethod
    def came(sock):
        return bool(select.select([sock], [], [], 0)[0])

    def reaches(self, kind, name, shown=None, **wanted):
        """Connects, or sends."""
        self.since = len(self.inside.records())
        self.allowed("sock_reach", KINDS[kind], name)
        self.record(type="network.unix", verdict="allow", file__path=shown or name,
                    detail__socket=kind, **wanted)

    def stops(self, kind, name, shown=None):
        sock = self.peers[shown or name]
        self.drain(kind, sock)
        self.free("sock_reach", KINDS[kind], name)
        self.drain(kind, sock)
        self.since = len(self.inside.records())
        self.refused(errno.EPERM, "sock_reach", KINDS[kind], name)
        self.assertFalse(self.came(sock))
        self.record(type="network.unix", verdict="deny", reason="no-rule", detail__socket=kind,
                    file__path=shown or name)


class Unix(UnixCase):
    policy = policy_text(RULES)

    def test_connect(self):
        for kind in KINDS:
            for name in OPEN_NAMES:
                with self.subTest(name.format(kind)):
                    self.reaches(kind, name.format(kind), reason="rule", policy__rule=RULE_OF[name])
            for name in SHUT_NAMES:
                with self.subTest(name.format(kind)):
                    self.stops(kind, name.format(kind))

    def test_data(self):
        """Both ways, once connected."""
        for kind in ("stream", "seqpacket"):
            name = OPEN_NAMES[0].format(kind)
            fd = self.allowed("sock_client", KINDS[kind], name)
            with self.peers[name].accept()[0] as peer:
                self.allowed("sock_send", fd, "question")
                self.assertEqual(peer.recv(100), b"question")
                peer.send(b"answer")
                self.assertEqual(self.allowed("sock_receive", fd)[0], "answer")
            self.allowed("sock_close", fd)

    def test_by_io_uring(self):
        for worker in (False, True):
            for name in (SHUT_NAMES[1], "@weir-shut-{}"):
                for kind in KINDS:
                    with self.subTest(name.format(kind), worker=worker):
                        fd = self.free("sock_open", socket.AF_UNIX, KINDS[kind])
                        self.free("ring_connect", worker, fd, name.format(kind))
                        self.free("sock_close", fd)
                        fd = self.allowed("sock_open", socket.AF_UNIX, KINDS[kind])
                        self.refused(errno.EPERM, "ring_connect", worker, fd, name.format(kind))
                        self.allowed("sock_close", fd)

    def test_datagrams(self):
        """Each send may name somebody."""
        for opened, shut in ((OPEN_NAMES[0], SHUT_NAMES[1]), ("@weir-listed-{}", "@weir-shut-{}")):
            opened, shut = opened.format("dgram"), shut.format("dgram")
            for how in ("sendto", "sendmsg", "ring"):
                for connected in (False, True):
                    with self.subTest(shut, how=how, connected=connected):
                        self.since = len(self.inside.records())
                        fd = self.datagram_socket(self.free, opened, connected)
                        self.send(self.free, fd, how, shut)
                        self.assertEqual(self.peers[shut].recv(100), b"word")
                        fd = self.datagram_socket(self.allowed, opened, connected)
                        self.send(self.allowed, fd, how, opened)
                        self.assertEqual(self.peers[opened].recv(100), b"word")
                        self.send(lambda *args: self.refused(errno.EPERM, *args), fd, how, shut)
                        self.assertFalse(self.came(self.peers[shut]))
                        self.record(type="network.unix", verdict="deny", reason="no-rule",
                                    file__path=shut, detail__socket="dgram")
                        self.allowed("sock_close", fd)

    def datagram_socket(self, do, name, connected):
        fd = do("sock_open", socket.AF_UNIX, DGRAM)
        if connected:
            do("sock_connect", fd, name)
        return fd

    @staticmethod
    def send(do, fd, how, name):
        if how == "ring":
            do("ring_send", "sendmsg", True, fd, "word", name)
        else:
            do("sock_send", fd, "word", how, name)

    def test_answering_a_datagram(self):
        """Who has sent may not be answered for that."""
        name = f"{INSIDE}/asked"
        fd = self.allowed("sock_server", DGRAM, name)
        for opened in (True, False):
            peer = self.peers[(OPEN_NAMES[0] if opened else SHUT_NAMES[1]).format("dgram")]
            peer.sendto(b"question", name)
            text, sender = self.allowed("sock_receive", fd)
            self.assertEqual((text, sender), ("question", peer.getsockname()))
            answer = "sock_send", fd, "answer", "sendto", sender
            if opened:
                self.allowed(*answer)
                self.assertEqual(peer.recv(100), b"answer")
            else:
                free = self.free("sock_open", socket.AF_UNIX, DGRAM)
                self.free("sock_send", free, *answer[2:])
                self.assertEqual(peer.recv(100), b"answer")
                self.refused(errno.EPERM, *answer)
                self.assertFalse(self.came(peer))
        self.allowed("sock_close", fd)
        os.unlink(name)

    def test_recorded_once_a_peer(self):
        opened = [name.format("dgram") for name in OPEN_NAMES]
        fd = self.allowed("sock_open", socket.AF_UNIX, DGRAM)
        for _ in range(30):
            for name in opened:
                self.allowed("sock_send", fd, "word", "sendto", name)
                self.peers[name].recv(100)
        self.allowed("sock_close", fd)
        self.fence()
        self.assertEqual([record["file"]["path"] for record in self.made(type="network.unix")], opened)

    def test_other_names(self):
        """The name it was bound to decides, wherever one meets it."""
        links = fresh_dir(f"{OPEN}/links"), fresh_dir(f"{SHUT}/links")
        for kind in KINDS:
            opened, shut = OPEN_NAMES[0].format(kind), SHUT_NAMES[1].format(kind)
            for (folder, other), target, ok in ((links, shut, False), (reversed(links), opened, True)):
                for make in (os.link, os.symlink):
                    with self.subTest(kind=kind, make=make.__name__, target=target):
                        name = f"{folder}/{kind}-{make.__name__}"
                        make(target, name)
                        if ok:
                            self.reaches(kind, name, target)
                        else:
                            self.stops(kind, name, target)
                with self.subTest(kind=kind, folder=other):
                    name = f"{other}/{kind}-folder/{os.path.basename(target)}"
                    os.symlink(os.path.dirname(target), os.path.dirname(name))
                    if ok:
                        self.reaches(kind, name, target)
                    else:
                        self.stops(kind, name, target)

    def test_relative_names(self):
        for kind in KINDS:
            opened, shut = OPEN_NAMES[1].format(kind), SHUT_NAMES[1].format(kind)
            for here, target in ((OPEN, shut), (SHUT, shut), (SHUT, opened)):
                with self.subTest(here=here, target=target):
                    name = os.path.relpath(target, here)
                    for do in (self.free, self.allowed):
                        do("change_dir", here)
                    try:
                        if target == opened:
                            self.reaches(kind, name, opened)
                        else:
                            self.stops(kind, name, shut)
                    finally:
                        for do in (self.free, self.allowed):
                            do("change_dir", "/")

    def test_path_descriptors(self):
        """O_PATH, which nothing decides: of the socket, and of a folder above it."""
        for kind in KINDS:
            for path, below in ((SHUT_NAMES[1].format(kind), ""), (SHUT, f"/a-{kind}")):
                with self.subTest(path):
                    self.since = len(self.inside.records())
                    shut = path + below
                    fds = [actor.fd_path(path) for actor in (self.outside, self.inside)]
                    self.free("sock_reach", KINDS[kind], f"/proc/self/fd/{fds[0]}{below}")
                    self.drain(kind, self.peers[shut])
                    self.refused(errno.EPERM, "sock_reach", KINDS[kind],
                                 f"/proc/self/fd/{fds[1]}{below}")
                    self.assertFalse(self.came(self.peers[shut]))
                    self.record(type="network.unix", verdict="deny", file__path=shut)
                    for actor, fd in zip((self.outside, self.inside), fds):
                        actor.close_fd(fd)

    def test_within_the_scope(self):
        """A workload's own sockets, whatever their names."""
        child = self.allowed("child_start")
        for word, kind in KINDS.items():
            for name in (f"{INSIDE}/own-{word}", f"@weir-own-{word}"):
                with self.subTest(name):
                    self.since = len(self.inside.records())
                    server = self.allowed("child", child, "sock_server", kind, name)
                    fd = self.allowed("sock_client", kind, name)
                    self.allowed("sock_send", fd, "word")
                    taken = server
                    if kind != DGRAM:
                        taken, _ = self.allowed("child", child, "sock_accept", server)
                    self.assertEqual(self.allowed("child", child, "sock_receive", taken)[0], "word")
                    if kind == DGRAM:
                        other = self.allowed("sock_open", socket.AF_UNIX, DGRAM)
                        self.allowed("sock_send", other, "again", "sendto", name)
                        self.assertEqual(self.allowed("child", child, "sock_receive", taken)[0], "again")
                        self.allowed("sock_close", other)
                    self.record(type="network.unix", verdict="allow", reason="scope-peer",
                                file__path=name)
                    for one in {server, taken}:
                        self.allowed("child", child, "sock_close", one)
                    self.allowed("sock_close", fd)
        self.allowed("child_end", child)
        for kind in KINDS.values():
            ends = self.allowed("sock_pair", socket.AF_UNIX, kind)
            self.allowed("sock_send", ends[0], "word")
            self.assertEqual(self.allowed("sock_receive", ends[1])[0], "word")

    def test_name_taken_over(self):
        """A server of the workload's has ended: whoever takes its name is somebody else."""
        name = f"{INSIDE}/taken"
        child = self.allowed("child_start")
        self.allowed("child", child, "sock_server", STREAM, name)
        self.allowed("sock_reach", STREAM, name)
        self.allowed("child_end", child)
        os.unlink(name)
        self.peers[name] = bound(STREAM, name)
        self.addCleanup(lambda: self.peers.pop(name).close())
        self.stops("stream", name)

    def test_others_come_in(self):
        """Who is not confined may talk to the workload."""
        for word, kind in (("stream", STREAM), ("seqpacket", SEQPACKET)):
            for name in (f"{INSIDE}/in-{word}", f"@weir-in-{word}"):
                with self.subTest(name):
                    server = self.allowed("sock_server", kind, name)
                    fd = self.free("sock_client", kind, name)
                    taken, _ = self.allowed("sock_accept", server)
                    self.allowed("sock_send", taken, "word")
                    self.assertEqual(self.free("sock_receive", fd)[0], "word")

    def test_missing_and_full(self):
        """Errors that are not the policy's stay what they are."""
        self.refused(errno.ENOENT, "sock_reach", STREAM, f"{SHUT}/missing")
        self.refused(errno.ECONNREFUSED, "sock_reach", STREAM, "@weir-missing")
        self.refused(errno.EPROTOTYPE, "sock_reach", STREAM, f"{OPEN}/a/b-dgram")

    def descriptor_record(self, way):
        return self.record(type="network.unix", verdict="allow", detail__passed=way)

    def test_descriptors_passed(self):
        for kind in ("stream", "seqpacket"):
            with self.subTest(kind):
                name = OPEN_NAMES[0].format(kind)
                fd = self.allowed("sock_client", KINDS[kind], name)
                self.since = len(self.inside.records())
                with self.peers[name].accept()[0] as peer, open("/dev/null", "rb") as file:
                    socket.send_fds(peer, [b"x"], [file.fileno()])
                    taken = self.allowed("fd_take", fd)
                    self.descriptor_record("in")
                    self.since = len(self.inside.records())
                    self.allowed("fd_pass", fd, taken)
                    for one in socket.recv_fds(peer, 10, 10)[1]:
                        os.close(one)
                    self.descriptor_record("out")
                self.allowed("sock_close", fd)
                self.allowed("sock_close", taken)

    def test_descriptors_in_datagrams(self):
        name, own = OPEN_NAMES[0].format("dgram"), f"{INSIDE}/descriptors"
        fd = self.allowed("sock_server", DGRAM, own)
        with open("/dev/null", "rb") as file:
            rights = socket.SOL_SOCKET, socket.SCM_RIGHTS, file.fileno().to_bytes(4, "little")
            self.peers[name].sendmsg([b"x"], [rights], 0, own)
        taken = self.allowed("fd_take", fd)
        self.descriptor_record("in")
        self.since = len(self.inside.records())
        self.allowed("fd_pass_to", fd, name, taken)
        for one in socket.recv_fds(self.peers[name], 10, 10)[1]:
            os.close(one)
        self.descriptor_record("out")
        os.unlink(own)

    def test_descriptors_within_the_scope(self):
        ends = self.allowed("sock_pair", socket.AF_UNIX, STREAM)
        self.allowed("fd_pass", ends[0], ends[1])
        self.allowed("fd_take", ends[1])
        self.fence()
        self.assertEqual([record for record in self.made(type="network.unix")
                          if "passed" in record["detail"]], [])

    def test_pair_across_the_border(self):
        """One end of a pair is given away by a listed socket: it goes on working."""
        name = OPEN_NAMES[0].format("stream")
        fd = self.allowed("sock_client", STREAM, name)
        ends = self.allowed("sock_pair", socket.AF_UNIX, STREAM)
        with self.peers[name].accept()[0] as peer:
            self.allowed("fd_pass", fd, ends[1])
            with socket.socket(fileno=socket.recv_fds(peer, 10, 10)[1][0]) as given:
                self.descriptor_record("out")
                self.allowed("sock_send", ends[0], "word")
                self.assertEqual(given.recv(100), b"word")


class UnixOfUser(Unix):
    user = USER


class UnixMounts(UnixCase):
    """As root, who mounts."""
    policy = policy_text(RULES)

    def test_bind_mounts(self):
        for kind in KINDS:
            opened, shut = OPEN_NAMES[1].format(kind), SHUT_NAMES[1].format(kind)
            place = fresh_dir(f"{OPEN}/mounted-{kind}")
            subprocess.run(["mount", "--bind", SHUT, place], check=True)
            try:
                self.stops(kind, f"{place}/a-{kind}", shut)
            finally:
                subprocess.run(["umount", place], check=True)
            place = fresh_dir(f"{SHUT}/mounted-{kind}")
            subprocess.run(["mount", "--bind", f"{OPEN}/a", place], check=True)
            try:
                self.reaches(kind, f"{place}/b-{kind}", opened)
            finally:
                subprocess.run(["umount", place], check=True)

    def test_own_mounts(self):
        """In a namespace of the workload's own, and rooted elsewhere."""
        for kind in KINDS:
            shut = SHUT_NAMES[1].format(kind)
            place = fresh_dir(f"{OPEN}/own-{kind}")
            calls = (["mount", SHUT, place, None, 0x1000],
                     ["sock_reach", KINDS[kind], f"{place}/a-{kind}"])
            self.free("private", *calls)
            self.drain(kind, self.peers[shut])
            self.refused(errno.EPERM, "private", *calls)
            self.assertFalse(self.came(self.peers[shut]))
            self.record(type="network.unix", verdict="deny", file__path=shut)
            self.free("rooted", SHUT, "sock_reach", KINDS[kind], f"/a-{kind}")
            self.drain(kind, self.peers[shut])
            self.refused(errno.EPERM, "rooted", SHUT, "sock_reach", KINDS[kind], f"/a-{kind}")
            self.assertFalse(self.came(self.peers[shut]))

    def test_binder_elsewhere(self):
        """Bound in another mount namespace, to a name that is listed here: it is not that one."""
        actor = Actor()
        self.addCleanup(actor.process.communicate)
        self.addCleanup(actor.process.kill)
        place = fresh_dir(f"{SHUT}/elsewhere")
        actor.unshare_mounts()
        actor.mount("none", "/", None, (1 << 18) | (1 << 14))     # MS_PRIVATE | MS_REC
        actor.mount("tmpfs", place, "tmpfs")
        for kind in KINDS.values():
            name = f"{place}/{kind}"
            actor.sock_server(kind, name)
            seen = f"/proc/{actor.pid}/root{name}"
            self.free("sock_reach", kind, seen)
            self.refused(errno.EPERM, "sock_reach", kind, seen)
        self.record(type="network.unix", verdict="deny")


class UnixOpen(UnixCase):
    policy = policy_text("  unix: unrestricted\n")

    def test_all_is_allowed(self):
        for kind in KINDS:
            for name in (SHUT_NAMES[1], "@weir-shut-{}"):
                with self.subTest(name.format(kind)):
                    self.reaches(kind, name.format(kind), reason="unrestricted")


class UnixAbsent(UnixCase):
    policy = policy_text("  allow:\n    - name: all\n      addresses: [0.0.0.0/0, \"::/0\"]\n")

    def test_nothing_is_allowed(self):
        for kind in KINDS:
            for name in (OPEN_NAMES[0], "@weir-listed-{}"):
                with self.subTest(name.format(kind)):
                    self.stops(kind, name.format(kind))


if __name__ == "__main__":
    unittest.main()
