// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Grants as JSON, for the daemon that comes after this one; see grant.h. */
#include <string.h>

#include "daemon/grant.h"

json_t *grant_items_json(const struct grant *grant)
{
	json_t *list = json_array();

	for (size_t i = 0; i < grant->n_items; i++)
		json_array_append_new(list, json_pack("{s:o*}",
						      grant_kind_name(grant->items[i].kind),
						      ctl_text(grant->items[i].text)));
	return list;
}

/* Names of cgroups and paths are bytes: items are UTF-8, as they came by JSON. */
json_t *grants_to_json(const struct agent *agent)
{
	json_t *list = json_array();
	size_t n = 0;

	for (const struct grant *grant = agent->grants; grant; grant = grant->next, n++) {
		json_array_append_new(
			list,
			json_pack("{s:I, s:s*, s:s*, s:I, s:o, s:I, s:b, s:b, s:I, s:I, s:I, s:I, s:I}",
				  "id", (json_int_t)grant->id, "policy", grant->policy, "cgroup",
				  grant->cgroup, "cgroup_id", (json_int_t)grant->cgroup_id, "allow",
				  grant_items_json(grant), "for", (json_int_t)grant->for_s, "once",
				  grant->once, "over", grant->over, "slot", (json_int_t)grant->slot, "given_ns",
				  (json_int_t)grant->given_ns, "expires_ns",
				  (json_int_t)grant->expires_ns, "uid", (json_int_t)grant->uid,
				  "pid", (json_int_t)grant->pid));
	}
	/* what found no memory is not in the list */
	if (json_array_size(list) != n) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:I, s:o}", "last", (json_int_t)agent->last_grant, "grants", list);
}

static int items_parse(const json_t *list, struct grant *grant)
{
	const json_t *object;
	const char *key;
	json_t *text;
	size_t i;

	grant->items = calloc(json_array_size(list) + 1, sizeof(*grant->items));
	if (!grant->items)
		return -ENOMEM;
	json_array_foreach(list, i, object) {
		json_object_foreach((json_t *)object, key, text) {
			struct grant_item *item = &grant->items[grant->n_items];
			_cleanup_free_ char *error = NULL;

			if (i != grant->n_items || !json_is_string(text) ||
			    grant_kind_parse(key, &item->kind) < 0)
				return -EBADMSG;
			item->text = strdup(json_string_value(text));
			if (!item->text)
				return -ENOMEM;
			grant->n_items++;
			if (grant_item_check(item, &error) < 0)
				return -EBADMSG;
		}
	}
	return grant->n_items ? 0 : -EBADMSG;
}

static int grant_parse(const json_t *json, struct grant **ret)
{
	_cleanup_grant_ struct grant *grant = calloc(1, sizeof(*grant));
	json_int_t id, cgroup_id, for_s, slot, given, expires, uid, pid;
	const char *policy = NULL, *cgroup = NULL;
	const json_t *items;
	int once, over, r;

	if (!grant)
		return -ENOMEM;
	if (json_unpack((json_t *)json,
			"{s:I, s?s, s?s, s:I, s:o, s:I, s:b, s:b, s:I, s:I, s:I, s:I, s:I}", "id",
			&id, "policy", &policy, "cgroup", &cgroup, "cgroup_id", &cgroup_id, "allow",
			&items, "for", &for_s, "once", &once, "over", &over, "slot", &slot,
			"given_ns", &given, "expires_ns", &expires, "uid", &uid, "pid", &pid) < 0 ||
	    !policy == !cgroup || id < 1 || slot < 0 || slot >= WEIR_GRANTS_MAX)
		return -EBADMSG;
	grant->id = (unsigned int)id;
	grant->cgroup_id = (uint64_t)cgroup_id;
	grant->for_s = (uint64_t)for_s;
	grant->once = once;
	grant->over = over;
	grant->slot = (uint32_t)slot;
	grant->given_ns = (uint64_t)given;
	grant->expires_ns = (uint64_t)expires;
	grant->uid = (uid_t)uid;
	grant->pid = (pid_t)pid;
	grant->policy = policy ? strdup(policy) : NULL;
	grant->cgroup = cgroup ? strdup(cgroup) : NULL;
	if (!grant->policy && !grant->cgroup)
		return -ENOMEM;
	r = items_parse(items, grant);
	if (r >= 0)
		*ret = TAKE_PTR(grant);
	return r;
}

static void grants_free(struct grant *list)
{
	while (list) {
		struct grant *grant = list;

		list = grant->next;
		grant_free(grant);
	}
}

int grants_from_json(struct agent *agent, const json_t *json)
{
	const json_t *list = json_object_get(json, "grants"), *one;
	struct grant *first = NULL, **end = &first;
	size_t i;
	int r = json_is_array(list) ? 0 : -EBADMSG;

	for (i = 0; r >= 0 && i < json_array_size(list); i++) {
		one = json_array_get(list, i);
		r = grant_parse(one, end);
		if (r >= 0)
			end = &(*end)->next;
	}
	if (r < 0) {
		grants_free(first);
		return r;
	}
	*end = agent->grants;
	agent->grants = first;
	agent->last_grant = (unsigned int)json_integer_value(json_object_get(json, "last"));
	return 0;
}
