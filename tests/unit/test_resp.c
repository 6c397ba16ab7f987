/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/reply.h"
#include "proto/request.h"
#include "proto/resp.h"

static struct buf out;

static void
setup(void)
{
	out = BUF_INIT(0);
}

static void
teardown(void)
{
	buf_done(&out);
}

/* Asserts that the buffer holds exactly this; then empties it. */
#define ASSERT_OUT(want)                                                     \
	do {                                                                 \
		ck_assert(!buf_failed(&out));                                \
		ck_assert_str_eq(buf_text(&out), want);                      \
		buf_clear(&out);                                             \
	} while (0)

START_TEST(plain_values)
{
	resp_simple(&out, "PONG");
	ASSERT_OUT("+PONG\r\n");
	resp_integer(&out, 0);
	ASSERT_OUT(":0\r\n");
	resp_integer(&out, -1);
	ASSERT_OUT(":-1\r\n");
	resp_integer(&out, INT64_MAX);
	ASSERT_OUT(":9223372036854775807\r\n");
	resp_integer(&out, INT64_MIN);
	ASSERT_OUT(":-9223372036854775808\r\n");
	resp_bulk_str(&out, "a b");
	ASSERT_OUT("$3\r\na b\r\n");
	resp_bulk(&out, (struct slice){ NULL, 0 });
	ASSERT_OUT("$0\r\n\r\n");
	resp_bulk(&out, SLICE("\r\n$1\r\n"));
	ASSERT_OUT("$6\r\n\r\n$1\r\n\r\n");
	resp_array(&out, 0);
	ASSERT_OUT("*0\r\n");
	resp_array(&out, 12345678901);
	ASSERT_OUT("*12345678901\r\n");
	resp_push(&out, 4);
	ASSERT_OUT(">4\r\n");
}
END_TEST

START_TEST(binary_bulk)
{
	resp_bulk(&out, SLICE("a\0b"));
	ck_assert(slice_eq(buf_slice(&out), SLICE("$3\r\na\0b\r\n")));
}
END_TEST

START_TEST(values_of_both_versions)
{
	resp_null(&out, RESP2);
	ASSERT_OUT("$-1\r\n");
	resp_null(&out, RESP3);
	ASSERT_OUT("_\r\n");
	resp_bool(&out, RESP2, true);
	resp_bool(&out, RESP2, false);
	ASSERT_OUT(":1\r\n:0\r\n");
	resp_bool(&out, RESP3, true);
	resp_bool(&out, RESP3, false);
	ASSERT_OUT("#t\r\n#f\r\n");
	resp_map(&out, RESP2, 8);
	ASSERT_OUT("*16\r\n");
	resp_map(&out, RESP3, 8);
	ASSERT_OUT("%8\r\n");
}
END_TEST

static const struct {
	double value;
	const char *resp2, *resp3;
} doubles[] = {
	{ 0, "$1\r\n0\r\n", ",0\r\n" },
	{ 1.5, "$3\r\n1.5\r\n", ",1.5\r\n" },
	{ -0.1, "$4\r\n-0.1\r\n", ",-0.1\r\n" },
	{ 1e300, "$6\r\n1e+300\r\n", ",1e+300\r\n" },
	{ 1.0 / 3, "$18\r\n0.3333333333333333\r\n", ",0.3333333333333333\r\n" },
	{ INFINITY, "$3\r\ninf\r\n", ",inf\r\n" },
	{ -INFINITY, "$4\r\n-inf\r\n", ",-inf\r\n" },
	{ NAN, "$3\r\nnan\r\n", ",nan\r\n" },
	{ -NAN, "$3\r\nnan\r\n", ",nan\r\n" },
};

START_TEST(double_values)
{
	resp_double(&out, RESP2, doubles[_i].value);
	ASSERT_OUT(doubles[_i].resp2);
	resp_double(&out, RESP3, doubles[_i].value);
	ASSERT_OUT(doubles[_i].resp3);
}
END_TEST

START_TEST(doubles_read_back)
{
	static const double values[] = { 0.1, 1e-310, 123456789.123456789,
		1.7976931348623157e308, 5e-324, -2.5e-8, 9007199254740993.0 };
	static const struct reply_limits limits = { 4096, 64, 0 };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct reply_cursor cursor = { 0 };
		struct value *v = NULL;
		const char *error;
		size_t used;

		resp_double(&out, RESP3, values[i]);
		ck_assert_int_eq(reply_decode(buf_slice(&out), &limits, &cursor, &v,
		    &used, &error), REPLY_OK);
		ck_assert_int_eq(v->kind, VALUE_DOUBLE);
		ck_assert(v->number == values[i]);
		v = value_free(v);
		buf_clear(&out);
	}
}
END_TEST

static const struct {
	const char *code, *text, *line;
} errors[] = {
	{ "ERR", "", "-ERR\r\n" },
	{ "ERR", "no such thing", "-ERR no such thing\r\n" },
	{ "EXIT", "1 a\r\n+OK\r\n", "-EXIT 1 a  +OK\r\n" },
	{ "ERR", "tab\there \x1b[31m red \x7f", "-ERR tab here  [31m red\r\n" },
	{ "ERR", "\xff\xc0\xaf\xed\xa0\x80", "-ERR ??????\r\n" },
	{ "ERR", "\xc2\x9b" "31m \xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82",
	    "-ERR  31m \xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82\r\n" },
	{ "ERR", "cut \xe2\x82", "-ERR cut ??\r\n" },
};

