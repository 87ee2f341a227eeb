// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where the kernel keeps its sequence counts of renames and mounts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/state.h"

/* Index of a name in a list, or its length. */
static size_t index_of(const char *const *names, size_t n, const char *name)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i;
}

/* One pass for all: the file has a line for each symbol, and is made anew each time. */
int sequences_find(struct sequences *ret)
{
	static const char *const names[] = {"rename_lock", "mount_lock"};
	_cleanup_fclose_ FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long address, found[ARRAY_SIZE(names)] = {0};
	char line[512], name[256];
	size_t left = ARRAY_SIZE(names), i;

	if (!file)
		return -errno;
	while (left && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) != 2)
			continue;
		i = index_of(names, ARRAY_SIZE(names), name);
		if (i == ARRAY_SIZE(names) || found[i])
			continue;
		if (!address)
			return -EPERM;
		found[i] = address;
		left--;
	}
	if (left)
		return -ENOENT;
	ret->rename_lock = found[0];
	ret->mount_lock = found[1];
	return 0;
}
