// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Grants as text and as rules; see grant.h. */
#include "policy/grant.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/tree.h"
#include "policy/value.h"

static const char *const kinds[] = {
	[GRANT_CONNECT] = "connect", [GRANT_LISTEN] = "listen",	  [GRANT_UNIX] = "unix",
	[GRANT_READ] = "read",	     [GRANT_WRITE] = "write",	  [GRANT_CREATE] = "create",
	[GRANT_DELETE] = "delete",   [GRANT_EXECUTE] = "execute",
};
_Static_assert(ARRAY_SIZE(kinds) == GRANT_KIND_COUNT, "every kind has its word");

const char *grant_kind_name(enum grant_kind kind)
{
	return kinds[kind];
}

int grant_kind_parse(const char *name, enum grant_kind *ret)
{
	for (int i = 0; i < GRANT_KIND_COUNT; i++) {
		if (strcmp(name, kinds[i]) == 0) {
			*ret = (enum grant_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

enum policy_section grant_section(enum grant_kind kind)
{
	switch (kind) {
	case GRANT_CONNECT:
		return POLICY_SECTION_NETWORK;
	case GRANT_LISTEN:
		return POLICY_SECTION_LISTEN;
	case GRANT_UNIX:
		return POLICY_SECTION_UNIX;
	default:
		return POLICY_SECTION_FILES;
	}
}

/* A unit, and what may follow it: smaller ones. */
static const struct unit {
	char letter;
	unsigned int seconds;
} units[] = {{'d', 24 * 3600}, {'h', 3600}, {'m', 60}, {'s', 1}};

int grant_duration_parse(const char *text, uint64_t *ret_s)
{
	uint64_t sum = 0;
	size_t unit = 0;

	if (!*text)
		return -EINVAL;
	while (*text) {
		size_t digits = strspn(text, "0123456789");
		uint64_t number;

		if (!digits || !text[digits])
			return -EINVAL;
		while (unit < ARRAY_SIZE(units) && units[unit].letter != text[digits])
			unit++;
		if (unit == ARRAY_SIZE(units))
			return -EINVAL;
		if (digits > 9)
			return -ERANGE;
		number = strtoul(text, NULL, 10);
		sum += number * units[unit++].seconds;
		text += digits + 1;
	}
	if (!sum || sum > GRANT_SECONDS_MAX)
		return -ERANGE;
	*ret_s = sum;
	return 0;
}

static int wrong(char **ret_error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int wrong(char **ret_error, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(ret_error, format, args);
	va_end(args);
	if (r < 0) {
		*ret_error = NULL;
		return -ENOMEM;
	}
	return -EINVAL;
}

/* What "[tcp:|udp:]HOST:PORT" comes to. */
struct endpoint {
	struct prefix prefixes[2];
	size_t n_prefixes;
	struct port_range port;
	bool every_port;
	unsigned int protos;
};

static const char *protos_take(const char *text, struct endpoint *ret)
{
	ret->protos = POLICY_PROTO_TCP | POLICY_PROTO_UDP;
	if (strncmp(text, "tcp:", 4) == 0)
		ret->protos = POLICY_PROTO_TCP;
	else if (strncmp(text, "udp:", 4) == 0)
		ret->protos = POLICY_PROTO_UDP;
	else
		return text;
	return text + 4;
}

/* Takes apart HOST and PORT, the brackets gone. NULL: it has no such form. */
static const char *host_split(char *host)
{
	char *colon = strrchr(host, ':'), *bracket;

	if (*host == '[') {
		bracket = strchr(host, ']');
		if (!bracket || bracket[1] != ':' || colon != bracket + 1)
			return NULL;
		*bracket = '\0';
		memmove(host, host + 1, (size_t)(bracket - host));
		return colon + 1;
	}
	if (!colon || memchr(host, ':', (size_t)(colon - host)))
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static bool prefix_is_unspecified(const struct prefix *prefix)
{
	size_t first = addr_is_v4(&prefix->addr) ? 12 : 0;

	for (size_t i = first; i < sizeof(prefix->addr.bytes); i++)
		if (prefix->addr.bytes[i])
			return false;
	return prefix->len == 128;
}

static int host_take(const char *host, struct endpoint *ret, char **ret_error)
{
	char right[PREFIX_STRLEN];
	int r;

	if (strcmp(host, "loopback") == 0) {
		prefix_parse("127.0.0.0/8", &ret->prefixes[0]);
		prefix_parse("::1", &ret->prefixes[1]);
		ret->n_prefixes = 2;
		return 0;
	}
	ret->n_prefixes = 1;
	r = prefix_parse(host, &ret->prefixes[0]);
	if (r == -EDOM) {
		prefix_format(&ret->prefixes[0], right);
		return wrong(ret_error, "\"%s\" has bits set behind its length; the network is %s",
			     host, right);
	}
	if (r < 0 && host[strspn(host, "0123456789./")])
		return wrong(ret_error, "\"%s\" is no address; names cannot be granted, only an "
			     "address, a network or loopback", host);
	if (r < 0)
		return wrong(ret_error, "\"%s\" is not an address", host);
	if (prefix_is_unspecified(&ret->prefixes[0]))
		return wrong(ret_error, "\"%s\" is no address of its own; write loopback, or "
			     "0.0.0.0/0 and ::/0 for every address", host);
	return 0;
}

static int endpoint_parse(const char *text, struct endpoint *ret, char **ret_error)
{
	_cleanup_free_ char *host = strdup(protos_take(text, ret));
	const char *port;
	int r;

	if (!host)
		return -ENOMEM;
	port = host_split(host);
	if (!port || !*host)
		return wrong(ret_error, "\"%s\" is not HOST:PORT; IPv6 stands in brackets, as in "
			     "[2001:db8::1]:443", text);
	r = host_take(host, ret, ret_error);
	if (r < 0)
		return r;
	ret->every_port = strcmp(port, "*") == 0;
	r = ret->every_port ? 0 : port_range_parse(port, &ret->port);
	if (r < 0)
		return wrong(ret_error, "\"%s\" is not a port, 1 to 65535, a range as 8000-8100, "
			     "or '*'", port);
	return 0;
}

static int item_check(const struct grant_item *item, struct arena *arena, char **ret_error)
{
	struct endpoint endpoint;
	struct pattern pattern;
	const char *problem;
	bool nomem = false;

	if (item->kind == GRANT_CONNECT || item->kind == GRANT_LISTEN)
		return endpoint_parse(item->text, &endpoint, ret_error);
	problem = pattern_parse(item->text, item->kind == GRANT_UNIX, arena, &pattern, &nomem);
	if (nomem)
		return -ENOMEM;
	return problem ? wrong(ret_error, "\"%s\": %s", item->text, problem) : 0;
}

int grant_item_check(const struct grant_item *item, char **ret_error)
{
	struct arena arena = {0};
	int r = item_check(item, &arena, ret_error);

	arena_done(&arena);
	return r;
}

/* Room for one more in a list of rules, which is copied. NULL: no memory. */
static void *list_grow(struct policy *policy, void *list_at, size_t n, size_t *cap, size_t size)
{
	void **list = list_at, *grown;

	grown = arena_array(&policy->arena, n + 1, size);
	if (!grown)
		return NULL;
	if (n)
		memcpy(grown, *list, n * size);
	*list = grown;
	*cap = n + 1;
	return (char *)grown + n * size;
}

static int net_add(struct policy *policy, const struct grant_item *item,
		   const struct rule_head *head)
{
	struct net_rules *rules = item->kind == GRANT_LISTEN ? &policy->listen :
							       &policy->net_allow;
	_cleanup_free_ char *error = NULL;
	struct endpoint endpoint;
	struct net_rule *rule;
	int r;

	r = endpoint_parse(item->text, &endpoint, &error);
	if (r < 0)
		return r;
	rule = list_grow(policy, &rules->list, rules->n, &rules->cap, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	*rule = (struct net_rule){.head = *head, .protos = endpoint.protos};
	rule->prefixes = arena_array(&policy->arena, 2, sizeof(*rule->prefixes));
	rule->ports = arena_array(&policy->arena, 1, sizeof(*rule->ports));
	if (!rule->prefixes || !rule->ports)
		return -ENOMEM;
	rule->n_prefixes = endpoint.n_prefixes;
	memcpy(rule->prefixes, endpoint.prefixes, sizeof(endpoint.prefixes));
	rule->n_ports = endpoint.every_port ? 0 : 1;
	rule->ports[0] = endpoint.port;
	rules->n++;
	return 0;
}

static int pattern_add(struct policy *policy, const struct grant_item *item,
		       const struct rule_head *head, struct pattern **ret)
{
	const char *text = arena_copy(&policy->arena, item->text, strlen(item->text)), *problem;
	struct pattern *pattern = arena_alloc(&policy->arena, sizeof(*pattern));
	bool nomem = false;

	if (!text || !pattern)
		return -ENOMEM;
	pattern->place = head->place;
	problem = pattern_parse(text, item->kind == GRANT_UNIX, &policy->arena, pattern, &nomem);
	if (nomem)
		return -ENOMEM;
	*ret = pattern;
	return problem ? -EINVAL : 0;
}

static int unix_add(struct policy *policy, const struct grant_item *item,
		    const struct rule_head *head)
{
	struct unix_rules *rules = &policy->unix_allow;
	struct unix_rule *rule;
	int r;

	rule = list_grow(policy, &rules->list, rules->n, &rules->cap, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	*rule = (struct unix_rule){.head = *head, .n_paths = 1};
	r = pattern_add(policy, item, head, &rule->paths);
	rules->n += r >= 0;
	return r;
}

static int file_add(struct policy *policy, const struct grant_item *item,
		    const struct rule_head *head)
{
	struct file_rules *rules = &policy->file_allow;
	struct file_rule *rule;
	int r;

	rule = list_grow(policy, &rules->list, rules->n, &rules->cap, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	*rule = (struct file_rule){
		.head = *head,
		.n_paths = 1,
		.access = WEIR_ACCESS_BIT(item->kind - GRANT_READ),
	};
	r = pattern_add(policy, item, head, &rule->paths);
	rules->n += r >= 0;
	return r;
}

static int item_add(struct policy *policy, const struct policy_grant *grant,
		    const struct grant_item *item, const char *name)
{
	struct source *source = arena_alloc(&policy->arena, sizeof(*source));
	struct rule_head head = {
		.name = name,
		.place = {.source = source},
		.grant = (weir_rule_t)(WEIR_RULE_GRANT | (grant->once ? WEIR_RULE_ONCE : 0) |
				       grant->slot),
	};

	if (!source)
		return -ENOMEM;
	source->name = name;
	if (source_set(source, item->text, strlen(item->text), &policy->arena) < 0)
		return -ENOMEM;
	switch (item->kind) {
	case GRANT_CONNECT:
	case GRANT_LISTEN:
		return net_add(policy, item, &head);
	case GRANT_UNIX:
		return unix_add(policy, item, &head);
	default:
		return file_add(policy, item, &head);
	}
}

int policy_grants_add(struct policy *policy, const struct policy_grant *grants, size_t n)
{
	char name[GRANT_NAME_LEN];
	int r = 0;

	_Static_assert(GRANT_EXECUTE - GRANT_READ == WEIR_ACCESS_EXECUTE, "in the same order");
	policy->grants = arena_array(&policy->arena, n + 1, sizeof(*policy->grants));
	if (!policy->grants)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct granted *granted = &policy->grants[i];

		snprintf(name, sizeof(name), "grant-%u", grants[i].id);
		granted->name = arena_copy(&policy->arena, name, strlen(name));
		granted->slot = grants[i].slot;
		granted->expires_ns = grants[i].expires_ns;
		if (!granted->name)
			return -ENOMEM;
		for (size_t k = 0; r >= 0 && k < grants[i].n_items; k++)
			r = item_add(policy, &grants[i], &grants[i].items[k], granted->name);
		policy->n_grants++;
	}
	return r;
}
