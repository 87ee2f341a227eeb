// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Words for kinds of sockets; see socket_names.h. */
#include "event/socket_names.h"

#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define WORD(name) [name] = #name

static const char *const families[] = {
	WORD(AF_UNSPEC),     WORD(AF_UNIX),	 WORD(AF_INET),	    WORD(AF_AX25),
	WORD(AF_IPX),	     WORD(AF_APPLETALK), WORD(AF_NETROM),   WORD(AF_BRIDGE),
	WORD(AF_ATMPVC),     WORD(AF_X25),	 WORD(AF_INET6),    WORD(AF_ROSE),
	WORD(AF_DECnet),     WORD(AF_NETBEUI),	 WORD(AF_SECURITY), WORD(AF_KEY),
	WORD(AF_NETLINK),    WORD(AF_PACKET),	 WORD(AF_ASH),	    WORD(AF_ECONET),
	WORD(AF_ATMSVC),     WORD(AF_RDS),	 WORD(AF_SNA),	    WORD(AF_IRDA),
	WORD(AF_PPPOX),	     WORD(AF_WANPIPE),	 WORD(AF_LLC),	    WORD(AF_IB),
	WORD(AF_MPLS),	     WORD(AF_CAN),	 WORD(AF_TIPC),	    WORD(AF_BLUETOOTH),
	WORD(AF_IUCV),	     WORD(AF_RXRPC),	 WORD(AF_ISDN),	    WORD(AF_PHONET),
	WORD(AF_IEEE802154), WORD(AF_CAIF),	 WORD(AF_ALG),	    WORD(AF_NFC),
	WORD(AF_VSOCK),	     WORD(AF_KCM),	 WORD(AF_QIPCRTR),  WORD(AF_SMC),
	WORD(AF_XDP),	     WORD(AF_MCTP),
};

static const char *const kinds[] = {
	WORD(SOCK_STREAM),    WORD(SOCK_DGRAM), WORD(SOCK_RAW),	   WORD(SOCK_RDM),
	WORD(SOCK_SEQPACKET), WORD(SOCK_DCCP),	WORD(SOCK_PACKET),
};

static const char *const netlinks[] = {
	WORD(NETLINK_ROUTE),	  WORD(NETLINK_UNUSED),
	WORD(NETLINK_USERSOCK),	  WORD(NETLINK_FIREWALL),
	WORD(NETLINK_SOCK_DIAG),  WORD(NETLINK_NFLOG),
	WORD(NETLINK_XFRM),	  WORD(NETLINK_SELINUX),
	WORD(NETLINK_ISCSI),	  WORD(NETLINK_AUDIT),
	WORD(NETLINK_FIB_LOOKUP), WORD(NETLINK_CONNECTOR),
	WORD(NETLINK_NETFILTER),  WORD(NETLINK_IP6_FW),
	WORD(NETLINK_DNRTMSG),	  WORD(NETLINK_KOBJECT_UEVENT),
	WORD(NETLINK_GENERIC),	  WORD(NETLINK_SCSITRANSPORT),
	WORD(NETLINK_ECRYPTFS),	  WORD(NETLINK_RDMA),
	WORD(NETLINK_CRYPTO),	  WORD(NETLINK_SMC),
};

static const char *const unix_kinds[] = {
	[SOCK_STREAM] = "stream",
	[SOCK_DGRAM] = "dgram",
	[SOCK_SEQPACKET] = "seqpacket",
};

struct words {
	const char *const *names;
	size_t count;
	const char *before;	/* a number without a name */
};

#define WORDS(table, before)                     \
	(struct words)                           \
	{                                        \
		table, ARRAY_SIZE(table), before \
	}

static void format(struct words words, uint32_t value, char ret[EVENT_SOCKET_STRLEN])
{
	if (value < words.count && words.names[value])
		snprintf(ret, EVENT_SOCKET_STRLEN, "%s", words.names[value]);
	else
		snprintf(ret, EVENT_SOCKET_STRLEN, "%s%u", words.before, value);
}

void event_family_format(uint32_t family, char ret[EVENT_SOCKET_STRLEN])
{
	format(WORDS(families, "AF_"), family, ret);
}

void event_kind_format(uint32_t kind, char ret[EVENT_SOCKET_STRLEN])
{
	format(WORDS(kinds, "SOCK_"), kind, ret);
}

void event_netlink_format(uint32_t protocol, char ret[EVENT_SOCKET_STRLEN])
{
	format(WORDS(netlinks, "NETLINK_"), protocol, ret);
}

void event_unix_kind_format(uint32_t kind, char ret[EVENT_SOCKET_STRLEN])
{
	format(WORDS(unix_kinds, "SOCK_"), kind, ret);
}
