// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The compiled tables against the rules themselves, on generated policies and requests. */
#include "../test.h"

#include <stdio.h>

#include "policy/explain.h"
#include "tables.h"

#define POLICIES 400
#define REQUESTS 400	/* of each kind, a policy */

/* xorshift64*: the same sequence everywhere */
static uint64_t seed;

static unsigned int random_below(unsigned int n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned int)((seed * 0x2545f4914f6cdd1du >> 33) % n);
}

/* Few bits vary, so that prefixes and requests meet. */
static void address_random(struct weir_addr *ret)
{
	static const uint8_t start[][16] = {
		{[10] = 0xff, [11] = 0xff, 10},
		{[10] = 0xff, [11] = 0xff, 127},
		{[10] = 0xff, [11] = 0xff, 0},
		{0x20, 0x01, 0x0d, 0xb8},
		{0},
		{[8] = 0, [9] = 1},
	};
	unsigned int i, kind = random_below(6);

	memcpy(ret->bytes, start[kind], 16);
	for (i = kind < 3 ? 13 : kind == 3 ? 4 : 9; i < 16; i++) {
		if (random_below(2))
			ret->bytes[i] = (uint8_t)(random_below(4) << (random_below(2) ? 6 : 0));
	}
	if (random_below(64) == 0)
		memset(ret->bytes, 0, 16);
}

static void prefix_random(struct buf *text)
{
	struct prefix prefix;
	char host[ADDR_STRLEN], right[PREFIX_STRLEN], raw[PREFIX_STRLEN];
	bool v4;
	unsigned int len;

	if (random_below(12) == 0) {
		buf_add_string(text, random_below(2) ? "loopback" :
				     random_below(2) ? "\"0.0.0.0/0\"" :
						       "\"::/0\"");
		return;
	}
	do {
		address_random(&prefix.addr);
		v4 = addr_is_v4(&prefix.addr);
		addr_format(&prefix.addr, host);
		len = v4 ? random_below(33) : random_below(129);
		snprintf(raw, sizeof(raw), "%s/%u", host, len);
		assert_int_not_equal(prefix_parse(raw, &prefix), -EINVAL);
		prefix_format(&prefix, right);
		/* the unspecified addresses are no destinations */
	} while (strcmp(right, "0.0.0.0") == 0 || strcmp(right, "::") == 0);
	if (!v4 && prefix.len >= 96 && addr_is_v4(&prefix.addr))
		snprintf(right, sizeof(right), "192.0.2.1");
	buf_printf(text, "\"%s\"", right);
}

static void net_rule_random(struct buf *text, unsigned int number, bool listen)
{
	static const char *const protocols[] = {"", ", protocol: tcp", ", protocol: udp",
						", protocol: any", ", protocol: icmp"};
	unsigned int n, first, protocol = random_below(listen ? 4 : 5);

	buf_printf(text, "    - {name: r%u, addresses: [", number);
	for (n = 1 + random_below(4); n; n--) {
		prefix_random(text);
		buf_add_string(text, n > 1 ? ", " : "]");
	}
	if (protocol < 4 && random_below(2)) {
		buf_add_string(text, ", ports: [");
		for (n = 1 + random_below(4); n; n--) {
			first = random_below(8) ? 1 + random_below(40) : 65500 + random_below(20);
			buf_printf(text, "\"%u-%u\"%s", first, first + random_below(16),
				   n > 1 ? ", " : "]");
		}
	}
	buf_printf(text, "%s}\n", protocols[protocol]);
}

/* Components of chunk lengths among them: 28 and 56 bytes end on an edge. */
static const char *const components[] = {
	"a",
	"b",
	"bb",
	"usr",
	"twenty-seven-bytes-long-xxx",
	"twenty-eight-bytes-long-xxxx",
	"twenty-eight-bytes-long-xxxxy",
	"twenty-eight-bytes-long-xxxxtwenty-eight-bytes-long-xxxx",
};

static void path_random(struct buf *text)
{
	unsigned int n;

	for (n = random_below(4); n; n--)
		buf_printf(text, "/%s", components[random_below(8)]);
}

/* Every kind of wildcard, alone and with names around it. */
static const char *const globs[] = {
	"*", "?", "b*", "*b", "b?", "[ab]", "[!a]*", "*y", "u[r-t]r", "*e*", "twenty-*-xxxx?",
	"**", "a**", "**b", "b**b", "*[!x]", "***", "a**b*", "[a-b]?", "\\a", "?*",
};

/* Many of them in one policy would need tables past the limit. */
static unsigned int wild_left;

