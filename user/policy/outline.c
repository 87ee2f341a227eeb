// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a policy says, rule by rule, as short texts; see diff.h. */
#include "policy/outline.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "policy/tree.h"

struct outlining {
	struct policy_outline *outline;
	struct outline_part *part;
	bool counting;		/* there are too many pieces to keep their texts */
	struct buf text;
	int error;
};

#define SUM_START 0xcbf29ce484222325u

/* FNV-1a, 64 bits, from SUM_START; sums of it do not depend on the order. */
static uint64_t bytes_sum(uint64_t sum, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	return sum;
}

static void piece_add(struct outlining *outlining, const char *what, const char *text)
{
	struct outline_part *part = outlining->part;
	struct buf *buf = &outlining->text;
	const char *copy = "";

	buf_reset(buf);
	buf_add_string(buf, what);
	buf_add_char(buf, ' ');
	buf_add_string(buf, text);
	if (buf->error || outlining->error) {
		outlining->error = -ENOMEM;
		return;
	}
	part->sum += bytes_sum(SUM_START, buf->data, buf->len);
	part->n++;
	if (outlining->counting)
		return;
	copy = arena_copy(&outlining->outline->arena, buf->data, buf->len);
	if (copy)
		part->pieces[part->n_texts++] = copy;
	else
		outlining->error = -ENOMEM;
}

/* There may be a million of them in a policy, and nobody who wants to read them. */
static void prefixes_add(struct outlining *outlining, const struct prefix *prefixes, size_t n)
{
	struct outline_part *part = outlining->part;

	for (size_t i = 0; i < n; i++)
		part->sum += bytes_sum(bytes_sum(~SUM_START, &prefixes[i].addr,
						 sizeof(prefixes[i].addr)),
				       &prefixes[i].len, sizeof(prefixes[i].len));
	part->n += n;
	if (outlining->counting || !n)
		return;
	part->prefixes = arena_array(&outlining->outline->arena, n, sizeof(*prefixes));
	if (part->prefixes)
		memcpy(part->prefixes, prefixes, n * sizeof(*prefixes));
	else
		outlining->error = -ENOMEM;
}

/* A part with at most `count` pieces. */
static bool part_begin(struct outlining *outlining, const char *title, const char *name,
		       size_t count)
{
	struct policy_outline *outline = outlining->outline;
	struct outline_part *part = &outline->parts[outline->n];

	buf_reset(&outlining->text);
	buf_printf(&outlining->text, "%s%s%s", title, *name ? " " : "", name);
	outlining->counting = count > OUTLINE_PIECES_MAX;
	if (!outlining->text.error)
		part->title = arena_copy(&outline->arena, outlining->text.data,
					 outlining->text.len);
	if (!outlining->counting)
		part->pieces = arena_array(&outline->arena, count + 1, sizeof(*part->pieces));
	if (!part->title || (!outlining->counting && !part->pieces))
		outlining->error = -ENOMEM;
	outlining->part = part;
	outline->n++;
	return !outlining->error;
}

static void net_rule_add(struct outlining *outlining, const char *list, const struct net_rule *rule)
{
	static const char *const protos[] = {
		[WEIR_PROTO_TCP] = "tcp", [WEIR_PROTO_UDP] = "udp",
		[WEIR_PROTO_ICMP] = "icmp", [WEIR_PROTO_OTHER] = "others",
	};
	char text[16];

	if (!part_begin(outlining, list, rule->head.name,
			rule->n_hosts + rule->n_prefixes + rule->n_ports + ARRAY_SIZE(protos)))
		return;
	for (size_t i = 0; i < rule->n_hosts; i++)
		piece_add(outlining, "host", rule->hosts[i]);
	prefixes_add(outlining, rule->prefixes, rule->n_prefixes);
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct port_range *range = &rule->ports[i];

		snprintf(text, sizeof(text), range->first == range->last ? "%u" : "%u-%u",
			 range->first, range->last);
		piece_add(outlining, "port", text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
		if (rule->protos & 1u << i)
			piece_add(outlining, "protocol", protos[i]);
}

static void net_rules_add(struct outlining *outlining, const char *list,
			  const struct net_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		net_rule_add(outlining, list, &rules->list[i]);
}

static void patterns_add(struct outlining *outlining, const char *what,
			 const struct pattern *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		piece_add(outlining, what, patterns[i].text);
}

static void file_rules_add(struct outlining *outlining, const char *list,
			   const struct file_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct file_rule *rule = &rules->list[i];

		if (!part_begin(outlining, list, rule->head.name,
				rule->n_paths + rule->n_except + WEIR_ACCESS_COUNT))
			return;
		patterns_add(outlining, "path", rule->paths, rule->n_paths);
		patterns_add(outlining, "except", rule->except, rule->n_except);
		for (int access = 0; access < WEIR_ACCESS_COUNT; access++)
			if (rule->access & WEIR_ACCESS_BIT(access))
				piece_add(outlining, "access", policy_access_name(access));
	}
}

