/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/request.h"

static const struct request_limits limits = {
	.max_arguments = 1024,
	.argument_limit = 1u << 20,
	.request_limit = 4u << 20,
	.inline_allowed = true,
};

static struct request request;

static void
setup(void)
{
	request_init(&request);
}

static void
teardown(void)
{
	request_done(&request);
}

static int
decode(struct slice data, const struct request_limits *l, size_t *ret_used,
    const char **ret_error)
{
	struct request_cursor cursor = { 0 };

	return request_decode(data, l, &cursor, &request, ret_used, ret_error);
}

/* Compares the words, with '|' between them. */
static void
assert_words(const char *want)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < request.argc; i++) {
		if (i > 0)
			ck_assert_int_eq(buf_append_char(&b, '|'), 0);
		ck_assert_int_eq(buf_append_slice(&b, request.argv[i]), 0);
	}
	ck_assert_str_eq(buf_text(&b), want);
}

static const struct {
	const char *data, *words;
} good[] = {
	{ "*1\r\n$4\r\nPING\r\n", "PING" },
	{ "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "ECHO|" },
	{ "*3\r\n$4\r\nCALL\r\n$4\r\necho\r\n$12\r\nhello, world\r\n",
	    "CALL|echo|hello, world" },
	{ "*1\r\n$4\r\n\r\n$1\r\n", "\r\n$1" },
	{ "PING\r\n", "PING" },
	{ "PING\n", "PING" },
	{ " \t ECHO  a\tb  \r\n", "ECHO|a|b" },
	{ "ECHO \"a b\" ''\r\n", "ECHO|a b|" },
	{ "ECHO \"\\n\\r\\t\\b\\a\\\\\\\"\\x41\"\r\n", "ECHO|\n\r\t\b\a\\\"A" },
	{ "ECHO \"\\q\\x4\\xzz\"\r\n", "ECHO|qx4xzz" },
	{ "ECHO 'it\\'s \\n'\r\n", "ECHO|it's \\n" },
	{ "ECHO a\"b c\"\r\n", "ECHO|ab c" },
	{ "ECHO a\\ b\r\n", "ECHO|a\\|b" },
	{ "$4\r\n", "$4" },
};

START_TEST(good_requests)
{
	struct slice data = slice_of(good[_i].data);
	const char *error;
	size_t used;

	ck_assert_int_eq(decode(data, &limits, &used, &error), REQUEST_OK);
	ck_assert_uint_eq(used, data.len);
	assert_words(good[_i].words);
}
END_TEST

static const struct {
	const char *data, *error;
} wrong[] = {
	{ "*x", "invalid multibulk length" },
	{ "*\r\n", "invalid multibulk length" },
	{ "*1\n", "invalid multibulk length" },
	{ "*1\rx", "invalid multibulk length" },
	{ "*01", "invalid multibulk length" },
	{ "*+1", "invalid multibulk length" },
	{ "* 1", "invalid multibulk length" },
	{ "*-0\r\n", "invalid multibulk length" },
	{ "*-9223372036854775809\r\n", "invalid multibulk length" },
	{ "*1025\r\n", "invalid multibulk length" },
	{ "*4294967297\r\n", "invalid multibulk length" },
	{ "*18446744073709551617\r\n", "invalid multibulk length" },
	{ "*1111111111111111111111111111111", "too big mbulk count string" },
	{ "*1\r\n:", "expected '$', got ':'" },
	{ "*1\r\n\r", "expected '$', got '\\x0d'" },
	{ "*1\r\n\xff", "expected '$', got '\\xff'" },
	{ "*1\r\n$-1", "invalid bulk length" },
	{ "*1\r\n$4\n", "invalid bulk length" },
	{ "*1\r\n$00", "invalid bulk length" },
	{ "*1\r\n$1048577\r\n", "invalid bulk length" },
	{ "*1\r\n$18446744073709551615\r\n", "invalid bulk length" },
	{ "*1\r\n$1111111111111111111111111111111", "too big bulk count string" },
	{ "*1\r\n$4\r\nPINGx", "expected CRLF after bulk" },
	{ "*1\r\n$4\r\nPING\rx", "expected CRLF after bulk" },
	{ "*1\r\n$4\r\nPING\n", "expected CRLF after bulk" },
	{ "ECHO \"a\r\n", "unbalanced quotes in request" },
	{ "ECHO 'a\r\n", "unbalanced quotes in request" },
	{ "ECHO \"a\"b\r\n", "unbalanced quotes in request" },
	{ "ECHO 'a\\'\r\n", "unbalanced quotes in request" },
	{ "ECHO \"a\\\r\n", "unbalanced quotes in request" },
};

START_TEST(wrong_requests)
{
	const char *error = "";
	size_t used;

	ck_assert_int_eq(decode(slice_of(wrong[_i].data), &limits, &used, &error),
	    REQUEST_BAD);
	ck_assert_str_eq(error, wrong[_i].error);
}
END_TEST

static const struct {
	const char *data;
	size_t used;
} empty[] = {
	{ "\r\n", 2 },
	{ "\n", 1 },
	{ "\r\nPING\r\n", 2 },
	{ "*0\r\n*1\r\n", 4 },
	{ "*-1\r\n", 5 },
	{ "*-9223372036854775808\r\n", 23 },
	{ "  \t\r\n", 5 },
};

START_TEST(empty_requests)
{
	const char *error;
	size_t used;

	ck_assert_int_eq(decode(slice_of(empty[_i].data), &limits, &used, &error),
	    REQUEST_EMPTY);
	ck_assert_uint_eq(used, empty[_i].used);
}
END_TEST

#define BYTES(literal) { literal, sizeof(literal) - 1 }

static const struct slice foreign[] = {
	BYTES("GET / HTTP/1.1\r\n"), BYTES("OPTIONS * HTTP/1.0\n"), BYTES("PRI * HTTP/2.0\r\n"),
	BYTES("POST\r\n"), BYTES("post x\r\n"), BYTES("Host: localhost\r\n"), BYTES("x:\n"),
	BYTES("  y: z\n"), BYTES("SSH-2.0-OpenSSH_9.2\r\n"),
	BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
	BYTES("\x16\x03\x01"), BYTES("\x80"), BYTES("\xff\xff"), BYTES("\x01"), BYTES("\x7f"),
	BYTES("\x1b[0m"), BYTES("\rP"), BYTES("\0PING\r\n"), BYTES("ECHO a\0b\r\n"),
	/* These protocols have no lines: a byte tells, wherever it stands. */
	BYTES("0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\0\x80\0"),	/* LDAP bind */
	BYTES("AMQP\0\0\x09\x01"), BYTES("RTPS\x02\x01"), BYTES("PING \x01"), BYTES("PING \x7f"),
	BYTES("C\0"),
};

START_TEST(foreign_protocols)
{
	struct request_limits closed = limits;
	const char *error;
	size_t used;

	ck_assert_int_eq(decode(foreign[_i], &limits, &used, &error), REQUEST_FOREIGN);
	closed.inline_allowed = false;
	ck_assert_int_eq(decode(foreign[_i], &closed, &used, &error), REQUEST_FOREIGN);
}
END_TEST

/* Bytes that a line may hold beside printable ASCII. */
START_TEST(lines_of_ours_are_not_foreign)
{
	static const char *const lines[] = {
		"ECHO\ta\n", "ECHO \xc3\xa4\r\n", "ECHO a\rb\n", "PING\r\n\x01", "PING\n\0",
	};
	const char *error;
	size_t used;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		ck_assert_int_eq(decode(slice_of(lines[i]), &limits, &used, &error), REQUEST_OK);
	ck_assert_int_eq(decode(SLICE("ECHO \xc3"), &limits, &used, &error), REQUEST_AGAIN);
}
END_TEST

START_TEST(nul_is_in_no_line)
{
	const char *error;
	size_t used;

	ck_assert_int_eq(decode(SLICE("ECHO \"\\x00\"\r\n"), &limits, &used,
	    &error), REQUEST_OK);
	ck_assert_uint_eq(request.argv[1].len, 1);
	ck_assert_int_eq(request.argv[1].data[0], '\0');
	ck_assert_int_eq(decode(SLICE("*1\r\n$3\r\na\0b\r\n"), &limits, &used,
	    &error), REQUEST_OK);
	ck_assert_uint_eq(request.argv[0].len, 3);
}
END_TEST

START_TEST(inline_can_be_forbidden)
{
	struct request_limits closed = limits;
	const char *error = "";
	size_t used;

	closed.inline_allowed = false;
	ck_assert_int_eq(decode(SLICE("PING\r\n"), &closed, &used, &error),
	    REQUEST_BAD);
	ck_assert_str_eq(error, "inline requests are not allowed here");
	ck_assert_int_eq(decode(SLICE("\r\n"), &closed, &used, &error),
	    REQUEST_EMPTY);
	ck_assert_int_eq(decode(SLICE("*1\r\n$4\r\nPING\r\n"), &closed, &used,
	    &error), REQUEST_OK);
}
END_TEST

/* 2 * (16 + 6) + 4 bytes of "*2": no request of two words is smaller. */
START_TEST(count_that_cannot_fit_is_refused_from_the_header)
{
	struct request_limits l = limits;
	const char *error = "";
	size_t used;

	l.request_limit = 48;
	ck_assert_int_eq(decode(SLICE("*2\r\n"), &l, &used, &error), REQUEST_AGAIN);
	ck_assert_int_eq(decode(SLICE("*2\r\n$0\r\n\r\n$0\r\n\r\n"), &l, &used,
	    &error), REQUEST_OK);
	ck_assert_int_eq(decode(SLICE("*2\r\n$1\r\n"), &l, &used, &error),
	    REQUEST_BAD);
	ck_assert_str_eq(error, "invalid bulk length");
	l.request_limit = 47;
	ck_assert_int_eq(decode(SLICE("*2\r\n"), &l, &used, &error), REQUEST_BAD);
	ck_assert_str_eq(error, "invalid multibulk length");
}
END_TEST

START_TEST(no_memory_for_an_announced_count)
{
	struct request_limits l = { 1000000, 1u << 20, UINT32_MAX, true };
	const char *error;
	size_t used;

	ck_assert_int_eq(decode(SLICE("*1000000\r\n$1\r\na\r\n"), &l, &used,
	    &error), REQUEST_AGAIN);
	ck_assert_uint_le(request.cap, 16);
}
END_TEST

START_TEST(argv_is_reused)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(0);
	const struct slice *argv;
	const char *error;
	size_t used, cap;

	(void)buf_append_str(&b, "*1000\r\n");
	for (int i = 0; i < 1000; i++)
		(void)buf_append_str(&b, "$1\r\nx\r\n");
	ck_assert_int_eq(decode(buf_slice(&b), &limits, &used, &error), REQUEST_OK);
	ck_assert_uint_eq(request.argc, 1000);
	argv = request.argv;
	cap = request.cap;
	ck_assert_int_eq(decode(SLICE("*1\r\n$4\r\nPING\r\n"), &limits, &used,
	    &error), REQUEST_OK);
	ck_assert_uint_eq(request.argc, 1);
	ck_assert_ptr_eq(request.argv, argv);
	ck_assert_uint_eq(request.cap, cap);
}
END_TEST

