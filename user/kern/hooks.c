// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which LSM hooks this kernel has, and with which arguments: by its own type
 * information, since distributions carry hooks back to older versions.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/state.h"

#define SECTION "lsm/"

/* Came with later kernels, for what went through other hooks before, or did not exist. */
static const char *const later[] = {
	"file_truncate",    "file_ioctl_compat", "inode_set_acl",
	"inode_remove_acl", "inode_get_acl",	 "inode_file_setattr",
};

static bool is_later(const char *hook)
{
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (strcmp(hook, later[i]) == 0)
			return true;
	return false;
}

/* Of two programs for one hook, the one that is for this number of arguments. */
static bool form_fits(const char *hook, const struct bpf_program *program, unsigned int args)
{
	bool mapped = strstr(bpf_program__name(program), "_mapped") != NULL;

	return strcmp(hook, "inode_setattr") != 0 || mapped == (args != 2);
}

/* A hook that should be there and is not stays, so that loading fails. */
static bool hook_fits(const struct btf *btf, const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program), *hook;
	const struct btf_type *type;
	char name[128];
	int id;

	if (strncmp(section, SECTION, strlen(SECTION)) != 0)
		return true;
	hook = section + strlen(SECTION);
	snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	if (id < 0)
		return !is_later(hook);
	type = btf__type_by_id(btf, (uint32_t)id);
	type = type ? btf__type_by_id(btf, type->type) : NULL;
	return type && form_fits(hook, program, btf_vlen(type));
}

int hooks_choose(struct bpf_object *object)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_program *program;

	if (!btf)
		return -errno;
	bpf_object__for_each_program(program, object)
		if (bpf_program__autoload(program) && !hook_fits(btf, program))
			bpf_program__set_autoload(program, false);
	btf__free(btf);
	return 0;
}
