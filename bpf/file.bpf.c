// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The path hooks: creating, deleting, renaming, linking, changing,
 * and mapping code. Each names the object and the accesses; the decision is
 * the same for all. Files are refused with EACCES, programs with EPERM, links
 * and renames that would widen rights with EXDEV.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <linux/fs.h>

#include "object.bpf.h"

#define PROT_EXEC 4u
#define VM_EXEC 4u
#define MAP_SHARED 1u	/* and MAP_SHARED_VALIDATE, which has this bit too */

static __always_inline bool object_is_dir(__u64 dentry)
{
	__u64 inode = (__u64)READ_KERNEL(struct dentry, dentry, d_inode);

	return inode && (READ_KERNEL(struct inode, inode, i_mode) & S_IFMT) == S_IFDIR;
}

static __always_inline bool object_widens(__u64 dentry, __u32 index, __u32 from, __u32 to)
{
	return (object_is_dir(dentry) && weir_dir_widens(index, from, to)) ||
	       weir_place_widens(index, from, to);
}

/* What stands behind a name: the number of its inode, or what the name is while it has none. */
static __always_inline __u64 object_key(__u64 dentry, bool named)
{
	__u64 inode = named ? 0 : (__u64)READ_KERNEL(struct dentry, dentry, d_inode);

	return inode ? READ_KERNEL(struct inode, inode, i_ino) :
		       READ_KERNEL(struct dentry, dentry, d_name.hash) | 1ull << 63;
}

/*
 * What belongs to an open or an exec (truncating, mapping) came by the use of that, and
 * opening by that of making the file: returns true then. No memory: it does not, and is
 * a use of its own.
 */
static __always_inline bool object_use(struct weir_act *act, const struct path_action *action)
{
	struct weir_call *call = call_get();
	bool follows = call && (action->follows || action->created) &&
		       call->use_dentry == action->dentry &&
		       call->use_key == object_key(action->dentry, action->created) &&
		       weir_use_same(act, call->use_stamp);
	__u64 stamp = follows ? call->use_stamp : weir_use_take(act);

	if (call) {
		call->use_stamp = stamp;
		call->use_dentry = action->dentry;
		call->use_key = object_key(action->dentry, false);	/* it is made once */
	}
	return follows;
}

/* See object.bpf.h. An exec has a record of its own, of the program that runs in the end. */
int weir_act_tell(struct weir_act *act, __u32 type, const struct path_action *action)
{
	if (!act || !action)
		return 0;
	if (DECISION_USES(act->decision) && object_use(act, action))
		return 0;
	if (type == WEIR_EVENT_EXEC && DECISION_GRANTED(act->decision))
		type = WEIR_EVENT_FILE_OPEN;
	weir_record_paths(act, type, action);
	return 0;
}

/* What an instance says of a link or rename. A function of its own, for its stack. */
__u32 weir_move_verdict(__u64 whose, const struct path_action *action, __u64 hash)
{
	__u32 index = WHOSE_INDEX(whose), decision, from, to;

	if (!action)
		return DECIDE_DENY(WEIR_REASON_SCOPE, 0);
	from = FOUND_PLACE(weir_path_place(whose, action->dentry, action->mnt, hash));
	to = FOUND_PLACE(weir_path_place(whose, action->to_dentry, action->mnt, hash));
	decision = weir_place_verdict(index, to, action->to_access);
	if (action->access)
		decision = decision_join(weir_place_verdict(index, from, action->access), decision);
	if (DECISION_DENIES(decision))
		return decision;
	if (object_widens(action->dentry, index, from, to) ||
	    (action->both_ways && object_widens(action->to_dentry, index, to, from)))
		return DECIDE_DENY(WEIR_REASON_WIDEN, 0);
	return decision;
}

static __always_inline __u32 decide_move(weir_scope_t scope, __u32 index,
					 const struct weir_instance *instance, void *context)
{
	struct path_action *action = context;
	__u32 decision = action_begin(action, instance);

	return decision ? decision :
			  weir_move_verdict(WHOSE(scope, index), action, instance_hash(instance));
}

