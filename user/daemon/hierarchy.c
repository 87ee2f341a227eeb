// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The cgroup hierarchy as it is seen from here; see hierarchy.h. */
#include "daemon/hierarchy.h"

#include <string.h>

#include "base/log.h"
#include "kern/cgroup.h"

int hierarchy_check(void)
{
	_cleanup_cgroup_ struct cgroup root = {.fd = -1};
	int r = cgroup_open("/", &root);

	if (r < 0) {
		log_error("cannot open the cgroup2 hierarchy: %s", strerror(-r));
		return r;
	}
	if (root.id != 1) {
		log_error("weir runs inside a cgroup namespace (a container); run it on the host");
		return -EXDEV;
	}
	return 0;
}
