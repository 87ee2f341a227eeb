/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The daemon's configuration (docs/daemon.md), read as strictly as policies are. */
#ifndef WEIR_POLICY_CONFIG_H
#define WEIR_POLICY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "weir/abi.h"

#define CONFIG_RING_BYTES_MIN 16384u	/* the longest record, and others beside it */
#define CONFIG_RING_BYTES_MAX (1u << 30)

enum config_mode {
	CONFIG_MODE_POLICY,	/* as the policy says */
	CONFIG_MODE_ENFORCE,
	CONFIG_MODE_AUDIT,
};

/* One entry of `attach`: cgroups, and the policy they are put under. */
struct config_attach {
	const char *folder;	/* the cgroup above, "" at the root */
	const char *name;	/* of the cgroup in it; NULL: each ("match") */
	const char *policy;
	struct policy_pair *set;
	size_t n_set;
	struct policy_pair *labels;
	size_t n_labels;
	unsigned int without;	/* a bit per enum policy_section */
	enum config_mode mode;
	char *place;		/* "FILE:LINE:COLUMN", for messages */
};

/* What is not given has its default. Strings belong to the configuration. */
struct config {
	const char *log;
	const char *socket;
	const char *const *policies;	/* folders of policies, the first that has one wins */
	size_t n_policies;
	uint32_t ring_allow_bytes;	/* 0: not given */
	uint32_t ring_deny_bytes;
	struct config_attach *attach;
	size_t n_attach;
	/* metrics are given there, or nowhere */
	struct weir_addr metrics_addr;	/* of this host alone */
	uint16_t metrics_port;		/* 0: not there */
	const char *metrics_socket;	/* NULL: not there */
};

/* Where things are unless the configuration says otherwise. Borrowed. */
struct config_defaults {
	const char *log;
	const char *socket;
	const char *const *policies;
	size_t n_policies;
};

/*
 * Reads a configuration file; the file is taken whole or refused whole.
 *
 * Returns 0 and *ret (config_free), -EINVAL (errors says what and where; also when
 * the file cannot be read) or -ENOMEM.
 */
int config_read(const char *path, const struct config_defaults *defaults,
		struct policy_errors *errors, struct config **ret);

/* The same for text in memory; `name` stands for the file in messages. */
int config_read_text(const char *name, const char *text, size_t len,
		     const struct config_defaults *defaults, struct policy_errors *errors,
		     struct config **ret);

void config_free(struct config *config);
DEFINE_CLEANUP(struct config, config_free);
#define _cleanup_config_ _cleanup_(cleanup_config_free)

#endif
