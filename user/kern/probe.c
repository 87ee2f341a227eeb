// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What this kernel can do, found by asking it rather than by its version. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "kern/cgroup.h"
#include "kern/state.h"

#define LSM_LIST "/sys/kernel/security/lsm"

static const struct bpf_insn return_zero[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

static int program_loads(enum bpf_prog_type type, enum bpf_attach_type attach, const char *hook)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	int fd;

	if (hook) {
		int id = hook_type_id(hook);

		if (id < 0)
			return id;
		opts.attach_btf_id = (uint32_t)id;
	}
	fd = bpf_prog_load(type, NULL, "Dual BSD/GPL", return_zero, ARRAY_SIZE(return_zero), &opts);
	if (fd < 0)
		return -errno;
	fd_close(fd);
	return 0;
}

/* Is "bpf" among the security modules that run? Programs of one that does not are never asked. */
static int lsm_active(void)
{
	_cleanup_fclose_ FILE *file = fopen(LSM_LIST, "re");
	char line[512], *name, *rest;

	if (!file)
		return -errno;
	if (!fgets(line, sizeof(line), file))
		return -EIO;
	for (name = strtok_r(line, ",\n", &rest); name; name = strtok_r(NULL, ",\n", &rest))
		if (strcmp(name, "bpf") == 0)
			return 1;
	return 0;
}

static void probe_lsm(struct kern_features *features)
{
	int err = program_loads(BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "file_open"), active;

	if (err < 0) {
		snprintf(features->lsm_why, sizeof(features->lsm_why),
			 "this kernel does not load BPF LSM programs (%s); boot one with "
			 "CONFIG_BPF_LSM=y and BTF", strerror(-err));
		return;
	}
	active = lsm_active();
	if (active == 0) {
		snprintf(features->lsm_why, sizeof(features->lsm_why),
			 "\"bpf\" is not in " LSM_LIST
			 "; boot with lsm=…,bpf on the kernel command "
			 "line");
		return;
	}
	if (active < 0) {
		snprintf(features->lsm_why, sizeof(features->lsm_why),
			 "cannot read " LSM_LIST " (%s); mount it: mount -t securityfs none "
			 "/sys/kernel/security", strerror(-active));
		return;
	}
	features->lsm = true;
}

void kern_probe(struct kern_features *ret)
{
	struct kern_features features = {0};
	struct utsname uts;
	struct sequences sequences;

	if (uname(&uts) == 0)
		snprintf(features.release, sizeof(features.release), "%s", uts.release);
	libbpf_set_print(NULL);
	features.privileged = program_loads(BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
					    BPF_CGROUP_INET4_CONNECT, NULL) == 0;
	features.btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	features.cgroup2 = cgroup_mount_path(features.cgroup2_path,
					     sizeof(features.cgroup2_path)) == 0;
	features.sequences = sequences_find(&sequences) == 0;
	probe_lsm(&features);
	*ret = features;
}
