/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types we touch, and of each only the fields we read. Offsets are
 * relocated at load (CO-RE), so the order and the gaps here mean nothing, and
 * one object runs on every kernel that has fields of these names. Types that
 * are stable kernel interface come from the system's headers.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/bpf.h>
#include <linux/in6.h>
#include <linux/types.h>

#include <stdbool.h>

#ifndef NULL
#define NULL ((void *)0)
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	__u32 len;
	__u32 hash;
	const unsigned char *name;
};

struct super_block;

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct pid {
	struct hlist_head tasks[4];	/* by PIDTYPE_*, of which PIDTYPE_PID is the first */
};

struct inode {
	__u16 i_mode;
	unsigned int i_nlink;
	unsigned int i_flags;
	struct super_block *i_sb;
	unsigned long i_ino;
	__u32 i_rdev;
	__u32 i_generation;
};

struct unicode_map;
struct mount;

struct list_head {
	struct list_head *next;
};

struct super_block {
	unsigned long s_flags;
	unsigned long s_magic;
	void *s_fs_info;
	struct unicode_map *s_encoding;	/* with CONFIG_UNICODE */
	struct mount *s_mounts;		/* from 6.18 on; see below */
};

/* Before: a list through mnt_instance. */
struct super_block___list {
	struct list_head s_mounts;
};

struct dentry {
	unsigned int d_flags;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

/* Of procfs: of what lies in the entry of a process, whose. */
struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct mnt_namespace {
	struct mount *root;
	__u64 event;	/* of the last change to its mounts, counted over all namespaces */
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
	struct list_head mnt_mounts;	/* those on it, by their mnt_child */
	struct list_head mnt_child;
	struct list_head mnt_instance;	/* before 6.18 */
	struct mount *mnt_next_for_sb;	/* from 6.18 on */
};

struct iattr {
	unsigned int ia_valid;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

/* From 6.12 on it is memory of its own, that knows its file. */
struct fown_struct {
	struct file *file;
};

struct file___holds_owner {
	struct fown_struct f_owner;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
};

/* From 6.7 on: a file that a stacked file system opened on a layer, and the path asked for. */
struct backing_file {
	struct path user_path;
};

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct kernfs_node {
	__u64 id;
	const char *name;
};

struct cgroup;
struct cgroup_root;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
	int level;
	struct cgroup *ancestors[];	/* by level, itself included */
};

struct css_set {
	struct cgroup *dfl_cgrp;	/* of cgroup v2 */
};

struct cred;
struct io_uring_task;

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct thread_info {
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	struct hlist_node pid_links[4];
	const struct cred *real_cred;
	const struct cred *cred;
	int exit_code;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct io_uring_task *io_uring;	/* with CONFIG_IO_URING: until exec, of who has used it */
	struct css_set *cgroups;
	char comm[16];
	__u64 start_boottime;
};

struct user_namespace {
	int level;
};

struct pt_regs {
	unsigned long orig_ax;
};

struct kern_ipc_perm;
struct kernel_siginfo;

struct key_type {
	const char *name;
};

struct key {
	struct key_type *type;
	char *description;
};

struct bpf_map {
	char name[16];
};

struct bpf_prog_aux {
	char name[16];
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

struct linux_binprm {
	struct file *file;
};

struct net {
	__u64 net_cookie;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_ipv6only:1;
	int skc_bound_dev_if;
	unsigned long skc_flags;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct socket;
struct request_sock;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	__u8 sk_shutdown;
	struct socket *sk_socket;
};

struct tcp_sock {
	__u64 bytes_received;
	__u64 bytes_sent;
	__u64 bytes_retrans;
	__u32 snd_nxt;
	__u32 write_seq;
};

struct socket {
	short type;
	struct file *file;
	struct sock *sk;
};

struct sockaddr_un {
	__u16 sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[];
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
};

struct msghdr {
	void *msg_name;
	void *msg_control;
	unsigned long msg_controllen;
};

struct sk_buff {
	unsigned int len;
	unsigned char *data;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
