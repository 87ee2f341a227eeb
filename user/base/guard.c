// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The words of guard.allow; see guard.h. */
#include "base/guard.h"

#include "base/cleanup.h"

const char *const guard_words[] = {
	[WEIR_GUARD_MOUNT] = "mount",
	[WEIR_GUARD_NAMESPACES] = "namespaces",
	[WEIR_GUARD_PTRACE] = "ptrace",
	[WEIR_GUARD_BPF] = "bpf",
	[WEIR_GUARD_KERNEL_MODULES] = "kernel-modules",
	[WEIR_GUARD_RAW_SOCKETS] = "raw-sockets",
	[WEIR_GUARD_PACKET_SOCKETS] = "packet-sockets",
	[WEIR_GUARD_SIGNALS] = "signals",
	[WEIR_GUARD_IPC] = "ipc",
	[WEIR_GUARD_TUN] = "tun",
};
_Static_assert(ARRAY_SIZE(guard_words) == WEIR_GUARD_COUNT, "every word is there");
