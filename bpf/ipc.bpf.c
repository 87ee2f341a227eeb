// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * System V IPC and keys: what was made inside the scope is free there, and
 * everything else is somebody else's. See guard.bpf.h.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "guard.bpf.h"
#include "object.bpf.h"

#define KEY_POINTER_MASK (~1ULL)	/* the lowest bit says that it is possessed */
#define AUTH_KEY ".request_key_auth"
#define UID_KEYRING "_uid"
#define PERSISTENT_KEYRING "_persistent"

#define IPC WEIR_GUARD_BIT(WEIR_GUARD_IPC)

/* Enters who made it, if it is bound. Returns 0 or < 0: there is no room. */
static __always_inline int made_keep(__u64 key)
{
	struct weir_maker maker = {0};
	struct weir_bound bound = {0};

	if (!scope_resolve(&bound, false)) {
		bpf_map_delete_elem(&weir_made, &key);
		return 0;
	}
	__builtin_memcpy(maker.scopes, bound.scopes, sizeof(maker.scopes));
	return bpf_map_update_elem(&weir_made, &key, &maker, BPF_ANY) ? -1 : 0;
}

/* Reaches for what is known by an address. */
static __always_inline int made_reach(__u64 key, __u8 ask, __u32 number)
{
	struct guard_ask asked = {
		.type = WEIR_EVENT_GUARD_ESCAPE,
		.ask = ask,
		.opens = IPC,
		.number = number,
	};
	struct weir_bound bound = {0};
	struct weir_maker *maker;

	if (!scope_resolve(&bound, false))
		return 0;
	maker = bpf_map_lookup_elem(&weir_made, &key);
	if (maker)
		__builtin_memcpy(asked.inside, maker->scopes, sizeof(asked.inside));
	return weir_guard_decide(&bound, &asked) ? -EPERM : 0;
}

static __always_inline int ipc_made(struct kern_ipc_perm *perm)
{
	volatile __u64 cells[2] = {0};

	return made_keep(number_of(cells, perm)) < 0 ? -ENOSPC : 0;
}

/* perm is NULL where limits are asked for, which is free. */
static __always_inline int ipc_reach(struct kern_ipc_perm *perm)
{
	volatile __u64 cells[2] = {0};
	__u64 key = number_of(cells, perm);

	return key ? made_reach(key, WEIR_ASK_IPC, 0) : 0;
}

SEC("lsm/shm_alloc_security")
int BPF_PROG(weir_guard_shm_made, struct kern_ipc_perm *perm)
{
	return ipc_made(perm);
}

SEC("lsm/sem_alloc_security")
int BPF_PROG(weir_guard_sem_made, struct kern_ipc_perm *perm)
{
	return ipc_made(perm);
}

SEC("lsm/msg_queue_alloc_security")
int BPF_PROG(weir_guard_msg_made, struct kern_ipc_perm *perm)
{
	return ipc_made(perm);
}

SEC("lsm/ipc_permission")
int BPF_PROG(weir_guard_ipc, struct kern_ipc_perm *perm)
{
	return ipc_reach(perm);
}

/* Removing one and changing its owner ask for no permission. */
SEC("lsm/shm_shmctl")
int BPF_PROG(weir_guard_shm, struct kern_ipc_perm *perm)
{
	return ipc_reach(perm);
}

SEC("lsm/sem_semctl")
int BPF_PROG(weir_guard_sem, struct kern_ipc_perm *perm)
{
	return ipc_reach(perm);
}

SEC("lsm/msg_queue_msgctl")
int BPF_PROG(weir_guard_msg, struct kern_ipc_perm *perm)
{
	return ipc_reach(perm);
}

/* Does text in kernel memory begin like this? */
#define TEXT_BEGINS(text, with)                                                       \
	({                                                                            \
		char begins_[sizeof(with) - 1] = {0};                                 \
		bool same_ = !bpf_probe_read_kernel(begins_, sizeof(begins_), text);  \
                                                                                      \
		_Pragma("unroll") for (__u32 i_ = 0; i_ < sizeof(begins_); i_++)      \
			same_ = same_ && begins_[i_] == with[i_];                     \
		same_;                                                                \
	})

/*
 * With rights that are lent, the kernel itself: the resolver of a network file system.
 *
 * A key that asks for another to be made has the kernel start a helper, as root and
 * outside of the scope. The keyrings of a user are everybody's who is that user.
 */
SEC("lsm/key_alloc")
int BPF_PROG(weir_guard_key_made, struct key *key)
{
	volatile __u64 cells[2] = {0};
	__u64 address = number_of(cells, key);
	const char *type = BPF_CORE_READ(key, type, name);
	const char *description = BPF_CORE_READ(key, description);

	if (TEXT_BEGINS(type, AUTH_KEY) && !rights_lent())
		return weir_guard_plain(WEIR_EVENT_GUARD_ESCAPE, WEIR_ASK_KEY_REQUEST, IPC, 0) ?
			       -EPERM :
			       0;
	if (!TEXT_BEGINS(description, UID_KEYRING) && !TEXT_BEGINS(description, PERSISTENT_KEYRING))
		return made_keep(address) < 0 ? -ENOSPC : 0;
	bpf_map_delete_elem(&weir_made, &address);
	return 0;
}

/* The verifier does not know the type of the first argument: it is read where it lies. */
SEC("lsm/key_permission")
int weir_guard_key(unsigned long long *ctx)
{
	__u64 args[3] = {0};

	if (bpf_probe_read_kernel(args, sizeof(args), ctx))
		return -EPERM;
	if (rights_lent())
		return 0;
	return made_reach(args[0] & KEY_POINTER_MASK, WEIR_ASK_KEY, args[2]);
}
