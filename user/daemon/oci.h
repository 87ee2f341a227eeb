/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a runtime tells its hooks of a container: the state of the OCI runtime
 * specification (runtime.md, "State"), and what annotations ask of weir. No I/O here.
 */
#ifndef WEIR_DAEMON_OCI_H
#define WEIR_DAEMON_OCI_H

#include "daemon/ctl.h"

#define OCI_STATE_MAX (1024 * 1024)	/* bytes of a state */

#define OCI_ANNOTATIONS "io.weir."	/* what the names of those for weir begin with */

/*
 * Makes the request that a state asks for: attach the container's process, under the
 * policy that io.weir.policy names, with io.weir.set.PARAM and io.weir.label.KEY. Others
 * that begin as these do are refused; what else there is in a state is not looked at.
 *
 * Returns 0 and *ret (ctl_request_done); ret->policy NULL: no annotation names one.
 * -EINVAL with *ret_error, a heap string for people, or -ENOMEM.
 */
int oci_request(const char *text, size_t len, struct ctl_request *ret, char **ret_error);

#endif
