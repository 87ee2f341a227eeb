# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is recorded of files: all that is allowed, where a policy wants that; what would be denied."""

from places import each_place, places
from support import ACTOR_FILES, Case, USER, errno, fresh_dir, os, policy_text, put, unittest

PLACES = places("weir-file-records")


def rules():
    return "".join(f"""    - name: open-{name}
      paths: ["{place}/open/**"]
      access: [read, write, create, delete]
""" for name, place in PLACES.items())


def policy(head=""):
    return policy_text(files=f"  allow:\n{ACTOR_FILES}{rules()}", head=head,
                       audit="  record: [network, execute, files]\n")


def acts(folder):
    """Each with its record: type, path, accesses, the other name."""
    one, other, new = (f"{folder}/{name}" for name in ("one", "other", "new"))
    yield ("flags_open", one, os.O_RDONLY), "file.open", one, ["read"]
    yield ("flags_open", one, os.O_WRONLY), "file.open", one, ["write"]
    yield ("flags_open", one, os.O_RDWR), "file.open", one, ["read", "write"]
    yield ("flags_open", one, os.O_RDONLY | os.O_TRUNC), "file.open", one, ["read", "write"]
    yield ("listing", folder), "file.open", folder, ["read"]
    yield ("make", "file", new), "file.create", new, ["create"]
    yield ("make", "dir", new), "file.create", new, ["create"]
    yield ("make", "symlink", new, "anywhere"), "file.create", new, ["create"]
    yield ("make", "fifo", new), "file.create", new, ["create"]
    yield ("remove", one), "file.delete", one, ["delete"]
    yield ("remove_dir", f"{folder}/dir"), "file.delete", f"{folder}/dir", ["delete"]
    yield ("rename", one, new), "file.rename", one, ["create", "delete"], new
    yield ("rename", one, other), "file.rename", one, ["create", "delete"], other
    yield ("link", one, new), "file.link", one, ["create"], new
    yield ("truncate", one), "file.attribute", one, ["write"]
    yield ("chmod", one, 0o600), "file.attribute", one, ["write"]
    yield ("chown", one), "file.attribute", one, ["write"]
    yield ("times", one), "file.attribute", one, ["write"]
    yield ("acl_get", one), "file.attribute", one, ["read"]


class Recorded(Case):
    places = PLACES
    policy = policy()
    owner = 0

    def fresh(self, folder):
        """What the acts need."""
        fresh_dir(folder)
        os.mkdir(f"{folder}/dir")
        for name in ("one", "other"):
            os.chown(put(f"{folder}/{name}"), self.owner, -1)
        os.chown(folder, self.owner, -1)
        self.free("acl_set", f"{folder}/one")

    def each(self, folder, act, **wanted):
        for call, kind, path, access, *target in acts(folder):
            with self.subTest(call):
                self.fresh(folder)
                self.since = len(self.inside.records())
                act(*call)
                file = {"path": path, "access": access, **({"target": target[0]} if target else {})}
                self.record(type=kind, file=file, **wanted)
                # once, though an overlay may open the folder of a layer in turn
                self.assertEqual([record["verdict"] for record in self.made(type=kind, file=file)],
                                 [wanted["verdict"]])

    @each_place
    def test_allowed(self, place):
        self.each(f"{place}/open", self.allowed, verdict="allow", reason="rule",
                  policy__rule=f"open-{self.name}")

    @each_place
    def test_denied(self, place):
        self.each(f"{place}/closed", lambda *call: self.refused(errno.EACCES, *call),
                  verdict="deny", reason="no-rule")


class Audited(Recorded):
    """Nothing is denied, and all is recorded as if it were."""
    policy = policy("mode: audit\n")
    user = USER
    owner = 65534

    @each_place
    def test_denied(self, place):
        self.each(f"{place}/closed", self.allowed, verdict="would-deny", reason="no-rule")

    def test_programs(self):
        self.allowed("run", ["/bin/true"])
        path = put("/scratch/weir-file-records/program", "#!/bin/true\n", 0o777)
        self.allowed("run", [path])
        self.record(type="process.exec", verdict="would-deny",
                    file={"path": path, "access": ["execute"]})


if __name__ == "__main__":
    unittest.main()
