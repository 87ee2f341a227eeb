#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Boots a guest for each kernel named in the first argument, one more at a time than there are
# processors, for each of them waits now and then, and runs run.py there with the programs that
# follow. What tries many generated cases takes its share of them ($WEIR_SHARE, "NUMBER/OF"), and
# what the kernel does not decide is tried in one guest alone. A guest that does not print
# its result line has failed; so has one whose records are not as the schema says, or are none.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

read -ra kernels <<<"$1"
shift
limit=${KERNEL_TEST_SECONDS:-9000}
at_once=$(($(nproc) + 1))
work=build/kernel-test
[ ${#kernels[@]} -gt 0 ] || { echo "no kernels" >&2; exit 2; }

guest() {
	local kernel=$1 share=$2 dir=$work/$1 began=$SECONDS code=0 result
	shift 2
	echo "$kernel: started, log in $dir/log"
	rm -rf "$dir"
	mkdir -p "$dir/records"
	VM_OUT=$dir/records WEIR_VM_ENV="TESTS WEIR_TEST_WAIT_S WEIR_SHARE" \
		TESTS=${KERNEL_TESTS-} WEIR_SHARE=$share scripts/vm -k "$kernel" -t "$limit" -- \
		/usr/bin/python3 -B tests/kernel/run.py "$@" >"$dir/log" 2>&1 || code=$?
	result=$(tail -n 1 "$dir/log" | grep -xE '[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped')
	if [ "$code" -eq 0 ] && [ -n "$result" ] && records_check "$dir"; then
		echo "$kernel: $result ($((SECONDS - began)) s)"
		return
	fi
	cat "$dir/log"
	echo "$kernel: FAILED (status $code): ${result:-no result line} ($((SECONDS - began)) s)"
	return 1
}

records_check() {
	local files=("$1"/records/*.jsonl)
	[ -e "${files[0]}" ] || { echo "no records came out of the guest" >>"$1/log"; return 1; }
	tests/validate "${files[@]}" >"$1/validate" 2>&1 || { cat "$1/validate" >>"$1/log"; return 1; }
}

failed=0 running=0 number=0
for kernel in "${kernels[@]}"; do
	if [ "$running" -ge "$at_once" ]; then
		wait -n || failed=1
		running=$((running - 1))
	fi
	guest "$kernel" "$number/${#kernels[@]}" "$@" &
	number=$((number + 1))
	running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
	wait -n || failed=1
	running=$((running - 1))
done
exit "$failed"
