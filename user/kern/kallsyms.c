// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Addresses of kernel symbols, as /proc/kallsyms shows them to a privileged reader. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/state.h"

int kallsyms_find(const char *symbol, __u64 *ret)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], name[256];
	unsigned long long address;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) != 2 ||
		    strcmp(name, symbol) != 0)
			continue;
		if (!address)
			return -EPERM;
		*ret = address;
		return 0;
	}
	return -ENOENT;
}
