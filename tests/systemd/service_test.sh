#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# weir as a service, in a guest whose init is systemd: scripts/vm -s -- tests/systemd/service_test.sh ROOT
# ROOT is what `make install DESTDIR=ROOT` has made; everything here is gone with the guest.
set -uo pipefail

passed=0 failed=0

# check WHAT COMMAND...
check() {
	local what=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) - $what"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) - $what"
		sed 's/^/# /' /tmp/said
	fi
}

# what systemd says of the service
property() {
	[ "$(systemctl show --value -p "$1" weir)" = "$2" ]
}

# a bit of a field of the daemon's status in /proc
field() {
	grep -qi "^$1:[[:space:]]*$2\$" "/proc/$(systemctl show --value -p MainPID weir)/status"
}

confined() {
	weir status --json | grep -q '"/system.slice/web.service"'
}

[ "$(cat /proc/1/comm)" = systemd ] || {
	echo "systemd is not the init here" >&2
	exit 2
}
cp -a "$1/." /
mkdir -p /etc/weir/policies
cat >/etc/weir/weir.yaml <<-END
	version: 1
	metrics: {listen: 127.0.0.1:9469}
END
cat >/etc/weir/policies/web.yaml <<-END
	version: 1
	name: web
	network: {allow: [{name: local, addresses: [127.0.0.1], ports: [9469]}]}
	files: unrestricted
	guard: unrestricted
END
# an emulated machine takes its time
mkdir -p /etc/systemd/system/weir.service.d
printf '[Service]\nTimeoutStartSec=300\nWatchdogSec=300\n' >/etc/systemd/system/weir.service.d/slow.conf
systemctl daemon-reload

check "the unit is right" systemd-analyze verify /usr/lib/systemd/system/weir.service
check "it starts, and tells that it is ready" systemctl start weir
check "it runs" property SubState running
check "as Type=notify" property Type notify
check "nothing was said against it" property Result success
check "it gains no privileges" field NoNewPrivs 1
check "its capabilities are bounded" field CapBnd 000000c4012810c4
check "it answers" weir status
check "it gives metrics" curl -sSf -m 20 http://127.0.0.1:9469/metrics
check "a service starts" systemd-run --unit=web sleep infinity
check "it is confined" weir attach --policy web --unit web
check "status has it" confined
check "reload" systemctl reload weir
check "it stops" systemctl stop weir
check "well" property Result success
check "what it confined stays so" sh -c 'ls /sys/fs/bpf/weir/abi-*/links'
check "until everything is taken away" weir daemon --remove
check "and nothing is left" sh -c '! ls -d /sys/fs/bpf/weir/abi-* 2>/dev/null'
systemctl stop web
rm /etc/weir/weir.yaml /etc/weir/policies/web.yaml /var/log/weir/audit.jsonl

# the document, as it stands
"${0%/*}/walkthrough_test.py" "${0%/*}/../../docs/walkthrough.md" || failed=$((failed + 1))
journalctl -b -u weir --no-pager -o cat | sed 's/^/# journal: /'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
