// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The section `network`: egress rules and listen; see reader.h. */
#include <errno.h>
#include <string.h>

#include "policy/reader.h"
#include "policy/value.h"

#define RULE_FORM "- name: NAME, then hosts or addresses, ports, protocol"
#define HOST_FORM "a host name (registry.example.com), or \"*.\" and one for all names below it"
#define ADDRESS_FORM \
	"an address (192.0.2.7), a network (10.20.0.0/16, \"2001:db8::/32\") or loopback"
#define PORT_FORM "a port is 1 to 65535, or a range \"8000-8100\""

void section_enter(struct reader *reader, enum policy_section section, const struct yaml *value,
		   bool unrestricted)
{
	struct policy *policy = reader->policy;

	if (!policy->present[section] || !reader->outer)
		policy->section_place[section] = value->place;
	policy->present[section] = true;
	if (unrestricted && !reader->outer)
		policy->unrestricted[section] = true;
	else if (unrestricted && !reader->open_by_include[section].source)
		reader->open_by_include[section] = value->place;
}

void rule_name_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct rule_head *head = target;
	const char *text = field_text(reader, value, false,
				      "the name that events and messages use");

	head->place = value->place;
	if (!text)
		return;
	if (name_ok(text)) {
		head->name = text;
		return;
	}
	report_add(reader->report, &value->place, "\"%s\" cannot name a rule", text);
	report_hint(reader->report, "a to z, 0 to 9 and '-', not '-' first, at most 63 characters");
}

static void host_read(struct reader *reader, const struct yaml *value, struct net_rule *rule)
{
	const char *text = field_pattern_text(reader, value, HOST_FORM);
	struct prefix prefix;
	char *host;

	if (!text)
		return;
	host = reader_array(reader, strlen(text) + 1, 1);
	if (!host)
		return;
	if (host_parse(text, host) == 0) {
		rule->hosts[rule->n_hosts++] = host;
		return;
	}
	if (prefix_parse(text, &prefix) != -EINVAL) {
		report_add(reader->report, &value->place, "\"%s\" is an address, not a host name",
			   text);
		report_hint(reader->report, "list it under \"addresses:\"");
	} else {
		report_add(reader->report, &value->place, "\"%s\" is not a host name", text);
		report_hint(reader->report, HOST_FORM);
	}
}

static void hosts_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct net_rule *rule = target;
	const struct yaml *item;

	rule->hosts_place = value->place;
	if (!field_is_list(reader, value, HOST_FORM))
		return;
	rule->hosts_place = value->first->place;
	rule->hosts = reader_array(reader, yaml_count(value), sizeof(*rule->hosts));
	for (item = value->first; item && rule->hosts; item = item->next)
		host_read(reader, item, rule);
}

/* 0.0.0.0 and :: as single addresses: destinations that mean this host. */
static bool is_unspecified(const struct prefix *prefix)
{
	size_t i = addr_is_v4(&prefix->addr) ? 12 : 0;

	if (prefix->len != 128)
		return false;
	while (i < sizeof(prefix->addr.bytes) && !prefix->addr.bytes[i])
		i++;
	return i == sizeof(prefix->addr.bytes);
}

static void prefix_add(struct net_rule *rule, const char *text)
{
	if (prefix_parse(text, &rule->prefixes[rule->n_prefixes]) == 0)
		rule->n_prefixes++;
}

static void address_problem(struct reader *reader, const struct yaml *value, const char *text,
			    int err, const struct prefix *prefix)
{
	char right[PREFIX_STRLEN], host[256];

	if (err == -EDOM) {
		prefix_format(prefix, right);
		report_add(reader->report, &value->place, "\"%s\" has bits set behind its length",
			   text);
		report_hint(reader->report, "the network is %s", right);
		return;
	}
	report_add(reader->report, &value->place, "\"%s\" is not an address", text);
	if (strlen(text) < sizeof(host) && host_parse(text, host) == 0 &&
	    strpbrk(host, "ghijklmnopqrstuvwxyz"))
		report_hint(reader->report, ADDRESS_FORM "; names go under \"hosts:\"");
	else
		report_hint(reader->report, ADDRESS_FORM);
}

