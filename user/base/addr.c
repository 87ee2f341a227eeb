// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* IP addresses and prefixes; see addr.h. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const __u8 v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

bool addr_is_v4(const struct weir_addr *addr)
{
	return memcmp(addr->bytes, v4_mapped, sizeof(v4_mapped)) == 0;
}

static int parse(const char *text, struct weir_addr *ret, bool *ret_dotted)
{
	struct weir_addr addr = {0};

	if (inet_pton(AF_INET, text, addr.bytes + sizeof(v4_mapped)) == 1) {
		memcpy(addr.bytes, v4_mapped, sizeof(v4_mapped));
		*ret_dotted = true;
	} else if (inet_pton(AF_INET6, text, addr.bytes) == 1) {
		*ret_dotted = false;
	} else {
		return -EINVAL;
	}
	*ret = addr;
	return 0;
}

int addr_parse(const char *text, struct weir_addr *ret)
{
	bool dotted;

	return parse(text, ret, &dotted);
}

/* Clears the bits beyond len; says whether any was set. */
static bool clear_host_bits(struct weir_addr *addr, unsigned int len)
{
	bool any = false;
	unsigned int bit;

	for (bit = len; bit < 128; bit++) {
		__u8 mask = (__u8)(0x80 >> bit % 8);

		if (addr->bytes[bit / 8] & mask)
			any = true;
		addr->bytes[bit / 8] &= (__u8)~mask;
	}
	return any;
}

static int parse_len(const char *text, unsigned int max, unsigned int *ret)
{
	char *end;
	unsigned long len;

	if (*text < '0' || *text > '9' || (*text == '0' && text[1]))
		return -EINVAL;
	len = strtoul(text, &end, 10);
	if (*end || len > max)
		return -EINVAL;
	*ret = (unsigned int)len;
	return 0;
}

int prefix_parse(const char *text, struct prefix *ret)
{
	const char *slash = strchr(text, '/');
	struct prefix prefix = {.len = 128};
	char address[ADDR_STRLEN];
	bool dotted;
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	if (parse(address, &prefix.addr, &dotted) < 0)
		return -EINVAL;
	if (slash) {
		if (parse_len(slash + 1, dotted ? 32 : 128, &prefix.len) < 0)
			return -EINVAL;
		if (dotted)
			prefix.len += 96;
	}
	if (clear_host_bits(&prefix.addr, prefix.len)) {
		*ret = prefix;
		return -EDOM;
	}
	*ret = prefix;
	return 0;
}

/* inet_ntop goes through printf for these, at the price of the rest of a record. */
static void format_v4(const __u8 bytes[4], char *ret)
{
	int i;

	for (i = 0; i < 4; i++) {
		if (bytes[i] >= 100)
			*ret++ = (char)('0' + bytes[i] / 100);
		if (bytes[i] >= 10)
			*ret++ = (char)('0' + bytes[i] / 10 % 10);
		*ret++ = (char)('0' + bytes[i] % 10);
		*ret++ = i < 3 ? '.' : '\0';
	}
}

void addr_format(const struct weir_addr *addr, char ret[ADDR_STRLEN])
{
	if (addr_is_v4(addr))
		format_v4(addr->bytes + sizeof(v4_mapped), ret);
	else
		inet_ntop(AF_INET6, addr->bytes, ret, ADDR_STRLEN);
}

void prefix_format(const struct prefix *prefix, char ret[PREFIX_STRLEN])
{
	char address[ADDR_STRLEN];
	bool v4 = prefix->len >= 96 && addr_is_v4(&prefix->addr);

	addr_format(&prefix->addr, address);
	if (prefix->len == 128)
		snprintf(ret, PREFIX_STRLEN, "%s", address);
	else
		snprintf(ret, PREFIX_STRLEN, "%s/%u", address, v4 ? prefix->len - 96 : prefix->len);
}
