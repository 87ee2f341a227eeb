# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The same test on each kind of file system: a disk (ext4), memory (tmpfs), an overlay."""

import functools

ROOTS = {"ext4": "/scratch", "tmpfs": "/tmp", "overlay": "/srv"}


def places(name):
    return {kind: f"{root}/{name}" for kind, root in ROOTS.items()}


def each_place(test):
    """Runs a test once a folder of its class's `places`; the file system is self.name."""
    @functools.wraps(test)
    def run(self):
        for self.name, place in self.places.items():
            with self.subTest(self.name):
                self.since = len(self.inside.records())
                test(self, place)
    return run