START_TEST(error_lines)
{
	resp_error(&out, errors[_i].code, slice_of(errors[_i].text));
	ASSERT_OUT(errors[_i].line);
	resp_errorf(&out, errors[_i].code, "%s", errors[_i].text);
	ASSERT_OUT(errors[_i].line);
}
END_TEST

START_TEST(error_with_nul)
{
	resp_error(&out, "ERR", SLICE("a\0b"));
	ASSERT_OUT("-ERR a b\r\n");
}
END_TEST

/*
 * A long error is cut at the limit, between characters, and is still one line.
 */
START_TEST(error_is_cut)
{
	char text[4 * RESP_ERROR_MAX];

	for (size_t width = 1; width <= 3; width++) {
		for (size_t shift = 0; shift < width; shift++) {
			static const char *const chars[] = { "x", "\xc3\xa4",
				"\xe2\x82\xac" };
			struct slice line;
			size_t n = 0;

			memset(text, 'y', shift);
			for (n = shift; n + width <= sizeof(text); n += width)
				memcpy(text + n, chars[width - 1], width);
			resp_error(&out, "ERR", (struct slice){ text, n });
			line = buf_slice(&out);
			ck_assert_uint_le(line.len, RESP_ERROR_MAX);
			ck_assert_uint_gt(line.len, RESP_ERROR_MAX - width);
			ck_assert_int_eq(memcmp(line.data + line.len - 2, "\r\n", 2), 0);
			ck_assert_ptr_null(memchr(line.data, '?', line.len));
			ck_assert_ptr_eq(memchr(line.data, '\r', line.len),
			    line.data + line.len - 2);
			buf_clear(&out);
		}
	}
}
END_TEST

/* Two-byte controls shrink to one blank: a full line comes out all the same. */
START_TEST(long_format_fills_the_line)
{
	char text[5 * RESP_ERROR_MAX + 1] = { 0 };

	for (size_t i = 0; i + 5 < sizeof(text); i += 5)
		memcpy(text + i, "\xc2\x80\xc2\x80z", 5);
	resp_errorf(&out, "ERR", "%s", text);
	ck_assert_uint_le(buf_len(&out), RESP_ERROR_MAX);
	ck_assert_uint_ge(buf_len(&out), RESP_ERROR_MAX - 2);
	ck_assert_ptr_null(memchr(buf_data(&out), '?', buf_len(&out)));
}
END_TEST

START_TEST(request_is_what_the_decoder_reads)
{
	const struct slice argv[] = { SLICE("CALL"), SLICE(""), SLICE("a\0\r\n") };
	const struct request_limits limits = { 8, 64, 4096, false };
	struct request_cursor cursor = { 0 };
	struct request r;
	const char *error;
	size_t used;

	resp_request(&out, argv, 3);
	request_init(&r);
	ck_assert_int_eq(request_decode(buf_slice(&out), &limits, &cursor, &r,
	    &used, &error), REQUEST_OK);
	ck_assert_uint_eq(used, buf_len(&out));
	ck_assert_uint_eq(r.argc, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert(slice_eq(r.argv[i], argv[i]));
	request_done(&r);
	buf_clear(&out);
	resp_request(&out, NULL, 0);
	ASSERT_OUT("*0\r\n");
}
END_TEST

/*
 * Beyond the maximum nothing of the value is written, and the buffer is marked.
 */
START_TEST(full_buffer)
{
	const struct slice argv[] = { SLICE("0123456789012345678901234567890") };

	out.max = 30;
	resp_simple(&out, "OK");
	ck_assert(!buf_failed(&out));
	resp_bulk_str(&out, "0123456789012345678901234567890");
	ck_assert(buf_failed(&out));
	ck_assert_uint_eq(buf_len(&out), 5);
	out.failed = false;
	resp_request(&out, argv, 1);
	ck_assert(buf_failed(&out));
	ck_assert_uint_eq(buf_len(&out), 5);
	out.failed = false;
	resp_errorf(&out, "ERR", "%040d", 1);
	ck_assert(buf_failed(&out));
	ck_assert_uint_eq(buf_len(&out), 5);
	for (int i = 0; i < 10; i++)
		resp_integer(&out, i);
	ck_assert_uint_le(buf_len(&out), 30);
}
END_TEST

START_TEST(impossible_lengths)
{
	struct slice huge = { "x", SIZE_MAX - 8 };

	resp_bulk(&out, huge);
	ck_assert(buf_failed(&out));
	ck_assert_uint_eq(buf_len(&out), 0);
	buf_clear(&out);
	resp_request(&out, &huge, 1);
	ck_assert(buf_failed(&out));
	ck_assert_uint_eq(buf_len(&out), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("resp");
	TCase *tc = tcase_create("resp");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, plain_values);
	tcase_add_test(tc, binary_bulk);
	tcase_add_test(tc, values_of_both_versions);
	tcase_add_loop_test(tc, double_values, 0, ARRAY_LEN(doubles));
	tcase_add_test(tc, doubles_read_back);
	tcase_add_loop_test(tc, error_lines, 0, ARRAY_LEN(errors));
	tcase_add_test(tc, error_with_nul);
	tcase_add_test(tc, error_is_cut);
	tcase_add_test(tc, long_format_fills_the_line);
	tcase_add_test(tc, request_is_what_the_decoder_reads);
	tcase_add_test(tc, full_buffer);
	tcase_add_test(tc, impossible_lengths);
	suite_add_tcase(s, tc);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
