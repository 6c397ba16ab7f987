/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/outcome.h"
#include "proto/value.h"
#include "unit.h"

static const struct reply_limits limits = { 1u << 20, 1000, 0 };
static struct buf out, again;

static void
setup(void)
{
	out = BUF_INIT(0);
	again = BUF_INIT(0);
}

static void
teardown(void)
{
	buf_done(&out);
	buf_done(&again);
}

static void
value_freep(struct value **v)
{
	*v = value_free(*v);
}

/* Decodes one whole value, with nothing behind it. */
static struct value *
decode(struct slice s)
{
	struct reply_cursor cursor = { 0 };
	struct value *v = NULL;
	const char *error = "";
	size_t used = 0;
	int r;

	r = reply_decode(s, &limits, &cursor, &v, &used, &error);
	ck_assert_msg(r == REPLY_OK, "%d %s: %.*s", r, error, (int)s.len, s.data);
	ck_assert_uint_eq(used, s.len);
	return v;
}

static void
assert_out(const char *want)
{
	ck_assert(!buf_failed(&out));
	ck_assert_str_eq(buf_text(&out), want);
	buf_clear(&out);
}

/* Asserts that both are equal; errors may have been rewritten. */
static void
assert_same(const struct value *a, const struct value *b)
{
	ck_assert_int_eq(a->kind, b->kind);
	if (a->kind != VALUE_ERROR)
		ck_assert(slice_eq(a->text, b->text));
	ck_assert_int_eq(a->integer, b->integer);
	ck_assert(memcmp(&a->number, &b->number, sizeof(a->number)) == 0);
	ck_assert_uint_eq(a->n_items, b->n_items);
	for (size_t i = 0; i < a->n_items; i++)
		assert_same(&a->items[i], &b->items[i]);
}

static const struct {
	const char *in, *resp3, *resp2;		/* NULL: as in */
} values[] = {
	{ "+OK\r\n", NULL, NULL },
	{ "+\r\n", NULL, NULL },
	{ "+\033[1mx\r\n", NULL, NULL },
	{ "-WRONGTYPE not a list\r\n", NULL, NULL },
	{ "-MOVED 1 h:1\r\n", "-ERR MOVED 1 h:1\r\n", "-ERR MOVED 1 h:1\r\n" },
	{ ":0\r\n", NULL, NULL },
	{ ":-9223372036854775808\r\n", NULL, NULL },
	{ "$0\r\n\r\n", NULL, NULL },
	{ "$6\r\n\r\n-E\r\n\r\n", NULL, NULL },
	{ "_\r\n", NULL, "$-1\r\n" },
	{ "$-1\r\n", "_\r\n", NULL },
	{ "*-1\r\n", "_\r\n", "$-1\r\n" },
	{ "#t\r\n", NULL, ":1\r\n" },
	{ "#f\r\n", NULL, ":0\r\n" },
	{ ",1.5\r\n", NULL, "$3\r\n1.5\r\n" },
	{ ",1.50\r\n", ",1.5\r\n", "$3\r\n1.5\r\n" },
	{ ",0.1\r\n", NULL, "$3\r\n0.1\r\n" },
	{ ",0.30000000000000004\r\n", NULL, "$19\r\n0.30000000000000004\r\n" },
	{ ",-0\r\n", NULL, "$2\r\n-0\r\n" },
	{ ",3\r\n", NULL, "$1\r\n3\r\n" },
	{ ",1E10\r\n", ",10000000000\r\n", "$11\r\n10000000000\r\n" },
	{ ",1e300\r\n", ",1e+300\r\n", "$6\r\n1e+300\r\n" },
	{ ",5e-324\r\n", NULL, "$6\r\n5e-324\r\n" },
	{ ",2.2250738585072014e-308\r\n", NULL, "$23\r\n2.2250738585072014e-308\r\n" },
	{ ",inf\r\n", NULL, "$3\r\ninf\r\n" },
	{ ",-inf\r\n", NULL, "$4\r\n-inf\r\n" },
	{ ",nan\r\n", NULL, "$3\r\nnan\r\n" },
	{ "=7\r\ntxt:abc\r\n", NULL, "$3\r\nabc\r\n" },
	{ "=4\r\nmkd:\r\n", NULL, "$0\r\n\r\n" },
	{ "=5\r\nM1-:x\r\n", "=5\r\ntxt:x\r\n", "$1\r\nx\r\n" },
	{ "(12345678901234567890\r\n", NULL, "$20\r\n12345678901234567890\r\n" },
	{ "*1\r\n(-7\r\n", NULL, "*1\r\n$2\r\n-7\r\n" },
	{ "*0\r\n", NULL, NULL },
	{ "*2\r\n:1\r\n$1\r\na\r\n", NULL, NULL },
	{ "~0\r\n", NULL, "*0\r\n" },
	{ "~2\r\n:1\r\n#t\r\n", NULL, "*2\r\n:1\r\n:1\r\n" },
	{ "%0\r\n", NULL, "*0\r\n" },
	{ "%2\r\n+a\r\n:1\r\n+b\r\n_\r\n", NULL, "*4\r\n+a\r\n:1\r\n+b\r\n$-1\r\n" },
	{ "%1\r\n%1\r\n+k\r\n,1.5\r\n~1\r\n*0\r\n", NULL,
	    "*2\r\n*2\r\n+k\r\n$3\r\n1.5\r\n*1\r\n*0\r\n" },
	{ "*3\r\n*0\r\n%0\r\n:1\r\n", NULL, "*3\r\n*0\r\n*0\r\n:1\r\n" },
	{ "*2\r\n-ASK 1 h:1\r\n-ODD x\r\n", "*2\r\n-ERR ASK 1 h:1\r\n-ODD x\r\n",
	    "*2\r\n-ERR ASK 1 h:1\r\n-ODD x\r\n" },
};

