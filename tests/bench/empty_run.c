// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs a command while BPF programs that do nothing are attached where weir has
 * its own, to tell what the kernel takes for calling them:
 * empty_run CGROUP2 COMMAND [ARG...]
 * Where programs at LSM hooks are refused, those for the network alone.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int program_load(enum bpf_prog_type type, enum bpf_attach_type attach, int btf_id)
{
	const struct bpf_insn insns[] = {
		/* an LSM program allows with 0, the others with 1 */
		{.code = BPF_ALU64 | BPF_MOV | BPF_K,
		 .dst_reg = BPF_REG_0,
		 .imm = type == BPF_PROG_TYPE_LSM ? 0 : 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach,
		    .attach_btf_id = (__u32)btf_id);

	return bpf_prog_load(type, "empty", "GPL", insns, sizeof(insns) / sizeof(*insns), &opts);
}

/* As `weir run` attaches them where there is no BPF LSM. */
static int network_attach(const char *cgroup)
{
	static const struct {
		enum bpf_prog_type type;
		enum bpf_attach_type at;
	} hooks[] = {
		{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT},
		{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT},
		{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG},
		{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG},
		{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND},
		{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND},
		{BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS},
		{BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS},
		{BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE},
		{BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE},
	};
	int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC), program;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		program = program_load(hooks[i].type, hooks[i].at, 0);
		if (dir < 0 || program < 0 ||
		    bpf_link_create(program, dir, hooks[i].at, NULL) < 0)
			return -1;
	}
	return 0;
}

static int file_open_attach(void)
{
	int btf_id = libbpf_find_vmlinux_btf_id("file_open", BPF_LSM_MAC);
	int program = btf_id < 0 ? -1 : program_load(BPF_PROG_TYPE_LSM, BPF_LSM_MAC, btf_id);

	if (program < 0)
		return errno == EPERM ? 0 : -1;
	return bpf_raw_tracepoint_open(NULL, program) < 0 ? -1 : 0;
}

/* The links hold while this process waits. */
int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 3)
		return 2;
	libbpf_set_print(NULL);
	if (network_attach(argv[1]) || file_open_attach()) {
		perror("empty_run: cannot attach");
		return 1;
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
