// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whom the command runs as: --user, or whoever called sudo; see launch.h. */
#include <ctype.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>

#include "daemon/launch.h"

static int __attribute__((format(printf, 3, 4)))
refuse(int error, char **ret_message, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(ret_message, format, args) < 0)
		*ret_message = NULL;
	va_end(args);
	return error;
}

/* All digits, and neither -1 (which setresuid takes for "keep") nor beyond the type. */
static int id_parse(const char *text, uint32_t *ret)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

static int groups_find(struct launch_user *user)
{
	int n = 32;

	for (;;) {
		gid_t *groups = reallocarray(user->groups, (size_t)n, sizeof(*groups));
		int before = n;

		if (!groups)
			return -ENOMEM;
		user->groups = groups;
		if (getgrouplist(user->name, user->gid, groups, &n) >= 0)
			break;
		if (n <= before)
			n = before * 2;
	}
	user->n_groups = n;
	return 0;
}

static int entry_take(const struct passwd *entry, struct launch_user *user)
{
	user->name = strdup(entry->pw_name);
	user->home = strdup(entry->pw_dir);
	user->shell = strdup(entry->pw_shell);
	if (!user->name || !user->home || !user->shell)
		return -ENOMEM;
	return groups_find(user);
}

static int named_find(const char *name, struct launch_user *user, char **ret_message)
{
	const struct passwd *entry;
	uint32_t uid = 0;

	errno = 0;
	entry = getpwnam(name);
	if (!entry && id_parse(name, &uid) == 0)
		entry = getpwuid(uid);
	if (!entry)
		return refuse(-ENOENT, ret_message, "there is no user \"%s\"", name);
	user->change = true;
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	return entry_take(entry, user);
}

/* sudo sets both to numbers; a number the user database does not know still counts. */
static int sudo_find(const char *uid, const char *gid, struct launch_user *user, char **ret_message)
{
	const struct passwd *entry;

	if (id_parse(uid, &user->uid) < 0 || !gid || id_parse(gid, &user->gid) < 0)
		return refuse(
			-EINVAL, ret_message,
			"SUDO_UID and SUDO_GID are not both numbers; name the user with --user");
	user->change = true;
	entry = getpwuid(user->uid);
	return entry ? entry_take(entry, user) : 0;
}

int launch_user_find(const char *name, struct launch_user *ret, char **ret_message)
{
	_cleanup_launch_user_ struct launch_user user = {0};
	const char *sudo = getenv("SUDO_UID");
	int r = 0;

	if (name)
		r = named_find(name, &user, ret_message);
	else if (geteuid() == 0 && sudo)
		r = sudo_find(sudo, getenv("SUDO_GID"), &user, ret_message);
	if (r < 0)
		return r;
	if (user.change && geteuid() != 0 && user.uid != geteuid())
		return refuse(-EPERM, ret_message, "only root can run a command as another user");
	/* an ordinary user with capabilities can name itself, and changes nothing */
	if (geteuid() != 0)
		user.change = false;
	*ret = user;
	user = (struct launch_user){0};
	return 0;
}

void launch_user_done(struct launch_user *user)
{
	free(user->groups);
	free(user->name);
	free(user->home);
	free(user->shell);
	*user = (struct launch_user){0};
}