START_TEST(both_versions)
{
	const char *in = values[_i].in;
	CLEANUP(value_freep) struct value *v = decode(slice_of(in));

	ck_assert_int_eq(value_append(&out, RESP3, v), 0);
	assert_out(values[_i].resp3 != NULL ? values[_i].resp3 : in);
	ck_assert_int_eq(value_append(&out, RESP2, v), 0);
	assert_out(values[_i].resp2 != NULL ? values[_i].resp2 : in);
}
END_TEST

START_TEST(resp3_reads_back)
{
	CLEANUP(value_freep) struct value *v = decode(slice_of(values[_i].in));
	CLEANUP(value_freep) struct value *copy = value_copy(v);
	CLEANUP(value_freep) struct value *w = NULL;

	ck_assert_ptr_nonnull(copy);
	assert_same(v, copy);
	ck_assert_int_eq(value_append(&out, RESP3, copy), 0);
	w = decode(buf_slice(&out));
	assert_same(v, w);
	/* A value that was written is written the same again. */
	ck_assert_int_eq(value_append(&again, RESP3, w), 0);
	ck_assert(slice_eq(buf_slice(&out), buf_slice(&again)));
}
END_TEST

START_TEST(bytes_pass)
{
	CLEANUP(value_freep) struct value *v = decode(SLICE("*2\r\n$3\r\n\0\xff\n\r\n+\0x\r\n"));

	ck_assert_int_eq(value_append(&out, RESP2, v), 0);
	ck_assert(slice_eq(buf_slice(&out), SLICE("*2\r\n$3\r\n\0\xff\n\r\n+\0x\r\n")));
}
END_TEST

/* Each aggregate is the last item of the one before it. */
START_TEST(nested_to_the_limit)
{
	static const char *const heads3[] = { "*1\r\n", "~1\r\n", "%1\r\n+k\r\n" };
	static const char *const heads2[] = { "*1\r\n", "*1\r\n", "*2\r\n+k\r\n" };

	for (size_t depth = 0; depth <= REPLY_MAX_DEPTH; depth++) {
		CLEANUP(value_freep) struct value *v = NULL;
		struct buf in = BUF_INIT(0), want2 = BUF_INIT(0);

		for (size_t i = 0; i < depth; i++) {
			ck_assert_int_eq(buf_append_str(&in, heads3[i % 3]), 0);
			ck_assert_int_eq(buf_append_str(&want2, heads2[i % 3]), 0);
		}
		ck_assert_int_eq(buf_append_str(&in, "#t\r\n"), 0);
		ck_assert_int_eq(buf_append_str(&want2, ":1\r\n"), 0);
		v = decode(buf_slice(&in));
		ck_assert_int_eq(value_append(&out, RESP3, v), 0);
		assert_out(buf_text(&in));
		ck_assert_int_eq(value_append(&out, RESP2, v), 0);
		assert_out(buf_text(&want2));
		buf_done(&in);
		buf_done(&want2);
	}
}
END_TEST

START_TEST(a_result_map_holds_the_deepest)
{
	static const char text[] = "%1\r\n$5\r\nvalue\r\n"
	    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n";
	struct reply_limits l = { 4096, 100, REPLY_RESULT_DEPTH };
	struct reply_cursor cursor = { 0 };
	CLEANUP(value_freep) struct value *v = NULL;
	const char *error = "";
	size_t used;

	ck_assert_int_eq(reply_decode(slice_of(text), &limits, &cursor, &v, &used, &error),
	    REPLY_BAD);
	cursor = (struct reply_cursor){ 0 };
	ck_assert_int_eq(reply_decode(slice_of(text), &l, &cursor, &v, &used, &error), REPLY_OK);
	ck_assert_uint_eq(used, strlen(text));
	/* The inner value can be written, the whole is too deep. */
	ck_assert_int_eq(value_append(&out, RESP3, value_get(v, "value")), 0);
	assert_out(text + strlen("%1\r\n$5\r\nvalue\r\n"));
	ck_assert_int_eq(value_append(&out, RESP3, v), -EINVAL);
	assert_out("");
}
END_TEST

