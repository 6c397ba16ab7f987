/* SPDX-License-Identifier: ISC */
/*
 * servereply: the reply that a function builds. If it forgets a value or gives
 * one twice, one value is sent all the same.
 */
#include "config.h"

#include <math.h>

#include "serve-peer.h"

/* ------------------------------------------------------------- functions --- */

static void
every_type(struct reqd_request *req)
{
	reqd_reply_array(req, 14);
	reqd_reply_text(req, "");
	reqd_reply_bulk(req, "a\0\r\n", 4);
	reqd_reply_bulk(req, NULL, 0);
	reqd_reply_integer(req, 0);
	reqd_reply_integer(req, INT64_MIN);
	reqd_reply_integer(req, INT64_MAX);
	reqd_reply_double(req, -0.5);
	reqd_reply_double(req, (double)INFINITY);
	reqd_reply_double(req, (double)NAN);
	reqd_reply_bool(req, true);
	reqd_reply_bool(req, false);
	reqd_reply_null(req);
	reqd_reply_array(req, 0);
	reqd_reply_map(req, 2);
	reqd_reply_text(req, "k");
	reqd_reply_map(req, 0);
	reqd_reply_text(req, "l");
	reqd_reply_array(req, 1);
	reqd_reply_integer(req, 7);
}

static void
big_and_set(struct reqd_request *req)
{
	reqd_reply_set(req, 3);
	reqd_reply_big(req, "-123456789012345678901234567890");
	reqd_reply_big(req, "0");
	reqd_reply_set(req, 0);
}

static void
big_wrong(struct reqd_request *req)
{
	reqd_reply_array(req, 2);
	reqd_reply_big(req, "1\r\n:2");
	reqd_reply_null(req);
}

static void
big_empty(struct reqd_request *req)
{
	reqd_reply_big(req, "-");
}

static void
none(struct reqd_request *req)
{
	(void)req;
}

static void
two(struct reqd_request *req)
{
	reqd_reply_integer(req, 1);
	reqd_reply_integer(req, 2);
}

static void
three(struct reqd_request *req)
{
	two(req);
	reqd_reply_array(req, 5);
}

static void
second_after_array(struct reqd_request *req)
{
	reqd_reply_array(req, 1);
	reqd_reply_integer(req, 1);
	reqd_reply_null(req);
}

static void
second_after_empty_map(struct reqd_request *req)
{
	reqd_reply_map(req, 0);
	reqd_reply_map(req, 0);
}

static void
unfinished_array(struct reqd_request *req)
{
	reqd_reply_array(req, 2);
	reqd_reply_integer(req, 1);
}

static void
unfinished_map(struct reqd_request *req)
{
	reqd_reply_map(req, 1);
	reqd_reply_text(req, "key");
}

static void
unfinished_inside(struct reqd_request *req)
{
	reqd_reply_array(req, 1);
	reqd_reply_array(req, 1);
	reqd_reply_array(req, 1);
}

static void
nest(struct reqd_request *req, int depth)
{
	for (int i = 0; i < depth; i++)
		reqd_reply_array(req, 1);
	reqd_reply_integer(req, 1);
}

static void
deep(struct reqd_request *req)
{
	nest(req, 8);
}

static void
too_deep(struct reqd_request *req)
{
	nest(req, 9);
}

static void
far_too_deep(struct reqd_request *req)
{
	nest(req, 10000);
}

static void
too_many_items(struct reqd_request *req)
{
	reqd_reply_array(req, (size_t)INT32_MAX + 1);
}

static void
too_many_pairs(struct reqd_request *req)
{
	reqd_reply_map(req, SIZE_MAX / 2 + 2);
}

static void
impossible_length(struct reqd_request *req)
{
	reqd_reply_array(req, 2);
	reqd_reply_bulk(req, "", SIZE_MAX - 8);
}

static void
error(struct reqd_request *req)
{
	reqd_reply_error(req, "NOTFOUND", "no key '%s'", "x");
}

static void
error_no_text(struct reqd_request *req)
{
	reqd_reply_error(req, "NOTFOUND", "%s", "");
}

