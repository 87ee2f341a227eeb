/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a section denies and this version of weir does not enforce where there is no BPF LSM. */
#ifndef WEIR_DAEMON_PENDING_H
#define WEIR_DAEMON_PENDING_H

#include <stddef.h>

#include "policy/policy.h"

struct pending {
	enum policy_section section;
	const char *text;	/* what is not denied, for people */
};

extern const struct pending pendings[];
extern const size_t n_pendings;

#endif
