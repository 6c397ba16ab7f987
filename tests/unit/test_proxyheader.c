/* SPDX-License-Identifier: ISC */
/* Headers of the PROXY protocol: right ones, wrong ones, cut ones, changed ones. */
#include "config.h"

#include "proto/proxyheader.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

#define SIGN "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\x00\x02\x07" "\xc0\x00\x02\x01" "\x12\x34" "\x1c\xcd"
#define V6_NET "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0"
#define V6 V6_NET "\x07" V6_NET "\x01" "\x12\x34" "\x1c\xcd"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff"
#define REST16 "0123456789012345" "12" "34"

/* A literal with its length, which may hold NUL. */
#define BYTES(literal) { literal, sizeof(literal) - 1 }

static const struct {
	struct slice bytes;
	const char *source;	/* NULL: the proxy's own */
} right[] = {
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4660 7373\r\n"), "192.0.2.7:4660" },
	{ BYTES("PROXY TCP4 255.255.255.254 255.255.255.255 65535 65535\r\n"), "255.255.255.254:65535" },
	{ BYTES("PROXY TCP4 10.0.0.1 127.0.0.1 0 1\r\n"), "10.0.0.1:0" },
	{ BYTES("PROXY TCP6 2001:db8::7 2001:db8::1 4660 7373\r\n"), "[2001:db8::7]:4660" },
	{ BYTES("PROXY TCP6 fd00:f:f:f:f:f:f:f ::1 1 65535\r\n"), "[fd00:f:f:f:f:f:f:f]:1" },
	{ BYTES("PROXY UNKNOWN\r\n"), NULL },
	{ BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), NULL },
	{ BYTES(SIGN "\x21\x11\0\x0c" V4), "192.0.2.7:4660" },
	{ BYTES(SIGN "\x21\x21\0\x24" V6), "[2001:db8::7]:4660" },
	/* Additions: one, two, an empty one, of no known type. */
	{ BYTES(SIGN "\x21\x11\0\x12" V4 "\x03\0\x03" "abc"), "192.0.2.7:4660" },
	{ BYTES(SIGN "\x21\x11\0\x13" V4 "\x01\0\0" "\xff\0\x01" "a"), "192.0.2.7:4660" },
	{ BYTES(SIGN "\x21\x21\0\x27" V6 "\x20\0\0"), "[2001:db8::7]:4660" },
	{ BYTES(SIGN "\x21\0\0\0"), NULL },
	{ BYTES(SIGN "\x21\0\0\x03" "\x20\0\0"), NULL },
	/* The proxy for itself: what else it says counts for nothing. */
	{ BYTES(SIGN "\x20\0\0\0"), NULL },
	{ BYTES(SIGN "\x20\x11\0\x0c" "\x7f\0\0\1" "\x7f\0\0\1" "12" "34"), NULL },
	{ BYTES(SIGN "\x20\x31\0\x02" "xx"), NULL },
};