static __always_inline int move_decide(struct path_action *action, __u32 type)
{
	struct weir_act act = {0};
	struct weir_bound bound = {0};

	if (!scope_resolve(&bound, false))
		return 0;
	overlay_named(action->dentry);
	scopes_decide(&act, &bound, decide_move, action);
	return act_finish(&act, action, type, EACCES);
}

/* A device node is a way to the device, whatever its name; a whiteout (0, 0) is none. */
SEC("lsm/path_mknod")
int BPF_PROG(weir_path_mknod, const struct path *dir, struct dentry *dentry, __u16 mode,
	     unsigned int dev)
{
	__u16 format = mode & S_IFMT;
	struct path_action action = {
		.dentry = number_away(dentry),
		.mnt = number_away(dir->mnt),
		.access = CREATE,
		.device = format == S_IFBLK || (format == S_IFCHR && dev),
	};

	return action_decide(&action, WEIR_EVENT_FILE_CREATE);
}

SEC("lsm/path_mkdir")
int BPF_PROG(weir_path_mkdir, const struct path *dir, struct dentry *dentry)
{
	return object_decide(dentry, dir->mnt, CREATE, WEIR_EVENT_FILE_CREATE);
}

SEC("lsm/path_symlink")
int BPF_PROG(weir_path_symlink, const struct path *dir, struct dentry *dentry)
{
	return object_decide(dentry, dir->mnt, CREATE, WEIR_EVENT_FILE_CREATE);
}

SEC("lsm/path_unlink")
int BPF_PROG(weir_path_unlink, const struct path *dir, struct dentry *dentry)
{
	return object_decide(dentry, dir->mnt, DELETE, WEIR_EVENT_FILE_DELETE);
}

SEC("lsm/path_rmdir")
int BPF_PROG(weir_path_rmdir, const struct path *dir, struct dentry *dentry)
{
	return object_decide(dentry, dir->mnt, DELETE, WEIR_EVENT_FILE_DELETE);
}

SEC("lsm/path_rename")
int BPF_PROG(weir_path_rename, const struct path *old_dir, struct dentry *old_dentry,
	     const struct path *new_dir, struct dentry *new_dentry, unsigned int flags)
{
	bool exchange = flags & RENAME_EXCHANGE, leaves = flags & RENAME_WHITEOUT;
	struct path_action action = {
		.dentry = number_away(old_dentry),
		.mnt = number_away(old_dir->mnt),
		.to_dentry = number_away(new_dentry),
		.access = exchange || leaves ? CREATE | DELETE : DELETE,
		.to_access = new_dentry->d_inode ? CREATE | DELETE : CREATE,
		.both_ways = exchange,
	};

	return move_decide(&action, WEIR_EVENT_FILE_RENAME);
}

/* The kernel has refused links across mounts before it asks. */
SEC("lsm/path_link")
int BPF_PROG(weir_path_link, struct dentry *old_dentry, const struct path *new_dir,
	     struct dentry *new_dentry)
{
	struct path_action action = {
		.dentry = number_away(old_dentry),
		.mnt = number_away(new_dir->mnt),
		.to_dentry = number_away(new_dentry),
		.to_access = CREATE,
	};

	return move_decide(&action, WEIR_EVENT_FILE_LINK);
}

/* Also a part of an open with O_TRUNC, which was decided before. */
static __always_inline int truncate_decide(struct dentry *dentry, struct vfsmount *mnt)
{
	struct path_action action = {
		.dentry = number_away(dentry),
		.mnt = number_away(mnt),
		.access = WRITE,
		.follows = true,
	};

	return action_decide(&action, WEIR_EVENT_FILE_ATTRIBUTE);
}

SEC("lsm/path_truncate")
int BPF_PROG(weir_path_truncate, const struct path *path)
{
	return truncate_decide(path->dentry, path->mnt);
}

/* From 6.2 on what has a descriptor comes this way. */
SEC("lsm/file_truncate")
int BPF_PROG(weir_file_truncate, struct file *file)
{
	return truncate_decide(file->f_path.dentry, file->f_path.mnt);
}

SEC("lsm/path_chmod")
int BPF_PROG(weir_path_chmod, const struct path *path)
{
	return object_decide(path->dentry, path->mnt, WRITE, WEIR_EVENT_FILE_ATTRIBUTE);
}

