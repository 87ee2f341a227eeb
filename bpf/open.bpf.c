// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Opening a file, which is asked for more often than all else: what is usual is
 * decided at a glance, by the hint for the task and what is remembered of the
 * directory. A load through a pointer that the verifier knows costs eight
 * instructions before 6.2, and a read by helper ten times that.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "guard.bpf.h"
#include "object.bpf.h"

#define O_TRUNC 01000u
#define O_TMPFILE_FLAG 020000000u

/* An open, and what is known of it at a glance. */
struct open_action {
	struct path_action action;
	__u64 found;	/* 0: nothing */
	__u64 serial;	/* of the instance to which it means that */
};

/*
 * Has the name an edge, or might a glob of the directory take it? Asked where its
 * length does not tell, of an entry of which the first part has been found good.
 */
static __always_inline bool name_matters(const volatile struct weir_dir *known, __u64 check,
					 __u64 found, const struct dentry *dentry, __u32 len)
{
	struct weir_dir_names names;

	return !dir_names_take(known, check, found, &names) ||
	       !name_is_other(&names, (__u64)dentry->d_name.name, len);
}

/*
 * weir_dir_recall() at once, for opening is what it is for: fields are read
 * from where they lie. false: weir_path_place() knows more. The root of a mount
 * needs no look at the mount: where it is not its own parent, nothing is ever
 * remembered of that by way of the mount, since it lies outside.
 *
 * *ret_guarded: is the directory's file system one of those that the guard looks at?
 */
static __always_inline bool dir_glance(const struct task_struct *task, __u64 key,
				       struct dentry *dentry, struct vfsmount *mnt, __u64 hash,
				       __u64 *ret, bool *ret_guarded)
{
	struct dentry *dir = dentry->d_parent;
	volatile struct weir_dir *known;
	__u64 found, counts, check, guarded;
	struct mnt_namespace *mnt_ns;
	struct dir_id id = {0};
	struct inode *inode;
	union {
		__u32 part[2];
		__u64 word;
	} now;	/* path_counts_kept() */
	__u32 len;

	if (dentry == dir)
		return false;
	mnt_ns = task->nsproxy->mnt_ns;
	inode = dir->d_inode;
	id.dir = key + POINTER_DISTANCE(dir, task);
	id.mnt = POINTER_DISTANCE(mnt, dir);
	id.mnt_ns = POINTER_DISTANCE(mnt_ns, dir);
	id.ino = inode->i_ino;
	id.generation = inode->i_generation;
	id.name_hash = dir->d_name.hash;
	now.part[0] = mnt_ns->event;
	check = dir_check(hash, &id);
	known = dir_slot(check);
	if (!known)
		return false;
	found = known->found;
	counts = known->counts;
	guarded = known->seal ^ dir_seal(check, found, counts, known->chain);
	asm volatile("" ::: "memory");	/* what was read before the renames' count no more */
	if (guarded > SEAL_GUARDED || dentry->d_parent != dir)
		return false;
	if (FOUND_LENGTHS(found)) {
		len = dentry->d_name.len;
		if (FOUND_LENGTHS(found) & WEIR_LENGTH_BIT(len) &&
		    name_matters(known, check, found, dentry, len))
			return false;
	}
	if (bpf_probe_read_kernel(&now.part[1], sizeof(now.part[1]),
				  (void *)weir_config.rename_lock) ||
	    now.word != counts)
		return false;
	*ret = found;
	*ret_guarded = guarded;
	return true;
}

/* What the outermost instance says of opening an object: a decide_fn. */
static __always_inline __u32 decide_open(weir_scope_t scope, __u32 index,
					 const struct weir_instance *instance, void *context)
{
	struct open_action *open = context;
	struct path_action *action = &open->action;
	__u32 decision = action_begin(action, instance);
	__u64 found = open->found;

	if (decision)
		return decision;
	if (!found || open->serial != instance->serial)
		found = weir_path_place(WHOSE(scope, index), action->dentry, action->mnt,
					instance_hash(instance));
	return found_verdict(action, index, found);
}

