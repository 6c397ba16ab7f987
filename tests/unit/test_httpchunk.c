/* SPDX-License-Identifier: ISC */
/* Bodies in chunks: right ones, wrong ones, in pieces of every size. */
#include "config.h"

#include "proto/httpchunk.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

/* A literal with its length, which may hold NUL. */
#define BYTES(literal) { literal, sizeof(literal) - 1 }

static const struct {
	struct slice bytes;
	struct slice body;
} right[] = {
	{ BYTES("0\r\n\r\n"), BYTES("") },
	{ BYTES("00000000\r\n\r\n"), BYTES("") },
	{ BYTES("1\r\na\r\n0\r\n\r\n"), BYTES("a") },
	{ BYTES("3\r\na\r\n\r\n02\r\n\0z\r\n0\r\n\r\n"), BYTES("a\r\n\0z") },
	{ BYTES("0000000B\r\nhello world\r\n0\r\n\r\n"), BYTES("hello world") },
	{ BYTES("b\r\nhello world\r\n5\r\n0\r\n\r\n\r\n000\r\n\r\n"), BYTES("hello world0\r\n\r\n") },
};

static const struct {
	struct slice bytes;
	const char *why;
} wrong[] = {
	{ BYTES("\r\n"), "not hexadecimal" },
	{ BYTES("\n"), "not hexadecimal" },
	{ BYTES(" 1\r\n"), "not hexadecimal" },
	{ BYTES("1 \r\n"), "not hexadecimal" },
	{ BYTES("1\t\r\n"), "not hexadecimal" },
	{ BYTES("0x1\r\n"), "not hexadecimal" },
	{ BYTES("+1\r\n"), "not hexadecimal" },
	{ BYTES("-1\r\n"), "not hexadecimal" },
	{ BYTES("1_0\r\n"), "not hexadecimal" },
	{ BYTES("g\r\n"), "not hexadecimal" },
	{ BYTES("1.0\r\n"), "not hexadecimal" },
	{ BYTES("1\0\r\n"), "not hexadecimal" },
	{ BYTES("1\xa0\r\n"), "not hexadecimal" },
	{ BYTES("1\n"), "not hexadecimal" },
	{ BYTES("1;x=y\r\n"), "extension" },
	{ BYTES("1;\r\n"), "extension" },
	{ BYTES("0;x\r\n"), "extension" },
	{ BYTES("000000001"), "8 digits" },
	{ BYTES("ffffffff0"), "8 digits" },
	{ BYTES("1\rX"), "CRLF" },
	{ BYTES("1\r\r\n"), "CRLF" },
	{ BYTES("1\r\naX"), "longer" },
	{ BYTES("1\r\na\n"), "longer" },
	{ BYTES("1\r\na\rX"), "CRLF" },
	{ BYTES("1\r\na0\r\n"), "longer" },
	{ BYTES("1\r\na\r\n\r\n"), "not hexadecimal" },
	{ BYTES("0\r\nX: y\r\n\r\n"), "trailer" },
	{ BYTES("0\r\n0\r\n"), "trailer" },
	{ BYTES("0\r\n\n"), "trailer" },
	{ BYTES("0\r\n\rX"), "last chunk" },
	{ BYTES("0\n\r\n"), "not hexadecimal" },
};

struct result {
	enum httpchunk_status status;
	size_t used;
	char body[64];
	size_t len;
	const char *why;
};

/* Feeds bytes in pieces of a size, each from memory of its own. */
static struct result
feed(struct slice bytes, size_t piece)
{
	struct httpchunk c = { 0 };
	struct result r = { .status = HTTPCHUNK_MORE };

	for (size_t at = 0; at < bytes.len; at += piece) {
		size_t n = bytes.len - at < piece ? bytes.len - at : piece, used = 0;
		CLEANUP_FREE char *copy = malloc(n);
		struct slice rest = { copy, n }, data;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, bytes.data + at, n);
		do {
			r.status = httpchunk_decode(&c, rest, &used, &data, &r.why);
			if (r.status == HTTPCHUNK_BAD)
				return r;
			ck_assert_uint_le(used, rest.len);
			ck_assert((r.status == HTTPCHUNK_DATA) == (data.len > 0));
			ck_assert(data.data >= copy && data.data + data.len <= rest.data + used);
			ck_assert_uint_le(r.len + data.len, sizeof(r.body));
			memcpy(r.body + r.len, data.data, data.len);
			r.len += data.len;
			r.used += used;
			rest.data += used;
			rest.len -= used;
			if (r.status == HTTPCHUNK_END)
				return r;
		} while (r.status == HTTPCHUNK_DATA);
		ck_assert_uint_eq(rest.len, 0);
	}
	return r;
}

START_TEST(reads_right_bodies)
{
	for (size_t piece = 1; piece <= right[_i].bytes.len; piece++) {
		struct result r = feed(right[_i].bytes, piece);

		ck_assert_int_eq(r.status, HTTPCHUNK_END);
		ck_assert_uint_eq(r.used, right[_i].bytes.len);
		ck_assert(slice_eq((struct slice){ r.body, r.len }, right[_i].body));
	}
	for (size_t n = 0; n < right[_i].bytes.len; n++)
		ck_assert_int_ne(feed((struct slice){ right[_i].bytes.data, n }, 1).status, HTTPCHUNK_END);
}
END_TEST

START_TEST(refuses_wrong_bodies)
{
	for (size_t piece = 1; piece <= wrong[_i].bytes.len; piece++) {
		struct result r = feed(wrong[_i].bytes, piece);

		ck_assert_msg(r.status == HTTPCHUNK_BAD && strstr(r.why, wrong[_i].why) != NULL,
		    "%s: %d %s", wrong[_i].bytes.data, r.status, r.why);
	}
}
END_TEST

START_TEST(bytes_behind_are_not_used)
{
	struct result r = feed(SLICE("1\r\na\r\n0\r\n\r\n\nGET"), 100);

	ck_assert_int_eq(r.status, HTTPCHUNK_END);
	ck_assert_uint_eq(r.used, 11);
}
END_TEST

START_TEST(the_largest_chunk_is_read)
{
	struct httpchunk c = { 0 };
	static const char zeros[4096];
	uint64_t total = 0;
	size_t used;
	struct slice data;
	const char *why;

	ck_assert_int_eq(httpchunk_decode(&c, SLICE("ffffffff\r\n"), &used, &data, &why),
	    HTTPCHUNK_MORE);
	while (total < UINT32_MAX) {
		ck_assert_int_eq(httpchunk_decode(&c, (struct slice){ zeros, sizeof(zeros) }, &used,
		    &data, &why), HTTPCHUNK_DATA);
		total += data.len;
	}
	ck_assert_uint_eq(total, UINT32_MAX);
	ck_assert_uint_eq(used, sizeof(zeros) - 1);
	ck_assert_int_eq(httpchunk_decode(&c, SLICE("\r\n0\r\n\r\n"), &used, &data, &why),
	    HTTPCHUNK_END);
}
END_TEST

UNIT_MAIN("httpchunk",
    tcase_add_loop_test(tc, reads_right_bodies, 0, ARRAY_LEN(right));
    tcase_add_loop_test(tc, refuses_wrong_bodies, 0, ARRAY_LEN(wrong));
    tcase_add_test(tc, bytes_behind_are_not_used);
    tcase_add_test(tc, the_largest_chunk_is_read))
