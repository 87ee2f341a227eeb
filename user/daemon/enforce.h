/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a policy asks for, against what this kernel and this version can do. */
#ifndef WEIR_DAEMON_ENFORCE_H
#define WEIR_DAEMON_ENFORCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "kern/kern.h"
#include "policy/compile.h"

/* A bit per enum policy_section, of those given up with --without. */
#define ENFORCE_BIT(section) (1u << (section))

/* Reads a section that can be given up. Returns 0, or -EINVAL: it cannot, or is none. */
int enforce_section_parse(const char *name, enum policy_section *ret);

/*
 * Appends a line for each reason why the policy cannot be enforced here, with
 * the remedy. Returns whether there is none.
 */
bool enforce_check(const struct policy_compiled *compiled, const struct kern_features *kernel,
		   unsigned int without, struct buf *out);

/* Appends what the policy denies by absence and this version does not deny yet, if anything. */
void enforce_pending(const struct policy_compiled *compiled, const struct kern_features *kernel,
		     unsigned int without, struct buf *out);

/* What the kernel side has to attach for this policy. */
struct kern_options enforce_options(const struct policy_compiled *compiled,
				    const struct kern_features *kernel, unsigned int without);

/* What the kernel side has to attach for whatever policy this kernel can enforce. */
struct kern_options enforce_options_all(const struct kern_features *kernel);

/* Flags of the instance (enum weir_instance_flag) for the sections given up. */
uint32_t enforce_flags(unsigned int without);

#endif
