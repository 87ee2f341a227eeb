// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Loading the kernel side, or entering what other weirs have loaded: maps, the
 * addresses that programs read, the way back.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/clock.h"
#include "kern/reader.h"
#include "kern/set.h"

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

static void *map_mapped(const struct bpf_map *map, size_t size, int protection)
{
	void *memory = mmap(NULL, size, protection, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(const void *memory, size_t size)
{
	if (memory)
		munmap((void *)memory, size);
}

static int maps_map(struct kern *kern, char **ret_message)
{
	const struct weir_bpf *skel = kern->skel;

	kern->bss = map_mapped(skel->maps.bss, sizeof(*kern->bss), PROT_READ | PROT_WRITE);
	kern->scopes = map_mapped(skel->maps.weir_scopes, WEIR_SCOPES_MAX * sizeof(*kern->scopes),
				  PROT_READ | PROT_WRITE);
	kern->instances = map_mapped(skel->maps.weir_instances,
				     WEIR_INSTANCES_MAX * sizeof(*kern->instances),
				     PROT_READ | PROT_WRITE);
	kern->grants = map_mapped(skel->maps.weir_grants, WEIR_GRANTS_MAX * sizeof(*kern->grants),
				  PROT_READ | PROT_WRITE);
	if (!kern->bss || !kern->scopes || !kern->instances || !kern->grants)
		return kern_fail(ret_message, -errno, "cannot map the maps of weir: %s",
				 strerror(errno));
	kern->config = &kern->bss->weir_config;
	return 0;
}

void kern_reseed(struct kern *kern)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
		__atomic_store_n(&kern->config->seed, seed, __ATOMIC_SEQ_CST);
}

/* Of a new set. Serials begin where those of none before it have been. */
static int config_begin(struct kern *kern, char **ret_message)
{
	struct weir_config *config = kern->config;

	kern_reseed(kern);
	if (!config->seed)
		return kern_fail(ret_message, -EIO, "cannot get random bytes");
	config->generation = 1;
	config->sticky = kern->options.lsm;
	config->serial = clock_ns(CLOCK_BOOTTIME) / 1000;
	return 0;
}

/* The first that needs them asks for the kernel's addresses. */
static int config_sequences(struct kern *kern, char **ret_message)
{
	const struct kern_options *options = &kern->options;
	struct sequences sequences = {0};

	if (kern->config->rename_lock ||
	    !(options->files || options->unix_sockets || options->guard))
		return 0;
	if (sequences_find(&sequences) < 0)
		return kern_fail(
			ret_message, -ENOTSUP,
			"the kernel does not show rename_lock and mount_lock in "
			"/proc/kallsyms, without which paths cannot be told safely; use a "
			"kernel with CONFIG_KALLSYMS_ALL and kernel.kptr_restrict below 2, "
			"or give files up with --without files");
	kern->config->mount_lock = sequences.mount_lock;
	kern->config->rename_lock = sequences.rename_lock;
	return 0;
}

static int kern_new(const struct kern_options *options, struct kern **ret, char **ret_message)
{
	_cleanup_kern_ struct kern *kern = calloc(1, sizeof(*kern));

	if (!kern)
		return kern_fail(ret_message, -ENOMEM, "out of memory");
	kern->options = *options;
	kern->idle_map_fd = kern->folder_fd = kern->lock_fd = kern->reader_fd = -1;
	kern->ring_deny_fd = kern->ring_allow_fd = -1;
	libbpf_set_print(log_quiet);
	kern->skel = weir_bpf__open();
	if (!kern->skel)
		return kern_fail(ret_message, -errno, "cannot open the BPF object: %s",
				 strerror(errno));
	kern->calls = malloc((size_t)kern->skel->skeleton->prog_cnt * sizeof(*kern->calls));
	if (!kern->calls)
		return kern_fail(ret_message, -ENOMEM, "out of memory");
	for (int i = 0; i < kern->skel->skeleton->prog_cnt; i++)
		kern->calls[i] = -1;
	*ret = TAKE_PTR(kern);
	return 0;
}

/* Something that is needed is not in the kernel yet. */
static bool loading_needed(const struct kern *kern)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, kern->skel->obj)
		if (bpf_program__autoload(program))
			return true;
	return false;
}

/* Programs and maps, as far as others have not loaded them. */
static int kernel_load(struct kern *kern, bool there, char **ret_message)
{
	int err = !there || loading_needed(kern) ? weir_bpf__load(kern->skel) : 0;

	if (err < 0)
		return kern_fail(
			ret_message, err,
			"the kernel refused the BPF programs: %s; `weir doctor` says what it "
			"can do, WEIR_DEBUG=1 shows its words",
			strerror(-err));
	err = maps_map(kern, ret_message);
	if (err >= 0 && !there)
		err = config_begin(kern, ret_message);
	if (err >= 0)
		err = config_sequences(kern, ret_message);
	return err;
}

