// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Loading and attaching the kernel side: which programs a run needs, their
 * maps, and the addresses they read. Nothing decides before kern_attach().
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>

#include "kern/cgroup.h"
#include "kern/state.h"

#define RING_ALLOW_BYTES (4u << 20)
#define RING_DENY_BYTES (1u << 20)
#define GUARD_PROGRAMS "weir_guard_"	/* what the names of all of them begin with */

int kern_fail(char **ret_message, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(ret_message, format, args) < 0)
		*ret_message = NULL;
	va_end(args);
	return err;
}

/* libbpf's own words, which name the program and the verifier's objection. */
static int log_quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_WARN || !getenv("WEIR_DEBUG"))
		return 0;
	return vfprintf(stderr, format, args);
}

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
		{"lsm/unix_", options->lsm && options->unix_sockets},
		{"lsm/file_receive", options->lsm},
		{"lsm/file_permission", options->lsm && (options->files || kernel_sends_pages())},
		{"lsm/path_", options->files},
		{"lsm/inode_", options->files},
		{"lsm/file_", options->files},
		{"lsm/mmap_", options->files},
	};
	const char *section = bpf_program__section_name(program);
	const char *name = bpf_program__name(program);

	if (strcmp(name, "weir_guard_open") == 0)
		return options->guard && !options->files;	/* which asks the same */
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

/* Which programs are loaded, and how large the rings are. */
static int object_prepare(struct kern *kern)
{
	struct weir_bpf *skel = kern->skel;
	uint32_t allow = kern->options.ring_allow_bytes, deny = kern->options.ring_deny_bytes;
	struct bpf_program *program;
	int err;

	bpf_object__for_each_program(program, skel->obj)
		bpf_program__set_autoload(program, program_needed(&kern->options, program));
	err = kern->options.lsm ? hooks_choose(skel->obj) : 0;
	if (err == 0)
		err = bpf_map__set_max_entries(skel->maps.weir_ring_allow,
					       allow ? allow : RING_ALLOW_BYTES);
	if (err == 0)
		err = bpf_map__set_max_entries(skel->maps.weir_ring_deny,
					       deny ? deny : RING_DENY_BYTES);
	return err;
}

static void *map_mapped(struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void kern_reseed(struct kern *kern)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
		__atomic_store_n(&kern->config->seed, seed, __ATOMIC_SEQ_CST);
}

static int config_fill(struct kern *kern, char **ret_message)
{
	struct sequences sequences = {0};
	struct weir_config *config = &kern->skel->bss->weir_config;
	struct timespec now;

	kern->config = config;
	kern->scopes = map_mapped(kern->skel->maps.weir_scopes,
				  WEIR_SCOPES_MAX * sizeof(*kern->scopes));
	if (!kern->scopes)
		return kern_fail(ret_message, -errno, "cannot map weir_scopes: %s",
				 strerror(errno));
	kern_reseed(kern);
	if (!config->seed)
		return kern_fail(ret_message, -EIO, "cannot get random bytes");
	config->generation = 1;
	config->wake_bytes = bpf_map__max_entries(kern->skel->maps.weir_ring_allow) / 4;
	config->sticky = kern->options.lsm;
	if ((kern->options.files || kern->options.unix_sockets || kern->options.guard) &&
	    sequences_find(&sequences) < 0)
		return kern_fail(
			ret_message, -ENOTSUP,
			"the kernel does not show rename_lock and mount_lock in "
			"/proc/kallsyms, without which paths cannot be told safely; use a "
			"kernel with CONFIG_KALLSYMS_ALL and kernel.kptr_restrict below 2, "
			"or give files up with --without files");
	config->rename_lock = sequences.rename_lock;
	config->mount_lock = sequences.mount_lock;
	clock_gettime(CLOCK_BOOTTIME, &now);
	kern->next_serial = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return 0;
}

