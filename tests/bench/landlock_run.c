// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs a command under Landlock, to compare with:
 * landlock_run DIR LIST COMMAND [ARG...]
 * Below DIR everything is allowed; what LIST names, a path a line, may be read
 * and executed, a directory with all below it. Each is a rule of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OF_FILES                                                     \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define ALL                                                                                   \
	(OF_FILES | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |             \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |                       \
	 LANDLOCK_ACCESS_FS_MAKE_REG)
#define READ \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void path_allow(int ruleset, const char *path, __u64 access)
{
	struct landlock_path_beneath_attr rule = {.parent_fd = open(path, O_PATH | O_CLOEXEC)};
	struct stat st;

	if (rule.parent_fd < 0 || fstat(rule.parent_fd, &st) < 0)
		fail(path);
	rule.allowed_access = S_ISDIR(st.st_mode) ? access : access & OF_FILES;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		fail(path);
	close(rule.parent_fd);
}

static void list_allow(int ruleset, const char *list)
{
	FILE *file = fopen(list, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!file)
		fail(list);
	while ((len = getline(&line, &cap, file)) > 0) {
		line[len - 1] = '\0';
		path_allow(ruleset, line, READ);
	}
	free(line);
	fclose(file);
}

int main(int argc, char **argv)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = ALL};
	int ruleset;

	if (argc < 4)
		return 2;
	ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		fail("landlock_create_ruleset");
	path_allow(ruleset, argv[1], ALL);
	list_allow(ruleset, argv[2]);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0))
		fail("landlock_restrict_self");
	close(ruleset);
	execv(argv[3], argv + 3);
	perror(argv[3]);
	return 1;
}
