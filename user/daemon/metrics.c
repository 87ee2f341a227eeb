// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The daemon's figures as metrics; see figures.h. No secrets: who can read them may be anybody. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "daemon/figures.h"
#include "event/names.h"

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/*
 * Backslash, quote and line feed are escaped, and what is not UTF-8 is replaced, as the format
 * asks.
 */
static void add_label(struct buf *out, const char *before, const char *name, const char *value)
{
	const char *end = value + strlen(value);
	uint32_t code;
	size_t size;

	buf_printf(out, "%s%s=\"", before, name);
	for (const char *at = value; at < end; at += size) {
		size = utf8_next(at, (size_t)(end - at), &code);
		if (!size) {
			size = 1;
			buf_add_string(out, "\xef\xbf\xbd");
		} else if (*at == '\n') {
			buf_add_string(out, "\\n");
		} else {
			if (*at == '\\' || *at == '"')
				buf_add_char(out, '\\');
			buf_add(out, at, size);
		}
	}
	buf_add_char(out, '"');
}

static void add_value(struct buf *out, const char *name, uint64_t value)
{
	buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void add_plain(struct buf *out, const char *name, const char *type, const char *help,
		      uint64_t value)
{
	add_head(out, name, type, help);
	add_value(out, name, value);
}

static void add_self(struct buf *out, const struct figures *figures)
{
	add_head(out, "weir_build_info", "gauge", "Version of weir and release of the kernel.");
	buf_add_string(out, "weir_build_info");
	add_label(out, "{", "version", WEIR_VERSION);
	add_label(out, ",", "kernel", figures->kernel);
	buf_add_string(out, "} 1\n");
	add_plain(out, "weir_start_time_seconds", "gauge", "When the daemon started, Unix time.",
		  (uint64_t)figures->started_s);
	if (!figures->reloaded_s)
		return;
	add_plain(out, "weir_reload_time_seconds", "gauge",
		  "When policies were read again last, Unix time.", (uint64_t)figures->reloaded_s);
	add_plain(out, "weir_reload_success", "gauge", "Whether they came into force.",
		  !figures->reload_failed);
}

static void add_count(struct buf *out, const struct event_count *count)
{
	for (int type = 0; type < WEIR_EVENT_COUNT; type++) {
		for (int verdict = 0; verdict < WEIR_VERDICT_COUNT; verdict++) {
			if (!count->records[type][verdict])
				continue;
			buf_add_string(out, "weir_records_total");
			add_label(out, "{", "policy", count->policy);
			add_label(out, ",", "type", event_type_name(type));
			add_label(out, ",", "verdict", event_verdict_name(verdict));
			add_value(out, "}", count->records[type][verdict]);
		}
	}
}

static void add_records(struct buf *out, const struct figures *figures)
{
	const struct event_counts *decided = &figures->journal.decided;

	add_head(out, "weir_records_total", "counter", "Decisions recorded.");
	for (size_t i = 0; i < decided->n; i++)
		add_count(out, &decided->list[i]);
}

static void add_losses(struct buf *out, const struct figures *figures)
{
	add_head(out, "weir_lost_total", "counter",
		 "Records that found no room, or were unreadable.");
	for (int type = 0; type < EVENT_LOST_COUNT; type++) {
		buf_add_string(out, "weir_lost_total");
		add_label(out, "{", "type",
			  type == EVENT_LOST_UNKNOWN ? "unknown" : event_type_name(type));
		add_value(out, "}", figures->lost[type]);
	}
}

static void add_rings(struct buf *out, const struct figures *figures)
{
	const struct kern_fills *fills = &figures->fills;

	add_head(out, "weir_ring_bytes", "gauge", "Bytes of records that wait in the kernel.");
	add_value(out, "weir_ring_bytes{ring=\"allowed\"}", fills->allow.bytes);
	add_value(out, "weir_ring_bytes{ring=\"denied\"}", fills->deny.bytes);
	add_head(out, "weir_ring_size_bytes", "gauge", "Bytes that find room there.");
	add_value(out, "weir_ring_size_bytes{ring=\"allowed\"}", fills->allow.size);
	add_value(out, "weir_ring_size_bytes{ring=\"denied\"}", fills->deny.size);
}

static void add_policies(struct buf *out, const struct figures *figures)
{
	add_head(out, "weir_policy_scopes", "gauge", "Cgroups under a version of a policy.");
	for (size_t i = 0; i < figures->n_policies; i++) {
		const struct figures_policy *policy = &figures->policies[i];

		buf_add_string(out, "weir_policy_scopes");
		add_label(out, "{", "policy", policy->name);
		add_label(out, ",", "digest", policy->digest);
		add_label(out, ",", "mode", policy->audit ? "audit" : "enforce");
		add_value(out, "}", policy->scopes);
	}
	add_plain(out, "weir_grants", "gauge", "Grants in force.", figures->n_grants);
}

static void add_log(struct buf *out, const struct figures *figures)
{
	add_plain(out, "weir_log_sequence", "counter",
		  "Number of the last record in the audit log.", figures->journal.last_seq);
	add_plain(out, "weir_log_bytes_total", "counter",
		  "Bytes added to the audit log since the daemon started.", figures->journal.bytes);
	add_plain(out, "weir_log_writable", "gauge", "Whether the audit log takes records.",
		  figures->log_writable);
}

static void add_costs(struct buf *out, const struct figures *figures)
{
	add_plain(out, "weir_program_stats_enabled", "gauge",
		  "Whether the kernel counts what programs cost (kernel.bpf_stats_enabled).",
		  figures->costs_counted);
	add_head(out, "weir_program_runs_total", "counter", "Runs of a program, while counted.");
	for (size_t i = 0; i < figures->n_costs; i++) {
		buf_add_string(out, "weir_program_runs_total");
		add_label(out, "{", "program", figures->costs[i].program);
		add_value(out, "}", figures->costs[i].runs);
	}
	add_head(out, "weir_program_seconds_total", "counter", "Time they took.");
	for (size_t i = 0; i < figures->n_costs; i++) {
		const uint64_t ns = figures->costs[i].ns;

		buf_add_string(out, "weir_program_seconds_total");
		add_label(out, "{", "program", figures->costs[i].program);
		buf_printf(out, "} %" PRIu64 ".%09" PRIu64 "\n", ns / NS_PER_S,
			   ns % NS_PER_S);
	}
}

void metrics_format(const struct figures *figures, struct buf *out)
{
	add_self(out, figures);
	add_records(out, figures);
	add_losses(out, figures);
	add_rings(out, figures);
	add_policies(out, figures);
	add_log(out, figures);
	add_costs(out, figures);
}

void figures_done(struct figures *figures)
{
	journal_state_done(&figures->journal);
	free(figures->policies);
	free(figures->costs);
}
