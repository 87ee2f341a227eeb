// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a policy asks for, against what can be enforced here; see enforce.h. */
#include "daemon/enforce.h"

#include <string.h>

#include "daemon/pending.h"

/* Sections that only BPF LSM can enforce, and that can be given up. */
static const enum policy_section lsm_sections[] = {
	POLICY_SECTION_FILES, POLICY_SECTION_GUARD, POLICY_SECTION_UNIX, POLICY_SECTION_LISTEN,
};

int enforce_section_parse(const char *name, enum policy_section *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(lsm_sections); i++) {
		if (strcmp(name, policy_section_name(lsm_sections[i])) == 0) {
			*ret = lsm_sections[i];
			return 0;
		}
	}
	return -EINVAL;
}

/* The policy wants something denied there. */
static bool wanted(const struct policy_compiled *compiled, unsigned int without,
		   enum policy_section section)
{
	return !compiled->unrestricted[section] && !(without & ENFORCE_BIT(section));
}

static bool files_wanted(const struct policy_compiled *compiled, unsigned int without)
{
	return wanted(compiled, without, POLICY_SECTION_FILES);
}

/* Denied, or at least recorded. */
static bool unix_wanted(const struct policy_compiled *compiled, unsigned int without)
{
	return wanted(compiled, without, POLICY_SECTION_UNIX) ||
	       (compiled->flags & WEIR_INSTANCE_RECORD_NETWORK &&
		!(without & ENFORCE_BIT(POLICY_SECTION_UNIX)));
}

static bool ground_check(const struct kern_features *kernel, struct buf *out)
{
	size_t before = out->len;

	if (!kernel->privileged)
		buf_add_string(out, "this user may not load BPF programs; run it with sudo\n");
	if (!kernel->cgroup2)
		buf_add_string(out, "no cgroup2 hierarchy is mounted; "
				    "mount one: mount -t cgroup2 none /sys/fs/cgroup\n");
	return out->len == before;
}

bool enforce_check(const struct policy_compiled *compiled, const struct kern_features *kernel,
		   unsigned int without, struct buf *out)
{
	size_t before = out->len;

	for (size_t i = 0; i < compiled->n_gaps; i++)
		if (!(without & ENFORCE_BIT(compiled->gaps[i].section)))
			buf_printf(out, "%s\n", compiled->gaps[i].text);
	if (!ground_check(kernel, out))
		return false;
	for (size_t i = 0; !kernel->lsm && i < ARRAY_SIZE(lsm_sections); i++) {
		const char *name = policy_section_name(lsm_sections[i]);

		if (wanted(compiled, without, lsm_sections[i]))
			buf_printf(
				out,
				"this kernel cannot enforce \"%s\"; write \"%s: unrestricted\", "
				"pass --without %s, or boot a kernel with BPF LSM (lsm=...,bpf)\n",
				name, name, name);
	}
	if (!kernel->lsm && out->len > before)
		buf_printf(out, "%s\n", kernel->lsm_why);
	if (kernel->lsm && !kernel->sequences &&
	    (files_wanted(compiled, without) || unix_wanted(compiled, without) ||
	     wanted(compiled, without, POLICY_SECTION_GUARD)))
		buf_add_string(
			out,
			"this kernel does not show rename_lock and mount_lock in /proc/kallsyms, "
			"without which \"files\", \"unix\" and \"guard\" cannot be enforced; set "
			"kernel.kptr_restrict below 2, or pass --without files --without unix "
			"--without guard\n");
	return out->len == before;
}

void enforce_pending(const struct policy_compiled *compiled, const struct kern_features *kernel,
		     unsigned int without, struct buf *out)
{
	size_t before = out->len;

	for (size_t i = 0; i < n_pendings; i++) {
		if (kernel->lsm || !wanted(compiled, without, pendings[i].section))
			continue;
		buf_printf(out, "%s%s", out->len > before ? "; " : "", pendings[i].text);
	}
}

struct kern_options enforce_options(const struct policy_compiled *compiled,
				    const struct kern_features *kernel, unsigned int without)
{
	/* a policy that ends allows nothing then, what was unrestricted included */
	bool ends = compiled->expires_s != 0;
	bool files = compiled->flags & WEIR_INSTANCE_RECORD_FILES || ends ||
		     !compiled->unrestricted[POLICY_SECTION_FILES];
	bool unix_sockets = ends || unix_wanted(compiled, without);

	return (struct kern_options){
		.files = kernel->lsm && files && !(without & ENFORCE_BIT(POLICY_SECTION_FILES)),
		.guard = kernel->lsm && wanted(compiled, without, POLICY_SECTION_GUARD),
		.unix_sockets = kernel->lsm && unix_sockets &&
				!(without & ENFORCE_BIT(POLICY_SECTION_UNIX)),
		.lsm = kernel->lsm,
	};
}

struct kern_options enforce_options_all(const struct kern_features *kernel)
{
	const bool paths = kernel->lsm && kernel->sequences;

	return (struct kern_options){
		.files = paths,
		.guard = paths,
		.unix_sockets = paths,
		.lsm = kernel->lsm,
	};
}

uint32_t enforce_flags(unsigned int without)
{
	uint32_t flags = 0;

	if (without & ENFORCE_BIT(POLICY_SECTION_FILES))
		flags |= WEIR_INSTANCE_WITHOUT_FILES;
	if (without & ENFORCE_BIT(POLICY_SECTION_LISTEN))
		flags |= WEIR_INSTANCE_LISTEN_UNRESTRICTED;
	if (without & ENFORCE_BIT(POLICY_SECTION_UNIX))
		flags |= WEIR_INSTANCE_UNIX_UNRESTRICTED;
	if (without & ENFORCE_BIT(POLICY_SECTION_GUARD))
		flags |= WEIR_INSTANCE_GUARD_OPEN | WEIR_GUARD_ALL;
	return flags;
}
