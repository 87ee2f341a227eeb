// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Times, extended attributes, access control lists and flags of files. Their
 * hooks know the object but not by which mount it was reached, so every name
 * counts that a mount of the task's namespace gives it: all must allow. What
 * overlayfs does on its layers for a call that was decided passes.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "object.bpf.h"

#define ATTR_SETS_MORE 0xfu	/* mode, owner, group, size: path_chmod, _chown, _truncate */
#define ATTR_TIMES 0x101b0u	/* ATTR_ATIME, ATTR_MTIME, and those two or any to be set */
#define MOUNTS_MAX (1 << 17)	/* of a file system, in all namespaces; more: unresolved */
#define NAMES_MAX 24		/* looked at of an object, again if they change; then: unresolved */
#define FSNOTIFY_OBJ_TYPE_INODE 0
#define OVERLAY_TRUSTED "trusted.overlay."
#define OVERLAY_USER "user.overlay."
#define SECURITY "security."

#define UNRESOLVED DECIDE_DENY(WEIR_REASON_UNRESOLVED_PATH, 0)

static __always_inline bool mounts_listed(void)
{
	return bpf_core_field_exists(struct mount, mnt_instance);
}

/* Before 6.18 the mounts of a super block are in a ring, which begins and ends with it. */
static __always_inline __u64 mount_linked(__u64 super, __u64 link)
{
	if (link == super + bpf_core_field_offset(struct super_block___list, s_mounts))
		return 0;
	return link - bpf_core_field_offset(struct mount, mnt_instance);
}

static __always_inline __u64 mount_first(__u64 super)
{
	if (!mounts_listed())
		return (__u64)READ_KERNEL(struct super_block, super, s_mounts);
	return mount_linked(super, (__u64)READ_KERNEL(struct super_block___list, super,
						      s_mounts.next));
}

static __always_inline __u64 mount_after(__u64 mount)
{
	__u64 super = (__u64)READ_KERNEL(struct mount, mount, mnt.mnt_sb);

	if (!mounts_listed())
		return (__u64)READ_KERNEL(struct mount, mount, mnt_next_for_sb);
	return mount_linked(super, (__u64)READ_KERNEL(struct mount, mount, mnt_instance.next));
}

struct ascent {
	__u64 dentry;
	__u64 root;
};

static long ascent_step(__u32 unused, struct ascent *ascent)
{
	__u64 parent = (__u64)READ_KERNEL(struct dentry, ascent->dentry, d_parent);

	if (ascent->dentry == ascent->root || parent == ascent->dentry)
		return 1;
	ascent->dentry = parent;
	return 0;
}

/* Does the root of a mount lie above the object? Too deep to be told: it does, and has no name. */
static __always_inline bool dentry_within(__u64 dentry, __u64 root)
{
	struct ascent ascent = {.dentry = dentry, .root = root};

	return bpf_loop(WEIR_PATH_MAX, ascent_step, &ascent, 0) == WEIR_PATH_MAX ||
	       ascent.dentry == root;
}

/* Stack is short: what the search knows is kept for the task. */
struct search {
	struct weir_call *call;
};

static long search_step(__u32 unused, struct search *search)
{
	struct weir_call *call = search->call;
	__u64 mount = call->next;

	if (!mount)
		return 1;
	call->next = mount_after(mount);
	if ((__u64)READ_KERNEL(struct mount, mount, mnt_ns) != call->mnt_ns ||
	    !dentry_within(call->dentry, (__u64)READ_KERNEL(struct mount, mount, mnt.mnt_root)))
		return 0;
	call->found = mount;
	return 1;
}

static __always_inline void search_next(struct search *search)
{
	search->call->found = 0;
	bpf_loop(MOUNTS_MAX, search_step, search, 0);
}

static __always_inline void search_begin(struct weir_call *call)
{
	__u64 super = (__u64)READ_KERNEL(struct dentry, call->dentry, d_sb);

	call->counts = path_counts_word(path_counts_read());
	call->mnt_ns = task_mnt_ns();
	call->next = call->mnt_ns ? mount_first(super) : 0;
	call->vfsmount = 0;
}

/* Does what was seen hold? A count that is odd, or another now, says that it may not. */
static __always_inline bool search_holds(const struct weir_call *call)
{
	return !(call->counts & COUNTS_ODD) &&
	       call->counts == path_counts_word(path_counts_read());
}