static const struct {
	struct slice bytes;
	const char *why;	/* the end of the reason */
} wrong[] = {
	{ BYTES("PING\r\n"), "which is expected from there" },
	{ BYTES("*1\r\n$4\r\nPING\r\n"), "which is expected from there" },
	{ BYTES("\x16\x03\x01"), "which is expected from there" },
	{ BYTES("proxy TCP4 "), "which is expected from there" },
	{ BYTES("\r\n\r\n*"), "which is expected from there" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 4660 7373\rx"), "does not end" },
	{ BYTES("PROXY tcp4 192.0.2.7 192.0.2.1 1 1\r\n"), "unknown family" },
	{ BYTES("PROXY TCP5 192.0.2.7 192.0.2.1 1 1\r\n"), "unknown family" },
	{ BYTES("PROXY UNIX_STREAM /a /b\r\n"), "unknown family" },
	{ BYTES("PROXY \r\n"), "unknown family" },
	{ BYTES("PROXY UNKNOWN2\r\n"), "unknown family" },
	{ BYTES("PROXY  TCP4 192.0.2.7 192.0.2.1 1 1\r\n"), "unknown family" },
	{ BYTES("PROXY TCP4\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 1 \r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 1 1 \r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 1 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7  192.0.2.1 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7\0 192.0.2.1 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2 192.0.2.1 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.256 192.0.2.1 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.02.7 192.0.2.1 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 0xc0.0.2.7 192.0.2.1 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 2001:db8::7 2001:db8::1 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP6 192.0.2.7 192.0.2.1 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP6 fe80::1%lo fe80::2 1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 65536 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 1 99999999999999999999\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 01 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 +1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 192.0.2.7 192.0.2.1 -1 1\r\n"), "malformed address" },
	{ BYTES("PROXY TCP4 127.0.0.1 192.0.2.1 1 1\r\n"), "loopback address" },
	{ BYTES("PROXY TCP4 127.255.255.255 192.0.2.1 1 1\r\n"), "loopback address" },
	{ BYTES("PROXY TCP6 ::1 2001:db8::1 1 1\r\n"), "loopback address" },
	{ BYTES("PROXY TCP6 ::ffff:127.0.0.1 2001:db8::1 1 1\r\n"), "loopback address" },
	{ BYTES("PROXY TCP4 0.0.0.0 192.0.2.1 1 1\r\n"), "unspecified address" },
	{ BYTES("PROXY TCP4 0.0.0.1 192.0.2.1 1 1\r\n"), "unspecified address" },
	{ BYTES("PROXY TCP6 :: 2001:db8::1 1 1\r\n"), "unspecified address" },
	{ BYTES("PROXY TCP6 ::ffff:0.0.0.0 2001:db8::1 1 1\r\n"), "unspecified address" },
	{ BYTES("PROXY TCP4 224.0.0.1 192.0.2.1 1 1\r\n"), "multicast address" },
	{ BYTES("PROXY TCP4 239.255.255.255 192.0.2.1 1 1\r\n"), "multicast address" },
	{ BYTES("PROXY TCP4 255.255.255.255 192.0.2.1 1 1\r\n"), "multicast address" },
	{ BYTES("PROXY TCP6 ff02::1 2001:db8::1 1 1\r\n"), "multicast address" },
	{ BYTES("PROXY TCP6 ::ffff:224.0.0.1 2001:db8::1 1 1\r\n"), "multicast address" },
	{ BYTES(SIGN "\x11"), "unknown version or command" },
	{ BYTES(SIGN "\x31"), "unknown version or command" },
	{ BYTES(SIGN "\x22"), "unknown version or command" },
	{ BYTES(SIGN "\x00"), "unknown version or command" },
	{ BYTES(SIGN "\x21\x11\x03\xf1"), "too long" },
	{ BYTES(SIGN "\x20\x00\xff\xff"), "too long" },
	{ BYTES(SIGN "\x21\x12\0\x0c"), "unknown family" },
	{ BYTES(SIGN "\x21\x22\0\x24"), "unknown family" },
	{ BYTES(SIGN "\x21\x01\0\x0c"), "unknown family" },
	{ BYTES(SIGN "\x21\x41\0\x0c"), "unknown family" },
	{ BYTES(SIGN "\x21\x31\0\xd8"), "unix address" },
	{ BYTES(SIGN "\x21\x32\0\xd8"), "unix address" },
	{ BYTES(SIGN "\x21\x11\0\x0b"), "too short for its addresses" },
	{ BYTES(SIGN "\x21\x11\0\0"), "too short for its addresses" },
	{ BYTES(SIGN "\x21\x21\0\x23"), "too short for its addresses" },
	{ BYTES(SIGN "\x21\x11\0\x0d" V4 "x"), "malformed additions" },
	{ BYTES(SIGN "\x21\x11\0\x0f" V4 "\1\0\1"), "malformed additions" },
	{ BYTES(SIGN "\x21\x11\0\x0f" V4 "\1\xff\xff"), "malformed additions" },
	{ BYTES(SIGN "\x21\x11\0\x0c" "\x7f\0\0\1" "1234" "12" "34"), "loopback address" },
	{ BYTES(SIGN "\x21\x11\0\x0c" "\0\0\0\0" "1234" "12" "34"), "unspecified address" },
	{ BYTES(SIGN "\x21\x11\0\x0c" "\xe0\0\0\1" "1234" "12" "34"), "multicast address" },
	{ BYTES(SIGN "\x21\x21\0\x24" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" REST16), "loopback address" },
	{ BYTES(SIGN "\x21\x21\0\x24" MAPPED "\x7f\1\1\1" REST16), "loopback address" },
	{ BYTES(SIGN "\x21\x21\0\x24" MAPPED "\0\0\0\0" REST16), "unspecified address" },
	{ BYTES(SIGN "\x21\x21\0\x24" "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1" REST16), "multicast address" },
};

/* Reads a copy that ends where the bytes do, so that a read behind them is seen. */
static enum proxyheader_status
parse(struct slice bytes, struct proxyheader *ret, const char **ret_why)
{
	CLEANUP_FREE char *copy = malloc(bytes.len > 0 ? bytes.len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes.data, bytes.len);
	return proxyheader_parse((struct slice){ copy, bytes.len }, ret, ret_why);
}

START_TEST(right_headers_are_read)
{
	struct slice bytes = right[_i].bytes;
	char longer[PROXYHEADER_V2_MAX + 8] = { 0 }, text[ADDR_TEXT] = "";
	const char *why = NULL;
	struct proxyheader h;

	ck_assert_int_eq(parse(bytes, &h, &why), PROXYHEADER_OK);
	ck_assert_uint_eq(h.len, bytes.len);
	if (!h.is_own)
		addr_format_sockaddr(&h.source, text, sizeof(text));
	if (right[_i].source != NULL)
		ck_assert_str_eq(text, right[_i].source);
	/* Bytes that follow are not of the header. */
	memcpy(longer, bytes.data, bytes.len);
	ck_assert_int_eq(parse((struct slice){ longer, sizeof(longer) }, &h, &why), PROXYHEADER_OK);
	ck_assert_uint_eq(h.len, bytes.len);
	/* Each shorter part wants more. */
	for (size_t n = 0; n < bytes.len; n++)
		ck_assert_int_eq(parse((struct slice){ bytes.data, n }, &h, &why), PROXYHEADER_MORE);
}
END_TEST

START_TEST(the_proxy_speaks_for_itself)
{
	const char *why = NULL;
	struct proxyheader h;

	ck_assert_int_eq(parse(right[_i].bytes, &h, &why), PROXYHEADER_OK);
	ck_assert_int_eq(h.is_own, h.source.sa.sa_family == AF_UNSPEC);
	if (right[_i].source == NULL)
		ck_assert(h.is_own);
}
END_TEST

START_TEST(wrong_headers_have_a_reason)
{
	struct slice bytes = wrong[_i].bytes;
	const char *why = NULL, *again = NULL;
	struct proxyheader h;
	size_t n = 0, end;

	ck_assert_int_eq(parse(bytes, &h, &why), PROXYHEADER_BAD);
	end = strlen(why) - strlen(wrong[_i].why);
	ck_assert_msg(strlen(why) >= strlen(wrong[_i].why) &&
	    strcmp(why + end, wrong[_i].why) == 0, "got \"%s\"", why);
	/* A header that is bad stays so, for the same reason, and is never right before. */
	while (n < bytes.len && parse((struct slice){ bytes.data, n }, &h, &again) == PROXYHEADER_MORE)
		n++;
	for (; n < bytes.len; n++) {
		ck_assert_int_eq(parse((struct slice){ bytes.data, n }, &h, &again), PROXYHEADER_BAD);
		ck_assert_str_eq(again, why);
	}
}
END_TEST

START_TEST(changed_headers_are_no_others)
{
	struct slice bytes = right[_i].bytes;
	CLEANUP_FREE char *copy = malloc(bytes.len);
	char text[ADDR_TEXT];

	ck_assert_ptr_nonnull(copy);
	for (size_t at = 0; at < bytes.len; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			struct proxyheader h;
			const char *why = NULL;
			enum proxyheader_status s;

			memcpy(copy, bytes.data, bytes.len);
			copy[at] = (char)byte;
			s = proxyheader_parse((struct slice){ copy, bytes.len }, &h, &why);
			ck_assert_int_eq(s == PROXYHEADER_BAD, why != NULL);
			if (s != PROXYHEADER_OK)
				continue;
			ck_assert_uint_le(h.len, bytes.len);
			if (h.is_own)
				continue;
			ck_assert(!addr_is_loopback(&h.source) && !addr_is_any(&h.source));
			addr_format_sockaddr(&h.source, text, sizeof(text));
			ck_assert_str_ne(text, "unix");
		}
	}
}
END_TEST

START_TEST(lengths_are_bounded)
{
	char line[PROXYHEADER_V1_MAX + 2] = "PROXY UNKNOWN ", big[PROXYHEADER_V2_MAX] = { 0 };
	const char *why = NULL;
	struct proxyheader h;

	/* 107 bytes with the end of the line are a header, 108 are none. */
	memset(line + 14, 'x', sizeof(line) - 14);
	memcpy(line + PROXYHEADER_V1_MAX - 2, "\r\n", 2);
	ck_assert_int_eq(parse((struct slice){ line, PROXYHEADER_V1_MAX }, &h, &why), PROXYHEADER_OK);
	memcpy(line + PROXYHEADER_V1_MAX - 2, "x\r\n", 3);
	for (size_t n = 14; n < PROXYHEADER_V1_MAX; n++)
		ck_assert_int_eq(parse((struct slice){ line, n }, &h, &why), PROXYHEADER_MORE);
	for (size_t n = PROXYHEADER_V1_MAX; n < sizeof(line); n++)
		ck_assert_int_eq(parse((struct slice){ line, n }, &h, &why), PROXYHEADER_BAD);

	memcpy(big, SIGN "\x21\x11\x03\xf0" V4 "\x04\x03\xe1", 31);
	for (size_t n = 16; n < sizeof(big); n++)
		ck_assert_int_eq(parse((struct slice){ big, n }, &h, &why), PROXYHEADER_MORE);
	ck_assert_int_eq(parse((struct slice){ big, sizeof(big) }, &h, &why), PROXYHEADER_OK);
	ck_assert_uint_eq(h.len, sizeof(big));
}
END_TEST

START_TEST(a_second_header_is_known_by_its_beginning)
{
	static const struct {
		struct slice bytes;
		enum proxyheader_status status;
	} t[] = {
		{ BYTES(""), PROXYHEADER_MORE }, { BYTES("P"), PROXYHEADER_MORE },
		{ BYTES("PROXY"), PROXYHEADER_MORE }, { BYTES("PROXY "), PROXYHEADER_OK },
		{ BYTES("PROXY x"), PROXYHEADER_OK }, { BYTES("PING"), PROXYHEADER_BAD },
		{ BYTES("PI"), PROXYHEADER_BAD }, { BYTES("*1"), PROXYHEADER_BAD },
		{ BYTES("\r"), PROXYHEADER_MORE }, { BYTES("\r\n\r\n"), PROXYHEADER_MORE },
		{ BYTES("\r\nPING"), PROXYHEADER_BAD }, { BYTES(SIGN), PROXYHEADER_OK },
		{ BYTES("\r\n\r\n\0\r\nQUIT"), PROXYHEADER_MORE },
		{ BYTES("\r\n\r\n\0\r\nQUIT\r"), PROXYHEADER_BAD },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		ck_assert_int_eq(proxyheader_begins(t[i].bytes), t[i].status);
}
END_TEST

UNIT_MAIN("proxyheader",
    tcase_add_loop_test(tc, right_headers_are_read, 0, ARRAY_LEN(right));
    tcase_add_loop_test(tc, the_proxy_speaks_for_itself, 0, ARRAY_LEN(right));
    tcase_add_loop_test(tc, wrong_headers_have_a_reason, 0, ARRAY_LEN(wrong));
    tcase_add_loop_test(tc, changed_headers_are_no_others, 0, ARRAY_LEN(right));
    tcase_add_test(tc, lengths_are_bounded);
    tcase_add_test(tc, a_second_header_is_known_by_its_beginning))
