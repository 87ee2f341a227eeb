// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding, reading and compiling a policy; see load.h. */
#include "daemon/load.h"

#include <string.h>

#include "policy/notes.h"

static const char *const folders[] = {WEIR_SYSCONFDIR "/policies", WEIR_DATADIR "/allowlists"};

static bool is_file(const char *name)
{
	size_t len = strlen(name);

	return strchr(name, '/') || (len > 5 && strcmp(name + len - 5, ".yaml") == 0);
}

int load_find(const char *name, char **ret)
{
	char *path;

	if (is_file(name)) {
		path = strdup(name);
		if (!path)
			return -ENOMEM;
		*ret = path;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (asprintf(&path, "%s/%s.yaml", folders[i], name) < 0)
			return -ENOMEM;
		if (access(path, F_OK) == 0) {
			*ret = path;
			return 0;
		}
		free(path);
	}
	return -ENOENT;
}

int load_file(const char *path, const struct policy_pair *set, size_t n_set, struct buf *text,
	      struct policy_compiled **ret)
{
	const struct policy_options options = {
		.set = set, .n_set = n_set, .folders = folders, .n_folders = ARRAY_SIZE(folders),
	};
	_cleanup_(policy_errors_done) struct policy_errors errors = {0};
	_cleanup_policy_ struct policy *policy = NULL;
	int r;

	r = policy_read(path, &options, &errors, &policy);
	if (r >= 0)
		r = policy_compile(policy, &errors, ret);
	if (r < 0)
		buf_add(text, errors.text.data, errors.text.len);
	else
		policy_notes(policy, text);
	return r;
}

size_t load_rule_count(const struct policy_compiled *compiled)
{
	return compiled->network.n_allow + compiled->network.n_deny + compiled->listen.n_allow +
	       compiled->unix_sockets.n_allow + compiled->files.n_allow + compiled->files.n_deny;
}