/* From here on this process is out of reach of who is confined. */
static int own_mark(struct kern *kern, char **ret_message)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	if (!kern->options.guard)
		return 0;
	err = bpf_prog_test_run_opts(program_call_fd(kern, kern->skel->progs.weir_guard_own),
				     &opts);
	if (err < 0 || opts.retval)
		return kern_fail(ret_message, err < 0 ? -errno : -ENOSPC,
				 "cannot mark this process as weir's own");
	return 0;
}

static int reader_begin(struct kern *kern, char **ret_message)
{
	int err = idle_map_make(kern);

	if (err >= 0)
		err = reader_make(kern);
	if (err == -EUSERS)
		return kern_fail(ret_message, err,
				 "%d weirs with policies of their own run already "
				 "(WEIR_READERS_MAX); try again when one has ended",
				 WEIR_READER_DAEMON - 1);
	if (err == -EWOULDBLOCK)
		return kern_fail(ret_message, -EBUSY, "another daemon runs");
	return err < 0 ? kern_fail(ret_message, err, "cannot make a map: %s", strerror(-err)) : 0;
}

/* The set is locked. */
static int kern_begin(struct kern *kern, bool there, char **ret_message)
{
	int err;

	err = kernel_load(kern, there, ret_message);
	if (err >= 0 && !there)
		err = set_pin_maps(kern, ret_message);
	if (err >= 0)
		err = programs_attach(kern, ret_message);
	if (err >= 0 && !there)
		err = set_complete(kern, ret_message);
	if (err < 0 && !there)
		set_clear(kern);
	if (err >= 0)
		err = own_mark(kern, ret_message);
	return err >= 0 ? reader_begin(kern, ret_message) : err;
}

int kern_open(const struct kern_options *options, struct kern **ret, char **ret_message)
{
	_cleanup_kern_ struct kern *kern = NULL;
	bool there = false;
	int err;

	err = kern_new(options, &kern, ret_message);
	if (err < 0)
		return err;
	err = programs_choose(kern);
	if (err < 0)
		return kern_fail(ret_message, err, "cannot prepare the BPF object: %s",
				 strerror(-err));
	err = set_enter(kern, false, &there, ret_message);
	kern->part = err >= 0;
	if (err >= 0)
		err = kern_begin(kern, there, ret_message);
	set_unlock(kern);
	if (err >= 0)
		*ret = TAKE_PTR(kern);
	else if (kern->taken)
		kern_leave(TAKE_PTR(kern));	/* what it confines stays confined */
	return err < 0 ? err : 0;
}

int kern_look(struct kern **ret)
{
	const struct kern_options options = {.lsm = true};
	_cleanup_kern_ struct kern *kern = NULL;
	_cleanup_free_ char *message = NULL;
	bool there = false;
	int err;

	err = kern_new(&options, &kern, &message);
	if (err >= 0)
		err = set_enter(kern, true, &there, &message);
	if (err >= 0)
		err = maps_map(kern, &message);
	set_unlock(kern);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(kern);
	return 0;
}

static void leave(struct kern *kern)
{
	if (!kern->part || set_lock(kern) < 0)
		return;
	if (kern->reader)
		reader_free(kern, kern->reader);
	if (kern->scopes)
		set_leave(kern);
	set_unlock(kern);
}

void kern_leave(struct kern *kern)
{
	if (!kern)
		return;
	kern->part = false;
	kern_close(kern);
}

void kern_close(struct kern *kern)
{
	if (!kern)
		return;
	leave(kern);
	unmap(kern->bss, sizeof(*kern->bss));
	unmap(kern->scopes, WEIR_SCOPES_MAX * sizeof(*kern->scopes));
	unmap(kern->grants, WEIR_GRANTS_MAX * sizeof(*kern->grants));
	unmap(kern->instances, WEIR_INSTANCES_MAX * sizeof(*kern->instances));
	for (int i = 0; kern->calls && i < kern->skel->skeleton->prog_cnt; i++)
		fd_close(kern->calls[i]);
	weir_bpf__destroy(kern->skel);
	fd_close(kern->idle_map_fd);
	fd_close(kern->ring_deny_fd);
	fd_close(kern->ring_allow_fd);
	fd_close(kern->reader_fd);
	fd_close(kern->folder_fd);
	fd_close(kern->lock_fd);
	free(kern->calls);
	free(kern->folder);
	free(kern);
}