static void
error_midway(struct reqd_request *req)
{
	unfinished_array(req);
	reqd_reply_error(req, "ERR", "%d of %d", 1, 2);
}

static void
error_after_reply(struct reqd_request *req)
{
	reqd_reply_integer(req, 1);
	reqd_reply_error(req, "ERR", "changed my mind");
}

static void
error_then_more(struct reqd_request *req)
{
	reqd_reply_error(req, "FIRST", "one");
	reqd_reply_error(req, "SECOND", "two");
	reqd_reply_array(req, 3);
	reqd_reply_integer(req, 1);
}

static void
error_lines(struct reqd_request *req)
{
	reqd_reply_error(req, "ERR", "%s", "a\r\n+OK\r\n\tb\x1b[1m");
}

static void
error_code_lower(struct reqd_request *req)
{
	reqd_reply_error(req, "err", "x");
}

static void
error_code_lines(struct reqd_request *req)
{
	reqd_reply_error(req, "A\r\n:1", "x");
}

static void
error_code_null(struct reqd_request *req)
{
	reqd_reply_error(req, NULL, "x");
}

static void
error_code_long(struct reqd_request *req)
{
	reqd_reply_error(req, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x");
}

static void
error_long(struct reqd_request *req)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	reqd_reply_error(req, "ERR", "%s", text);
}

static void
exit_3(struct reqd_request *req)
{
	reqd_reply_exit(req, 3, "no %s", "luck");
}

static void
exit_0(struct reqd_request *req)
{
	reqd_reply_exit(req, 0, "%s", "");
}

static void
exit_256(struct reqd_request *req)
{
	reqd_reply_exit(req, 256, "x");
}

static void
output(struct reqd_request *req)
{
	if (reqd_output(req, 1, "a\r\n", 3) != 0 || reqd_output(req, 2, "", 0) != 0)
		return;
	reqd_reply_array(req, 2);
	reqd_reply_integer(req, reqd_output(req, 1, "x", 1));
	reqd_reply_integer(req, reqd_output(req, 3, "x", 1));
}

static void
output_wrong(struct reqd_request *req)
{
	reqd_reply_integer(req, reqd_output(req, 0, "x", 1));
}

static void
output_much(struct reqd_request *req)
{
	reqd_reply_integer(req, reqd_output(req, 1, "", SIZE_MAX - 8));
}

static const struct function functions[] = {
	FUNCTION(every_type), FUNCTION(big_and_set), FUNCTION(big_wrong), FUNCTION(big_empty),
	FUNCTION(none), FUNCTION(two), FUNCTION(three),
	FUNCTION(second_after_array), FUNCTION(second_after_empty_map),
	FUNCTION(unfinished_array), FUNCTION(unfinished_map), FUNCTION(unfinished_inside),
	FUNCTION(deep), FUNCTION(too_deep), FUNCTION(far_too_deep),
	FUNCTION(too_many_items), FUNCTION(too_many_pairs), FUNCTION(impossible_length),
	FUNCTION(error), FUNCTION(error_no_text), FUNCTION(error_midway),
	FUNCTION(error_after_reply), FUNCTION(error_then_more), FUNCTION(error_lines),
	FUNCTION(error_code_lower), FUNCTION(error_code_lines), FUNCTION(error_code_null),
	FUNCTION(error_code_long), FUNCTION(error_long), FUNCTION(exit_3),
	FUNCTION(exit_0), FUNCTION(exit_256), FUNCTION(output), FUNCTION(output_wrong),
	FUNCTION(output_much),
};

static void
handle(void *arg, struct reqd_request *req)
{
	call_function(functions, N(functions), arg, req);
}

/* --------------------------------------------------------------- replies --- */