START_TEST(what_cannot_be_written)
{
	CLEANUP(value_freep) struct value *push = decode(SLICE(">1\r\n+x\r\n"));
	struct value item = { .kind = VALUE_PUSH };
	struct value items[2] = { { .kind = VALUE_NULL }, item };
	struct value array = { .kind = VALUE_ARRAY, .items = items, .n_items = 2 };
	struct value map = { .kind = VALUE_MAP, .items = items, .n_items = 1 };

	ck_assert_int_eq(value_append(&out, RESP3, push), -EINVAL);
	ck_assert_int_eq(value_append(&out, RESP2, push), -EINVAL);
	ck_assert_int_eq(value_append(&out, RESP3, &array), -EINVAL);
	ck_assert_int_eq(value_append(&out, RESP3, &map), -EINVAL);
	assert_out("");
}
END_TEST

START_TEST(simple_with_line_ends)
{
	struct value v = { .kind = VALUE_SIMPLE, .text = SLICE("a\r\n-MOVED") };

	ck_assert_int_eq(value_append(&out, RESP3, &v), 0);
	assert_out("$9\r\na\r\n-MOVED\r\n");
}
END_TEST

START_TEST(full_buffer)
{
	CLEANUP(value_freep) struct value *v = decode(SLICE("*2\r\n$4\r\nabcd\r\n-E x\r\n"));

	for (size_t max = 1; max < 20; max++) {
		struct buf b = BUF_INIT(max);

		ck_assert_int_eq(value_append(&b, RESP3, v), -ENOMEM);
		ck_assert(buf_failed(&b));
		buf_done(&b);
	}
}
END_TEST

/* -------------------------------------------------------------- errors --- */

static const struct {
	const char *text, *want;
} errors[] = {
	{ "ERR no such thing", "ERR no such thing" },
	{ "ERR", "ERR" },
	{ "ERR ", "ERR" },
	{ "ERR   x", "ERR x" },
	{ "", "ERR" },
	{ "   ", "ERR" },
	{ "WRONGTYPE", "WRONGTYPE" },
	{ "WRONGTYPE  two blanks", "WRONGTYPE  two blanks" },
	{ "MY_CODE-2 x", "MY_CODE-2 x" },
	{ "A x", "A x" },
	{ "no code", "ERR no code" },
	{ "Moved 1 h:1", "ERR Moved 1 h:1" },
	{ "moved 1 h:1", "ERR moved 1 h:1" },
	{ "MOVED: 1", "ERR MOVED: 1" },
	{ "2FAST x", "ERR 2FAST x" },
	{ "_A x", "ERR _A x" },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF x", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF x" },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG x", "ERR ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG x" },
	/* No code hides behind blanks or control characters. */
	{ " MOVED 1 h:1", "ERR MOVED 1 h:1" },
	{ "\001MOVED 1 h:1", "ERR MOVED 1 h:1" },
	{ "MOVED\t1 h:1", "ERR MOVED 1 h:1" },
	{ "MOVED\302\2051 h:1", "ERR MOVED 1 h:1" },
	{ "ODD a\r\n-MOVED 1 h:1", "ODD a  -MOVED 1 h:1" },
	{ "ODD \033[31mred\033[0m \377", "ODD  [31mred [0m ?" },
	{ "EXIT 0", "EXIT 0" },
	{ "EXIT 3 why not", "EXIT 3 why not" },
	{ "EXIT 255", "EXIT 255" },
	{ "EXIT 256", "ERR EXIT 256" },
	{ "EXIT", "ERR EXIT" },
	{ "EXIT ", "ERR EXIT" },
	{ "EXIT x", "ERR EXIT x" },
	{ "EXIT 3x", "ERR EXIT 3x" },
	{ "EXIT 3\tx", "ERR EXIT 3 x" },
	{ " EXIT 3", "ERR EXIT 3" },
	/* Texts that make a library repeat or log in. */
	{ "ERR max number of clients reached", "ERR handler: max number of clients reached" },
	{ "max number of clients reached", "ERR handler: max number of clients reached" },
	{ "ERR  max\tnumber of clients reached ", "ERR handler: max number of clients reached" },
	{ "ERR invalid password", "ERR handler: invalid password" },
	{ "ODD max number of clients reached", "ODD max number of clients reached" },
};

