// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Messages for people on standard error; see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static enum log_level threshold = LOG_LEVEL_NOTICE;

void log_set_level(enum log_level level)
{
	threshold = level;
}

/* One write per message, so that lines of several processes do not mix. */
__attribute__((format(printf, 3, 0)))
static void say(enum log_level level, const char *prefix, const char *format, va_list args)
{
	char line[4096];
	int len;

	if (level > threshold)
		return;
	len = vsnprintf(line, sizeof(line), format, args);
	if (len < 0)
		return;
	fprintf(stderr, "weir: %s%s%s\n", prefix, line,
		(size_t)len >= sizeof(line) ? " [cut]" : "");
}

#define DEFINE_LOG(name, level, prefix)            \
	void log_##name(const char *format, ...)   \
	{                                          \
		va_list args;                      \
                                                   \
		va_start(args, format);            \
		say(level, prefix, format, args);  \
		va_end(args);                      \
	}

DEFINE_LOG(error, LOG_LEVEL_ERROR, "")
DEFINE_LOG(warning, LOG_LEVEL_WARNING, "warning: ")
DEFINE_LOG(notice, LOG_LEVEL_NOTICE, "")
DEFINE_LOG(debug, LOG_LEVEL_DEBUG, "debug: ")

void log_lines(struct buf *text)
{
	char *line, *rest = NULL;

	if (!buf_string(text))
		return;
	for (line = strtok_r(text->data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_error("%s", line);
}