static void unix_rules_add(struct outlining *outlining, const struct unix_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		if (!part_begin(outlining, "rule network.unix", rules->list[i].head.name,
				rules->list[i].n_paths))
			return;
		patterns_add(outlining, "path", rules->list[i].paths, rules->list[i].n_paths);
	}
}

static void pairs_add(struct outlining *outlining, const char *what,
		      const struct policy_pair *pairs, size_t n)
{
	_cleanup_buf_ struct buf text = {0};

	for (size_t i = 0; i < n; i++) {
		buf_reset(&text);
		buf_printf(&text, "%s=%s", pairs[i].key, pairs[i].value);
		piece_add(outlining, what, buf_string(&text) ? text.data : "");
	}
}

static void records_add(struct outlining *outlining, const struct policy *policy)
{
	if (policy->record & WEIR_INSTANCE_RECORD_NETWORK)
		piece_add(outlining, "audit.record", "network");
	if (policy->record & WEIR_INSTANCE_RECORD_EXECUTE)
		piece_add(outlining, "audit.record", "execute");
	if (policy->record & WEIR_INSTANCE_RECORD_FILES)
		piece_add(outlining, "audit.record", "files");
	piece_add(outlining, "audit.when_full", policy->when_full_deny ? "deny" : "count");
}

/* What stands outside of rules. */
static void policy_add(struct outlining *outlining, const struct policy *policy)
{
	char expires[32], upstream[ADDR_STRLEN + sizeof("#65535")];
	size_t len;

	if (!part_begin(outlining, "policy", "",
			policy->n_identity + policy->n_parameters + policy->n_dns_types +
				policy->n_upstreams + POLICY_SECTION_COUNT + WEIR_GUARD_COUNT + 16))
		return;
	piece_add(outlining, "name", policy->name);
	piece_add(outlining, "mode", policy->audit_mode ? "audit" : "enforce");
	if (policy->expires_s) {
		snprintf(expires, sizeof(expires), "%llu", (unsigned long long)policy->expires_s);
		piece_add(outlining, "expires, seconds since 1970:", expires);
	}
	for (int section = 0; section < POLICY_SECTION_COUNT; section++)
		if (policy->unrestricted[section])
			piece_add(outlining, "unrestricted", policy_section_name(section));
	for (int word = 0; word < WEIR_GUARD_COUNT; word++)
		if (policy->guard_allow[word])
			piece_add(outlining, "guard.allow", guard_words[word]);
	for (size_t i = 0; i < policy->n_dns_types; i++)
		piece_add(outlining, "dns.types", policy->dns_types[i]);
	for (size_t i = 0; i < policy->n_upstreams; i++) {
		addr_format(&policy->upstreams[i].addr, upstream);
		len = strlen(upstream);
		snprintf(upstream + len, sizeof(upstream) - len, "#%u", policy->upstreams[i].port);
		piece_add(outlining, "dns.upstream", upstream);
	}
	if (policy->allow_rebinding)
		piece_add(outlining, "dns.allow_rebinding", "true");
	piece_add(outlining, "tls", policy->tls_off ? "off" : "verify");
	records_add(outlining, policy);
	pairs_add(outlining, "identity", policy->identity, policy->n_identity);
	pairs_add(outlining, "parameter", policy->parameters, policy->n_parameters);
}

static void rules_add(struct outlining *outlining, const struct policy *policy)
{
	net_rules_add(outlining, "rule network.allow", &policy->net_allow);
	net_rules_add(outlining, "rule network.deny", &policy->net_deny);
	net_rules_add(outlining, "rule network.listen", &policy->listen);
	unix_rules_add(outlining, &policy->unix_allow);
	file_rules_add(outlining, "rule files.allow", &policy->file_allow);
	file_rules_add(outlining, "rule files.deny", &policy->file_deny);
}

int policy_outline(const struct policy *policy, struct policy_outline **ret)
{
	_cleanup_outline_ struct policy_outline *outline = calloc(1, sizeof(*outline));
	struct outlining outlining = {.outline = outline};
	size_t n = 1 + policy->net_allow.n + policy->net_deny.n + policy->listen.n +
		   policy->unix_allow.n + policy->file_allow.n + policy->file_deny.n;

	if (!outline)
		return -ENOMEM;
	outline->parts = arena_array(&outline->arena, n, sizeof(*outline->parts));
	if (!outline->parts)
		return -ENOMEM;
	policy_add(&outlining, policy);
	rules_add(&outlining, policy);
	buf_done(&outlining.text);
	if (outlining.error)
		return outlining.error;
	*ret = TAKE_PTR(outline);
	return 0;
}

void policy_outline_free(struct policy_outline *outline)
{
	if (!outline)
		return;
	arena_done(&outline->arena);
	free(outline);
}
