/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/reply.h"
#include "proto/resp.h"

static const struct reply_limits limits = { 1u << 20, 1000, 0 };

/* A value as text: type, content, items in brackets. */
static void
dump(struct buf *b, const struct value *v)
{
	static const char types[] = "+-:$_#,=*%~>(";

	(void)buf_append_char(b, types[v->kind]);
	switch (v->kind) {
	case VALUE_SIMPLE:
	case VALUE_ERROR:
	case VALUE_BULK:
	case VALUE_VERBATIM:
	case VALUE_BIG:
		(void)buf_append_slice(b, v->text);
		break;
	case VALUE_INTEGER:
	case VALUE_BOOL:
		(void)buf_append_i64(b, v->integer);
		break;
	case VALUE_DOUBLE:
		(void)buf_printf(b, "%g", v->number);
		break;
	case VALUE_NULL:
		break;
	case VALUE_ARRAY:
	case VALUE_MAP:
	case VALUE_SET:
	case VALUE_PUSH:
		(void)buf_append_char(b, '[');
		for (size_t i = 0; i < v->n_items; i++) {
			if (i > 0)
				(void)buf_append_char(b, ' ');
			dump(b, &v->items[i]);
		}
		(void)buf_append_char(b, ']');
		break;
	}
}

struct result {
	int status;
	struct buf text;	/* text of the value */
	size_t used;
	const char *error;
};

/*
 * Decodes n bytes that arrive step at a time, each time in a block of exactly
 * the size of the bytes that have arrived.
 */
static void
decode(const char *data, size_t n, size_t step, const struct reply_limits *l,
    struct result *ret)
{
	struct reply_cursor cursor = { 0 };
	size_t arrived = 0;

	buf_clear(&ret->text);
	ck_assert_ptr_nonnull(buf_reserve(&ret->text, 1));
	ret->used = 0;
	ret->error = "";
	ret->status = REPLY_AGAIN;
	while (ret->status == REPLY_AGAIN && arrived < n) {
		CLEANUP_FREE char *block = NULL;
		struct value *v = NULL;

		arrived = step < n - arrived ? arrived + step : n;
		block = malloc(arrived);
		ck_assert_ptr_nonnull(block);
		memcpy(block, data, arrived);
		ret->status = reply_decode((struct slice){ block, arrived }, l,
		    &cursor, &v, &ret->used, &ret->error);
		if (ret->status != REPLY_OK) {
			ck_assert_ptr_null(v);
			continue;
		}
		ck_assert_uint_eq(cursor.pos, 0);
		ck_assert_uint_eq(cursor.depth, 0);
		dump(&ret->text, v);
		ck_assert_ptr_null(value_free(v));
	}
}

static struct result whole, pieces;

static void
teardown(void)
{
	buf_done(&whole.text);
	buf_done(&pieces.text);
}

static const struct {
	const char *data, *text;
} good[] = {
	{ "+OK\r\n", "+OK" },
	{ "+\r\n", "+" },
	{ "-EXIT 1 no such file\r\n", "-EXIT 1 no such file" },
	{ ":0\r\n", ":0" },
	{ ":-1\r\n", ":-1" },
	{ ":9223372036854775807\r\n", ":9223372036854775807" },
	{ ":-9223372036854775808\r\n", ":-9223372036854775808" },
	{ "$0\r\n\r\n", "$" },
	{ "$5\r\nhello\r\n", "$hello" },
	{ "$6\r\n\r\n$1\r\n\r\n", "$\r\n$1\r\n" },
	{ "$10\r\n0123456789\r\n", "$0123456789" },
	{ "$-1\r\n", "_" },
	{ "*-1\r\n", "_" },
	{ "_\r\n", "_" },
	{ "#t\r\n", "#1" },
	{ "#f\r\n", "#0" },
	{ ",1.5\r\n", ",1.5" },
	{ ",-0\r\n", ",-0" },
	{ ",10\r\n", ",10" },
	{ ",1e3\r\n", ",1000" },
	{ ",1.25E-2\r\n", ",0.0125" },
	{ ",5e+0\r\n", ",5" },
	{ ",inf\r\n", ",inf" },
	{ ",-inf\r\n", ",-inf" },
	{ ",nan\r\n", ",nan" },
	{ "=7\r\ntxt:abc\r\n", "=abc" },
	{ "=4\r\nmkd:\r\n", "=" },
	{ "(0\r\n", "(0" },
	{ "(-3492890328409238509324850943850943825024385\r\n",
	    "(-3492890328409238509324850943850943825024385" },
	{ "(+1234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n",
	    "(+1234567890123456789012345678901234567890123456789012345678901234567890123456789" },
	{ "*0\r\n", "*[]" },
	{ "*1\r\n+a\r\n", "*[+a]" },
	{ "*3\r\n:1\r\n$1\r\nb\r\n*1\r\n_\r\n", "*[:1 $b *[_]]" },
	{ "*2\r\n*2\r\n:1\r\n:2\r\n*2\r\n:3\r\n*0\r\n", "*[*[:1 :2] *[:3 *[]]]" },
	{ "*3\r\n*1\r\n*1\r\n:1\r\n:2\r\n*1\r\n:3\r\n", "*[*[*[:1]] :2 *[:3]]" },
	{ "%0\r\n", "%[]" },
	{ "%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n~1\r\n#t\r\n",
	    "%[+a :1 +b %[+c ~[#1]]]" },
	{ "~2\r\n:1\r\n:2\r\n", "~[:1 :2]" },
	{ ">2\r\n+output\r\n$1\r\nx\r\n", ">[+output $x]" },
	{ "*1\r\n-ERR in it\r\n", "*[-ERR in it]" },
	{ "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
	    "*[*[*[*[*[*[*[*[:1]]]]]]]]" },
};

