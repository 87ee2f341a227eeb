// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding, reading and compiling a policy; see load.h. */
#include "daemon/load.h"

#include <string.h>

#include "policy/notes.h"

static const char *const standard[] = {WEIR_SYSCONFDIR "/policies", WEIR_DATADIR "/allowlists"};

const struct load_folders load_folders = {standard, ARRAY_SIZE(standard)};

static bool is_file(const char *name)
{
	size_t len = strlen(name);

	return strchr(name, '/') || (len > 5 && strcmp(name + len - 5, ".yaml") == 0);
}

int load_find(const struct load_folders *folders, const char *name, char **ret)
{
	char *path;

	if (is_file(name)) {
		path = strdup(name);
		if (!path)
			return -ENOMEM;
		*ret = path;
		return 0;
	}
	for (size_t i = 0; i < folders->n; i++) {
		if (asprintf(&path, "%s/%s.yaml", folders->list[i], name) < 0)
			return -ENOMEM;
		if (access(path, F_OK) == 0) {
			*ret = path;
			return 0;
		}
		free(path);
	}
	return -ENOENT;
}

/* Once for the digest, which knows no grants, and with them once more. */
static int policy_compile_granted(struct policy *policy, const struct policy_grant *grants,
				  size_t n_grants, struct policy_errors *errors,
				  struct policy_compiled **ret)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	char digest[sizeof(compiled->digest)];
	int r;

	r = policy_compile(policy, errors, &compiled);
	if (r < 0 || !n_grants) {
		*ret = r < 0 ? NULL : TAKE_PTR(compiled);
		return r;
	}
	memcpy(digest, compiled->digest, sizeof(digest));
	policy_compiled_free(TAKE_PTR(compiled));
	r = policy_grants_add(policy, grants, n_grants);
	if (r >= 0)
		r = policy_compile(policy, errors, &compiled);
	if (r < 0)
		return r;
	memcpy(compiled->digest, digest, sizeof(digest));
	*ret = TAKE_PTR(compiled);
	return 0;
}

int load_file(const struct load_folders *folders, const char *path, const struct policy_pair *set,
	      size_t n_set, const struct policy_grant *grants, size_t n_grants,
	      struct buf *text, struct policy_compiled **ret,
	      struct policy_outline **ret_outline)
{
	const struct policy_options options = {
		.set = set, .n_set = n_set, .folders = folders->list, .n_folders = folders->n,
	};
	_cleanup_(policy_errors_done) struct policy_errors errors = {0};
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	struct policy_outline *outline = NULL;
	_cleanup_policy_ struct policy *policy = NULL;
	int r;

	r = policy_read(path, &options, &errors, &policy);
	if (r >= 0 && ret_outline)
		r = policy_outline(policy, &outline);
	if (r >= 0)
		r = policy_compile_granted(policy, grants, n_grants, &errors, &compiled);
	if (r < 0) {
		buf_add(text, errors.text.data, errors.text.len);
		policy_outline_free(outline);
		return r;
	}
	policy_notes(policy, text);
	*ret = TAKE_PTR(compiled);
	if (ret_outline)
		*ret_outline = outline;
	return 0;
}

size_t load_rule_count(const struct policy_compiled *compiled)
{
	return compiled->network.n_allow + compiled->network.n_deny + compiled->listen.n_allow +
	       compiled->unix_sockets.n_allow + compiled->files.n_allow + compiled->files.n_deny;
}
