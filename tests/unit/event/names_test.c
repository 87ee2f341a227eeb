// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tests of user/event/names and socket_names. */
#include "../test.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "event/names.h"
#include "event/socket_names.h"

static void every_value_has_a_word_and_back(void **state)
{
	char protocol[EVENT_PROTOCOL_STRLEN];
	unsigned int i;

	(void)state;
#define EXPECT_NAMES(word, kind, count)                                                         \
	do {                                                                                    \
		for (i = 0; i < (count); i++) {                                                 \
			kind value;                                                             \
                                                                                                \
			assert_non_null(event_##word##_name(i));                                \
			assert_int_equal(event_##word##_parse(event_##word##_name(i), &value), 0); \
			assert_int_equal(value, i);                                             \
			assert_int_equal(event_##word##_parse("no such word", &value), -EINVAL); \
		}                                                                               \
		assert_null(event_##word##_name(count));                                        \
	} while (0)
	EXPECT_NAMES(type, enum weir_event_type, WEIR_EVENT_COUNT);
	EXPECT_NAMES(verdict, enum weir_verdict, WEIR_VERDICT_COUNT);
	EXPECT_NAMES(reason, enum weir_reason, WEIR_REASON_COUNT);
	EXPECT_NAMES(layer, enum weir_layer, WEIR_LAYER_COUNT);
	EXPECT_NAMES(access, enum weir_access, WEIR_ACCESS_COUNT);
	EXPECT_NAMES(self_type, enum event_self_type, EVENT_SELF_COUNT);
	event_protocol_format(IPPROTO_ICMPV6, protocol);
	assert_string_equal(protocol, "icmp");
	event_protocol_format(65535, protocol);
	assert_string_equal(protocol, "proto-65535");
}

static void every_kind_of_socket_has_a_word_or_its_number(void **state)
{
	char text[EVENT_SOCKET_STRLEN];
	uint32_t value;

	(void)state;
#define EXPECT_WORD(function, value_, expected)        \
	do {                                           \
		function(value_, text);                \
		assert_string_equal(text, expected);   \
	} while (0)
	EXPECT_WORD(event_family_format, AF_LOCAL, "AF_UNIX");
	EXPECT_WORD(event_family_format, AF_VSOCK, "AF_VSOCK");
	EXPECT_WORD(event_family_format, 99, "AF_99");
	EXPECT_WORD(event_family_format, UINT32_MAX, "AF_4294967295");
	EXPECT_WORD(event_kind_format, SOCK_DCCP, "SOCK_DCCP");
	EXPECT_WORD(event_kind_format, SOCK_PACKET, "SOCK_PACKET");
	EXPECT_WORD(event_kind_format, 0, "SOCK_0");
	EXPECT_WORD(event_kind_format, 9, "SOCK_9");
	EXPECT_WORD(event_netlink_format, NETLINK_SOCK_DIAG, "NETLINK_SOCK_DIAG");
	EXPECT_WORD(event_netlink_format, 17, "NETLINK_17");
	EXPECT_WORD(event_unix_kind_format, SOCK_SEQPACKET, "seqpacket");
	EXPECT_WORD(event_unix_kind_format, SOCK_RDM, "SOCK_4");
	/* none of the families is missing */
	for (value = 0; value < AF_MAX; value++) {
		event_family_format(value, text);
		assert_false(text[3] >= '0' && text[3] <= '9');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_a_word_and_back),
		cmocka_unit_test(every_kind_of_socket_has_a_word_or_its_number),
	};

	return RUN_TESTS(tests);
}