/*
 * Bytes that have been seen are not looked at again: even spoiled they would
 * pass.
 */
START_TEST(cursor_moves_over_what_was_seen)
{
	struct request_cursor cursor = { 0 };
	char data[] = "*3\r\n$1\r\na\r\n$2\r\nbc\r\n$3\r\nd";
	struct slice s = { data, sizeof(data) - 1 };
	const char *error;
	size_t used;

	ck_assert_int_eq(request_decode(s, &limits, &cursor, &request, &used,
	    &error), REQUEST_AGAIN);
	ck_assert(cursor.has_count);
	ck_assert_uint_eq(cursor.n_args, 3);
	ck_assert_uint_eq(cursor.n_left, 1);
	ck_assert_uint_eq(cursor.pos, 19);
	memset(data + 4, '!', 15);
	ck_assert_int_eq(request_decode(s, &limits, &cursor, &request, &used,
	    &error), REQUEST_AGAIN);
	ck_assert_uint_eq(cursor.pos, 19);
}
END_TEST

START_TEST(cursor_of_an_inline_line)
{
	struct request_cursor cursor = { 0 };
	const char *error;
	size_t used;

	ck_assert_int_eq(request_decode(SLICE("PI"), &limits, &cursor, &request,
	    &used, &error), REQUEST_AGAIN);
	ck_assert_uint_eq(cursor.pos, 2);
	ck_assert_int_eq(request_decode(SLICE("PING\r\nPING\r\n"), &limits,
	    &cursor, &request, &used, &error), REQUEST_OK);
	ck_assert_uint_eq(used, 6);
	ck_assert_uint_eq(cursor.pos, 0);
	assert_words("PING");
}
END_TEST

