// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What this kernel and this version can enforce together; see survey.h. */
#include "daemon/survey.h"

#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/vfs.h>

#include "daemon/pending.h"

static const char *const state_names[] = {
	[SURVEY_YES] = "yes",
	[SURVEY_PARTLY] = "partly",
	[SURVEY_NOT_YET] = "not yet",
	[SURVEY_CANNOT] = "cannot",
};
_Static_assert(ARRAY_SIZE(state_names) == SURVEY_STATE_COUNT, "every state has a name");

const char *survey_state_name(enum survey_state state)
{
	return state_names[state];
}

static int __attribute__((format(printf, 4, 5)))
item_add(struct survey *survey, const char *name, enum survey_state state, const char *format, ...)
{
	struct survey_item *item = &survey->items[survey->n_items];
	va_list args;
	int len;

	if (survey->n_items == SURVEY_ITEMS_MAX)
		return -ENOBUFS;
	va_start(args, format);
	len = vasprintf(&item->text, format, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	item->name = name;
	item->state = state;
	survey->n_items++;
	return 0;
}

static bool bpffs_mounted(void)
{
	struct statfs fs;

	return statfs("/sys/fs/bpf", &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

/* What everything stands on. */
static int ground_add(struct survey *survey)
{
	const struct kern_features *kernel = &survey->kernel;
	int r;

	r = item_add(survey, "privilege", kernel->privileged ? SURVEY_YES : SURVEY_CANNOT, "%s",
		     kernel->privileged ? "may load BPF programs" :
					  "may not load BPF programs; run it with sudo");
	if (r >= 0)
		r = item_add(survey, "cgroup2", kernel->cgroup2 ? SURVEY_YES : SURVEY_CANNOT, "%s",
			     kernel->cgroup2 ? kernel->cgroup2_path :
					       "not mounted; mount -t cgroup2 none /sys/fs/cgroup");
	if (r >= 0)
		r = item_add(survey, "btf", kernel->btf ? SURVEY_YES : SURVEY_CANNOT, "%s",
			     kernel->btf ? "/sys/kernel/btf/vmlinux" :
					   "not there; boot a kernel with CONFIG_DEBUG_INFO_BTF");
	if (r >= 0)
		r = item_add(survey, "lsm", kernel->lsm ? SURVEY_YES : SURVEY_CANNOT, "%s",
			     kernel->lsm ? "BPF LSM is active" : kernel->lsm_why);
	if (r >= 0)
		r = item_add(survey, "bpffs", SURVEY_YES, "%s",
			     bpffs_mounted() ? "/sys/fs/bpf" : "not mounted; weir mounts it");
	return r;
}

/* The parts of a section that wait for a later version where there is no LSM. NULL: none. */
static char *section_pending(enum policy_section section)
{
	struct buf text = {0};

	for (size_t i = 0; i < n_pendings; i++)
		if (pendings[i].section == section)
			buf_printf(&text, "%s%s", text.len ? "; " : "", pendings[i].text);
	if (text.len && buf_string(&text))
		return text.data;
	buf_done(&text);
	return NULL;
}

/* Paths are worked out under two locks of the kernel: as enforce_check() says. */
static bool needs_sequences(enum policy_section section)
{
	return section == POLICY_SECTION_FILES || section == POLICY_SECTION_UNIX ||
	       section == POLICY_SECTION_GUARD;
}

static int section_add(struct survey *survey, enum policy_section section)
{
	const struct kern_features *kernel = &survey->kernel;
	bool base = kernel->privileged && kernel->cgroup2 && kernel->btf;
	const char *name = policy_section_name(section);
	_cleanup_free_ char *pending = kernel->lsm ? NULL : section_pending(section);

	if (section != POLICY_SECTION_NETWORK && !kernel->lsm)
		return item_add(survey, name, SURVEY_CANNOT,
				"needs BPF LSM; \"%s: unrestricted\" or --without %s gives it up",
				name, name);
	if (!base)
		return item_add(survey, name, SURVEY_CANNOT, "see above");
	if (needs_sequences(section) && !kernel->sequences)
		return item_add(survey, name, SURVEY_CANNOT,
				"rename_lock and mount_lock cannot be read; set kernel.kptr_restrict to 0 or 1");
	if (pending)
		return item_add(survey, name, SURVEY_PARTLY,
				"enforced; not yet by this version: %s", pending);
	return item_add(survey, name, SURVEY_YES, "enforced");
}

/* Of dead weirs; where nothing is loaded, there are none. */
static int leftovers_look(struct survey *survey)
{
	_cleanup_kern_ struct kern *kern = NULL;

	return kern_look(&kern) < 0 ? 0 : leftovers_find(kern, false, &survey->leftovers);
}

int survey_take(struct survey *ret)
{
	_cleanup_survey_ struct survey survey = {0};
	int r;

	kern_probe(&survey.kernel);
	r = ground_add(&survey);
	for (int section = 0; r >= 0 && section < POLICY_SECTION_COUNT; section++)
		r = section_add(&survey, section);
	if (r >= 0)
		r = item_add(&survey, "names", SURVEY_NOT_YET, "by this version: rules with hosts");
	if (r >= 0)
		r = item_add(
			&survey, "stickiness", survey.kernel.lsm ? SURVEY_YES : SURVEY_CANNOT, "%s",
			survey.kernel.lsm ?
				"a task cannot leave its policy" :
				"without BPF LSM a task that leaves its cgroup leaves its policy");
	if (r >= 0)
		r = leftovers_look(&survey);
	if (r < 0)
		return r;
	survey.ok = true;
	for (size_t i = 0; i < survey.n_items; i++)
		survey.ok &= survey.items[i].state != SURVEY_CANNOT;
	*ret = survey;
	survey = (struct survey){0};
	return 0;
}

void survey_done(struct survey *survey)
{
	for (size_t i = 0; i < survey->n_items; i++)
		free(survey->items[i].text);
	leftovers_done(&survey->leftovers);
	survey->n_items = 0;
}
