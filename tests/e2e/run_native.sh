#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `weir run`, `check` and `doctor` from outside, on the kernel this runs on: the
# host's, or a guest's (scripts/vm -- tests/e2e/run_native.sh). Needs root.
set -eu
cd "$(dirname "$0")"
exec python3 run.py "${1:-../../build/weir}"
