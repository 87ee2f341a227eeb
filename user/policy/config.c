// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads the daemon's configuration; see config.h. The entries of `attach` are in config_attach.c.
 */
#include "policy/config.h"

#include <errno.h>
#include <string.h>

#include "policy/config_parts.h"

static void version_read(struct reader *reader, const struct yaml *node, void *target)
{
	(void)target;
	if (!field_is(reader, node, YAML_INT, "version: 1") || strcmp(node->text, "1") == 0)
		return;
	report_add(reader->report, &node->place, "version %s of the configuration is not known",
		   node->text);
	report_hint(reader->report, "version: 1");
}

const char *config_path(struct reader *reader, const struct yaml *node, const char *hint)
{
	size_t len = node->len;

	if (!field_is(reader, node, YAML_STRING, hint))
		return NULL;
	if (node->text[0] == '/' && len > 1 && node->text[len - 1] != '/')
		return node->text;
	report_add(reader->report, &node->place, "\"%s\" is not an absolute path of a file",
		   node->text);
	report_hint(reader->report, "%s", hint);
	return NULL;
}

static void log_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct config *config = target;
	const char *path = config_path(reader, node, "a file, as /var/log/weir/audit.jsonl");

	if (path)
		config->log = path;
}

/* What an address of a unix socket has room for (unix(7)). */
#define SOCKET_PATH_MAX 107

const char *config_socket_path(struct reader *reader, const struct yaml *node, const char *hint)
{
	const char *path = config_path(reader, node, hint);

	if (!path || node->len <= SOCKET_PATH_MAX)
		return path;
	report_add(reader->report, &node->place, "this path is too long for a socket");
	report_hint(reader->report, "at most %d bytes", SOCKET_PATH_MAX);
	return NULL;
}

static void socket_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct config *config = target;
	const char *path = config_socket_path(reader, node, "a file, as /run/weir/control.sock");

	if (path)
		config->socket = path;
}

static void policies_read(struct reader *reader, const struct yaml *node, void *target)
{
	static const char hint[] = "folders, as [/etc/weir/policies]";
	struct config *config = target;
	const struct yaml *item;
	const char **folders;

	if (!field_is_list(reader, node, hint))
		return;
	folders = reader_array(reader, yaml_count(node), sizeof(*folders));
	config->policies = folders;
	config->n_policies = 0;
	for (item = node->first; item && folders; item = item->next) {
		const char *path = config_path(reader, item, hint);

		if (path)
			folders[config->n_policies++] = path;
	}
}

static void ring_read(struct reader *reader, const struct yaml *node, uint32_t *ret)
{
	static const char hint[] = "bytes: a power of two from 16384 to 1073741824";
	char *end;
	unsigned long bytes;

	if (!field_is(reader, node, YAML_INT, hint))
		return;
	errno = 0;
	bytes = strtoul(node->text, &end, 10);
	if (!errno && !*end && bytes >= CONFIG_RING_BYTES_MIN && bytes <= CONFIG_RING_BYTES_MAX &&
	    !(bytes & (bytes - 1))) {
		*ret = (uint32_t)bytes;
		return;
	}
	report_add(reader->report, &node->place, "a ring cannot have %s bytes", node->text);
	report_hint(reader->report, "%s", hint);
}

static void ring_allowed_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct config *config = target;

	ring_read(reader, node, &config->ring_allow_bytes);
}

static void ring_denied_read(struct reader *reader, const struct yaml *node, void *target)
{
	struct config *config = target;

	ring_read(reader, node, &config->ring_deny_bytes);
}

static const struct field ring_fields[] = {
	{"allowed", ring_allowed_read, false},
	{"denied", ring_denied_read, false},
};

static void rings_read(struct reader *reader, const struct yaml *node, void *target)
{
	if (field_is(reader, node, YAML_MAP, "allowed and denied"))
		fields_read(reader, node, "the section rings", ring_fields, ARRAY_SIZE(ring_fields),
			    target);
}

static const struct field config_fields[] = {
	{"version", version_read, true},
	{"log", log_read, false},
	{"socket", socket_read, false},
	{"policies", policies_read, false},
	{"rings", rings_read, false},
	{"attach", config_attach_read, false},
	{"metrics", config_metrics_read, false},
};

/* A configuration with all it was read from; the public part comes first. */
struct config_whole {
	struct config config;
	struct arena arena;
	struct source source;
};

static void root_read(struct reader *reader, struct config_whole *whole)
{
	struct place start = {.source = &whole->source, .width = 1};
	struct yaml *root = NULL;

	if (yaml_parse(&whole->source, &whole->arena, reader->report, &root) < 0)
		reader->report->error = -ENOMEM;
	if (root && root->kind == YAML_MAP) {
		fields_read(reader, root, "the configuration", config_fields,
			    ARRAY_SIZE(config_fields), &whole->config);
		config_metrics_check(reader, root, &whole->config);
		return;
	}
	if (report_count(reader->report))
		return;
	report_add(reader->report, root ? &root->place : &start,
		   "a configuration is a map of keys");
	report_hint(reader->report, "it starts with \"version: 1\"");
}

static struct config_whole *whole_new(const char *name, const struct config_defaults *defaults)
{
	struct config_whole *whole = calloc(1, sizeof(*whole));

	if (!whole)
		return NULL;
	whole->config = (struct config){
		.log = defaults->log, .socket = defaults->socket, .policies = defaults->policies,
		.n_policies = defaults->n_policies,
	};
	whole->source.name = arena_copy(&whole->arena, name, strlen(name));
	if (whole->source.name)
		return whole;
	config_free(&whole->config);
	return NULL;
}

/* Reads what is loaded; loaded is how that went. Takes ownership. */
static int whole_finish(struct config_whole *whole, int loaded, struct policy_errors *errors,
			struct config **ret)
{
	_cleanup_report_ struct report report = {0};
	struct reader reader = {.arena = &whole->arena, .report = &report};
	struct place place = {.source = &whole->source};
	int err;

	if (loaded == -EFBIG)
		report_add(&report, &place, "a configuration may hold 64 MiB, this one is larger");
	else if (loaded < 0 && loaded != -ENOMEM)
		report_add(&report, &place, "this file cannot be read: %s", strerror(-loaded));
	else if (loaded == 0)
		root_read(&reader, whole);
	err = loaded == -ENOMEM ? -ENOMEM : report_flush(&report, errors);
	if (err)
		config_free(&whole->config);
	else
		*ret = &whole->config;
	return err;
}

int config_read(const char *path, const struct config_defaults *defaults,
		struct policy_errors *errors, struct config **ret)
{
	struct config_whole *whole = whole_new(path, defaults);

	if (!whole)
		return -ENOMEM;
	return whole_finish(whole, source_load(&whole->source, path, &whole->arena), errors, ret);
}

int config_read_text(const char *name, const char *text, size_t len,
		     const struct config_defaults *defaults, struct policy_errors *errors,
		     struct config **ret)
{
	struct config_whole *whole = whole_new(name, defaults);

	if (!whole)
		return -ENOMEM;
	return whole_finish(whole, source_set(&whole->source, text, len, &whole->arena), errors,
			    ret);
}

void config_free(struct config *config)
{
	struct config_whole *whole = (struct config_whole *)config;

	if (!whole)
		return;
	arena_done(&whole->arena);
	free(whole);
}
