# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An AppArmor profile that allows what a policy of the file benchmarks does, to compare with."""

import os
import pathlib
import subprocess

NAME = "weir_bench"
ENABLED = pathlib.Path("/sys/module/apparmor/parameters/enabled")
ENTER = pathlib.Path("/proc/self/attr/apparmor/exec")

PROFILE = """profile {name} {{
  capability,
  network,
  signal,
  ptrace,
  unix,
  mount,
  /usr/** mrix,
  /etc/** r,
  /dev/** rw,
  {used}/** rwlkmix,
{others}
}}
"""


def enabled():
    return ENABLED.exists() and ENABLED.read_text().strip() == "Y"


def parser(action, text):
    done = subprocess.run(["apparmor_parser", action, "--skip-cache", "--quiet"], input=text,
                          text=True, stderr=subprocess.PIPE, check=False,
                          env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
    if done.returncode:
        raise RuntimeError(f"apparmor_parser {action}: {done.stderr}")


class Profile:
    """Loaded for as long as it is entered."""

    def __init__(self, used, folders, files):
        others = [f"  {path}/{{,**}} mrix," for path in folders]
        others += [f"  {path} mrix," for path in files]
        self.text = PROFILE.format(name=NAME, used=used, others="\n".join(others))

    def __enter__(self):
        parser("--replace", self.text)
        return self

    def __exit__(self, *_):
        parser("--remove", self.text)

    @staticmethod
    def enter():
        """The next program of this process is confined, and what it starts."""
        fd = os.open(ENTER, os.O_WRONLY)
        os.write(fd, f"exec {NAME}".encode())
        os.close(fd)
