// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The section metrics of the daemon's configuration; see config.h. */
#include <stdlib.h>
#include <string.h>

#include "policy/config_parts.h"

static const char listen_hint[] =
	"an address of this host alone and a port, as 127.0.0.1:9469 or \"[::1]:9469\"";

/* "127.0.0.1:9469" or "[::1]:9469". */
static bool end_parse(const char *text, struct weir_addr *ret_addr, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	bool brackets = *text == '[';
	char address[ADDR_STRLEN];
	char *end;
	size_t len;
	long port;

	if (!colon || colon[1] < '0' || colon[1] > '9')
		return false;
	len = (size_t)(colon - text);
	if (brackets && (len < 2 || colon[-1] != ']'))
		return false;
	if (brackets) {
		text++;
		len -= 2;
	}
	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	port = strtol(colon + 1, &end, 10);
	if (*end || port < 1 || port > UINT16_MAX || brackets == !strchr(address, ':'))
		return false;
	*ret_port = (uint16_t)port;
	return addr_parse(address, ret_addr) == 0;
}

static bool is_loopback(const struct weir_addr *addr)
{
	static const struct weir_addr loopback6 = {.bytes = {[15] = 1}};

	return addr_is_v4(addr) ? addr->bytes[12] == 127 :
				  memcmp(addr, &loopback6, sizeof(*addr)) == 0;
}

static void listen_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct config *config = target;
	struct weir_addr addr;
	uint16_t port;

	if (!field_is(reader, node, YAML_STRING, listen_hint))
		return;
	if (!end_parse(node->text, &addr, &port)) {
		report_add(reader->report, &node->place, "\"%s\" is no address with a port",
			   node->text);
	} else if (!is_loopback(&addr)) {
		report_add(reader->report, &node->place,
			   "\"%s\" is not of this host alone: metrics are not given to others",
			   node->text);
	} else {
		config->metrics_addr = addr;
		config->metrics_port = port;
		return;
	}
	report_hint(reader->report, "%s", listen_hint);
}

static void socket_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct config *config = target;

	config->metrics_socket = config_socket_path(reader, node,
						    "a file, as /run/weir/metrics.sock");
}

static const struct field metrics_fields[] = {
	{"listen", listen_read, false},
	{"socket", socket_read, false},
};

void config_metrics_read(struct reader *reader, const struct yaml *node, void *target)
{
	const struct config *config = target;
	size_t errors = report_count(reader->report);

	if (!field_is(reader, node, YAML_MAP, "{listen: 127.0.0.1:9469}"))
		return;
	fields_read(reader, node, "the section metrics", metrics_fields, ARRAY_SIZE(metrics_fields),
		    target);
	if (report_count(reader->report) > errors ||
	    !config->metrics_port != !config->metrics_socket)
		return;
	report_add(reader->report, &node->place, "metrics has \"listen\" or \"socket\"");
	report_hint(reader->report, "one of them");
}

void config_metrics_check(struct reader *reader, const struct yaml *root,
			  const struct config *config)
{
	const struct yaml *node = root->first;

	if (!config->metrics_socket || strcmp(config->metrics_socket, config->socket) != 0)
		return;
	while (node && strcmp(node->key->text, "metrics") != 0)
		node = node->next;
	report_add(reader->report, node ? &node->place : &root->place,
		   "the control socket has this path already");
	report_hint(reader->report, "another file, as /run/weir/metrics.sock");
}
