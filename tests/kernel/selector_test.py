# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The end-to-end tests of selectors and containers, where marks, files and the guard are enforced."""

import os

from support import WEIR, once

import container_test
import harness
import select_takeover_test
import select_test

harness.Case.weir = str(WEIR)
os.environ.setdefault("WEIR_RACES", "100")      # an emulated machine takes its time


class Selectors(select_test.Selectors):
    test_more_than_there_is_room_for = once(
        select_test.Selectors.test_more_than_there_is_room_for)


Takeover = once(select_takeover_test.Takeover)
Crun, Runc = container_test.Crun, container_test.Runc
