// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking the kernel's tables what they decide, without doing it. */
#include <errno.h>

#include "kern/state.h"

int kern_ask_flow(struct kern *kern, uint32_t instance, enum weir_proto proto,
		  const struct weir_addr *addr, uint16_t port, uint32_t *ret_decision)
{
	struct weir_ask_flow ask = {
		.instance = instance,
		.addr = *addr,
		.port = port,
		.proto = (__u16)proto,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ask, .ctx_size_in = sizeof(ask));
	int fd = program_call_fd(kern, kern->skel->progs.weir_decide_flow);

	/* a syscall program's context comes back where it was given */
	if (bpf_prog_test_run_opts(fd, &opts) < 0)
		return -errno;
	*ret_decision = ask.decision;
	return 0;
}
