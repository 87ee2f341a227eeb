// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* "KEY=VALUE" options (--set, --label); see cli.h. */
#include <getopt.h>
#include <string.h>

#include "cli/cli.h"

int cli_pairs_add(struct cli_pairs *pairs, const char *text)
{
	const char *equals = strchr(text, '=');
	_cleanup_free_ char *key = NULL, *value = NULL;
	struct policy_pair *items;

	if (!equals || equals == text)
		return -EINVAL;
	key = strndup(text, (size_t)(equals - text));
	value = strdup(equals + 1);
	if (!key || !value)
		return -ENOMEM;
	for (size_t i = 0; i < pairs->n; i++)
		if (strcmp(pairs->items[i].key, key) == 0)
			return -EEXIST;
	items = reallocarray(pairs->items, pairs->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	pairs->items = items;
	items[pairs->n++] = (struct policy_pair){.key = TAKE_PTR(key), .value = TAKE_PTR(value)};
	return 0;
}

int cli_pairs_option(const struct cli_call *call, const char *option, struct cli_pairs *pairs)
{
	int r = cli_pairs_add(pairs, optarg);

	return r < 0 ? cli_usage(call->command, "--%s %s: %s", option, optarg, cli_pairs_error(r)) :
		       0;
}

const char *cli_pairs_error(int error)
{
	switch (error) {
	case -EINVAL:
		return "KEY=VALUE is wanted";
	case -EEXIST:
		return "given twice";
	default:
		return strerror(-error);
	}
}

void cli_pairs_done(struct cli_pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		free(pairs->items[i].key);
		free(pairs->items[i].value);
	}
	free(pairs->items);
	*pairs = (struct cli_pairs){0};
}
