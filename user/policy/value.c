// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Single values of a policy; see value.h. */
#include "policy/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool name_ok(const char *text)
{
	size_t len = strspn(text, LOWER DIGITS "-");

	return len > 0 && len <= VALUE_NAME_MAX && !text[len] && text[0] != '-';
}

bool parameter_name_ok(const char *text, size_t len)
{
	size_t i;

	if (len == 0 || len > VALUE_NAME_MAX || !strchr(LOWER UPPER "_", text[0]))
		return false;
	for (i = 0; i < len; i++) {
		if (!text[i] || !strchr(LOWER UPPER DIGITS "_-", text[i]))
			return false;
	}
	return true;
}

/* A decimal number without sign, leading zeros or more than len digits. */
static int number_parse(const char *text, size_t len, unsigned long *ret)
{
	unsigned long value = 0;
	size_t i;

	if (len == 0 || len > 9 || (text[0] == '0' && len > 1))
		return -EINVAL;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (unsigned long)(text[i] - '0');
	}
	*ret = value;
	return 0;
}

static int port_parse(const char *text, size_t len, uint16_t *ret)
{
	unsigned long port;

	if (number_parse(text, len, &port) < 0 || port < 1 || port > 65535)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

int port_range_parse(const char *text, struct port_range *ret)
{
	const char *dash = strchr(text, '-');
	size_t len = dash ? (size_t)(dash - text) : strlen(text);
	struct port_range range;

	if (port_parse(text, len, &range.first) < 0)
		return -EINVAL;
	range.last = range.first;
	if (dash && port_parse(dash + 1, strlen(dash + 1), &range.last) < 0)
		return -EINVAL;
	if (range.last < range.first)
		return -ERANGE;
	*ret = range;
	return 0;
}

/* One label, text up to len bytes. */
static bool label_ok(const char *text, size_t len)
{
	size_t i;

	if (len == 0 || len > 63 || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (i = 0; i < len; i++) {
		if (!strchr(LOWER UPPER DIGITS "-_", text[i]))
			return false;
	}
	return true;
}

int host_parse(const char *text, char *ret)
{
	const char *label = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
	size_t len = strlen(text), step, last = 0, labels = 0, i;
	unsigned long number;

	if (len && text[len - 1] == '.')
		len--;
	if (len > 253)
		return -EINVAL;
	for (; label < text + len; label += step + 1, labels++) {
		step = strcspn(label, ".");
		if (!label_ok(label, step))
			return -EINVAL;
		last = (size_t)(label - text);
	}
	/* a number as the last label: an address */
	if (!labels || number_parse(text + last, len - last, &number) == 0)
		return -EINVAL;
	for (i = 0; i < len; i++)
		ret[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	ret[len] = '\0';
	return 0;
}

static bool is_leap(unsigned long year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint64_t days_before(unsigned long year, unsigned long month, unsigned long day)
{
	static const unsigned int before[] = {0,   31,	59,  90,  120, 151,
					      181, 212, 243, 273, 304, 334};
	unsigned long past = year - 1;

	return (year - 1970) * 365 + (past / 4 - past / 100 + past / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400) + before[month - 1] +
	       (month > 2 && is_leap(year)) + day - 1;
}

int time_parse(const char *text, uint64_t *ret_s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	static const unsigned int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	static const size_t at[] = {0, 5, 8, 11, 14, 17};
	unsigned long part[ARRAY_SIZE(at)];
	size_t i;

	if (strlen(text) != sizeof(form) - 1)
		return -EINVAL;
	for (i = 0; form[i]; i++) {
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(at); i++)
		part[i] = strtoul(text + at[i], NULL, 10);
	if (part[0] < 1970 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
	    part[2] > days[part[1] - 1] + (part[1] == 2 && is_leap(part[0])) || part[3] > 23 ||
	    part[4] > 59 || part[5] > 59)
		return -EINVAL;
	*ret_s = days_before(part[0], part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 +
		 part[5];
	return *ret_s ? 0 : -EINVAL;
}

int upstream_parse(const char *text, struct upstream *ret)
{
	const char *hash = strchr(text, '#');
	size_t len = hash ? (size_t)(hash - text) : strlen(text);
	struct upstream upstream = {.port = 53};
	char address[ADDR_STRLEN];

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	if (addr_parse(address, &upstream.addr) < 0)
		return -EINVAL;
	if (hash && port_parse(hash + 1, strlen(hash + 1), &upstream.port) < 0)
		return -EINVAL;
	*ret = upstream;
	return 0;
}

bool dns_type_ok(const char *text)
{
	/* queries only: transfers and ANY are no record types */
	static const char *const types[] = {
		"A",	      "AAAA",	    "AFSDB", "APL",   "CAA",   "CDNSKEY",  "CDS",
		"CERT",	      "CNAME",	    "CSYNC", "DHCID", "DNAME", "DNSKEY",   "DS",
		"EUI48",      "EUI64",	    "HINFO", "HIP",   "HTTPS", "IPSECKEY", "KEY",
		"KX",	      "LOC",	    "MX",    "NAPTR", "NS",    "NSEC",	   "NSEC3",
		"NSEC3PARAM", "OPENPGPKEY", "PTR",   "RP",    "RRSIG", "SIG",	   "SMIMEA",
		"SOA",	      "SPF",	    "SRV",   "SSHFP", "SVCB",  "TLSA",	   "TXT",
		"URI",	      "ZONEMD",
	};
	unsigned long number;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(text, types[i]) == 0)
			return true;
	}
	return strncmp(text, "TYPE", 4) == 0 &&
	       number_parse(text + 4, strlen(text + 4), &number) == 0 && number >= 1 &&
	       number <= 65535;
}
