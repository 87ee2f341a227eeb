// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asking the kernel's tables what they decide, without doing it. */
#include <errno.h>
#include <string.h>

#include "kern/cgroup.h"
#include "kern/select.h"
#include "kern/state.h"

int kern_ask_flow(struct kern *kern, uint32_t instance, enum weir_proto proto,
		  const struct weir_addr *addr, uint16_t port, uint32_t *ret_decision)
{
	struct weir_ask_flow ask = {
		.instance = instance,
		.addr = *addr,
		.port = port,
		.proto = (__u16)proto,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ask, .ctx_size_in = sizeof(ask));
	int fd = program_call_fd(kern, kern->skel->progs.weir_decide_flow);

	/* a syscall program's context comes back where it was given */
	if (bpf_prog_test_run_opts(fd, &opts) < 0)
		return -errno;
	*ret_decision = ask.decision;
	return 0;
}

/* Is this id a scope's, or to be one's? */
static bool scope_has(const struct kern *kern, uint64_t cgroup_id)
{
	for (uint32_t slot = 1; slot < WEIR_SCOPES_MAX; slot++)
		if (scope_filled(&kern->scopes[slot]) && kern->scopes[slot].cgroup_id == cgroup_id)
			return true;
	return kern_cgroup_unknown(kern, cgroup_id);
}

int kern_confines(struct kern *kern, const char *cgroup)
{
	_cleanup_free_ char *path = strdup(cgroup);
	char *end = path;
	int r;

	if (!path)
		return -ENOMEM;
	/* from the cgroup up; the root is never a scope */
	for (; end && path[0] && path[1]; end = strrchr(path, '/'), *end = '\0') {
		_cleanup_cgroup_ struct cgroup at = {.fd = -1};

		r = cgroup_open(path, &at);
		if (r < 0)
			return r;
		if (scope_has(kern, at.id))
			return 1;
	}
	return 0;
}

int kern_socket_protect(struct kern *kern, int fd)
{
	const uint32_t yes = 1;

	return bpf_map__update_elem(kern->skel->maps.weir_controls, &fd, sizeof(fd), &yes,
				    sizeof(yes), 0);
}

/* As components, each with its length in front, at the end of the room for them. */
static int path_write(const char *path, struct weir_ask_path *ask)
{
	size_t len = strlen(path), at = sizeof(ask->path) - len, name;

	if (path[0] != '/' || len > sizeof(ask->path))
		return -EINVAL;
	ask->at = (uint32_t)(len == 1 ? sizeof(ask->path) : at);
	for (; len > 1 && *path; path += name + 1, at += name + 1) {
		name = strcspn(path + 1, "/");
		if (!name || name > WEIR_NAME_MAX)
			return -EINVAL;
		ask->path[at] = (uint8_t)name;
		memcpy(&ask->path[at + 1], path + 1, name);
	}
	return 0;
}

int kern_ask_path(struct kern *kern, uint32_t instance, const char *path,
		  uint32_t ret_decisions[WEIR_ACCESS_COUNT])
{
	struct weir_ask_path ask = {.instance = instance};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ask, .ctx_size_in = sizeof(ask));
	int fd = program_call_fd(kern, kern->skel->progs.weir_decide_path);
	int err = path_write(path, &ask);

	if (err < 0)
		return err;
	if (bpf_prog_test_run_opts(fd, &opts) < 0)
		return -errno;
	if (opts.retval)
		return -ENOMEM;
	memcpy(ret_decisions, ask.decisions, sizeof(ask.decisions));
	return 0;
}
