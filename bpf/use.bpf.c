// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Using a socket: whoever sends, receives or accepts on one binds it by its
 * own policies, wherever it was made and however it came here. From then on
 * its packets are judged. Here is also where descriptors pass the border of a
 * scope over a unix socket, and where open files are used that came with a task.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "object.bpf.h"
#include "sock.bpf.h"

#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define CMSGS_MAX 16		/* more in one message: taken to pass descriptors */
#define MAY_WRITE 2
#define MAY_READ 4
#define RECEIVING_OUTSIDE 1	/* in weir_receiving: from outside; the socket's type above */

static __always_inline bool family_inet(__u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

/* No memory for the mark: what would need it is denied. */
static __always_inline int claimed_or_denied(const struct weir_sock *claimed)
{
	if (claimed)
		return 0;
	lost_count(WEIR_EVENT_SOCKET);
	return -EPERM;
}

/* The control messages of a send, which are in kernel memory already. */
struct control {
	__u64 at;
	__u64 left;
	bool rights;
	bool whole;
};

static long control_step(__u32 unused, struct control *control)
{
	struct {
		__u64 len;
		__s32 level;
		__s32 type;
	} header;

	control->whole = control->left < sizeof(header);
	if (control->whole || bpf_probe_read_kernel(&header, sizeof(header), (void *)control->at))
		return 1;
	if (header.level == SOL_SOCKET && header.type == SCM_RIGHTS) {
		control->rights = true;
		return 1;
	}
	control->whole = header.len < sizeof(header) || header.len > control->left;
	if (control->whole)
		return 1;
	header.len = (header.len + 7) & ~7ULL;
	control->at += header.len;
	control->left -= header.len < control->left ? header.len : control->left;
	return 0;
}

static __always_inline bool message_passes(const struct msghdr *message)
{
	struct control control = {
		.at = (__u64)BPF_CORE_READ(message, msg_control),
		.left = BPF_CORE_READ(message, msg_controllen),
	};

	if (!control.at || !control.left)
		return false;
	bpf_loop(CMSGS_MAX, control_step, &control, 0);
	return control.rights || !control.whole;
}

/* Descriptors that pass the border are free to: it is the record that counts. */
static __always_inline __u32 decide_passing(weir_scope_t scope, __u32 index,
					    const struct weir_instance *instance, void *context)
{
	return DECIDE_ALLOW(WEIR_REASON_UNRESTRICTED, 0);
}

int weir_passing(const struct weir_bound *bound, __u32 kind, int inward)
{
	struct unix_action action = {.name = WEIR_UNIX_UNNAMED, .descriptors = true};
	struct weir_act act = {0};

	if (!bound)
		return -EPERM;
	action.kind = kind;
	action.inward = inward;
	scopes_decide(&act, bound, decide_passing, NULL);
	if (act_recorded(&act, WEIR_INSTANCE_RECORD_NETWORK))
		weir_record_unix(&act, &action);
	return DECISION_DENIES(act.decision) ? -EPERM : 0;
}

/* The address a message is for, as the kernel has copied it. Returns whether there is one. */
static __always_inline bool message_dest(const struct msghdr *message, __u16 family,
					 struct weir_addr *ret)
{
	struct {
		__u16 family;
		__u16 port_be;
		__u32 words[5];		/* IPv4: the address; IPv6: flow label, then the address */
	} name = {0};
	__u32 size = family == AF_INET ? 8 : 24;
	void *at = BPF_CORE_READ(message, msg_name);

	if (!at || size > sizeof(name) || bpf_probe_read_kernel(&name, size, at))
		return false;
	if (family == AF_INET)
		addr_from_v4(ret, name.words[0]);
	else
		addr_from_v6(ret, name.words[1], name.words[2], name.words[3], name.words[4]);
	return true;
}

/*
 * An echo request to an address: no address hook sees it, and the packet layer
 * alone cannot tell the caller. Recorded is who made the socket, since stack is
 * short. No memory: denied.
 */
static __always_inline int echo_decide(struct sock *sk, struct weir_sock *sock, __u16 family,
				       const struct msghdr *message)
{
	struct flow flow = {0};
	struct weir_peers *sent;
	bool binds;
	int known;

	if (!message_dest(message, family, &flow.dest))
		return 0;
	sent = bpf_sk_storage_get(&weir_sent, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!sent)
		return claimed_or_denied(NULL);
	flow.protocol = sk->sk_protocol;
	known = weir_peer_find(sent, scopes_epoch(sock->scopes, &binds), &flow.dest, 0);
	if (peer_allowed(known))
		return 0;
	return weir_send_decide(sock, sent, &flow, &sock->owner, known) ? 0 : -EPERM;
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(weir_socket_sendmsg, struct socket *sock, struct msghdr *message, int size)
{
	struct weir_bound bound = {0};
	struct weir_sock *claimed;
	struct sock *sk;
	__u16 family;

	if (!scope_resolve(&bound, false))
		return 0;
	sk = sock->sk;
	if (!sk)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_UNIX && !family_inet(family))
		return 0;
	claimed = SOCK_CLAIM(sk, &bound);
	if (claimed && family != AF_UNIX && proto_of(sk->sk_protocol) == WEIR_PROTO_ICMP &&
	    sk->sk_type == SOCK_DGRAM)
		return echo_decide(sk, claimed, family, message);
	if (!claimed || family != AF_UNIX || !message_passes(message))
		return claimed_or_denied(claimed);
	/* a datagram names its other end later: see weir_unix_send() */
	if (sk->sk_type == SOCK_DGRAM) {
		claimed->flags |= WEIR_SOCK_PASSING;
		return 0;
	}
	if (claimed->flags & WEIR_SOCK_PEER_INSIDE)
		return 0;
	return weir_passing(&bound, sk->sk_type, false) ? -EPERM : 0;
}

SEC("lsm/socket_recvmsg")
int BPF_PROG(weir_socket_recvmsg, struct socket *sock, struct msghdr *message, int size, int flags)
{
	struct weir_bound bound = {0};
	struct weir_sock *claimed;
	struct sock *sk;
	__u32 *receiving;
	__u16 family;

	if (!scope_resolve(&bound, false))
		return 0;
	sk = sock->sk;
	if (!sk)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family_inet(family))
		return claimed_or_denied(SOCK_CLAIM(sk, &bound));
	if (family != AF_UNIX)
		return 0;
	claimed = SOCK_CLAIM(sk, &bound);
	receiving = bpf_task_storage_get(&weir_receiving, bpf_get_current_task_btf(), NULL,
					 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (receiving)
		*receiving = claimed && claimed->flags & WEIR_SOCK_PEER_INSIDE ?
				     0 :
				     RECEIVING_OUTSIDE | sk->sk_type << 1;
	return claimed_or_denied(claimed);
}

/* What a listening socket accepts is bound as it is. */
SEC("lsm/socket_accept")
int BPF_PROG(weir_socket_accept, struct socket *sock, struct socket *newsock)
{
	struct weir_bound bound = {0};
	struct sock *sk;

	if (!scope_resolve(&bound, false))
		return 0;
	sk = sock->sk;
	if (!sk || !family_inet(sk->__sk_common.skc_family))
		return 0;
	return claimed_or_denied(SOCK_CLAIM(sk, &bound));
}

/* A descriptor comes in, over a unix socket or by pidfd_getfd(2). */
SEC("lsm/file_receive")
int BPF_PROG(weir_file_receive, struct file *file)
{
	volatile __u64 cells[2] = {0};
	struct weir_bound bound = {0};
	struct weir_sock *claimed;
	struct socket *sock;
	struct sock *sk;
	__u32 *receiving, mode, access;
	__u64 object;

	if (!scope_resolve(&bound, false))
		return 0;
	mode = file->f_mode;
	access = (mode & FMODE_READ ? READ : 0) | (mode & FMODE_WRITE ? WRITE : 0);
	/* what is open for neither (O_PATH) is a place to start from: that is decided then */
	if (access && (file->f_inode->i_mode & S_IFMT) != S_IFSOCK) {
		object = number_of(cells, file->f_path.dentry);
		if (weir_taken_refused(&bound, object, number_of(cells, file->f_path.mnt), access))
			return -EACCES;
	}
	receiving = bpf_task_storage_get(&weir_receiving, bpf_get_current_task_btf(), NULL, 0);
	if ((!receiving || *receiving & RECEIVING_OUTSIDE) &&
	    weir_passing(&bound, receiving ? *receiving >> 1 : 0, true) < 0)
		return -EPERM;
	sock = bpf_sock_from_file(file);
	sk = sock ? sock->sk : NULL;
	if (!sk || !family_inet(sk->__sk_common.skc_family))
		return 0;
	claimed = SOCK_CLAIM(sk, &bound);
	return claimed_or_denied(claimed);
}

/*
 * Before 6.5 sendfile(2) and splice(2) reach a socket without weir_socket_sendmsg.
 * A file whose descriptor is from before is decided here, at each use.
 */
SEC("lsm/file_permission")
int BPF_PROG(weir_file_permission, struct file *file, int mask)
{
	bool is_socket = (file->f_inode->i_mode & S_IFMT) == S_IFSOCK;
	struct path_action action = {0};
	struct weir_bound bound = {0};
	struct socket *sock;
	struct sock *sk;

	if (!(is_socket || weir_config.before) || !scope_resolve(&bound, false))
		return 0;
	if (!is_socket) {
		if (!file_before(file))
			return 0;
		action.dentry = number_away(file->f_path.dentry);
		action.mnt = number_away(file->f_path.mnt);
		action.follows = true;
		action.access = (mask & MAY_READ ? READ : 0) | (mask & MAY_WRITE ? WRITE : 0);
		return bound_decide(&bound, &action, WEIR_EVENT_FILE_OPEN);
	}
	sock = bpf_sock_from_file(file);
	sk = sock ? sock->sk : NULL;
	if (!sk || !family_inet(sk->__sk_common.skc_family))
		return 0;
	return claimed_or_denied(SOCK_CLAIM(sk, &bound));
}
