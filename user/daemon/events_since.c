// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The point in time that `weir events --since` names; see events.h. */
#include <string.h>

#include "base/clock.h"
#include "daemon/events.h"
#include "policy/value.h"

static int ago_parse(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	static const struct {
		char letter;
		unsigned int s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	unsigned long long count;
	char *end;

	errno = 0;
	count = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-' || *text == '+' || !*end || end[1])
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].letter != *end || count > now_ns / NS_PER_S / units[i].s)
			continue;
		*ret_ns = now_ns - count * units[i].s * NS_PER_S;
		return 0;
	}
	return -EINVAL;
}

/* "" or ".5" to ".123456789", and perhaps a Z. */
static int fraction_parse(const char *text, uint64_t *ret_ns)
{
	uint64_t unit = NS_PER_S, ns = 0;

	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9' && unit > 1; text++)
			ns += (uint64_t)(*text - '0') * (unit /= 10);
	if (*text == 'Z')
		text++;
	*ret_ns = ns;
	return *text ? -EINVAL : 0;
}

/* What is not given of the time of day is 0. */
static int utc_parse(const char *text, uint64_t *ret_ns)
{
	static const size_t whole[] = {19, 16, 10};	/* to seconds, to minutes, a date */
	char form[] = "0000-00-00T00:00:00Z";
	size_t len = strcspn(text, ".Z");
	uint64_t seconds, ns;
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		known |= len == whole[i];
	if (!known || (text[len] && len < whole[0]) || fraction_parse(text + len, &ns) < 0)
		return -EINVAL;
	memcpy(form, text, len);
	if (form[10] == ' ')
		form[10] = 'T';
	if (time_parse(form, &seconds) < 0)
		return -EINVAL;
	*ret_ns = seconds * NS_PER_S + ns;
	return 0;
}

int events_since_parse(const char *text, uint64_t now_ns, uint64_t *ret_utc_ns)
{
	return strchr(text, '-') ? utc_parse(text, ret_utc_ns) :
				   ago_parse(text, now_ns, ret_utc_ns);
}