/* By the name that the mount found gives it. */
static __always_inline __u32 name_verdict(__u64 whose, struct weir_call *call)
{
	__u64 vfsmount = call->found + bpf_core_field_offset(struct mount, mnt);

	call->vfsmount = vfsmount;
	return weir_place_verdict(WHOSE_INDEX(whose),
				  weir_path_resolve(whose, call->dentry, vfsmount), call->access);
}

/* A pipe, socket, memfd or the like: its own root, on what the kernel mounted for itself. */
static __always_inline bool dentry_pseudo(__u64 dentry)
{
	const struct dentry *object = (void *)dentry;

	return (__u64)BPF_CORE_READ(object, d_parent) == dentry &&
	       (BPF_CORE_READ(object, d_inode, i_mode) & S_IFMT) != S_IFDIR &&
	       BPF_CORE_READ(object, d_sb, s_flags) & SB_KERNMOUNT;
}

/* What an instance says of an object by all its names, while names and mounts stand still. */
__u32 weir_names_verdict(__u64 whose, __u64 dentry, __u32 access)
{
	struct search search = {.call = call_get()};
	struct weir_call *call = search.call;
	__u32 decision = UNRESOLVED;
	bool anew = true;

	if (!call)
		return UNRESOLVED;
	if (dentry_pseudo(dentry))
		return weir_place_verdict(WHOSE_INDEX(whose), PLACE_PSEUDO, access);
	call->dentry = dentry;
	call->access = access;
#pragma clang loop unroll(disable)
	for (int i = 0; i < NAMES_MAX; i++) {
		if (anew) {
			decision = UNRESOLVED;
			search_begin(call);
		}
		search_next(&search);
		if (call->found)
			decision = name_verdict(whose, call);
		anew = !call->found || DECISION_DENIES(decision);
		if (anew && search_holds(call))
			return call->found || !call->next ? decision : UNRESOLVED;
	}
	return UNRESOLVED;
}

/* For the record: where nobody had to look for a name, any will do. */
int weir_name_find(__u64 dentry)
{
	struct search search = {.call = call_get()};
	struct weir_call *call = search.call;

	if (!call || call->vfsmount)
		return 0;
	call->dentry = dentry;
	search_begin(call);
	search_next(&search);
	if (call->found)
		call->vfsmount = call->found + bpf_core_field_offset(struct mount, mnt);
	return 0;
}

/* *action keeps addresses only. */
static __always_inline __u32 decide_names(weir_scope_t scope, __u32 index,
					  const struct weir_instance *instance, void *context)
{
	struct path_action *action = context;
	__u32 decision = files_verdict(instance);

	return decision ? decision :
			  weir_names_verdict(WHOSE(scope, index), action->dentry, action->access);
}

static __always_inline bool begins_with(const char *text, const char *prefix, int len)
{
	for (int i = 0; i < len; i++)
		if (text[i] != prefix[i])
			return false;
	return true;
}

/*
 * An attribute that is read without a call for it: overlayfs reads its own at
 * each look-up, an exec and security modules read theirs. What overlayfs keeps
 * for itself says nothing of use, whoever reads it.
 */
static __always_inline bool name_of_kernel(__u64 name)
{
	char text[sizeof(OVERLAY_TRUSTED)] = {0};

	if (!name || bpf_probe_read_kernel_str(text, sizeof(text), (void *)name) < 0)
		return false;
	return begins_with(text, OVERLAY_TRUSTED, sizeof(OVERLAY_TRUSTED) - 1) ||
	       begins_with(text, OVERLAY_USER, sizeof(OVERLAY_USER) - 1) ||
	       (begins_with(text, SECURITY, sizeof(SECURITY) - 1) && weir_rights_lent());
}

/*
 * Does an overlay act here, on one of its layers? A task whose call it serves
 * has the overlay's credentials meanwhile instead of its own. Which overlay
 * that may be is known from the calls themselves: they were decided, by the
 * overlay's names. Other credentials (see weir_rights_lent()) say nothing.
 */
static __always_inline bool layer_access(__u64 dentry, __u32 access, __u64 name)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 super = (__u64)READ_KERNEL(struct dentry, dentry, d_sb);
	bool stacked = READ_KERNEL(struct super_block, super, s_magic) == OVERLAYFS_SUPER_MAGIC;
	__u64 cred = (__u64)BPF_CORE_READ(task, cred);
	struct weir_call *call = call_get();

	if (!call)
		return false;
	if (cred != (__u64)BPF_CORE_READ(task, real_cred)) {
		if (access == READ && name_of_kernel(name))
			return true;
		if (overlay_acts(call->overlay, cred) || overlay_acts(call->layer, cred)) {
			if (stacked)
				call->layer = super;
			return true;
		}
	}
	if (stacked)
		call->overlay = super;
	call->vfsmount = 0;
	return false;
}