static void address_read(struct reader *reader, const struct yaml *value, struct net_rule *rule)
{
	const char *text = field_text(reader, value, false, ADDRESS_FORM);
	struct prefix prefix;
	int err;

	if (!text)
		return;
	if (strcmp(text, "loopback") == 0) {
		prefix_add(rule, "127.0.0.0/8");
		prefix_add(rule, "::1");
		return;
	}
	err = prefix_parse(text, &prefix);
	if (err < 0) {
		address_problem(reader, value, text, err, &prefix);
	} else if (is_unspecified(&prefix)) {
		report_add(reader->report, &value->place,
			   "\"%s\" is no address of its own: it means this host", text);
		report_hint(reader->report,
			    "write loopback; every address is \"0.0.0.0/0\" and \"::/0\"");
	} else {
		rule->prefixes[rule->n_prefixes++] = prefix;
	}
}

static void addresses_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct net_rule *rule = target;
	const struct yaml *item;
	size_t n = 0;

	if (!field_is_list(reader, value, ADDRESS_FORM))
		return;
	/* the word loopback takes two, also where a parameter brings it */
	for (item = value->first; item; item = item->next)
		n += item->text && (*item->text == 'l' || *item->text == '$') ? 2 : 1;
	rule->prefixes = reader_array(reader, n, sizeof(*rule->prefixes));
	for (item = value->first; item && rule->prefixes; item = item->next)
		address_read(reader, item, rule);
}

static void port_read(struct reader *reader, const struct yaml *value, struct net_rule *rule)
{
	const char *text = field_text(reader, value, true, PORT_FORM);
	int err;

	if (!text)
		return;
	err = port_range_parse(text, &rule->ports[rule->n_ports]);
	if (err == 0) {
		rule->n_ports++;
		return;
	}
	if (err == -ERANGE)
		report_add(reader->report, &value->place, "the range \"%s\" is reversed", text);
	else
		report_add(reader->report, &value->place, "\"%s\" is not a port", text);
	report_hint(reader->report, PORT_FORM);
}

static void ports_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct net_rule *rule = target;
	const struct yaml *item;

	if (!field_is_list(reader, value, PORT_FORM "; for every port leave \"ports:\" out"))
		return;
	rule->ports = reader_array(reader, yaml_count(value), sizeof(*rule->ports));
	for (item = value->first; item && rule->ports; item = item->next)
		port_read(reader, item, rule);
}

static void protocol_choose(struct reader *reader, const struct yaml *value, struct net_rule *rule,
			    const char *const *names, const unsigned int *bits, size_t n)
{
	int choice = field_choice(reader, value, names, n);

	if (choice >= 0)
		rule->protos = bits[choice];
}

static void protocol_read(struct reader *reader, const struct yaml *value, void *target)
{
	static const char *const names[] = {"tcp", "udp", "icmp", "any"};
	static const unsigned int bits[] = {POLICY_PROTO_TCP, POLICY_PROTO_UDP, POLICY_PROTO_ICMP,
					    POLICY_PROTO_ANY};

	protocol_choose(reader, value, target, names, bits, ARRAY_SIZE(names));
}

static void listen_protocol_read(struct reader *reader, const struct yaml *value, void *target)
{
	static const char *const names[] = {"tcp", "udp", "any"};
	static const unsigned int bits[] = {POLICY_PROTO_TCP, POLICY_PROTO_UDP, POLICY_PROTO_ANY};

	protocol_choose(reader, value, target, names, bits, ARRAY_SIZE(names));
}

