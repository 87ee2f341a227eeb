// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Policy files, and configurations, of any content: reading ends in a policy or in errors, what
 * reads compiles or passes a limit, and tables and rules agree. Includes find
 * no folder to look in.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/policy/lookup.h"
#include "policy/compile.h"
#include "policy/config.h"
#include "policy/explain.h"
#include "policy/notes.h"
#include "policy/tree.h"

#define ASKED_MAX 64	/* rules, prefixes and patterns asked about: each is looked up everywhere */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 leaks the buffer of a long single-quoted scalar; the rest must be clean. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so";
}

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What the kernel side relies on. */
static void tables_check(const struct policy_compiled *compiled)
{
	size_t i, j, k;

	for (i = 0; i < compiled->n_nets; i++)
		require(compiled->nets[i].portset < compiled->n_portsets ||
			compiled->nets[i].portset == WEIR_PORTSET_NONE);
	for (i = 1; i < compiled->n_nets; i++)
		require(compiled->nets[i - 1].last[0] < compiled->nets[i].last[0] ||
			(compiled->nets[i - 1].last[0] == compiled->nets[i].last[0] &&
			 compiled->nets[i - 1].last[1] < compiled->nets[i].last[1]));
	for (i = 0; i < compiled->n_portsets; i++) {
		for (j = 0; j < WEIR_PROTO_COUNT; j++) {
			uint32_t first = compiled->portsets[i].proto[j].first;
			uint32_t count = compiled->portsets[i].proto[j].count;

			if (!count) {
				require((first & ~(uint32_t)WEIR_RULE_DENY) <= WEIR_RULES_MAX + 1);
				continue;
			}
			require(count > 1 && first + count <= compiled->n_segments);
			require(compiled->segments[first + count - 1].last_port == UINT16_MAX);
			for (k = 1; k < count; k++)
				require(compiled->segments[first + k - 1].last_port <
					compiled->segments[first + k].last_port);
		}
	}
	require(compiled->n_nodes > WEIR_NODE_ABSTRACT);
	for (i = 0; i < compiled->n_edges; i++)
		require((compiled->edge_keys[i].node & ~(WEIR_EDGE_MATCH(0) | WEIR_EDGE_OWN(0))) <
				compiled->n_nodes &&
			compiled->edge_values[i] && compiled->edge_values[i] < compiled->n_nodes);
	for (i = WEIR_NODE_ROOT; i < compiled->n_nodes; i++)
		require(compiled->nodes[i].other < compiled->n_nodes &&
			(!compiled->nodes[i].globs ||
			 compiled->nodes[i].globs < compiled->n_globs) &&
			!(compiled->nodes[i].always & ~compiled->nodes[i].ever));
	for (i = 1; i < compiled->n_globs; i++)
		require(compiled->globs[i].start && compiled->globs[i].start < compiled->n_rows);
	for (i = 0; i < compiled->n_rows; i++)
		for (j = 0; j < 256; j++)
			require(compiled->rows[i].next[j] < compiled->n_rows);
}

/* 0.0.0.0 and :: are asked for listening alone: no packet goes there. */
static void address_agree(const struct policy *policy, const struct policy_compiled *compiled,
			  const struct weir_addr *addr, uint16_t port, bool unspecified)
{
	struct explanation explanation;
	enum weir_proto proto;

	for (proto = 0; proto < WEIR_PROTO_LISTEN_TCP && !unspecified; proto++) {
		policy_explain_flow(policy, proto, addr, port, &explanation);
		require(explanation.reason == WEIR_REASON_UNRESTRICTED ||
			explanation.rule == tables_flow(compiled, proto, addr, port));
	}
	for (proto = WEIR_PROTO_TCP; proto <= WEIR_PROTO_UDP; proto++) {
		policy_explain_listen(policy, proto, addr, port, &explanation);
		require(explanation.reason == WEIR_REASON_UNRESTRICTED ||
			explanation.rule == tables_listen(compiled, proto, addr, port));
	}
}

static void nets_agree(const struct policy *policy, const struct policy_compiled *compiled,
		       const struct net_rules *rules)
{
	static const struct weir_addr any4 = {.bytes = {[10] = 0xff, [11] = 0xff}}, any6;
	size_t i, j;

	for (i = 0; i < rules->n && i < ASKED_MAX; i++) {
		const struct net_rule *rule = &rules->list[i];
		uint16_t port = rule->n_ports ? rule->ports[0].last : 443;

		address_agree(policy, compiled, &any4, port, true);
		address_agree(policy, compiled, &any6, port, true);
		for (j = 0; j < rule->n_prefixes && j < ASKED_MAX; j++) {
			struct weir_addr addr = rule->prefixes[j].addr;

			if (!memcmp(&addr, &any4, sizeof(addr)) ||
			    !memcmp(&addr, &any6, sizeof(addr)))
				addr.bytes[15] = 1;
			address_agree(policy, compiled, &addr, port, false);
		}
	}
}

