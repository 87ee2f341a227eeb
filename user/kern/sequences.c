// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where the kernel keeps its sequence counts of renames and mounts. A program of
 * one helper asks, for reading /proc/kallsyms makes a line for each of 200,000
 * symbols, which took most of the time that a run needs to begin. The helper
 * tells what that file would (bpf_kallsyms_lookup_name, kernel/bpf/syscall.c).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "kern/state.h"

/* What the program gets, and leaves the address in. */
struct symbol {
	char name[16];	/* with a NUL at the end */
	__u64 address;
};

#define STACK_NAME -16
#define STACK_ADDRESS -24
#define LOAD_U64 (BPF_LDX | BPF_MEM | BPF_DW)
#define STORE_U64 (BPF_STX | BPF_MEM | BPF_DW)
#define SET_U64 (BPF_ST | BPF_MEM | BPF_DW)
#define COPY (BPF_ALU64 | BPF_MOV | BPF_X)
#define SET (BPF_ALU64 | BPF_MOV | BPF_K)
#define ADD (BPF_ALU64 | BPF_ADD | BPF_K)

/* The result of bpf_kallsyms_lookup_name(name, 16, 0, &address). */
static const struct bpf_insn lookup[] = {
	{.code = COPY, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1},
	{.code = LOAD_U64, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_6},
	{.code = STORE_U64, .dst_reg = BPF_REG_10, .src_reg = BPF_REG_1, .off = STACK_NAME},
	{.code = LOAD_U64, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_6, .off = 8},
	{.code = STORE_U64, .dst_reg = BPF_REG_10, .src_reg = BPF_REG_1, .off = STACK_NAME + 8},
	{.code = SET_U64, .dst_reg = BPF_REG_10, .off = STACK_ADDRESS},
	{.code = COPY, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10},
	{.code = ADD, .dst_reg = BPF_REG_1, .imm = STACK_NAME},
	{.code = SET, .dst_reg = BPF_REG_2, .imm = sizeof(((struct symbol *)0)->name)},
	{.code = SET, .dst_reg = BPF_REG_3},
	{.code = COPY, .dst_reg = BPF_REG_4, .src_reg = BPF_REG_10},
	{.code = ADD, .dst_reg = BPF_REG_4, .imm = STACK_ADDRESS},
	{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_kallsyms_lookup_name},
	{.code = LOAD_U64, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10, .off = STACK_ADDRESS},
	{.code = STORE_U64, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1,
	 .off = offsetof(struct symbol, address)},
	{.code = BPF_JMP | BPF_EXIT},
};

static int symbol_find(int program_fd, struct symbol *symbol)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = symbol, .ctx_size_in = sizeof(*symbol));

	if (bpf_prog_test_run_opts(program_fd, &opts) < 0)
		return -errno;
	if ((int)opts.retval < 0)
		return (int)opts.retval;
	return symbol->address ? 0 : -ENOENT;
}

int sequences_find(struct sequences *ret)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE);
	struct symbol rename_lock = {.name = "rename_lock"}, mount_lock = {.name = "mount_lock"};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "weir_symbol",
					       "Dual BSD/GPL", lookup, ARRAY_SIZE(lookup), &opts);
	int r;

	if (fd < 0)
		return -errno;
	r = symbol_find(fd, &rename_lock);
	if (r >= 0)
		r = symbol_find(fd, &mount_lock);
	if (r < 0)
		return r;
	ret->rename_lock = rename_lock.address;
	ret->mount_lock = mount_lock.address;
	return 0;
}
