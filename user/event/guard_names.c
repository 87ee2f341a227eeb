// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Words of guard.* records; see guard_names.h. */
#include "event/guard_names.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>

#include "base/cleanup.h"

static const struct {
	const char *name;
	bool counts;
} asks[] = {
	[WEIR_ASK_CAPABILITY] = {"capability", false},
	[WEIR_ASK_MOUNT] = {"mount", false},
	[WEIR_ASK_MOVE_MOUNT] = {"move-mount", false},
	[WEIR_ASK_UMOUNT] = {"umount", false},
	[WEIR_ASK_PIVOT_ROOT] = {"pivot-root", false},
	[WEIR_ASK_CHROOT] = {"chroot", false},
	[WEIR_ASK_NAMESPACE] = {"namespace", false},
	[WEIR_ASK_USER_NAMESPACE] = {"user-namespace", false},
	[WEIR_ASK_PTRACE] = {"ptrace", true},
	[WEIR_ASK_TRACEME] = {"traceme", false},
	[WEIR_ASK_SIGNAL] = {"signal", true},
	[WEIR_ASK_LIMIT] = {"limit", true},
	[WEIR_ASK_SCHEDULING] = {"scheduling", false},
	[WEIR_ASK_PROCESS_FILE] = {"process-file", false},
	[WEIR_ASK_BPF] = {"bpf", true},
	[WEIR_ASK_BPF_OBJECT] = {"bpf-object", false},
	[WEIR_ASK_PERF] = {"perf", false},
	[WEIR_ASK_MODULE] = {"module", false},
	[WEIR_ASK_IPC] = {"ipc", false},
	[WEIR_ASK_MESSAGE_QUEUE] = {"message-queue", false},
	[WEIR_ASK_KEY] = {"key", true},
	[WEIR_ASK_KEY_REQUEST] = {"key-request", false},
	[WEIR_ASK_TUN] = {"tun", false},
	[WEIR_ASK_KERNEL_FILE] = {"kernel-file", false},
	[WEIR_ASK_KERNEL_LOG] = {"kernel-log", true},
	[WEIR_ASK_QUOTA] = {"quota", false},
	[WEIR_ASK_CREDENTIALS] = {"credentials", false},
	[WEIR_ASK_TERMINAL] = {"terminal", false},
	[WEIR_ASK_CONTROL] = {"control-socket", false},
};
_Static_assert(ARRAY_SIZE(asks) == WEIR_ASK_COUNT, "every ask has its word");

static const char *const capabilities[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};
_Static_assert(ARRAY_SIZE(capabilities) == CAP_CHECKPOINT_RESTORE + 1, "they are in order");

const char *event_ask_name(enum weir_ask ask)
{
	return asks[ask].name;
}

bool event_ask_counts(enum weir_ask ask)
{
	return asks[ask].counts;
}

void event_capability_format(uint32_t capability, char ret[EVENT_CAPABILITY_STRLEN])
{
	if (capability < ARRAY_SIZE(capabilities))
		snprintf(ret, EVENT_CAPABILITY_STRLEN, "CAP_%s", capabilities[capability]);
	else
		snprintf(ret, EVENT_CAPABILITY_STRLEN, "CAP_%" PRIu32, capability);
}