/*
 * Limits may shrink while a request arrives (a reload): the request is refused.
 */
START_TEST(limits_may_shrink)
{
	struct request_cursor cursor = { 0 };
	struct request_limits l = limits;
	const char *error = "";
	size_t used;

	ck_assert_int_eq(request_decode(SLICE("*2\r\n$1\r\na\r\n"), &l, &cursor,
	    &request, &used, &error), REQUEST_AGAIN);
	l.request_limit = 10;
	ck_assert_int_eq(request_decode(SLICE("*2\r\n$1\r\na\r\n$1\r\nb\r\n"), &l,
	    &cursor, &request, &used, &error), REQUEST_BAD);
	ck_assert_str_eq(error, "invalid bulk length");

	cursor = (struct request_cursor){ 0 };
	ck_assert_int_eq(request_decode(SLICE("ECHO 1234567"), &limits, &cursor,
	    &request, &used, &error), REQUEST_AGAIN);
	ck_assert_int_eq(request_decode(SLICE("ECHO 1234567\n"), &l, &cursor,
	    &request, &used, &error), REQUEST_BAD);
	ck_assert_str_eq(error, "too big inline request");
}
END_TEST

START_TEST(nothing_is_no_request)
{
	const char *error;
	size_t used;

	ck_assert_int_eq(decode((struct slice){ NULL, 0 }, &limits, &used, &error),
	    REQUEST_AGAIN);
}
END_TEST