static const struct field rule_fields[] = {
	{"name", rule_name_read, true},	      {"hosts", hosts_read, false},
	{"addresses", addresses_read, false}, {"ports", ports_read, false},
	{"protocol", protocol_read, false},
};

static const struct field listen_fields[] = {
	{"name", rule_name_read, true},
	{"addresses", addresses_read, true},
	{"ports", ports_read, false},
	{"protocol", listen_protocol_read, false},
};

static const struct yaml *value_find(const struct yaml *map, const char *key)
{
	const struct yaml *value;

	for (value = map->first; value && strcmp(value->key->text, key) != 0; value = value->next)
		;
	return value;
}

static void rule_read(struct reader *reader, const struct yaml *value, bool listen,
		      struct net_rules *rules)
{
	struct net_rule *list, *rule;

	if (!field_is(reader, value, YAML_MAP, RULE_FORM))
		return;
	list = reader_grow(reader, rules->list, rules->n, &rules->cap, sizeof(*list));
	if (!list)
		return;
	rules->list = list;
	rule = &list[rules->n++];
	*rule = (struct net_rule){
		.head.place = value->place,
		.protos = POLICY_PROTO_TCP | POLICY_PROTO_UDP,
	};
	if (listen) {
		fields_read(reader, value, "a listen rule", listen_fields,
			    ARRAY_SIZE(listen_fields), rule);
		return;
	}
	fields_read(reader, value, "a network rule", rule_fields, ARRAY_SIZE(rule_fields), rule);
	if (!value_find(value, "hosts") && !value_find(value, "addresses")) {
		report_add(reader->report, &value->place, "this rule names no destination");
		report_hint(
			reader->report,
			"add \"hosts:\" or \"addresses:\"; every address is \"0.0.0.0/0\" and \"::/0\"");
	}
	if (rule->protos == POLICY_PROTO_ICMP && value_find(value, "ports")) {
		report_add(reader->report, &value_find(value, "ports")->place, "icmp has no ports");
		report_hint(reader->report, "leave out \"ports:\", or name another protocol");
	}
}

static void rules_read(struct reader *reader, const struct yaml *value, bool listen,
		       struct net_rules *rules)
{
	const struct yaml *item;

	if (!field_is(reader, value, YAML_LIST, "a list of rules, " RULE_FORM))
		return;
	for (item = value->first; item; item = item->next)
		rule_read(reader, item, listen, rules);
}

static void allow_read(struct reader *reader, const struct yaml *value, void *target)
{
	(void)target;
	rules_read(reader, value, false, &reader->policy->net_allow);
}

static void deny_read(struct reader *reader, const struct yaml *value, void *target)
{
	(void)target;
	rules_read(reader, value, false, &reader->policy->net_deny);
}

static void listen_read(struct reader *reader, const struct yaml *value, void *target)
{
	bool open = field_is_unrestricted(value);

	(void)target;
	section_enter(reader, POLICY_SECTION_LISTEN, value, open);
	if (!open)
		rules_read(reader, value, true, &reader->policy->listen);
}

static const struct field network_fields[] = {
	{"allow", allow_read, false},	{"deny", deny_read, false},
	{"listen", listen_read, false}, {"unix", unix_rules_read, false},
	{"tls", tls_read, false},	{"dns", dns_read, false},
};

void network_read(struct reader *reader, const struct yaml *value, void *target)
{
	bool open = field_is_unrestricted(value);

	section_enter(reader, POLICY_SECTION_NETWORK, value, open);
	if (open && reader->outer)
		return;
	if (open) {
		/* what stands inside the section opens with it */
		section_enter(reader, POLICY_SECTION_LISTEN, value, true);
		section_enter(reader, POLICY_SECTION_UNIX, value, true);
	} else if (field_is(reader, value, YAML_MAP,
			    "allow, deny, listen, unix, tls, dns; or the word unrestricted")) {
		fields_read(reader, value, "the section network", network_fields,
			    ARRAY_SIZE(network_fields), target);
	}
}