static void wild_random(struct buf *text)
{
	unsigned int n;

	wild_left--;

	for (n = 1 + random_below(3); n; n--)
		buf_printf(text, "/%s", random_below(3) ? globs[random_below(ARRAY_SIZE(globs))] :
							  components[random_below(8)]);
}

static void pattern_random(struct buf *text)
{
	size_t start = text->len;

	buf_add_char(text, '"');
	if (wild_left && random_below(8) == 0)
		buf_add_string(text, "**");
	if (text->len > start + 1 || (wild_left && random_below(4) == 0))
		wild_random(text);
	else
		path_random(text);
	if (random_below(2))
		buf_add_string(text, "/**");
	else if (text->len == start + 1)
		buf_add_char(text, '/');
	buf_add_char(text, '"');
}

static void file_rule_random(struct buf *text, unsigned int number)
{
	unsigned int n, i, access;

	buf_printf(text, "    - {name: r%u, paths: [", number);
	for (n = 1 + random_below(4); n; n--) {
		pattern_random(text);
		buf_add_string(text, n > 1 ? ", " : "]");
	}
	if (random_below(2)) {
		buf_add_string(text, ", except: [");
		for (n = 1 + random_below(3); n; n--) {
			pattern_random(text);
			buf_add_string(text, n > 1 ? ", " : "]");
		}
	}
	access = random_below(32);
	if (access) {
		buf_add_string(text, ", access: [");
		for (i = 0; i < WEIR_ACCESS_COUNT; i++) {
			static const char *const names[] = {"read", "write", "create", "delete",
							    "execute"};

			if (access & 1u << i)
				buf_printf(text, "%s, ", names[i]);
		}
		buf_add_string(text, "]");
	}
	buf_add_string(text, "}\n");
}

/* Names of chunk lengths among them; a '/' in one leads nowhere. */
static void name_random(struct buf *text)
{
	buf_add_char(text, '@');
	if (random_below(4) == 0)
		buf_add_char(text, '/');
	buf_add_string(text, components[random_below(8)]);
	if (random_below(4) == 0)
		buf_printf(text, "/%s", components[random_below(3)]);
}

static void unix_rule_random(struct buf *text, unsigned int number)
{
	unsigned int n;

	buf_printf(text, "    - {name: r%u, paths: [", number);
	for (n = 1 + random_below(4); n; n--) {
		if (random_below(2)) {
			pattern_random(text);
		} else {
			buf_add_char(text, '"');
			name_random(text);
			if (random_below(3) == 0)
				buf_printf(text, "%s%s", random_below(2) ? "/" : "",
					   globs[random_below(ARRAY_SIZE(globs))]);
			buf_add_char(text, '"');
		}
		buf_add_string(text, n > 1 ? ", " : "]}\n");
	}
}

static void policy_random(struct buf *text)
{
	static const char *const net_lists[] = {"allow", "deny", "listen"};
	unsigned int list, n, i;

	wild_left = random_below(8);
	buf_add_string(text, "version: 1\nname: generated\nnetwork:\n");
	for (list = 0; list < 3; list++) {
		/* a list that is left out must not be missed by the others */
		if (random_below(8) == 0)
			continue;
		buf_printf(text, "  %s:\n", net_lists[list]);
		for (i = 0, n = 1 + random_below(list == 1 ? 4 : 8); i < n; i++)
			net_rule_random(text, i, list == 2);
	}
	if (random_below(8)) {
		buf_add_string(text, "  unix:\n");
		for (i = 0, n = 1 + random_below(6); i < n; i++)
			unix_rule_random(text, i);
	}
	buf_add_string(text, "files:\n");
	for (list = 0; list < 2; list++) {
		buf_add_string(text, list ? "  deny:\n" : "  allow:\n");
		for (i = 0, n = 1 + random_below(list ? 4 : 8); i < n; i++)
			file_rule_random(text, i);
	}
}

static uint16_t port_random(void)
{
	if (random_below(4))
		return (uint16_t)random_below(60);
	return (uint16_t)(random_below(4) ? 65495 + random_below(41) : random_below(65536));
}

/* Asks both for something; gives the rule that they agree on. */
typedef weir_rule_t compare_fn(const struct policy *policy, const struct policy_compiled *compiled,
			       const char *text);