START_TEST(inline_limits)
{
	struct request_limits l = { 3, 4, 4096, true };
	const char *error = "";
	size_t used;

	ck_assert_int_eq(decode(SLICE("a b 1234\n"), &l, &used, &error), REQUEST_OK);
	ck_assert_int_eq(decode(SLICE("a b c d\n"), &l, &used, &error), REQUEST_BAD);
	ck_assert_str_eq(error, "too big inline request");
	ck_assert_int_eq(decode(SLICE("12345\n"), &l, &used, &error), REQUEST_BAD);
	ck_assert_str_eq(error, "too big inline request");
	/* An escape counts as one byte. */
	ck_assert_int_eq(decode(SLICE("\"\\x41\\x42\\x43\\x44\"\n"), &l, &used,
	    &error), REQUEST_OK);
	l.request_limit = 2 + 16;
	ck_assert_int_eq(decode(SLICE("a\n"), &l, &used, &error), REQUEST_OK);
	l.request_limit--;
	ck_assert_int_eq(decode(SLICE("a\n"), &l, &used, &error), REQUEST_BAD);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("request");
	TCase *tc = tcase_create("request");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, good_requests, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, wrong_requests, 0, ARRAY_LEN(wrong));
	tcase_add_loop_test(tc, empty_requests, 0, ARRAY_LEN(empty));
	tcase_add_loop_test(tc, foreign_protocols, 0, ARRAY_LEN(foreign));
	tcase_add_test(tc, lines_of_ours_are_not_foreign);
	tcase_add_test(tc, nul_is_in_no_line);
	tcase_add_test(tc, inline_can_be_forbidden);
	tcase_add_test(tc, count_that_cannot_fit_is_refused_from_the_header);
	tcase_add_test(tc, no_memory_for_an_announced_count);
	tcase_add_test(tc, argv_is_reused);
	tcase_add_test(tc, cursor_moves_over_what_was_seen);
	tcase_add_test(tc, cursor_of_an_inline_line);
	tcase_add_test(tc, limits_may_shrink);
	tcase_add_test(tc, nothing_is_no_request);
	tcase_add_test(tc, inline_limits);
	suite_add_tcase(s, tc);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
