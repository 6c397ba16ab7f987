/* SPDX-License-Identifier: ISC */
/*
 * The answer of a handler, from the result map to what reqctl prints.
 */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/reqd.h"
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "ctl/outjson.h"
#include "unit.h"

#define HELLO "%2\r\n+server\r\n+reqd\r\n+proto\r\n:3\r\n"
#define OUTPUT(text) ">4\r\n$6\r\noutput\r\n$3\r\n7-1\r\n$6\r\nstdout\r\n" text
#define HEAD(status) "%7\r\n$6\r\nstatus\r\n:" #status "\r\n$6\r\nsignal\r\n_\r\n$5\r\nvalue\r\n"
#define TAIL                                                                    \
	"$9\r\ntruncated\r\n#f\r\n$4\r\nusec\r\n:42\r\n$2\r\nid\r\n$3\r\n7-1\r\n"    \
	"$7\r\noutcome\r\n$4\r\nexit\r\n"

static struct reqd *conn;
static int peer;

static void
setup(void)
{
	conn = reqd_new();
	ck_assert_ptr_nonnull(conn);
}

static void
teardown(void)
{
	conn = reqd_free(conn);
	(void)close(peer);
}

/* Makes a call of a server that answers this. */
static int
call(const char *status_head, const char *value, const char *tail, reqd_output_fn *fn, void *arg,
    struct reqd_result **ret)
{
	struct reqd_call *c = reqd_call_new("svc");
	const char *const said[] = { HELLO, status_head, value, tail };
	int sv[2], r;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		ck_assert_int_eq(write(sv[1], said[i], strlen(said[i])), (ssize_t)strlen(said[i]));
	ck_assert_int_eq(shutdown(sv[1], SHUT_WR), 0);
	peer = sv[1];
	ck_assert_int_eq(reqd_attach(conn, sv[0], "test", 0), 0);
	if (fn != NULL)
		ck_assert_int_eq(reqd_call_set_output(c, fn, arg), 0);
	r = reqd_call(conn, c, ret);
	reqd_call_free(c);
	return r;
}

static struct reqd_result *
answered(const char *value)
{
	struct reqd_result *res = NULL;

	ck_assert_int_eq(call(HEAD(0), value, TAIL, NULL, NULL, &res), 0);
	ck_assert_int_eq(res->outcome, REQD_EXIT);
	ck_assert_uint_eq(res->out_len, 0);
	ck_assert_str_eq(res->id, "7-1");
	ck_assert_ptr_nonnull(res->value);
	return res;
}

/* A value outlives the connection and all buffers of the connection. */
START_TEST(value_belongs_to_the_result)
{
	struct reqd_result *res = answered("%2\r\n$1\r\nk\r\n*2\r\n:7\r\n,1.5\r\n+n\r\n_\r\n");
	const struct reqd_value *v;
	size_t len;

	conn = reqd_free(conn);
	v = reqd_value_get(res->value, "k");
	ck_assert_int_eq(reqd_value_kind(v), REQD_ARRAY);
	ck_assert_uint_eq(reqd_value_count(v), 2);
	ck_assert_int_eq(reqd_value_integer(reqd_value_at(v, 0)), 7);
	ck_assert(reqd_value_double(reqd_value_at(v, 1)) >= 1.5);
	ck_assert_ptr_null(reqd_value_at(v, 2));
	v = reqd_value_get(res->value, "n");
	ck_assert_ptr_nonnull(v);
	ck_assert_int_eq(reqd_value_kind(v), REQD_NULL);
	ck_assert_int_eq(memcmp(reqd_value_data(reqd_value_at(res->value, 0), &len), "k", 1), 0);
	ck_assert_uint_eq(len, 1);
	res = reqd_result_free(res);
}
END_TEST

