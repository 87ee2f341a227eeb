/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A policy as a tree: what the reader fills and compile, explain and notes
 * walk. Everything lives in the policy's arena.
 */
#ifndef WEIR_POLICY_TREE_H
#define WEIR_POLICY_TREE_H

#include "policy/arena.h"
#include "policy/pattern.h"
#include "policy/policy.h"
#include "policy/source.h"
#include "weir/abi.h"

/* Limits of the language; kernel limits stand in abi.h. Each is told when it is passed. */
#define POLICY_RULES_MAX 8192		/* rules of all lists together */
#define POLICY_ADDRESSES_MAX 1048576	/* addresses of all network rules together */
#define POLICY_PATTERNS_MAX 131072	/* patterns and exceptions of all file and unix rules */
#define POLICY_FILES_MAX 256		/* files a policy includes, itself counted */

struct port_range {
	uint16_t first;
	uint16_t last;
};

enum policy_proto_bit {
	POLICY_PROTO_TCP = 1u << WEIR_PROTO_TCP,
	POLICY_PROTO_UDP = 1u << WEIR_PROTO_UDP,
	POLICY_PROTO_ICMP = 1u << WEIR_PROTO_ICMP,
	POLICY_PROTO_OTHER = 1u << WEIR_PROTO_OTHER,
	POLICY_PROTO_ANY = POLICY_PROTO_TCP | POLICY_PROTO_UDP | POLICY_PROTO_ICMP |
			   POLICY_PROTO_OTHER,
};

/* What every rule starts with. */
struct rule_head {
	const char *name;
	struct place place;	/* of the name */
	weir_rule_t grant;	/* its number in the tables, if it is of a grant; 0: it is not */
};

/* How tables and records name the i-th rule of a list of those that allow. */
static inline weir_rule_t rule_number(const struct rule_head *head, size_t i)
{
	return head->grant ? head->grant : (weir_rule_t)(i + 1);
}

/* A list of rules of any kind, each `size` bytes. */
struct rule_list {
	const void *rules;
	size_t n;
	size_t size;
};

static inline const struct rule_head *rule_head_at(const struct rule_list *list, size_t i)
{
	return (const void *)((const char *)list->rules + i * list->size);
}

#define RULE_LIST(of) ((struct rule_list){(of).list, (of).n, sizeof(*(of).list)})

/* Of network.allow, network.deny and network.listen. */
struct net_rule {
	struct rule_head head;
	const char **hosts;	/* lower case; "*." in front: names below */
	size_t n_hosts;
	struct place hosts_place;
	struct prefix *prefixes;
	size_t n_prefixes;
	struct port_range *ports;
	size_t n_ports;		/* 0: every port */
	unsigned int protos;	/* enum policy_proto_bit */
};

/* Of files.allow and files.deny. */
struct file_rule {
	struct rule_head head;
	struct pattern *paths;
	size_t n_paths;
	struct pattern *except;
	size_t n_except;
	unsigned int access;	/* WEIR_ACCESS_BIT()s */
};

/* Of network.unix. */
struct unix_rule {
	struct rule_head head;
	struct pattern *paths;
	size_t n_paths;
};

struct net_rules {
	struct net_rule *list;
	size_t n;
	size_t cap;
};

struct file_rules {
	struct file_rule *list;
	size_t n;
	size_t cap;
};

struct unix_rules {
	struct unix_rule *list;
	size_t n;
	size_t cap;
};

/* "read", "write", … */
const char *policy_access_name(enum weir_access access);

struct upstream {
	struct weir_addr addr;
	uint16_t port;		/* 53 unless given */
};

struct policy {
	struct arena arena;
	struct source *sources;	/* in the order in which they were opened */

	const char *name;
	struct place name_place;
	const char *description;	/* NULL: none */
	struct policy_pair *identity;
	size_t n_identity;
	struct policy_pair *parameters;	/* in force; declared by the policy itself */
	size_t n_parameters;
	uint64_t expires_s;		/* UTC seconds since 1970; 0: never */
	bool audit_mode;
	unsigned int record;		/* WEIR_INSTANCE_RECORD_* */
	bool when_full_deny;

	/* of the policy or of anything it includes */
	bool present[POLICY_SECTION_COUNT];
	bool unrestricted[POLICY_SECTION_COUNT];
	struct place section_place[POLICY_SECTION_COUNT];

	struct net_rules net_allow;
	struct net_rules net_deny;
	struct net_rules listen;
	struct unix_rules unix_allow;
	bool tls_off;
	bool dns_present;
	struct upstream *upstreams;
	size_t n_upstreams;	/* 0: the system's resolvers */
	const char **dns_types;
	size_t n_dns_types;
	bool allow_rebinding;

	struct file_rules file_allow;
	struct file_rules file_deny;

	bool guard_allow[WEIR_GUARD_COUNT];

	struct granted *grants;		/* whose rules stand behind those of the policy */
	size_t n_grants;
};

/* A grant; its rules stand in the lists. */
struct granted {
	const char *name;
	uint32_t slot;
	uint64_t expires_ns;	/* CLOCK_BOOTTIME */
};

#endif
