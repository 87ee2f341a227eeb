// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which programs are loaded, and attaching them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "kern/cgroup.h"
#include "kern/set.h"
#include "kern/upgrade.h"

#define GUARD_PROGRAMS "weir_guard_"	/* what the names of all of them begin with */

/* Before 6.5 data reaches a socket from a file without a message (proto_ops.sendpage). */
static bool kernel_sends_pages(void)
{
	struct utsname name;
	unsigned int major, minor;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return true;	/* the hook does no harm where it is not needed */
	return major < 6 || (major == 6 && minor < 5);
}

/* What a program is for decides whether it is loaded: the first that its section begins with. */
static bool program_needed(const struct kern_options *options, const struct bpf_program *program)
{
	const struct {
		const char *section;
		bool needed;
	} needs[] = {
		{"cgroup/sock_create", !options->lsm},	/* what sees more takes its place */
		{"cgroup", true},
		{"tp_btf/cgroup_mkdir", options->selectors},
		{"tp_btf/cgroup_rmdir", options->selectors},
		{"lsm/unix_", options->lsm && options->unix_sockets},
		{"lsm/file_receive", options->lsm},
		{"lsm/file_permission", options->lsm && (options->files || kernel_sends_pages())},
		{"lsm/file_open", options->files || options->guard},	/* asks for both */
		{"lsm/path_", options->files},
		{"lsm/inode_", options->files},
		{"lsm/file_", options->files},
		{"lsm/mmap_", options->files},
	};
	const char *section = bpf_program__section_name(program);
	const char *name = bpf_program__name(program);

	if (strncmp(name, GUARD_PROGRAMS, strlen(GUARD_PROGRAMS)) == 0)
		return options->guard;
	if (strcmp(name, "weir_decide_path") == 0)
		return options->ask_paths;
	if (bpf_program__type(program) == BPF_PROG_TYPE_SYSCALL)
		return options->lsm || strcmp(name, "weir_arm") != 0;
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (strncmp(section, needs[i].section, strlen(needs[i].section)) == 0)
			return needs[i].needed;
	return options->lsm;	/* marks, execs and exits, sockets */
}

int programs_choose(struct kern *kern)
{
	struct bpf_object *object = kern->skel->obj;
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, program_needed(&kern->options, program));
	return kern->options.lsm ? hooks_choose(object) : 0;
}

bool program_by_hand(const struct bpf_program *program)
{
	return bpf_program__type(program) == BPF_PROG_TYPE_SYSCALL ||
	       strncmp(bpf_program__section_name(program), "iter/", strlen("iter/")) == 0;
}

int program_call_fd(const struct kern *kern, const struct bpf_program *program)
{
	const struct bpf_object_skeleton *skeleton = kern->skel->skeleton;
	int fd = bpf_program__fd(program);

	for (int i = 0; fd < 0 && i < skeleton->prog_cnt; i++)
		if (*skeleton->progs[i].prog == program)
			fd = kern->calls[i];
	return fd < 0 ? -ENOENT : fd;
}

static bool section_is(const struct bpf_program *program, const char *prefix)
{
	return strncmp(bpf_program__section_name(program), prefix, strlen(prefix)) == 0;
}

static struct bpf_link *attach_one(const struct bpf_program *program, int root_fd)
{
	if (section_is(program, "cgroup"))
		return bpf_program__attach_cgroup(program, root_fd);
	return bpf_program__attach(program);
}

static int attach_failed(const struct bpf_program *program, int err, char **ret_message)
{
	const char *name = bpf_program__name(program);

	if (err == -EPERM && !section_is(program, "lsm/"))
		return kern_fail(
			ret_message, err,
			"cannot attach %s to the root cgroup: %s; if another tool attached a "
			"program there without BPF_F_ALLOW_MULTI (`bpftool cgroup show` names "
			"it), detach that first",
			name, strerror(-err));
	if (err == -E2BIG)
		return kern_fail(ret_message, err,
				 "cannot attach %s: the kernel takes 38 programs at a hook, and "
				 "other runs of weir, or other tools, have all of them; try again "
				 "when one has ended",
				 name);
	return kern_fail(ret_message, err, "cannot attach %s: %s", name, strerror(-err));
}

/*
 * One program, and its pin, which alone holds it, so that it ends where the pin
 * does.
 */
static int program_start(struct kern *kern, const struct bpf_prog_skeleton *entry, int root_fd,
			 char **ret_message)
{
	struct bpf_program *program = *entry->prog;
	int r;

	if (kern->upgrade && upgrade_program(kern, entry->name, program) == 0)
		return 0;

	if (program_by_hand(program))
		return set_pin_program(kern, entry->name, bpf_program__fd(program), ret_message);
	if (!entry->link)
		return 0;
	*entry->link = attach_one(program, root_fd);
	if (!*entry->link)
		return attach_failed(program, -errno, ret_message);
	r = kern->upgrade ? upgrade_link(kern, entry->name, *entry->link, ret_message) :
			    set_pin_link(kern, entry->name, *entry->link, ret_message);
	bpf_link__destroy(TAKE_PTR(*entry->link));
	return r;
}

/* Marks first, so that none is missed or left behind once the others decide. */
int programs_attach(struct kern *kern, char **ret_message)
{
	_cleanup_close_ int root_fd = cgroup_root_open();
	const struct bpf_object_skeleton *skeleton = kern->skel->skeleton;
	int pass, i, r;

	if (root_fd < 0)
		return kern_fail(ret_message, root_fd, "no cgroup2 hierarchy is mounted: %s; mount "
				 "one: mount -t cgroup2 none /sys/fs/cgroup", strerror(-root_fd));
	r = kern->upgrade ? upgrade_begin(kern, ret_message) : 0;
	if (r < 0)
		return r;
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < skeleton->prog_cnt; i++) {
			const struct bpf_prog_skeleton *entry = &skeleton->progs[i];
			bool mark = section_is(*entry->prog, "lsm/task_");

			if (!bpf_program__autoload(*entry->prog) || mark == (pass == 1))
				continue;
			r = program_start(kern, entry, root_fd, ret_message);
			if (r < 0)
				return r;
		}
	}
	return kern->upgrade ? upgrade_end(kern, ret_message) : 0;
}
