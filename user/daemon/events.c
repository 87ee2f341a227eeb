// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An audit log for people; see events.h. */
#include "daemon/events.h"

#include <limits.h>
#include <string.h>

#include "audit/follow.h"
#include "base/log.h"
#include "daemon/agent_start.h"
#include "event/show.h"
#include "kern/cgroup.h"

/* Changes are told by the kernel; this is for those it does not tell of (network file systems). */
#define LOOK_MS 1000

struct show {
	const struct events_options *options;
	struct event_filter filter;
	const char *path;
	char mount[PATH_MAX];
	struct buf *kept;	/* the last lines, a ring of options->last */
	size_t n_kept;		/* that there were */
	bool live;		/* what was there at the start has been told */
	bool malformed;
	struct buf text;
};

bool events_type_known(const char *type)
{
	return event_filter_type_known(type);
}

/* Also with the hierarchy's mount point in front. */
static const char *cgroup_plain(struct show *show, const char *cgroup)
{
	size_t len;

	if (!cgroup || cgroup_mount_path(show->mount, sizeof(show->mount)) < 0)
		return cgroup;
	len = strlen(show->mount);
	return strncmp(cgroup, show->mount, len) == 0 && cgroup[len] == '/' ? cgroup + len : cgroup;
}

static void line_print(struct show *show)
{
	const bool all = show->options->last == EVENTS_ALL;
	struct buf *slot;

	if (all || show->live) {
		fwrite(show->text.data, 1, show->text.len, stdout);
	} else if (show->options->last) {
		slot = &show->kept[show->n_kept++ % show->options->last];
		buf_reset(slot);
		buf_add(slot, show->text.data, show->text.len);
	}
}

static void kept_print(struct show *show)
{
	const size_t size = show->options->last;
	size_t n = show->n_kept < size ? show->n_kept : size;

	if (size == EVENTS_ALL || show->live)
		return;
	for (size_t i = show->n_kept - n; i < show->n_kept; i++)
		fwrite(show->kept[i % size].data, 1, show->kept[i % size].len, stdout);
	show->live = true;
}

static void line_wrong(struct show *show, const struct follow_line *line, const char *what)
{
	/* beside what stood before it */
	fflush(stdout);
	log_error("%s:%llu: %s", show->path, (unsigned long long)line->number, what);
	show->malformed = true;
}

static int line_show(struct show *show, const struct follow_line *line)
{
	_cleanup_event_line_ struct event_line record = {0};
	int r = event_line_parse(line->data, line->len, &record);

	if (r == -EBADMSG) {
		line_wrong(show, line, "this line is no record of weir");
		return 0;
	}
	if (r < 0)
		return r;
	if (!event_filter_matches(&show->filter, &record))
		return 0;
	buf_reset(&show->text);
	if (show->options->json && show->options->terminal) {
		event_show_json(&show->text, &record);
	} else if (show->options->json) {
		buf_add(&show->text, line->data, line->len);
		buf_add_char(&show->text, '\n');
	} else {
		event_show(&show->text, &record, show->options->color);
	}
	if (show->text.error)
		return show->text.error;
	line_print(show);
	return 0;
}

static int one_show(struct show *show, int event, const struct follow_line *line)
{
	switch (event) {
	case FOLLOW_LINE:
		return line_show(show, line);
	case FOLLOW_TORN:
		line_wrong(show, line, "this line has no end");
		return 0;
	case FOLLOW_REPLACED:
		log_notice("%s: a new file", show->path);
		return 0;
	default:
		log_notice("%s: was cut short; it is read anew", show->path);
		return 0;
	}
}

/* All that is there. */
static int present_show(struct show *show, struct follow *follow)
{
	struct follow_line line;
	int r;

	while ((r = follow_next(follow, &line)) != FOLLOW_END) {
		if (r >= 0)
			r = one_show(show, r, &line);
		if (r < 0)
			return r;
	}
	return 0;
}

static int log_show(struct show *show, struct follow *follow)
{
	int r = present_show(show, follow);

	kept_print(show);
	while (r >= 0 && show->options->follow) {
		/* who reads has gone: not a failure, and found out now, not with the next line */
		if (fflush(stdout) != 0 || ferror(stdout) ||
		    follow_wait(follow, STDOUT_FILENO, LOOK_MS) == -EPIPE)
			return 0;
		r = present_show(show, follow);
	}
	return r;
}

static int path_show(struct show *show)
{
	_cleanup_follow_ struct follow *follow = NULL;
	int r;

	r = follow_open(show->path, show->options->follow, &follow);
	if (r < 0) {
		log_error("cannot read the audit log %s: %s", show->path,
			  r == -EINVAL ? "it is no regular file" : strerror(-r));
		return r;
	}
	r = log_show(show, follow);
	if (r < 0)
		log_error("%s: %s", show->path, strerror(-r));
	return r;
}

static void show_done(struct show *show)
{
	for (size_t i = 0; show->kept && i < show->options->last; i++)
		buf_done(&show->kept[i]);
	free(show->kept);
	buf_done(&show->text);
}

int events_show(const struct events_options *options)
{
	_cleanup_config_ struct config *config = NULL;
	_cleanup_(show_done) struct show show = {.options = options, .path = options->log};
	int r = 0;

	if (!show.path) {
		r = agent_config(NULL, &config);
		if (r < 0)
			return r;
		show.path = config->log;
	}
	show.filter = (struct event_filter){
		.denied = options->denied,
		.policy = options->policy,
		.type = options->type,
		.cgroup = cgroup_plain(&show, options->cgroup),
	};
	if (options->since_ns)
		time_format(options->since_ns, show.filter.since);
	if (options->last != EVENTS_ALL && options->last) {
		show.kept = calloc(options->last, sizeof(*show.kept));
		if (!show.kept) {
			log_error("%s", strerror(ENOMEM));
			return -ENOMEM;
		}
	}
	r = path_show(&show);
	return r >= 0 && show.malformed ? -EBADMSG : r;
}
