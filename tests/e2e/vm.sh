#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What scripts/vm promises: statuses, streams, files that come back, the time limit, a dead guest.
# Takes the kernels to try as arguments; all three when there are none.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

[ $# -gt 0 ] || set -- 6.1 6.12 latest
tmp=$(mktemp -d /tmp/weir-vm-test.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

# expect WHAT GOT WANTED
expect() {
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) - $1"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) - $1"
		printf '# got:    %q\n# wanted: %q\n' "$2" "$3"
	fi
}

# runs a guest; leaves $code, $tmp/out and $tmp/err
vm() {
	scripts/vm "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	code=$?
}

has() {
	grep -q -e "$2" "$1" && echo yes
}

# one boot, many promises: the guest says what it found, a line each
one_boot() {
	local k=$1
	mkdir -p "$tmp/$k"
	# shellcheck disable=SC2016 # the guest's variables
	VM_OUT=$tmp/$k WEIR_VM_ENV="PASSED" PASSED='a  "b"' SECRET=x vm -k "$k" -- bash -c '
		echo to-stderr >&2
		echo again >/dev/stdout
		printf "\r\n\000end"
		echo "$1|$2" >"$VM_OUT/args"
		pwd >"$VM_OUT/pwd"
		echo "$PASSED|${SECRET-unset}" >"$VM_OUT/env"
		uname -r >"$VM_OUT/release"
		id -u >"$VM_OUT/uid"
		cat /sys/kernel/security/lsm >"$VM_OUT/lsm"
		stat -f -c %T /tmp /run /scratch /sys/fs/cgroup /sys/fs/bpf /sys/kernel/security \
			>"$VM_OUT/mounts"
		touch ./written-in-guest /scratch/x && echo yes >"$VM_OUT/writable"
		python3 -c "import socket; socket.create_server((\"127.0.0.1\", 0)); \
			socket.create_server((\"::1\", 0), family=socket.AF_INET6); print(\"yes\")" \
			>"$VM_OUT/loopback"
		modprobe dummy && echo yes >"$VM_OUT/modules"
		sleep 1000 & # must not hold the guest up
		exit 7' name "x  y" "\$(z)'"

	expect "$k: the command's exit status is ours" "$code" 7
	expect "$k: stdout comes unchanged" "$(od -An -c "$tmp/out")" "$(printf 'again\n\r\n\000end' | od -An -c)"
	expect "$k: stderr comes apart from it" "$(cat "$tmp/err")" to-stderr
	expect "$k: arguments keep their spaces and quotes" "$(cat "$tmp/$k/args")" "x  y|\$(z)'"
	expect "$k: the working directory is the same" "$(cat "$tmp/$k/pwd")" "$PWD"
	expect "$k: only named variables are passed" "$(cat "$tmp/$k/env")" 'a  "b"|unset'
	expect "$k: the kernel is the one asked for" "$(cat "$tmp/$k/release")" "$(cat "$(scripts/kernels "$k")/release")"
	expect "$k: the command is root" "$(cat "$tmp/$k/uid")" 0
	expect "$k: BPF LSM is active" "$(has "$tmp/$k/lsm" '\<bpf\>')" yes
	expect "$k: the mounts are there" "$(tr '\n' ' ' <"$tmp/$k/mounts")" \
		"tmpfs tmpfs ext2/ext3 cgroup2fs bpf_fs securityfs "
	expect "$k: everything is writable" "$(cat "$tmp/$k/writable")" yes
	expect "$k: and nothing of it reaches the host" "$([ -e written-in-guest ] && echo there)" ""
	expect "$k: loopback is up, IPv4 and IPv6" "$(cat "$tmp/$k/loopback")" yes
	expect "$k: the kernel's modules can be loaded" "$(cat "$tmp/$k/modules")" yes
}

statuses() {
	local k=$1
	# shellcheck disable=SC2016 # the guest's
	vm -k "$k" -- sh -c 'kill -TERM $$'
	expect "$k: a signal is 128 and its number" "$code" 143
	expect "$k: and adds nothing to the output" "$(cat "$tmp/out" "$tmp/err")" ""
	# it dies when its words have come out
	: >"$tmp/out"
	(until [ -s "$tmp/out" ]; do sleep 0.1; done && touch "$tmp/$k/heard") &
	# shellcheck disable=SC2016 # the guest's
	VM_OUT=$tmp/$k vm -k "$k" -t 60 -- sh -c 'echo last words
		until [ -e "$VM_OUT/heard" ]; do sleep 0.1; done
		echo c >/proc/sysrq-trigger'
	kill $! 2>/dev/null
	wait
	expect "$k: a guest that dies is 125" "$code" 125
	expect "$k: its output until then is kept" "$(cat "$tmp/out")" "last words"
	expect "$k: and its kernel log is shown" "$(has "$tmp/err" 'Kernel panic')" yes
}

for k; do
	one_boot "$k"
	statuses "$k"
done

k=$1
vm -k "$k" -t 60 -- sh -c 'echo early; exec sleep 1000'
expect "$k: the time limit is 124" "$code" 124
expect "$k: output streams before the end" "$(cat "$tmp/out")" early
vm -k "$k" -- /nonexistent
expect "$k: a command that is not there is 127" "$code" 127
vm -k 5.10 -- true
expect "an unknown kernel is wrong usage" "$code" 2
vm -k "$k" -m 1M -t 60 -- true
expect "a guest that cannot start is 125 or 124, never success" "$((code == 125 || code == 124))" 1

# the emulator's fault, played by one that fails as it does before it is QEMU: once, then always
mkdir "$tmp/bin"
cat >"$tmp/bin/qemu-system-x86_64" <<-EOF
	#!/bin/bash
	echo >>"$tmp/starts"
	if [ "\$(wc -l <"$tmp/starts")" -gt "\$FAULTS" ]; then
		PATH=\${PATH#*:} exec qemu-system-x86_64 "\$@"
	fi
	for arg; do
		case \$arg in file:*) echo '[    0.8] Oops: int3: 0000 [#1] SMP NOPTI' >"\${arg#file:}" ;; esac
	done
EOF
chmod +x "$tmp/bin/qemu-system-x86_64"
PATH=$tmp/bin:$PATH FAULTS=1 vm -k "$k" -- echo once
expect "$k: a start that the emulator tripped over is made again" "$code $(cat "$tmp/out" "$tmp/err")" "0 once"
rm "$tmp/starts"
PATH=$tmp/bin:$PATH FAULTS=9 vm -k "$k" -- echo never
expect "$k: but not for ever" "$code $(wc -l <"$tmp/starts") $(has "$tmp/err" 'Oops: int3')" "125 4 yes"

# a clone below /tmp, where the guest has a fresh file system
mkdir -p "$tmp/a b/weir"
cp -r scripts "$tmp/a b/weir/"
(cd "$tmp/a b/weir/scripts/make" && ../vm -k "$k" -- sh -c 'pwd && ls ../vm' >"$tmp/out" 2>"$tmp/err")
expect "$k: a checkout below /tmp works, with a space in its name" "$(cat "$tmp/out")" \
	"$tmp/a b/weir/scripts/make"$'\n'"../vm"

vm -i -k "$k" -- sh -c 'nproc; cat /proc/sys/kernel/random/boot_id | wc -c'
expect "$k: -i has one processor" "$code $(tr '\n' ' ' <"$tmp/out")" "0 1 37 "

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
