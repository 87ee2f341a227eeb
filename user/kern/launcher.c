// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The launcher, which is free until its next exec; for other processes see visit.c. */
#include <errno.h>

#include "kern/state.h"

int kern_launcher_arm(struct kern *kern)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	if (!kern->options.lsm)
		return 0;
	err = bpf_prog_test_run_opts(program_call_fd(kern, kern->skel->progs.weir_arm), &opts);
	if (err < 0)
		return -errno;
	return opts.retval ? -ENOSPC : 0;	/* the map of marks is full */
}