SEC("lsm/path_chown")
int BPF_PROG(weir_path_chown, const struct path *path)
{
	return object_decide(path->dentry, path->mnt, WRITE, WEIR_EVENT_FILE_ATTRIBUTE);
}

/*
 * Mapping code, also through the dynamic loader named directly. And anything
 * of a file whose descriptor is from before: what it was opened for counts, as
 * the mapping may be given that later.
 */
SEC("lsm/mmap_file")
int BPF_PROG(weir_mmap_file, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags)
{
	bool code = prot & PROT_EXEC, before;
	struct path_action action = {0};
	struct weir_bound bound = {0};

	if (!file || !(code || weir_config.before) || !scope_resolve(&bound, code))
		return 0;
	before = file_before(file);
	if (!code && !before)
		return 0;
	action.dentry = number_away(file->f_path.dentry);
	action.mnt = number_away(file->f_path.mnt);
	action.follows = true;
	action.access = code ? EXECUTE : 0;
	if (before)
		action.access |= READ;
	if (before && flags & MAP_SHARED && file->f_mode & FMODE_WRITE)
		action.access |= WRITE;
	return bound_decide(&bound, &action, before ? WEIR_EVENT_FILE_OPEN : WEIR_EVENT_EXEC);
}

/*
 * The object a mapping is of. On newer kernels overlayfs maps the layer's
 * file; its user_path is the one that rules name. *action keeps addresses
 * only, so that the path is found by walking.
 */
static __always_inline void mapped_describe(struct path_action *action, struct file *file)
{
	const struct backing_file *backing = (void *)file;
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	__u64 mnt_ns = (__u64)READ_KERNEL(struct mount, mount_of((__u64)mnt), mnt_ns);

	action->dentry = (__u64)dentry;
	action->mnt = (__u64)mnt;
	if (mnt_ns != MNT_NS_INTERNAL || BPF_CORE_READ(dentry, d_parent) == dentry ||
	    BPF_CORE_READ(mnt, mnt_sb, s_flags) & SB_KERNMOUNT ||
	    !bpf_core_field_exists(backing->user_path))
		return;
	action->dentry = (__u64)BPF_CORE_READ(backing, user_path.dentry);
	action->mnt = (__u64)BPF_CORE_READ(backing, user_path.mnt);
}

/* A layer that is still one is a stack of stacks, whose name cannot be told: denied. */
static __always_inline __u32 decide_mapped(weir_scope_t scope, __u32 index,
					   const struct weir_instance *instance, void *context)
{
	struct path_action *action = context;
	__u32 decision = files_verdict(instance), place;

	if (decision)
		return decision;
	place = weir_path_resolve(WHOSE(scope, index), action->dentry, action->mnt);
	if (place == PLACE_LAYER)
		place = PLACE_UNRESOLVED;
	return weir_place_verdict(index, place, action->access);
}

int weir_taken_refused(const struct weir_bound *bound, __u64 dentry, __u64 vfsmount, __u32 access)
{
	struct path_action action = {
		.dentry = dentry,
		.mnt = vfsmount,
		.access = access,
	};
	struct weir_act act = {0};

	if (!bound)
		return true;	/* cannot be: a caller's stack */
	scopes_decide(&act, bound, decide_mapped, &action);
	return act_finish(&act, &action, WEIR_EVENT_FILE_OPEN, EACCES) != 0;
}

SEC("lsm/file_mprotect")
int BPF_PROG(weir_file_mprotect, struct vm_area_struct *vma, unsigned long reqprot,
	     unsigned long prot)
{
	struct file *file = vma->vm_file;
	struct path_action action = {.access = EXECUTE, .follows = true};
	struct weir_bound bound = {0};
	struct weir_act act = {0};

	if (!(prot & PROT_EXEC) || vma->vm_flags & VM_EXEC || !file)
		return 0;
	if (!scope_resolve(&bound, false))
		return 0;
	mapped_describe(&action, file);
	scopes_decide(&act, &bound, decide_mapped, &action);
	return act_finish(&act, &action, WEIR_EVENT_EXEC, EPERM);
}