START_TEST(good_replies)
{
	const char *data = good[_i].data;
	size_t n = strlen(data);

	decode(data, n, n, &limits, &whole);
	ck_assert_int_eq(whole.status, REPLY_OK);
	ck_assert_uint_eq(whole.used, n);
	ck_assert_str_eq(buf_text(&whole.text), good[_i].text);
	for (size_t k = 0; k < n; k++) {
		decode(data, k, k, &limits, &pieces);
		ck_assert_int_eq(pieces.status, REPLY_AGAIN);
	}
	for (size_t step = 1; step < n; step++) {
		decode(data, n, step, &limits, &pieces);
		ck_assert_int_eq(pieces.status, REPLY_OK);
		ck_assert_str_eq(buf_text(&pieces.text), good[_i].text);
	}
}
END_TEST

static const char *const wrong[] = {
	/* types that are not in the subset */
	"$?\r\n", "*?\r\n", "%?\r\n", ";4\r\n", ".\r\n", "|1\r\n", "!3\r\nERR\r\n",
	"@", "\r\n", "PING\r\n", " ",
	/* line ends */
	"+OK\n", "+O\nK\r\n", "+OK\rx", ":1\n", "$1\n", "_\n", "*1\n",
	/* integers */
	":\r\n", ":+1\r\n", ":01\r\n", ":-0\r\n", ":-\r\n", ":1 \r\n", ": 1\r\n",
	":1.0\r\n", ":0x1\r\n", ":9223372036854775808\r\n",
	":-9223372036854775809\r\n", ":99999999999999999999\r\n",
	/* lengths */
	"$\r\n", "$-2\r\n", "$-0\r\n", "$+1\r\n", "$01\r\n", "$1 \r\n", "=-1\r\n",
	"*-2\r\n", "%-1\r\n", "~-1\r\n", ">-1\r\n", "$9223372036854775807\r\n",
	"$18446744073709551615\r\n", "$1048577\r\n", "*1001\r\n", "%501\r\n",
	"*4294967296\r\n", "%2147483648\r\n", "%4294967297\r\n",
	"*9223372036854775807\r\n",
	/* bulks */
	"$1\r\nab", "$1\r\na\rb", "$1\r\na\n", "$0\r\nx", "=3\r\ntxt\r\n",
	"=5\r\ntxt,a\r\n", "(\r\n", "(-\r\n", "(1.5\r\n", "(1e3\r\n", "( 1\r\n", "(0x1\r\n",
	/* the small types */
	"#\r\n", "#T\r\n", "#tt\r\n", "#1\r\n", "_x\r\n", ",\r\n", ",.5\r\n",
	",1.\r\n", ",+1\r\n", ",1e\r\n", ",1e+\r\n", ",Inf\r\n", ",+inf\r\n",
	",infinity\r\n", ",-nan\r\n", ",0x1p3\r\n", ",1,5\r\n", ",1e999\r\n", ",-\r\n",
	",1 \r\n",
	",1111111111111111111111111111111111111111111111111111111111111111\r\n",
	":1111111111111111111111111111111111111111111111111111111111111111",
	/* structure */
	"*1\r\n>1\r\n+x\r\n", ">0\r\n", "*1\r\n$x\r\n", "%1\r\n+a\r\n!",
	"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
	"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*0\r\n",
};

START_TEST(wrong_replies)
{
	const char *data = wrong[_i];
	size_t n = strlen(data);

	decode(data, n, n, &limits, &whole);
	ck_assert_int_eq(whole.status, REPLY_BAD);
	ck_assert_uint_gt(strlen(whole.error), 0);
	for (size_t step = 1; step < n; step++) {
		decode(data, n, step, &limits, &pieces);
		ck_assert_int_eq(pieces.status, REPLY_BAD);
	}
}
END_TEST

