// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* network.tls and network.dns; see reader.h. */
#include <string.h>

#include "policy/reader.h"
#include "policy/value.h"

#define UPSTREAM_FORM "a resolver's address (192.0.2.53), or with its port \"192.0.2.53#5353\""
#define TYPE_FORM "record types in capitals, as TXT or TYPE65"

void tls_read(struct reader *reader, const struct yaml *value, void *target)
{
	static const char *const names[] = {"verify", "off"};

	(void)target;
	reader->head->tls_off = field_choice(reader, value, names, ARRAY_SIZE(names)) == 1;
}

static void upstream_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct policy *head = target;
	const struct yaml *item;
	const char *text;

	if (!field_is_list(reader, value,
			   UPSTREAM_FORM "; for the system's resolvers leave \"upstream:\" out"))
		return;
	head->upstreams = reader_array(reader, yaml_count(value), sizeof(*head->upstreams));
	for (item = value->first; item && head->upstreams; item = item->next) {
		text = field_text(reader, item, false, UPSTREAM_FORM);
		if (!text)
			continue;
		if (upstream_parse(text, &head->upstreams[head->n_upstreams]) == 0) {
			head->n_upstreams++;
			continue;
		}
		report_add(reader->report, &item->place, "\"%s\" is not a resolver's address",
			   text);
		report_hint(reader->report, UPSTREAM_FORM);
	}
}

static void types_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct policy *head = target;
	const struct yaml *item;
	const char *text;

	if (!field_is(reader, value, YAML_LIST, TYPE_FORM) || !value->first)
		return;
	head->dns_types = reader_array(reader, yaml_count(value), sizeof(*head->dns_types));
	for (item = value->first; item && head->dns_types; item = item->next) {
		text = field_text(reader, item, false, TYPE_FORM);
		if (!text)
			continue;
		if (dns_type_ok(text)) {
			head->dns_types[head->n_dns_types++] = text;
			continue;
		}
		report_add(reader->report, &item->place, "\"%s\" is not a record type", text);
		report_hint(reader->report, TYPE_FORM);
	}
}

static void rebinding_read(struct reader *reader, const struct yaml *value, void *target)
{
	struct policy *head = target;

	if (field_is(reader, value, YAML_BOOL, "true or false"))
		head->allow_rebinding = value->text[0] == 't' || value->text[0] == 'T';
}

static const struct field dns_fields[] = {
	{"upstream", upstream_read, false},
	{"types", types_read, false},
	{"allow_rebinding", rebinding_read, false},
};

void dns_read(struct reader *reader, const struct yaml *value, void *target)
{
	(void)target;
	reader->head->dns_present = true;
	if (field_is(reader, value, YAML_MAP,
		     "upstream, types, allow_rebinding; {} for the system's resolvers"))
		fields_read(reader, value, "dns", dns_fields, ARRAY_SIZE(dns_fields), reader->head);
}
