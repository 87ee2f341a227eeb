/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a daemon has in force, as its successor has to know it: a JSON text in
 * /run/weir/state.json, written before a change takes effect. The kernel tells what
 * is in force; this tells by which policy, attached how, and what records mean.
 */
#ifndef WEIR_DAEMON_STATE_H
#define WEIR_DAEMON_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/table.h"
#include "policy/arena.h"
#include "policy/config.h"

#define STATE_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define STATE_BOOT_LEN 36	/* of the id of a boot, as the kernel writes it */

/* A policy as it was attached: see struct binding. */
struct state_binding {
	const char *policy;
	struct policy_pair *set;
	size_t n_set;
	struct policy_pair *labels;
	size_t n_labels;
	unsigned int without;
	enum config_mode mode;
	bool configured;	/* the configuration asked for it */
	bool unknown;		/* see struct binding */
	bool split;		/* the same */
};

/* A version, that records name by its serial. */
struct state_version {
	uint64_t serial;
	struct event_version shown;	/* what records take from it */
	bool loaded;			/* in the kernel, with what follows */
	size_t binding;
	const char *path;
	bool audit;
	bool expired;		/* which was recorded */
	int64_t loaded_s;
	struct policy_pair *parameters;
	size_t n_parameters;
};

struct state_scope {
	uint64_t cgroup_id;
	const char *cgroup;	/* path */
	bool attached;		/* to what follows; else records alone may name it */
	size_t binding;
	int64_t since_s;
};

/* Strings and lists belong to whom the state was made from, or to the state that was read. */
struct state {
	char boot[STATE_BOOT_LEN + 1];
	struct state_binding *bindings;
	size_t n_bindings;
	struct state_version *versions;
	size_t n_versions;
	struct state_scope *scopes;
	size_t n_scopes;
	json_t *grants;		/* see grants_to_json() */
	struct arena arena;
	json_t *root;
};

/* Appends it as text. 0 or -ENOMEM. */
int state_format(const struct state *state, struct buf *out);

/* Reads it, strictly: all of it, or -EINVAL with *ret_error, a heap string, or -ENOMEM. */
int state_parse(const char *text, size_t len, struct state *ret, char **ret_error);

void state_done(struct state *state);
#define _cleanup_state_ _cleanup_(state_done)

/*
 * Puts the text in the place of the file, whole or not at all; mode 0600.
 * Returns 0 or negative errno.
 */
int state_write(const char *path, const struct buf *text);

/* Reads the file. -ENOENT: there is none; -EINVAL with *ret_error: it is damaged, or not ours. */
int state_read(const char *path, struct state *ret, char **ret_error);

/* This boot's id. 0 or negative errno. */
int state_boot(char ret[STATE_BOOT_LEN + 1]);

#endif