/* Does a policy bind the task, and is it the task's own doing? name: as in inode_decide(). */
int weir_inode_asked(__u64 dentry, __u32 access, __u64 name)
{
	struct weir_bound bound = {0};

	return scope_resolve(&bound, false) && !layer_access(dentry, access, name);
}

/* Returns whether it is refused, to a task that is bound. */
int weir_inode_refused(__u64 dentry, __u32 access)
{
	struct path_action action = {.dentry = dentry, .access = access};
	struct weir_bound bound = {0};
	struct weir_act act = {0};
	struct weir_call *call;

	if (!weir_scope_resolve(&bound, false))
		return false;
	scopes_decide(&act, &bound, decide_names, &action);
	weir_name_find(dentry);
	call = call_get();
	if (call)
		action.mnt = call->vfsmount;
	return act_finish(&act, &action, WEIR_EVENT_FILE_ATTRIBUTE, EACCES) != 0;
}

/* name: of an extended attribute, or NULL. Two calls, because stack is short. */
static __always_inline int inode_decide(struct dentry *dentry, __u32 access, const char *name)
{
	volatile __u64 cells[2] = {0};
	__u64 object = number_of(cells, dentry);

	if (!weir_inode_asked(object, access, number_of(cells, name)))
		return 0;
	return weir_inode_refused(object, access) ? -EACCES : 0;
}

static __always_inline int times_decide(struct dentry *dentry, const struct iattr *attr)
{
	unsigned int valid = attr->ia_valid;

	if (!(valid & ATTR_TIMES) || valid & ATTR_SETS_MORE)
		return 0;
	return inode_decide(dentry, WRITE, NULL);
}

/* One of the two is loaded: from 6.9 on the mount's mapping of owners comes first. */
SEC("lsm/inode_setattr")
int BPF_PROG(weir_inode_setattr, struct dentry *dentry, struct iattr *attr)
{
	return times_decide(dentry, attr);
}

SEC("lsm/inode_setattr")
int BPF_PROG(weir_inode_setattr_mapped, void *idmap, struct dentry *dentry, struct iattr *attr)
{
	return times_decide(dentry, attr);
}

SEC("lsm/inode_setxattr")
int BPF_PROG(weir_inode_setxattr, void *idmap, struct dentry *dentry, const char *name)
{
	return inode_decide(dentry, WRITE, name);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(weir_inode_removexattr, void *idmap, struct dentry *dentry, const char *name)
{
	return inode_decide(dentry, WRITE, name);
}

SEC("lsm/inode_getxattr")
int BPF_PROG(weir_inode_getxattr, struct dentry *dentry, const char *name)
{
	return inode_decide(dentry, READ, name);
}

SEC("lsm/inode_listxattr")
int BPF_PROG(weir_inode_listxattr, struct dentry *dentry)
{
	return inode_decide(dentry, READ, NULL);
}

/* From 6.2 on access control lists go their own way; before they are attributes like others. */
SEC("lsm/inode_set_acl")
int BPF_PROG(weir_inode_set_acl, void *idmap, struct dentry *dentry)
{
	return inode_decide(dentry, WRITE, NULL);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(weir_inode_remove_acl, void *idmap, struct dentry *dentry)
{
	return inode_decide(dentry, WRITE, NULL);
}

SEC("lsm/inode_get_acl")
int BPF_PROG(weir_inode_get_acl, void *idmap, struct dentry *dentry)
{
	return inode_decide(dentry, READ, NULL);
}

/* file_setattr(2), from 6.17 on; ioctls that do the same also come through here. */
SEC("lsm/inode_file_setattr")
int BPF_PROG(weir_inode_file_setattr, struct dentry *dentry)
{
	return inode_decide(dentry, WRITE, NULL);
}

/* A watch on all of a mount or file system has no path: no rule on files allows it. */
SEC("lsm/path_notify")
int BPF_PROG(weir_path_notify, const struct path *path, __u64 mask, unsigned int type)
{
	struct path_action action = {
		.dentry = number_away(path->dentry),
		.mnt = number_away(path->mnt),
		.access = READ,
		.device = type != FSNOTIFY_OBJ_TYPE_INODE,
	};

	return action_decide(&action, WEIR_EVENT_FILE_ATTRIBUTE);
}