static weir_rule_t flow_compare(const struct policy *policy, const struct policy_compiled *compiled,
				const char *text)
{
	struct explanation explanation;
	char host[ADDR_STRLEN];
	struct weir_addr addr, to;
	enum weir_proto proto = (enum weir_proto)random_below(WEIR_PROTO_LISTEN_TCP);
	uint16_t port = port_random();

	address_random(&addr);
	to = addr;
	addr_format(&addr, host);
	/* as the hooks do before they look up */
	if (strcmp(host, "0.0.0.0") == 0)
		assert_int_equal(addr_parse("127.0.0.1", &to), 0);
	if (strcmp(host, "::") == 0)
		assert_int_equal(addr_parse("::1", &to), 0);
	policy_explain_flow(policy, proto, &addr, port, &explanation);
	if (explanation.rule != tables_flow(compiled, proto, &to, port))
		fail_msg("proto %d %s port %u: the rules say %x, the tables %x\n%s", proto, host,
			 port, explanation.rule, tables_flow(compiled, proto, &to, port), text);
	return explanation.rule;
}

static weir_rule_t listen_compare(const struct policy *policy,
				  const struct policy_compiled *compiled, const char *text)
{
	enum weir_proto proto = random_below(2) ? WEIR_PROTO_TCP : WEIR_PROTO_UDP;
	struct explanation explanation;
	uint16_t port = port_random();
	char host[ADDR_STRLEN];
	struct weir_addr addr;

	address_random(&addr);
	if (random_below(4) == 0)
		assert_int_equal(addr_parse(random_below(2) ? "0.0.0.0" : "::", &addr), 0);
	addr_format(&addr, host);
	policy_explain_listen(policy, proto, &addr, port, &explanation);
	if (explanation.rule != tables_listen(compiled, proto, &addr, port))
		fail_msg("listen, proto %d %s port %u: the rules say %x, the tables %x\n%s", proto,
			 host, port, explanation.rule,
			 tables_listen(compiled, proto, &addr, port), text);
	return explanation.rule;
}

static weir_rule_t path_compare(const struct policy *policy, const struct policy_compiled *compiled,
				const char *text)
{
	enum weir_access access = (enum weir_access)random_below(WEIR_ACCESS_COUNT);
	struct buf path = {0};
	struct explanation explanation;
	const char *string;

	path_random(&path);
	if (!path.len)
		buf_add_char(&path, '/');
	else if (random_below(3) == 0)
		buf_add_string(&path, "/elsewhere");
	string = buf_string(&path);
	policy_explain_path(policy, string, strlen(string), access, &explanation);
	if (explanation.rule != tables_path(compiled, string, access))
		fail_msg("%s access %d: the rules say %x, the tables %x\n%s", string, access,
			 explanation.rule, tables_path(compiled, string, access), text);
	buf_done(&path);
	return explanation.rule;
}

static weir_rule_t unix_compare(const struct policy *policy, const struct policy_compiled *compiled,
				const char *text)
{
	struct buf name = {0};
	struct explanation explanation;

	if (random_below(2))
		name_random(&name);
	else
		path_random(&name);
	if (!name.len)
		buf_add_char(&name, '/');
	else if (random_below(8) == 0)
		buf_add_char(&name, name.data[0] == '@' && random_below(2) ? '\0' : 'x');
	policy_explain_unix(policy, buf_string(&name), name.len, &explanation);
	if (explanation.rule != tables_unix(compiled, name.data, name.len))
		fail_msg("socket %s: the rules say %x, the tables %x\n%s", name.data,
			 explanation.rule, tables_unix(compiled, name.data, name.len), text);
	buf_done(&name);
	return explanation.rule;
}

static void rules_and_tables_agree(void **state)
{
	compare_fn *const compare[] = {flow_compare, listen_compare, path_compare, unix_compare};
	unsigned int decided[ARRAY_SIZE(compare)] = {0}, denied = 0, i, j, k;

	(void)state;
	seed = 0x5eed;
	for (i = 0; i < POLICIES; i++) {
		struct buf text = {0};
		struct policy *policy;
		struct policy_compiled *compiled;

		policy_random(&text);
		policy = policy_must_read(buf_string(&text));
		compiled = policy_must_compile(policy);
		assert_int_equal(compiled->n_gaps, 0);
		for (j = 0; j < REQUESTS; j++) {
			for (k = 0; k < ARRAY_SIZE(compare); k++) {
				weir_rule_t rule = compare[k](policy, compiled, text.data);

				decided[k] += rule != WEIR_RULE_NONE;
				denied += (rule & WEIR_RULE_DENY) != 0;
			}
		}
		policy_compiled_free(compiled);
		policy_free(policy);
		buf_done(&text);
	}
	/* the generator must reach what it is there for */
	for (k = 0; k < ARRAY_SIZE(compare); k++)
		assert_in_range(decided[k], POLICIES * REQUESTS / 50,
				POLICIES * REQUESTS * 49 / 50);
	assert_true(denied > POLICIES * REQUESTS / 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_and_tables_agree),
	};

	return RUN_TESTS(tests);
}