/*
 * With any damage the verdict is the same however the bytes arrive, and nothing
 * crashes.
 */
START_TEST(damaged_replies)
{
	static const char others[] = "\0\r\n 0123456789-+.:$*%~>=,#_txe|!(?\xff";
	size_t n = strlen(good[_i].data);
	CLEANUP_FREE char *data = strdup(good[_i].data);

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof(others) - 1; k++) {
			data[i] = others[k];
			decode(data, n, n, &limits, &whole);
			decode(data, n, 1 + k % 3, &limits, &pieces);
			ck_assert_int_eq(whole.status, pieces.status);
			ck_assert(slice_eq(buf_slice(&whole.text),
			    buf_slice(&pieces.text)));
			if (whole.status == REPLY_OK)
				ck_assert_uint_eq(whole.used, pieces.used);
		}
		data[i] = good[_i].data[i];
	}
}
END_TEST

static void
assert_status(const char *data, struct reply_limits l, int status)
{
	size_t n = strlen(data);

	decode(data, n, n, &l, &whole);
	ck_assert_int_eq(whole.status, status);
	decode(data, n, 1, &l, &pieces);
	ck_assert_int_eq(pieces.status, status);
}

START_TEST(value_at_max_bytes)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		uint32_t n = (uint32_t)strlen(good[i].data);

		assert_status(good[i].data, (struct reply_limits){ n, 100, 0 }, REPLY_OK);
		assert_status(good[i].data, (struct reply_limits){ n - 1, 100, 0 },
		    REPLY_BAD);
	}
}
END_TEST

/*
 * A value is refused when it is certain to be too big, not when the bytes are
 * there.
 */
START_TEST(too_big_is_seen_early)
{
	assert_status("$93", (struct reply_limits){ 100, 10, 0 }, REPLY_AGAIN);
	assert_status("$93\r\n", (struct reply_limits){ 100, 10, 0 }, REPLY_AGAIN);
	assert_status("$94\r\n", (struct reply_limits){ 100, 10, 0 }, REPLY_BAD);
	assert_status("*2\r\n$86\r\n", (struct reply_limits){ 100, 10, 0 }, REPLY_AGAIN);
	assert_status("*2\r\n$87\r\n", (struct reply_limits){ 100, 10, 0 }, REPLY_BAD);
	assert_status("*32\r\n", (struct reply_limits){ 101, 99, 0 }, REPLY_AGAIN);
	assert_status("*32\r\n", (struct reply_limits){ 100, 99, 0 }, REPLY_BAD);
	assert_status("+0123456", (struct reply_limits){ 10, 10, 0 }, REPLY_AGAIN);
	assert_status("+01234567", (struct reply_limits){ 10, 10, 0 }, REPLY_BAD);
}
END_TEST

START_TEST(items_are_counted_together)
{
	const char *data = "*2\r\n%1\r\n:1\r\n:2\r\n*1\r\n:3\r\n";

	assert_status(data, (struct reply_limits){ 4096, 5, 0 }, REPLY_OK);
	assert_status(data, (struct reply_limits){ 4096, 4, 0 }, REPLY_BAD);
	assert_status("*0\r\n", (struct reply_limits){ 4096, 0, 0 }, REPLY_OK);
	assert_status("*1\r\n", (struct reply_limits){ 4096, 0, 0 }, REPLY_BAD);
}
END_TEST

START_TEST(values_follow_each_other)
{
	const char data[] = ">1\r\n+push\r\n$2\r\nok\r\n:7\r\n";
	struct slice s = { data, sizeof(data) - 1 };
	struct reply_cursor cursor = { 0 };
	const char *const want[] = { ">[+push]", "$ok", ":7" };

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct value *v = NULL;
		const char *error;
		size_t used = 0;

		ck_assert_int_eq(reply_decode(s, &limits, &cursor, &v, &used,
		    &error), REPLY_OK);
		buf_clear(&whole.text);
		dump(&whole.text, v);
		ck_assert_str_eq(buf_text(&whole.text), want[i]);
		v = value_free(v);
		s.data += used;
		s.len -= used;
	}
	ck_assert_uint_eq(s.len, 0);
}
END_TEST

/*
 * Bytes that have been seen are not looked at again: even spoiled they would
 * pass.
 */