static const struct {
	const char *name;
	const char *reply;
} replies[] = {
	{ "every_type",
	  "*14\r\n$0\r\n\r\n$4\r\na@\r\n\r\n$0\r\n\r\n:0\r\n:-9223372036854775808\r\n"
	  ":9223372036854775807\r\n,-0.5\r\n,inf\r\n,nan\r\n#t\r\n#f\r\n_\r\n*0\r\n"
	  "%2\r\n$1\r\nk\r\n%0\r\n$1\r\nl\r\n*1\r\n:7\r\n" },
	{ "big_and_set", "~3\r\n(-123456789012345678901234567890\r\n(0\r\n~0\r\n" },
	{ "big_wrong", "-ERR handler made an integer that is none\r\n" },
	{ "big_empty", "-ERR handler made an integer that is none\r\n" },
	{ "none", "-ERR handler made no reply\r\n" },
	{ "unknown", "-ERR handler made no reply\r\n" },
	{ "ping", "-ERR handler made no reply\r\n" },
	{ "two", "-ERR handler made more than one reply\r\n" },
	{ "three", "-ERR handler made more than one reply\r\n" },
	{ "second_after_array", "-ERR handler made more than one reply\r\n" },
	{ "second_after_empty_map", "-ERR handler made more than one reply\r\n" },
	{ "unfinished_array", "-ERR handler did not finish its reply\r\n" },
	{ "unfinished_map", "-ERR handler did not finish its reply\r\n" },
	{ "unfinished_inside", "-ERR handler did not finish its reply\r\n" },
	{ "deep", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n" },
	{ "too_deep", "-ERR handler nested its reply too deeply\r\n" },
	{ "far_too_deep", "-ERR handler nested its reply too deeply\r\n" },
	{ "too_many_items", "-ERR handler made a reply of too many items\r\n" },
	{ "too_many_pairs", "-ERR handler made a reply of too many items\r\n" },
	{ "impossible_length", "-ERR handler has no memory for its reply\r\n" },
	{ "error", "-NOTFOUND no key 'x'\r\n" },
	{ "error_no_text", "-NOTFOUND\r\n" },
	{ "error_midway", "-ERR 1 of 2\r\n" },
	{ "error_after_reply", "-ERR changed my mind\r\n" },
	{ "error_then_more", "-FIRST one\r\n" },
	{ "error_lines", "-ERR a  +OK   b [1m\r\n" },
	{ "error_code_lower", "-ERR x\r\n" },
	{ "error_code_lines", "-ERR x\r\n" },
	{ "error_code_null", "-ERR x\r\n" },
	{ "error_code_long", "-ERR x\r\n" },
	{ "exit_3", "-EXIT 3 no luck\r\n" },
	{ "exit_0", "-EXIT 255\r\n" },
	{ "exit_256", "-EXIT 255 x\r\n" },
	{ "output",
	  ">3\r\n$6\r\noutput\r\n$6\r\nstdout\r\n$3\r\na\r\n\r\n"
	  ">3\r\n$6\r\noutput\r\n$6\r\nstderr\r\n$0\r\n\r\n*2\r\n:-2\r\n:-2\r\n" },
	{ "output_wrong", ":-2\r\n" },
	{ "output_much", ":-1\r\n" },
};

/* PING behind each reply shows that the stream is in step. */
START_TEST(replies_are_one_value)
{
	char in[256], want[512];
	struct served s;
	int n, m;

	n = snprintf(in, sizeof(in), "*1\r\n$%zu\r\n%s\r\n" PING, strlen(replies[_i].name),
	    replies[_i].name);
	m = snprintf(want, sizeof(want), "%s" PONG, replies[_i].reply);
	for (int i = 0; i < m; i++) {
		if (want[i] == '@')
			want[i] = '\0';
	}
	s = serve(in, (size_t)n);
	ck_served(replies[_i].name, &s, want, (size_t)m);
}
END_TEST

START_TEST(error_is_cut)
{
	static const char in[] = "*1\r\n$10\r\nerror_long\r\n" PING;
	struct served s = serve(in, sizeof(in) - 1);

	ck_assert_int_eq(s.out.len, 1024 + sizeof(PONG) - 1);
	ck_assert_int_eq(memcmp(s.out.data, "-ERR xxx", 8), 0);
	ck_assert_str_eq(s.out.data + 1020, "xx\r\n" PONG);
	ck_ended("long", &s, 0, "");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, replies_are_one_value, 0, N(replies));
	tcase_add_test(tc, error_is_cut);
}

UNIT_MAIN("servereply", add(tc))