START_TEST(error_lines)
{
	char want[1100];

	(void)snprintf(want, sizeof(want), "-%s\r\n", errors[_i].want);
	ck_assert_int_eq(value_append_handler_error(&out, slice_of(errors[_i].text)), 0);
	assert_out(want);
	/* The second time changes nothing. */
	ck_assert_int_eq(value_append_handler_error(&out, slice_of(errors[_i].want)), 0);
	assert_out(want);
}
END_TEST

static void
assert_reserved(const char *code)
{
	char text[64], want[64];

	(void)snprintf(text, sizeof(text), "%s", code);
	(void)snprintf(want, sizeof(want), "-ERR %s\r\n", code);
	ck_assert_int_eq(value_append_handler_error(&out, slice_of(text)), 0);
	assert_out(want);
	(void)snprintf(text, sizeof(text), "%s 1 x", code);
	(void)snprintf(want, sizeof(want), "-ERR %s 1 x\r\n", code);
	ck_assert_int_eq(value_append_handler_error(&out, slice_of(text)), 0);
	assert_out(want);
}

START_TEST(reserved_codes)
{
	static const char *const codes[] = { "MOVED", "ASK", "CLUSTERDOWN", "TRYAGAIN",
		"READONLY", "MASTERDOWN", "NOREPLICAS", "LOADING", "CROSSSLOT", "NOSCRIPT",
		"EXECABORT", "NOAUTH", "WRONGPASS", "NOPERM", "NOPROTO", "DENIED", "OOM",
		"HANDLER" };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_reserved(codes[i]);
	for (int k = 0; k < OUTCOME_N; k++) {
		if (k != OUTCOME_EXIT)
			assert_reserved(outcome_code((enum outcome_kind)k));
	}
}
END_TEST

START_TEST(error_is_cut)
{
	static const char *const heads[] = { "", "ODD ", "MOVED ", "EXIT 7 ", "\377" };
	char text[5000];
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		memset(text, 'x', sizeof(text));
		memcpy(text, heads[i], strlen(heads[i]));
		ck_assert_int_eq(value_append_handler_error(&out,
		    (struct slice){ text, sizeof(text) }), 0);
		ck_assert_uint_eq(buf_len(&out), RESP_ERROR_MAX);
		/* No byte is lost when the text passes once more. */
		len = buf_len(&out) - 3;
		memcpy(text, buf_data(&out) + 1, len);
		ck_assert_int_eq(value_append_handler_error(&again,
		    (struct slice){ text, len }), 0);
		ck_assert(slice_eq(buf_slice(&out), buf_slice(&again)));
		buf_clear(&out);
		buf_clear(&again);
	}
}
END_TEST

static const struct {
	const char *text;
	int status;		/* -1: is none */
} statuses[] = {
	{ "EXIT 0", 0 },
	{ "EXIT 1", 1 },
	{ "EXIT 10 ten", 10 },
	{ "EXIT 255 ", 255 },
	{ "EXIT 1  two", 1 },
	{ "EXIT 256", -1 },
	{ "EXIT 999", -1 },
	{ "EXIT 1000", -1 },
	{ "EXIT 18446744073709551617", -1 },
	{ "EXIT 00", -1 },
	{ "EXIT 01", -1 },
	{ "EXIT -1", -1 },
	{ "EXIT +1", -1 },
	{ "EXIT  1", -1 },
	{ "EXIT", -1 },
	{ "EXIT ", -1 },
	{ "EXIT 1x", -1 },
	{ "EXIT 1\t", -1 },
	{ "exit 1", -1 },
	{ "EXITS 1", -1 },
	{ "ERR EXIT 1", -1 },
	{ "", -1 },
};

START_TEST(exit_status)
{
	int status = -1;

	ck_assert_int_eq(value_exit_status(slice_of(statuses[_i].text), &status),
	    statuses[_i].status >= 0);
	ck_assert_int_eq(status, statuses[_i].status);
}
END_TEST

UNIT_MAIN("value",
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, both_versions, 0, ARRAY_LEN(values));
	tcase_add_loop_test(tc, resp3_reads_back, 0, ARRAY_LEN(values));
	tcase_add_test(tc, bytes_pass);
	tcase_add_test(tc, nested_to_the_limit);
	tcase_add_test(tc, a_result_map_holds_the_deepest);
	tcase_add_test(tc, what_cannot_be_written);
	tcase_add_test(tc, simple_with_line_ends);
	tcase_add_test(tc, full_buffer);
	tcase_add_loop_test(tc, error_lines, 0, ARRAY_LEN(errors));
	tcase_add_test(tc, reserved_codes);
	tcase_add_test(tc, error_is_cut);
	tcase_add_loop_test(tc, exit_status, 0, ARRAY_LEN(statuses)))
