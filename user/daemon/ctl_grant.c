// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The request "grant"; see ctl.h. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "daemon/ctl_parts.h"

#define ITEMS_MAX 64

/* {"connect": "192.0.2.7:443"} */
static int item_take(struct reading *reading, const json_t *value)
{
	struct ctl_request *request = reading->request;
	struct grant_item *item = &request->allow[request->n_allow];
	_cleanup_free_ char *error = NULL;
	const char *key;
	json_t *text;
	int r = 0;

	if (!json_is_object(value) || json_object_size(value) != 1)
		return fail(reading->ret_error, "\"allow\" is a list of objects with one key each");
	json_object_foreach((json_t *)value, key, text) {
		if (grant_kind_parse(key, &item->kind) < 0)
			return fail(reading->ret_error,
				    "nothing is allowed by \"%s\": connect, listen, unix, "
				    "read, write, create, delete or execute is wanted",
				    key);
		r = text_take(reading, key, text, &item->text);
		if (r < 0)
			return r;
		request->n_allow++;
		r = grant_item_check(item, &error);
		if (r == -EINVAL)
			return fail(reading->ret_error, "%s: %s", key, error);
	}
	return r;
}

int grant_allow_take(struct reading *reading, const char *key, const json_t *value)
{
	struct ctl_request *request = reading->request;
	const json_t *item;
	size_t i;
	int r;

	if (!json_is_array(value) || !json_array_size(value) || json_array_size(value) > ITEMS_MAX)
		return fail(reading->ret_error, "\"%s\" must be a list of 1 to %d", key, ITEMS_MAX);
	request->allow = calloc(json_array_size(value) + 1, sizeof(*request->allow));
	if (!request->allow)
		return -ENOMEM;
	json_array_foreach(value, i, item) {
		r = item_take(reading, item);
		if (r < 0)
			return r;
	}
	return 0;
}

int grant_for_take(struct reading *reading, const char *key, const json_t *value)
{
	json_int_t seconds = json_integer_value(value);

	if (!json_is_integer(value) || seconds < 1 || (uint64_t)seconds > GRANT_SECONDS_MAX)
		return fail(reading->ret_error, "\"%s\" must be seconds, 1 to %llu", key,
			    (unsigned long long)GRANT_SECONDS_MAX);
	reading->request->for_s = (uint64_t)seconds;
	return 0;
}

int grant_once_take(struct reading *reading, const char *key, const json_t *value)
{
	if (!json_is_boolean(value))
		return fail(reading->ret_error, "\"%s\" must be true or false", key);
	reading->request->once = json_is_true(value);
	return 0;
}

int grant_revoke_take(struct reading *reading, const char *key, const json_t *value)
{
	json_int_t id = json_integer_value(value);

	if (!json_is_integer(value) || id < 1 || id > UINT_MAX)
		return fail(reading->ret_error, "\"%s\" must be the id of a grant", key);
	reading->request->revoke = (unsigned int)id;
	return 0;
}

int grant_check(struct reading *reading)
{
	const struct ctl_request *request = reading->request;
	bool placed = request->target != CTL_TARGET_NONE;

	if (request->revoke) {
		if (placed || request->policy || request->allow || request->for_s || request->once)
			return fail(reading->ret_error, "nothing goes with \"revoke\"");
		return 0;
	}
	if (placed == !!request->policy)
		return fail(reading->ret_error, "one of \"policy\" and \"cgroup\" is wanted");
	if (!request->allow)
		return fail(reading->ret_error, "\"allow\" is missing");
	if (!request->for_s)
		return fail(reading->ret_error, "\"for\" is missing");
	return 0;
}

static json_t *allow_json(const struct ctl_request *request)
{
	json_t *list = json_array();

	for (size_t i = 0; i < request->n_allow; i++) {
		const struct grant_item *item = &request->allow[i];
		json_t *one = json_pack("{s:s}", grant_kind_name(item->kind), item->text);

		if (!one || json_array_append_new(list, one) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *grant_request_json(const struct ctl_request *request)
{
	if (request->revoke)
		return json_pack("{s:I}", "revoke", (json_int_t)request->revoke);
	return json_pack("{s:s*, s:o, s:I, s:b}", "policy", request->policy, "allow",
			 allow_json(request), "for", (json_int_t)request->for_s, "once",
			 request->once);
}
