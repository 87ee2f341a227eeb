/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the kernel side fares: what waits in the rings, and what the programs cost. */
#ifndef WEIR_KERN_STATS_H
#define WEIR_KERN_STATS_H

#include "kern/kern.h"

struct kern_fill {
	uint64_t bytes;		/* that wait to be read */
	uint64_t size;
};

struct kern_fills {
	struct kern_fill allow;
	struct kern_fill deny;
};

/* Of the rings of this process. Returns 0 or negative errno. */
int kern_fills(struct kern *kern, struct kern_fills *ret);

/* What one program has cost since it was loaded, while the kernel counted. */
struct kern_cost {
	const char *program;	/* stays for as long as kern */
	uint64_t runs;
	uint64_t ns;
};

/* Does the kernel count now (sysctl kernel.bpf_stats_enabled)? */
bool kern_costs_counted(void);

/*
 * All programs that are attached, also those that another weir has loaded, in a heap
 * array. Returns 0 or negative errno.
 */
int kern_costs(struct kern *kern, struct kern_cost **ret, size_t *ret_n);

#endif