START_TEST(large_value)
{
	size_t n = 3u << 20;
	CLEANUP_FREE char *data = malloc(n + 40);
	struct reqd_result *res = NULL;
	const char *got;
	size_t len;
	pid_t pid;
	int sv[2], status;

	ck_assert_ptr_nonnull(data);
	(void)snprintf(data, 40, "*1\r\n$%zu\r\n", n);
	len = strlen(data);
	memset(data + len, 'x', n);
	memcpy(data + len + n, "\r\n", 3);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		const char *const said[] = { HELLO HEAD(0), data, TAIL };

		(void)close(sv[0]);
		for (size_t i = 0; i < ARRAY_LEN(said); i++) {
			size_t left = strlen(said[i]);

			if (send(sv[1], said[i], left, MSG_NOSIGNAL) != (ssize_t)left)
				_exit(1);
		}
		_exit(0);
	}
	(void)close(sv[1]);
	peer = -1;
	ck_assert_int_eq(reqd_attach(conn, sv[0], "test", 0), 0);
	{
		struct reqd_call *c = reqd_call_new("svc");

		ck_assert_int_eq(reqd_call(conn, c, &res), 0);
		reqd_call_free(c);
	}
	conn = reqd_free(conn);
	got = reqd_value_data(reqd_value_at(res->value, 0), &len);
	ck_assert_uint_eq(len, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(got[i], 'x');
	res = reqd_result_free(res);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(deepest_value)
{
	struct reqd_result *res = answered("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n");
	const struct reqd_value *v = res->value;

	for (int i = 0; i < 8; i++)
		v = reqd_value_at(v, 0);
	ck_assert_int_eq(reqd_value_integer(v), 7);
	res = reqd_result_free(res);
}
END_TEST

START_TEST(too_deep)
{
	struct reqd_result *res = NULL;

	ck_assert_int_eq(call(HEAD(0),
	    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n", TAIL, NULL, NULL, &res),
	    REQD_E_PROTOCOL);
	ck_assert_ptr_null(res);
}
END_TEST

START_TEST(service_without_handler)
{
	struct reqd_result *res = NULL;

	ck_assert_int_eq(call("%7\r\n$6\r\nstatus\r\n:0\r\n$6\r\nsignal\r\n_\r\n",
	    "$6\r\nstdout\r\n$2\r\nhi\r\n", TAIL, NULL, NULL, &res), 0);
	ck_assert_ptr_null(res->value);
	ck_assert_uint_eq(res->out_len, 2);
	res = reqd_result_free(res);
}
END_TEST

static int
on_output(void *arg, int stream, const void *data, size_t len)
{
	ck_assert_int_eq(stream, 1);
	ck_assert_uint_eq(len, 2);
	ck_assert_int_eq(memcmp(data, "hi", 2), 0);
	++*(int *)arg;
	return 0;
}

START_TEST(value_after_a_stream)
{
	struct reqd_result *res = NULL;
	int n = 0;

	ck_assert_int_eq(call(OUTPUT("$2\r\nhi\r\n") OUTPUT("$2\r\nhi\r\n") HEAD(0), "#t\r\n", TAIL,
	    on_output, &n, &res), 0);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(reqd_value_kind(res->value), REQD_BOOL);
	res = reqd_result_free(res);
}
END_TEST

START_TEST(errors_in_words)
{
	static const struct {
		const char *value, *text;
	} rows[] = {
		{ "-WRONGTYPE not a list\r\n", "exit status 3: WRONGTYPE not a list" },
		{ "-EXIT 3 why not\r\n", "exit status 3: why not" },
		{ "-EXIT 3\r\n", "exit status 3" },
		{ "-EXIT 3 \033[1mx\r\n", "exit status 3: \\x1b[1mx" },
		{ "$2\r\nhi\r\n", "exit status 3" },
	};
	struct reqd_result *res = NULL;
	char text[100];

	ck_assert_int_eq(call(HEAD(3), rows[_i].value, TAIL, NULL, NULL, &res), 0);
	ck_assert_str_eq(reqd_result_text(res, text, sizeof(text)), rows[_i].text);
	ck_assert_int_eq(reqd_result_exit_status(res), 3);
	res = reqd_result_free(res);
}
END_TEST

/* ---------------------------------------------------------------- print --- */

/* Returns the text that fn prints; free it. */
static char *
printed(const struct ctl *ctl, const struct reqd_value *v, bool json)
{
	FILE *real = stdout;
	char *text = NULL;
	size_t len;

	stdout = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(stdout);
	if (json)
		out_json(ctl, json_pack("[o]", out_json_value(v)));
	else
		answer_print(ctl, v);
	(void)fclose(stdout);
	stdout = real;
	return text;
}

static const struct {
	const char *value, *text, *tty;		/* tty NULL: the same */
	const char *json;
} prints[] = {
	{ "$2\r\nhi\r\n", "hi", "hi\n", "\"hi\"" },
	{ "$3\r\nhi\n\r\n", "hi\n", NULL, "\"hi\\n\"" },
	{ "$0\r\n\r\n", "", NULL, "\"\"" },
	{ "+OK\r\n", "OK", "OK\n", "\"OK\"" },
	{ "=7\r\ntxt:abc\r\n", "abc", "abc\n", "\"abc\"" },
	{ "$3\r\n\033\377\001\r\n", "\033\377\001", "\033\377\001\n", "{\"base64\": \"G/8B\"}" },
	{ ":-7\r\n", "-7\n", NULL, "-7" },
	{ ",1.5\r\n", "1.5\n", NULL, "1.5" },
	{ ",0.1\r\n", "0.1\n", NULL, NULL },
	{ ",5e-324\r\n", "5e-324\n", NULL, NULL },
	{ ",-inf\r\n", "-inf\n", NULL, "null" },
	{ ",nan\r\n", "nan\n", NULL, "null" },
	{ "#t\r\n", "true\n", NULL, "true" },
	{ "#f\r\n", "false\n", NULL, "false" },
	{ "_\r\n", "", NULL, "null" },
	{ "-ODD x\r\n", "", NULL, "{\"error\": \"ODD x\"}" },
	{ "*0\r\n", "", NULL, "[]" },
	{ "*3\r\n:1\r\n$4\r\na\nb\t\r\n_\r\n", "1\na\\x0ab\\x09\n\n", NULL,
	    "[1, \"a\\nb\\t\", null]" },
	{ "*1\r\n$2\r\n\033\377\r\n", "\\x1b\\xff\n", NULL, "[{\"base64\": \"G/8=\"}]" },
	{ "*3\r\n*2\r\n:1\r\n*1\r\n:2\r\n*0\r\n-E x\r\n", "-\n  1\n  -\n    2\n[]\n(error) E x\n",
	    NULL, "[[1, [2]], [], {\"error\": \"E x\"}]" },
	{ "%4\r\n+a\r\n:1\r\n:2\r\n_\r\n+c\r\n~2\r\n#t\r\n+x\r\n+d\r\n%1\r\n+e\r\n%0\r\n",
	    "a: 1\n2:\nc:\n  true\n  x\nd:\n  e: {}\n", NULL,
	    "{\"a\": 1, \"2\": null, \"c\": [true, \"x\"], \"d\": {\"e\": {}}}" },
	{ "%3\r\n*1\r\n:1\r\n+x\r\n$1\r\n\377\r\n+y\r\n#t\r\n+z\r\n", "[1]: x\n\\xff: y\ntrue: z\n",
	    NULL, "{\"[1]\": \"x\", \"{\\\"base64\\\":\\\"/w==\\\"}\": \"y\", \"true\": \"z\"}" },
};

START_TEST(print)
{
	struct ctl pipe = { 0 }, tty = { .out_tty = true };
	struct reqd_result *res = answered(prints[_i].value);
	CLEANUP_FREE char *text = printed(&pipe, res->value, false);
	CLEANUP_FREE char *on_tty = printed(&tty, res->value, false);
	CLEANUP_FREE char *json = printed(&pipe, res->value, true);
	char want[256];

	ck_assert_str_eq(text, prints[_i].text);
	ck_assert_str_eq(on_tty, prints[_i].tty != NULL ? prints[_i].tty : prints[_i].text);
	(void)snprintf(want, sizeof(want), "[%s]\n", prints[_i].json);
	if (prints[_i].json != NULL)
		ck_assert_str_eq(json, want);
	res = reqd_result_free(res);
}
END_TEST

START_TEST(print_without_value)
{
	struct ctl tty = { .out_tty = true };
	CLEANUP_FREE char *text = printed(&tty, NULL, false);

	ck_assert_str_eq(text, "");
	peer = -1;
}
END_TEST

UNIT_MAIN("answer",
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, value_belongs_to_the_result);
	tcase_add_test(tc, large_value);
	tcase_add_test(tc, deepest_value);
	tcase_add_test(tc, too_deep);
	tcase_add_test(tc, service_without_handler);
	tcase_add_test(tc, value_after_a_stream);
	tcase_add_loop_test(tc, errors_in_words, 0, 5);
	tcase_add_loop_test(tc, print, 0, ARRAY_LEN(prints));
	tcase_add_test(tc, print_without_value))
