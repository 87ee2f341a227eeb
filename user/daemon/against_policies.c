// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Policies read as the daemon would; see against_policies.h. */
#include "daemon/against_policies.h"

#include <string.h>

#include "base/log.h"
#include "policy/compile.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static enum config_mode mode_of(const json_t *binding)
{
	const char *mode = text_of(binding, "mode");

	if (strcmp(mode, "audit") == 0)
		return CONFIG_MODE_AUDIT;
	return strcmp(mode, "enforce") == 0 ? CONFIG_MODE_ENFORCE : CONFIG_MODE_POLICY;
}

static unsigned int without_of(const json_t *binding)
{
	const json_t *item;
	unsigned int ret = 0;
	size_t i;

	json_array_foreach(json_object_get(binding, "without"), i, item)
		for (int section = 0; section < POLICY_SECTION_COUNT; section++)
			if (strcmp(json_string_value(item) ? json_string_value(item) : "",
				   policy_section_name(section)) == 0)
				ret |= 1u << section;
	return ret;
}

/* The reader's options, borrowed from the reply. */
struct options {
	struct policy_pair *set;
	const char **folders;
	struct policy_options options;
};

static void options_done(struct options *options)
{
	free(options->set);
	free(options->folders);
}

static int options_of(const json_t *result, const json_t *binding, struct options *ret)
{
	json_t *set = json_object_get(binding, "set"), *value, *item;
	const json_t *folders = json_object_get(result, "folders");
	const char *key;
	size_t n = 0, i;

	ret->set = calloc(json_object_size(set) + 1, sizeof(*ret->set));
	ret->folders = calloc(json_array_size(folders) + 1, sizeof(char *));
	if (!ret->set || !ret->folders)
		return -ENOMEM;
	json_object_foreach(set, key, value)
		if (json_is_string(value))
			ret->set[n++] = (struct policy_pair){(char *)key,
							     (char *)json_string_value(value)};
	json_array_foreach(folders, i, item)
		ret->folders[i] = json_string_value(item) ? json_string_value(item) : "";
	ret->options = (struct policy_options){.set = ret->set, .n_set = n,
					       .folders = ret->folders,
					       .n_folders = json_array_size(folders)};
	return 0;
}

/* The daemon has read the same a moment ago: another digest is another text. */
static int digest_check(const struct policy *policy, const char *digest)
{
	_cleanup_(policy_errors_done) struct policy_errors errors = {0};
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	int r = policy_compile(policy, &errors, &compiled);

	if (r >= 0 && strcmp(compiled->digest, digest) != 0)
		r = -ESTALE;
	return r;
}

static int policy_open(const json_t *result, const json_t *binding, struct policy **ret)
{
	_cleanup_(policy_errors_done) struct policy_errors errors = {0};
	_cleanup_(options_done) struct options options = {0};
	_cleanup_policy_ struct policy *policy = NULL;
	const char *file = text_of(binding, "file");
	int r;

	r = options_of(result, binding, &options);
	if (r >= 0)
		r = policy_read(file, &options.options, &errors, &policy);
	if (r >= 0)
		r = digest_check(policy, text_of(binding, "digest"));
	if (errors.text.len)
		fwrite(errors.text.data, 1, errors.text.len, stderr);
	if (r < 0) {
		log_error("%s: %s", file, r == -ESTALE ?
			  "it has changed since the daemon read it; try again" : strerror(-r));
		return r;
	}
	judge_policy_adapt(policy, mode_of(binding), without_of(binding));
	*ret = TAKE_PTR(policy);
	return 0;
}

int against_policies_read(const json_t *result, struct against_policies *ret)
{
	const json_t *bindings = json_object_get(result, "bindings"), *binding;
	size_t i;
	int r;

	if (!json_is_array(bindings)) {
		log_error(
			"the daemon is of another version: it does not tell what it has attached");
		return -EPROTO;
	}
	ret->list = calloc(json_array_size(bindings) + 1, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	json_array_foreach(bindings, i, binding) {
		struct against_policy *policy = &ret->list[ret->n];

		policy->name = text_of(binding, "name");
		policy->cgroups = json_object_get(binding, "cgroups");
		r = policy_open(result, binding, &policy->policy);
		if (r < 0)
			return r;
		ret->n++;
	}
	return 0;
}

bool against_policy_known(const struct against_policies *policies, const char *name)
{
	for (size_t i = 0; name && i < policies->n; i++)
		if (strcmp(policies->list[i].name, name) == 0)
			return true;
	return false;
}

static bool has_cgroup(const struct against_policy *policy, const char *cgroup)
{
	const json_t *item;
	size_t i;

	json_array_foreach(policy->cgroups, i, item)
		if (cgroup && json_is_string(item) && strcmp(json_string_value(item), cgroup) == 0)
			return true;
	return false;
}

const struct policy *against_policy_of(const struct against_policies *policies, const char *name,
				       const char *cgroup)
{
	const struct policy *only = NULL;
	size_t n = 0;

	for (size_t i = 0; i < policies->n; i++) {
		if (strcmp(policies->list[i].name, name) != 0)
			continue;
		if (has_cgroup(&policies->list[i], cgroup))
			return policies->list[i].policy;
		only = policies->list[i].policy;
		n++;
	}
	return n == 1 ? only : NULL;
}

void against_policies_done(struct against_policies *policies)
{
	for (size_t i = 0; i < policies->n; i++)
		policy_free(policies->list[i].policy);
	free(policies->list);
}
