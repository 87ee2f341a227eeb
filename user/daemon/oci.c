// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The state of a container as a request; see oci.h. */
#include "daemon/oci.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "daemon/ctl_parts.h"

#define POLICY OCI_ANNOTATIONS "policy"
#define SET OCI_ANNOTATIONS "set."
#define LABEL OCI_ANNOTATIONS "label."

static const char *key_behind(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(name, prefix, len) == 0 && name[len] ? name + len : NULL;
}

/* There is room: as many as there are annotations. */
static int pair_add(const char *key, const char *value, struct policy_pair *pairs, size_t *n)
{
	struct policy_pair *pair = &pairs[(*n)++];

	pair->key = strdup(key);
	pair->value = strdup(value);
	return pair->key && pair->value ? 0 : -ENOMEM;
}

static int annotation_take(const char *name, const json_t *value, struct ctl_request *request,
			   char **ret_error)
{
	const char *text = json_string_value(value), *key;

	if (strncmp(name, OCI_ANNOTATIONS, strlen(OCI_ANNOTATIONS)) != 0)
		return 0;
	if (!text)
		return fail(ret_error, "the annotation \"%s\" must be text", name);
	key = key_behind(name, SET);
	if (key)
		return pair_add(key, text, request->set, &request->n_set);
	key = key_behind(name, LABEL);
	if (key)
		return pair_add(key, text, request->labels, &request->n_labels);
	if (strcmp(name, POLICY) != 0)
		return fail(ret_error,
			    "the annotation \"%s\" is not known; there are " POLICY ", " SET
			    "PARAM and " LABEL "KEY", name);
	if (!*text)
		return fail(ret_error, "the annotation \"%s\" names no policy", name);
	request->policy = strdup(text);
	return request->policy ? 0 : -ENOMEM;
}

static int annotations_take(const json_t *annotations, struct ctl_request *request,
			    char **ret_error)
{
	size_t room = json_object_size(annotations) + 1;
	const char *name;
	json_t *value;
	int r;

	if (annotations && !json_is_object(annotations) && !json_is_null(annotations))
		return fail(ret_error, "\"annotations\" must be an object");
	request->set = calloc(room, sizeof(*request->set));
	request->labels = calloc(room, sizeof(*request->labels));
	if (!request->set || !request->labels)
		return -ENOMEM;
	json_object_foreach((json_t *)annotations, name, value) {
		r = annotation_take(name, value, request, ret_error);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One that runs, or that is restored from a checkpoint, would be free until its next exec. */
static bool is_to_begin(const json_t *status)
{
	const char *text = json_string_value(status);

	return text && (strcmp(text, "creating") == 0 || strcmp(text, "created") == 0);
}

static int state_take(const json_t *state, struct ctl_request *request, char **ret_error)
{
	const json_t *pid = json_object_get(state, "pid");
	json_int_t number = json_integer_value(pid);

	if (!json_is_string(json_object_get(state, "ociVersion")))
		return fail(ret_error, "this is not the state of a container: no \"ociVersion\"");
	if (!is_to_begin(json_object_get(state, "status")))
		return fail(ret_error,
			    "\"status\" must be \"creating\" or \"created\": a container "
			    "that runs already, or is restored, cannot be confined from "
			    "its first instruction; is the hook one of createRuntime?");
	if (!json_is_integer(pid) || number < 1 || number > INT_MAX)
		return fail(ret_error, "\"pid\" must be the number of the container's process; is "
				       "the hook one of createRuntime?");
	request->command = CTL_ATTACH;
	request->target = CTL_TARGET_PID;
	request->pid = (pid_t)number;
	request->at_exec = true;
	return annotations_take(json_object_get(state, "annotations"), request, ret_error);
}

int oci_request(const char *text, size_t len, struct ctl_request *ret, char **ret_error)
{
	_cleanup_ctl_request_ struct ctl_request request = {0};
	json_error_t error;
	json_t *state;
	int r;

	if (len > OCI_STATE_MAX)
		return fail(ret_error, "a state has at most %d bytes", OCI_STATE_MAX);
	state = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!state)
		return fail(ret_error, "this is not JSON: %s", error.text);
	r = state_take(state, &request, ret_error);
	json_decref(state);
	if (r < 0)
		return r;
	*ret = request;
	request = (struct ctl_request){0};
	return 0;
}
