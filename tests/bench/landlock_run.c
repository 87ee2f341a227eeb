// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs a command under Landlock, to compare with:
 * landlock_run [-r] DIR... -- COMMAND [ARG...]
 * Everything below each DIR may be read and executed, each by a rule of its own;
 * with -r files may also be made, removed and renamed there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HANDLED                                                                        \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                  \
	 LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |                  \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |              \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG)
#define ALLOWED \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RENAMES (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)

static int dir_allow(int ruleset, const char *dir, __u64 access)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = access,
		.parent_fd = open(dir, O_PATH | O_CLOEXEC),
	};
	int err;

	if (rule.parent_fd < 0)
		return -1;
	err = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return err;
}

int main(int argc, char **argv)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = HANDLED};
	int ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0), i = 1;
	__u64 access = ALLOWED;

	if (ruleset < 0) {
		perror("landlock_create_ruleset");
		return 1;
	}
	if (argc > 1 && !strcmp(argv[1], "-r")) {
		access |= RENAMES;
		i++;
	}
	for (; i < argc && strcmp(argv[i], "--"); i++) {
		if (dir_allow(ruleset, argv[i], access)) {
			perror(argv[i]);
			return 1;
		}
	}
	if (i + 1 >= argc)
		return 2;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0)) {
		perror("landlock_restrict_self");
		return 1;
	}
	close(ruleset);
	execv(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 1;
}
