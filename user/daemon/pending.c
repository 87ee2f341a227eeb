// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is not enforced yet; see pending.h. */
#include "daemon/pending.h"

#include "base/cleanup.h"

const struct pending pendings[] = {
	{POLICY_SECTION_NETWORK,
	 "without BPF LSM: families of sockets besides IP; sockets made before or outside"},
};
const size_t n_pendings = ARRAY_SIZE(pendings);
