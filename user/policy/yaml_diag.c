// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* libfyaml's own errors, as ours; see yaml_diag.h. */
#include "policy/yaml_diag.h"

#include <libfyaml.h>
#include <string.h>

static void diag_drop(struct fy_diag *diag, void *user, const char *text, size_t len)
{
	(void)diag;
	(void)user;
	(void)text;
	(void)len;
}

struct fy_diag *yaml_diag_create(void)
{
	struct fy_diag_cfg config;
	struct fy_diag *diag;

	fy_diag_cfg_default(&config);
	config.fp = NULL;
	config.output_fn = diag_drop;
	config.colorize = false;
	diag = fy_diag_create(&config);
	if (diag)
		fy_diag_set_collect_errors(diag, true);
	return diag;
}

void yaml_diag_report(struct fy_diag *diag, const struct source *source, uint32_t offset,
		      struct report *report)
{
	struct place place = {.source = source, .offset = offset, .width = 1};
	size_t before = report_count(report);
	struct fy_diag_error *error;
	void *iter = NULL;

	while ((error = fy_diag_errors_iterate(diag, &iter))) {
		if (error->type != FYET_ERROR)
			continue;
		place.offset = source_offset(source, (unsigned int)error->line,
					     (unsigned int)error->column);
		report_add(report, &place, "not valid YAML: %s", error->msg);
		if (strstr(error->msg, "tab character"))
			report_hint(report, "indent with spaces; YAML does not allow tabs there");
		else
			report_hint(
				report,
				"look at the indentation, colons, quotes and brackets around here");
	}
	if (report_count(report) == before)
		report_add(report, &place, "not valid YAML");
}
