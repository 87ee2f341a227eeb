// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A system call filter for the one thing that a command in the caller's own
 * terminal session could do to the shell outside: type into it. Input pushed
 * with TIOCSTI or TIOCLINUX is read by whoever reads next, unconfined. A command
 * that shares no terminal, and has not the right to use others', has no filter,
 * which every system call would pay for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/launch.h"

#define TIOCLINUX 0x541C	/* linux/tiocl.h: pastes the selection */

static int request_deny(scmp_filter_ctx filter, uint64_t request)
{
	/* the kernel looks at the low 32 bits only (ioctl(2) takes an unsigned int) */
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xffffffff, request));
}

/* The machine's other ways to make a system call are other architectures to a filter. */
static int archs_add(scmp_filter_ctx filter)
{
	static const uint32_t archs[] = {SCMP_ARCH_X86, SCMP_ARCH_X32};
	int r = 0;

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(archs) && r == 0; i++)
		r = seccomp_arch_add(filter, archs[i]);
	return r;
}

/* Is there one that belongs to the session, or was handed on? What cannot be told is one. */
static bool terminal_shared(void)
{
	_cleanup_close_ int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	return fd >= 0 || errno != ENXIO || isatty(STDIN_FILENO) || isatty(STDOUT_FILENO) ||
	       isatty(STDERR_FILENO);
}

/* After the exec: without new privileges, others than root keep ambient capabilities only. */
static bool terminals_open(void)
{
	return geteuid() == 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SYS_ADMIN, 0, 0);
}

int launch_filter(void)
{
	scmp_filter_ctx filter;
	int r;

	if (!terminal_shared() && !terminals_open())
		return 0;
	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return -ENOMEM;
	r = archs_add(filter);
	if (r == 0)
		r = request_deny(filter, TIOCSTI);
	if (r == 0)
		r = request_deny(filter, TIOCLINUX);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