/* A path that a pattern takes, or nearly: stars stand for filling, "**" for that and more. */
static void path_fill(const struct pattern *pattern, const char *filling, const char *more,
		      struct buf *ret)
{
	const char *at = pattern->text;
	size_t len;

	if (*at != '/' && !pattern_is_abstract(pattern))
		buf_add_char(ret, '/');
	for (; *at; at += len) {
		len = pattern_element_len(at);
		if (*at == '*')
			buf_add_string(ret, len > 1 ? more : filling);
		else if (*at == '[')
			buf_add_char(ret, at[1] == '!' || at[1] == '^' ? '~' :
					  at[1] == '\\'		       ? at[2] :
									 at[1]);
		else
			buf_add_char(ret, at[len - 1]);
	}
}

/* No path has an empty name, or one that is too long. */
static bool path_exists(const char *path)
{
	const char *at = path;
	size_t len;

	if (*path != '/')
		return path[1];
	if (!path[1])
		return true;
	for (; *at; at += len + 1) {
		len = strcspn(at + 1, "/");
		if (!len || len > WEIR_NAME_MAX)
			return false;
	}
	return strlen(path) < WEIR_PATH_MAX;
}

static void path_agree(const struct policy *policy, const struct policy_compiled *compiled,
		       const char *path, bool socket)
{
	struct explanation explanation;
	int access;

	if (!path_exists(path))
		return;
	policy_explain_unix(policy, path, strlen(path), &explanation);
	require(explanation.reason == WEIR_REASON_UNRESTRICTED ||
		explanation.rule == tables_unix(compiled, path, strlen(path)));
	for (access = 0; access < WEIR_ACCESS_COUNT && !socket; access++) {
		policy_explain_path(policy, path, strlen(path), access, &explanation);
		require(explanation.reason == WEIR_REASON_UNRESTRICTED ||
			explanation.rule == tables_path(compiled, path, access));
	}
}

/* What a pattern takes, some of what lies below, and what it only just does not take. */
static void pattern_agree(const struct policy *policy, const struct policy_compiled *compiled,
			  const struct pattern *pattern, bool socket)
{
	static const char *const fillings[][2] = {{"", ""}, {"x", "y/z"}, {"a.b", "/"}};
	static const char *const ends[] = {"", "/x", "x"};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(fillings); i++) {
		for (j = 0; j < ARRAY_SIZE(ends); j++) {
			_cleanup_buf_ struct buf path = {0};

			path_fill(pattern, fillings[i][0], fillings[i][1], &path);
			buf_add_string(&path, ends[j]);
			path_agree(policy, compiled, buf_string(&path), socket);
		}
	}
}

static void rules_agree(const struct policy *policy, const struct policy_compiled *compiled)
{
	const struct file_rules *files[] = {&policy->file_allow, &policy->file_deny};
	size_t i, j, k;

	nets_agree(policy, compiled, &policy->net_allow);
	nets_agree(policy, compiled, &policy->net_deny);
	nets_agree(policy, compiled, &policy->listen);
	for (i = 0; i < 2; i++) {
		for (j = 0; j < files[i]->n && j < ASKED_MAX; j++) {
			for (k = 0; k < files[i]->list[j].n_paths && k < ASKED_MAX; k++)
				pattern_agree(policy, compiled, &files[i]->list[j].paths[k], false);
		}
	}
	for (j = 0; j < policy->unix_allow.n && j < ASKED_MAX; j++) {
		for (k = 0; k < policy->unix_allow.list[j].n_paths && k < ASKED_MAX; k++)
			pattern_agree(policy, compiled, &policy->unix_allow.list[j].paths[k], true);
	}
}

static void config_check(const char *text, size_t size)
{
	const struct config_defaults defaults = {.log = "/log", .socket = "/socket"};
	_cleanup_config_ struct config *config = NULL;
	struct policy_errors errors = {0};
	int err = config_read_text("fuzz.yaml", text, size, &defaults, &errors, &config);

	require(err == 0 || err == -EINVAL);
	require((err == 0) == (errors.count == 0));
	for (size_t i = 0; !err && i < config->n_attach; i++)
		require(config->attach[i].folder && config->attach[i].policy &&
			config->attach[i].place);
	policy_errors_done(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_policy_compiled_ struct policy_compiled *compiled = NULL;
	_cleanup_policy_ struct policy *policy = NULL;
	_cleanup_buf_ struct buf notes = {0};
	struct policy_errors errors = {0};
	int err;

	config_check((const char *)data, size);
	err = policy_read_text("fuzz.yaml", (const char *)data, size, NULL, &errors, &policy);
	require(err == 0 || err == -EINVAL);
	require((err == 0) == (errors.count == 0));
	require((err == 0) == (errors.text.len == 0));
	if (!err)
		err = policy_compile(policy, &errors, &compiled);
	if (!err) {
		tables_check(compiled);
		/* what is a gap is in no table */
		if (!compiled->n_gaps)
			rules_agree(policy, compiled);
		policy_notes(policy, &notes);
	}
	policy_errors_done(&errors);
	return 0;
}