static __always_inline __u32 open_access(__u32 mode, __u32 flags)
{
	__u32 access = 0;

	if (mode & FMODE_READ)
		access |= READ;
	if (mode & FMODE_WRITE || flags & O_TRUNC)
		access |= WRITE;
	if (flags & O_TMPFILE_FLAG)
		access |= CREATE;
	if (!access)
		access = READ | WRITE;	/* O_ACCMODE: neither, but good for ioctl on either */
	if (flags & FMODE_EXEC_FLAG)
		access = EXECUTE | (access & WRITE);
	return access;
}

/*
 * Is it usual for all that the guard looks at? A file or folder, opened by
 * itself and not on a layer by another name: its file system is that of its folder.
 */
static __always_inline bool open_plain(__u32 mode)
{
	return (mode & (FMODE_ATOMIC_POS | FMODE_NOACCOUNT)) == FMODE_ATOMIC_POS;
}

SEC("lsm/file_open")
int BPF_PROG(weir_file_open, struct file *file)
{
	__u32 mode, flags = file->f_flags, access, kind, type;
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = bpf_get_current_task(), found = 0, serial = 0;
	const struct weir_instance *instance;
	const struct weir_scope *scope;
	struct weir_bound bound = {0};
	struct open_action open;
	bool guarded;
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct weir_act act;

	if (!scope_resolve_hinted(&bound, flags & FMODE_EXEC_FLAG, task, key))
		return 0;
	mode = file->f_mode;
	access = mode & (FMODE_READ | FMODE_WRITE);
	_Static_assert(READ == FMODE_READ && WRITE == FMODE_WRITE, "the same bits");
	if (!access || flags & (O_TRUNC | O_TMPFILE_FLAG | FMODE_EXEC_FLAG))
		access = open_access(mode, flags);
	dentry = file->f_path.dentry;
	mnt = file->f_path.mnt;
	scope = bound.scopes[0] != BOUND_UNKNOWN ? scope_get(bound.scopes[0]) : NULL;
	instance = scope ? instance_get(scope->instance) : NULL;
	if (instance && dir_glance(task, key, dentry, mnt, instance_hash(instance), &found,
				   &guarded)) {
		if (!(access & ~FOUND_ALLOWED(found)) && !guarded && open_plain(mode) &&
		    !bound.scopes[1] && !instance->expires_ns &&
		    !(instance->flags & WEIR_INSTANCE_RECORD_FILES) &&
		    (!(access & ~(READ | EXECUTE)) ||
		     dentry->d_sb->s_magic != OVERLAYFS_SUPER_MAGIC))
			return 0;	/* as what follows would say */
		serial = instance->serial;
	}
	kind = guard_kind(file);
	act = (struct weir_act){0};
	if (kind != GUARD_KIND_USUAL && GUARD_FILE(&act, &bound, number_away(file), kind))
		return -EPERM;
	open.action = (struct path_action){
		.dentry = number_away(dentry),
		.mnt = number_away(mnt),
		.access = access,
		.created = mode & FMODE_CREATED,
	};
	open.found = found;
	open.serial = serial;
	if (access & ~(READ | EXECUTE))
		overlay_named(open.action.dentry);
	act = (struct weir_act){0};
	type = flags & FMODE_EXEC_FLAG ? WEIR_EVENT_EXEC : WEIR_EVENT_FILE_OPEN;
	if (!scopes_unknown(&act, &bound)) {
		act_begin(&act);
		/* most have one scope, and the verifier goes through what is asked of each */
		if (!scope_decide(&act, bound.scopes[0], decide_open, &open))
			scopes_ask(&act, &bound, 1, decide_object, &open.action);
	}
	/*
	 * what an overlay opens on a layer in turn, before 6.5 by its own name, is recorded already
	 */
	if (mode & FMODE_NOACCOUNT && !DECISION_DENIES(act.decision))
		return 0;
	return act_finish(&act, &open.action, type, type == WEIR_EVENT_EXEC ? EPERM : EACCES);
}