/* An inner map of its own, to be written whenever decisions in progress are waited for. */
static int idle_map_make(struct kern *kern)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);

	kern->idle_map_fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "weir_idle",
					   sizeof(struct weir_net_key), sizeof(uint32_t), 1, &opts);
	return kern->idle_map_fd < 0 ? kern->idle_map_fd : 0;
}

int kern_open(const struct kern_options *options, struct kern **ret, char **ret_message)
{
	_cleanup_kern_ struct kern *kern = calloc(1, sizeof(*kern));
	int err;

	if (!kern)
		return kern_fail(ret_message, -ENOMEM, "out of memory");
	kern->options = *options;
	kern->idle_map_fd = -1;
	libbpf_set_print(log_quiet);
	kern->skel = weir_bpf__open();
	if (!kern->skel)
		return kern_fail(ret_message, -errno, "cannot open the BPF object: %s",
				 strerror(errno));
	err = object_prepare(kern);
	if (err < 0)
		return kern_fail(ret_message, err, "cannot prepare the BPF object: %s",
				 strerror(-err));
	err = weir_bpf__load(kern->skel);
	if (err < 0)
		return kern_fail(
			ret_message, err,
			"the kernel refused the BPF programs: %s; `weir doctor` says what it "
			"can do, WEIR_DEBUG=1 shows its words",
			strerror(-err));
	err = config_fill(kern, ret_message);
	if (err < 0)
		return err;
	err = idle_map_make(kern);
	if (err < 0)
		return kern_fail(ret_message, err, "cannot make a map: %s", strerror(-err));
	*ret = TAKE_PTR(kern);
	return 0;
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

/* From here on this process is out of reach of who is confined. */
static int own_mark(struct kern *kern, char **ret_message)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	err = bpf_prog_test_run_opts(bpf_program__fd(kern->skel->progs.weir_guard_own), &opts);
	if (err < 0 || opts.retval)
		return kern_fail(ret_message, err < 0 ? -errno : -ENOSPC,
				 "cannot mark this process as weir's own");
	return 0;
}

/* Marks first, so that none is missed or left behind once the others decide. */
int kern_attach(struct kern *kern, char **ret_message)
{
	_cleanup_close_ int root_fd = cgroup_root_open();
	const struct bpf_object_skeleton *skeleton = kern->skel->skeleton;
	int pass, i;

	if (root_fd < 0)
		return kern_fail(ret_message, root_fd, "no cgroup2 hierarchy is mounted: %s; mount "
				 "one: mount -t cgroup2 none /sys/fs/cgroup", strerror(-root_fd));
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < skeleton->prog_cnt; i++) {
			const struct bpf_prog_skeleton *entry = &skeleton->progs[i];
			struct bpf_program *program = *entry->prog;
			bool mark = section_is(program, "lsm/task_");

			if (!entry->link || !bpf_program__autoload(program) ||
			    mark == (pass == 1) ||
			    bpf_program__type(program) == BPF_PROG_TYPE_SYSCALL)
				continue;
			*entry->link = attach_one(program, root_fd);
			if (!*entry->link)
				return attach_failed(program, -errno, ret_message);
		}
	}
	return kern->options.guard ? own_mark(kern, ret_message) : 0;
}

void kern_close(struct kern *kern)
{
	int i;

	if (!kern)
		return;
	if (kern->scopes)
		munmap(kern->scopes, WEIR_SCOPES_MAX * sizeof(*kern->scopes));
	if (kern->skel && kern->pin_dir) {
		for (i = 0; i < kern->skel->skeleton->prog_cnt; i++) {
			struct bpf_link **link = kern->skel->skeleton->progs[i].link;

			if (link && *link)
				bpf_link__unpin(*link);
		}
		rmdir(kern->pin_dir);
	}
	weir_bpf__destroy(kern->skel);
	fd_close(kern->idle_map_fd);
	free(kern->pin_dir);
	free(kern);
}
