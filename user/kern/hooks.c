// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which LSM hooks this kernel has, and with which arguments: by its own type
 * information, since distributions carry hooks back to older versions.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kern/state.h"

#define SECTION "lsm/"
#define FUNCTION "bpf_lsm_"	/* what its name has in front, as a function of the kernel */

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

/* A hook as this kernel has it: its name is a string of its own, `id` that of its type. */
struct hook {
	char *name;
	uint32_t id;
	unsigned int args;
};

/* All of them; read once, for they are some hundred among a hundred thousand types. */
static struct hook *hooks;
static size_t n_hooks;

static int hook_add(const struct btf *btf, uint32_t id, const char *name)
{
	const struct btf_type *type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	struct hook *grown = reallocarray(hooks, n_hooks + 1, sizeof(*hooks));

	if (!grown)
		return -ENOMEM;
	hooks = grown;
	hooks[n_hooks] = (struct hook){strdup(name), id, type ? btf_vlen(type) : 0};
	if (!hooks[n_hooks].name)
		return -ENOMEM;
	n_hooks++;
	return 0;
}

static void hooks_forget(void)
{
	while (n_hooks)
		free(hooks[--n_hooks].name);
}

/* All or none: what is not in the list counts as a hook that came with a later kernel. */
static int hooks_read(void)
{
	struct btf *btf;
	uint32_t id, count;
	int r = 0;

	if (n_hooks)
		return 0;
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return -errno;
	count = btf__type_cnt(btf);
	for (id = 1; id < count && r >= 0; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, type->name_off);

		if (btf_is_func(type) && strncmp(name, FUNCTION, strlen(FUNCTION)) == 0)
			r = hook_add(btf, id, name + strlen(FUNCTION));
	}
	btf__free(btf);
	if (r < 0)
		hooks_forget();
	return r;
}

static const struct hook *hook_find(const char *name)
{
	for (size_t i = 0; i < n_hooks; i++)
		if (strcmp(hooks[i].name, name) == 0)
			return &hooks[i];
	return NULL;
}

int hook_type_id(const char *name)
{
	const struct hook *hook;
	int r = hooks_read();

	if (r < 0)
		return r;
	hook = hook_find(name);
	return hook ? (int)hook->id : -ENOENT;
}

/* A hook that should be there and is not stays, so that loading fails. */
static bool hook_fits(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program), *name;
	const struct hook *hook;

	if (strncmp(section, SECTION, strlen(SECTION)) != 0)
		return true;
	name = section + strlen(SECTION);
	hook = hook_find(name);
	return hook ? form_fits(name, program, hook->args) : !is_later(name);
}

int hooks_choose(struct bpf_object *object)
{
	struct bpf_program *program;
	int r = hooks_read();

	if (r < 0)
		return r;
	bpf_object__for_each_program(program, object)
		if (bpf_program__autoload(program) && !hook_fits(program))
			bpf_program__set_autoload(program, false);
	return 0;
}