START_TEST(cursor_moves_over_what_was_seen)
{
	char data[] = "*3\r\n$2\r\nab\r\n+0123456789";
	struct slice s = { data, sizeof(data) - 1 };
	struct reply_cursor cursor = { 0 };
	struct value *v = NULL;
	const char *error;
	size_t used;

	ck_assert_int_eq(reply_decode(s, &limits, &cursor, &v, &used, &error),
	    REPLY_AGAIN);
	ck_assert_uint_eq(cursor.pos, 12);
	ck_assert_uint_eq(cursor.searched, 11);
	ck_assert_uint_eq(cursor.left[0], 2);
	memset(data, '\n', 12);
	memset(data + 13, '\n', 10);
	ck_assert_int_eq(reply_decode(s, &limits, &cursor, &v, &used, &error),
	    REPLY_AGAIN);
	ck_assert_uint_eq(cursor.searched, 11);
}
END_TEST

START_TEST(nothing_is_no_reply)
{
	struct reply_cursor cursor = { 0 };
	struct value *v = NULL;
	const char *error;
	size_t used;

	ck_assert_int_eq(reply_decode((struct slice){ NULL, 0 }, &limits, &cursor,
	    &v, &used, &error), REPLY_AGAIN);
	ck_assert_ptr_null(v);
}
END_TEST

START_TEST(decimal_point_is_a_point)
{
	/* This test does nothing where no such locale is installed. */
	(void)setlocale(LC_ALL, "de_DE.UTF-8");
	assert_status(",1.5\r\n", limits, REPLY_OK);
	(void)setlocale(LC_ALL, "C");
	ck_assert_str_eq(buf_text(&whole.text), ",1.5");
}
END_TEST

START_TEST(keys)
{
	static const char *const maps[] = {
		"%3\r\n+a\r\n:1\r\n$1\r\nb\r\n:2\r\n:3\r\n:3\r\n",
		"*6\r\n+a\r\n:1\r\n$1\r\nb\r\n:2\r\n:3\r\n:3\r\n",
		"*7\r\n+a\r\n:1\r\n$1\r\nb\r\n:2\r\n:3\r\n:3\r\n+odd\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		struct reply_cursor cursor = { 0 };
		const struct value *found;
		struct value *v = NULL;
		const char *error;
		size_t used;

		ck_assert_int_eq(reply_decode(slice_of(maps[i]), &limits, &cursor,
		    &v, &used, &error), REPLY_OK);
		found = value_get(v, "a");
		ck_assert_ptr_nonnull(found);
		ck_assert_int_eq(found->integer, 1);
		found = value_get(v, "b");
		ck_assert_ptr_nonnull(found);
		ck_assert_int_eq(found->integer, 2);
		ck_assert_ptr_null(value_get(v, "c"));
		ck_assert_ptr_null(value_get(v, "odd"));
		ck_assert_ptr_null(value_get(&v->items[0], "a"));
		v = value_free(v);
	}
	ck_assert_ptr_null(value_get(NULL, "a"));
	ck_assert_ptr_null(value_free(NULL));
}
END_TEST

/* Everything resp writes is read back, in both versions. */
START_TEST(reads_what_resp_writes)
{
	static const char *const want[] = {
		"*[+OK :-7 $b _ :1 $2.5 -ERR x]",
		"%[+OK :-7 $b _ #1 ,2.5 -ERR x +y]",
	};

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(0);
		enum resp_version v = i == 0 ? RESP2 : RESP3;

		if (v == RESP2)
			resp_array(&b, 7);
		else
			resp_map(&b, v, 4);
		resp_simple(&b, "OK");
		resp_integer(&b, -7);
		resp_bulk_str(&b, "b");
		resp_null(&b, v);
		resp_bool(&b, v, true);
		resp_double(&b, v, 2.5);
		resp_error(&b, "ERR", SLICE("x"));
		if (v == RESP3)
			resp_simple(&b, "y");
		decode(buf_data(&b), buf_len(&b), buf_len(&b), &limits, &whole);
		ck_assert_int_eq(whole.status, REPLY_OK);
		ck_assert_str_eq(buf_text(&whole.text), want[i]);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reply");
	TCase *tc = tcase_create("reply");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, good_replies, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, wrong_replies, 0, ARRAY_LEN(wrong));
	tcase_add_loop_test(tc, damaged_replies, 0, ARRAY_LEN(good));
	tcase_add_test(tc, value_at_max_bytes);
	tcase_add_test(tc, too_big_is_seen_early);
	tcase_add_test(tc, items_are_counted_together);
	tcase_add_test(tc, values_follow_each_other);
	tcase_add_test(tc, cursor_moves_over_what_was_seen);
	tcase_add_test(tc, nothing_is_no_reply);
	tcase_add_test(tc, decimal_point_is_a_point);
	tcase_add_test(tc, keys);
	tcase_add_test(tc, reads_what_resp_writes);
	suite_add_tcase(s, tc);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
