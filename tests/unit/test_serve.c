/* SPDX-License-Identifier: ISC */
/*
 * serve: requests as reqd_serve() reads them: right and wrong ones, many and
 * large ones, and their context.
 */
#include "config.h"

#include "serve-peer.h"

/* ------------------------------------------------------------- functions --- */

static void
text_or_null(struct reqd_request *req, const char *text)
{
	if (text == NULL)
		reqd_reply_null(req);
	else
		reqd_reply_text(req, text);
}

static void
context(struct reqd_request *req)
{
	int64_t left = reqd_request_time_left(req);

	reqd_reply_array(req, 9);
	text_or_null(req, reqd_request_context(req, "id"));
	text_or_null(req, reqd_request_context(req, "caller"));
	text_or_null(req, reqd_request_context(req, "peer"));
	text_or_null(req, reqd_request_context(req, "i"));
	text_or_null(req, reqd_request_context(req, ""));
	text_or_null(req, reqd_request_meta(req, "Trace"));
	text_or_null(req, reqd_request_meta(req, "empty"));
	text_or_null(req, reqd_request_meta(req, "id"));
	/* Some time may have passed. */
	reqd_reply_integer(req, left > 4000000 && left <= 5000000 ? 5 : left);
}

static const struct function functions[] = {
	FUNCTION(echo), FUNCTION(context),
};

static void
handle(void *arg, struct reqd_request *req)
{
	call_function(functions, N(functions), arg, req);
}

/* ----------------------------------------------------------------- right --- */

static const struct exchange requests[] = {
	EXCHANGE("nothing", "", ""),
	EXCHANGE("ping", PING PING, PONG PONG),
	EXCHANGE("one", "*2\r\n$4\r\necho\r\n$2\r\nhi\r\n", "$2\r\nhi\r\n"),
	EXCHANGE("empty", "*2\r\n$4\r\necho\r\n$0\r\n\r\n", "$0\r\n\r\n"),
	EXCHANGE("no argument", "*1\r\n$4\r\necho\r\n", "*0\r\n"),
	EXCHANGE("bytes", "*2\r\n$4\r\necho\r\n$6\r\n\0\xff\r\n*1\r\n", "$6\r\n\0\xff\r\n*1\r\n"),
	EXCHANGE("two", "*3\r\n$4\r\necho\r\n$0\r\n\r\n$1\r\n=\r\n",
	    "*2\r\n$0\r\n\r\n$1\r\n=\r\n"),
	EXCHANGE("ping with arguments is the function's", "*2\r\n$4\r\nPING\r\n$1\r\na\r\n",
	    "-ERR handler made no reply\r\n"),
	EXCHANGE("no name", "*1\r\n$0\r\n\r\n", "-ERR handler made no reply\r\n"),
	EXCHANGE("context", "*2\r\n$4\r\nid=1\r\n$4\r\necho\r\n", "*0\r\n"),
	EXCHANGE("context and ping", "*2\r\n$4\r\nid=1\r\n$4\r\nPING\r\n", PONG),
};

START_TEST(requests_are_answered)
{
	ck_exchange(&requests[_i]);
}
END_TEST

START_TEST(requests_arrive_slowly)
{
	ck_exchange_slowly(&requests[_i]);
}
END_TEST

static const struct {
	const char *context;
	const char *reply;
} contexts[] = {
	{ "id=1-2\ncaller=uid:0\npeer=unix\ndeadline-ms=5000000\nmeta.TRACE=a=b\nmeta.empty=\n",
	  "*9\r\n$3\r\n1-2\r\n$5\r\nuid:0\r\n$4\r\nunix\r\n_\r\n_\r\n$3\r\na=b\r\n$0\r\n\r\n_\r\n:5\r\n" },
	/* No line end behind the last; a key that begins like another. */
	{ "idea=no\nid=1", "*9\r\n$1\r\n1\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:-1\r\n" },
	{ "deadline-ms=0\n\n\nx\nid=", "*9\r\n$0\r\n\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:0\r\n" },
	{ "=\ndeadline-ms=-5\n", "*9\r\n_\r\n_\r\n_\r\n_\r\n$0\r\n\r\n_\r\n_\r\n_\r\n:-1\r\n" },
	{ "deadline-ms=5x", "*9\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:-1\r\n" },
	{ "deadline-ms=99999999999999999999",
	  "*9\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:-1\r\n" },
};

/*
 * The request behind it has no context, and does not see that of the former
 * request.
 */
START_TEST(context_is_read)
{
	static const char without[] = "*9\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n:-1\r\n";
	const char *text = contexts[_i].context;
	char in[512], want[512];
	struct served s;

	(void)snprintf(in, sizeof(in),
	    "*2\r\n$%zu\r\n%s\r\n$7\r\ncontext\r\n*1\r\n$7\r\ncontext\r\n", strlen(text), text);
	(void)snprintf(want, sizeof(want), "%s%s", contexts[_i].reply, without);
	s = serve(in, strlen(in));
	ck_served(text, &s, want, strlen(want));
}
END_TEST

/* ----------------------------------------------------------------- wrong --- */

START_TEST(truncations_end_it)
{
	static const char whole[] = "*3\r\n$11\r\nid=1\nmeta.a\r\n$4\r\necho\r\n"
				    "$12\r\n*1\r\n$4\r\nPING\r\n";
	char in[sizeof(PING) + sizeof(whole)];
	struct served s;

	memcpy(in, PING, sizeof(PING) - 1);
	memcpy(in + sizeof(PING) - 1, whole, sizeof(whole));
	for (size_t cut = 1; cut < sizeof(whole) - 1; cut++) {
		char what[32];

		(void)snprintf(what, sizeof(what), "cut at %zu", cut);
		s = serve(in, sizeof(PING) - 1 + cut);
		ck_failed(what, &s, PONG, "reqd_serve: the input ended inside a request\n");
	}
}
END_TEST

static const struct {
	const char *in;
	const char *why;
} malformed[] = {
	{ "x", "it does not begin with '*'" },
	{ "PING\r\n", "it does not begin with '*'" },
	{ "\r\n" PING, "it does not begin with '*'" },
	{ "$4\r\nPING\r\n", "it does not begin with '*'" },
	{ "*0\r\n" PING, "it has no words" },
	{ "*-1\r\n" PING, "it has no words" },
	{ "*\r\n", "invalid multibulk length" },
	{ "*x\r\n", "invalid multibulk length" },
	{ "* 1\r\n", "invalid multibulk length" },
	{ "*+1\r\n", "invalid multibulk length" },
	{ "*01\r\n$4\r\nPING\r\n", "invalid multibulk length" },
	{ "*1\n$4\r\nPING\r\n", "invalid multibulk length" },
	{ "*1\r$4\r\nPING\r\n", "invalid multibulk length" },
	{ "*1000003\r\n", "invalid multibulk length" },
	{ "*4294967297\r\n", "invalid multibulk length" },
	{ "*18446744073709551617\r\n", "invalid multibulk length" },
	{ "*9999999999999999999999999999999999999\r\n", "too big mbulk count string" },
	{ "*1\r\n:4\r\n", "expected '$', got ':'" },
	{ "*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'" },
	{ "*1\r\n\r\n", "expected '$', got '\\x0d'" },
	{ "*1\r\n$-1\r\n", "invalid bulk length" },
	{ "*1\r\n$\r\n", "invalid bulk length" },
	{ "*1\r\n$04\r\nPING\r\n", "invalid bulk length" },
	{ "*1\r\n$4\nPING\r\n", "invalid bulk length" },
	{ "*1\r\n$1073741825\r\n", "invalid bulk length" },
	{ "*2\r\n$1\r\na\r\n$4294967296\r\n", "invalid bulk length" },
	{ "*1\r\n$18446744073709551620\r\nPING\r\n", "invalid bulk length" },
	{ "*1\r\n$9999999999999999999999999999999999999\r\n", "too big bulk count string" },
	{ "*1\r\n$4\r\nPINGX\r\n", "expected CRLF after bulk" },
	{ "*1\r\n$3\r\nPING\r\n", "expected CRLF after bulk" },
	{ "*1\r\n$4\r\nPING\rX", "expected CRLF after bulk" },
	{ "*1\r\n$4\r\nid=1\r\n", "a context and nothing else" },
};

START_TEST(malformed_ends_it)
{
	struct served s = serve(malformed[_i].in, strlen(malformed[_i].in));
	char want[128];

	(void)snprintf(want, sizeof(want), "reqd_serve: not a request: %s\n", malformed[_i].why);
	ck_failed(malformed[_i].in, &s, "", want);
}
END_TEST

START_TEST(input_that_cannot_be_read)
{
	struct child c = { .in = open("/", O_RDONLY | O_CLOEXEC) };
	struct served s = serve_child(&c);

	ck_failed("directory", &s, "", "reqd_serve: cannot read a request: Is a directory\n");
}
END_TEST

/* ---------------------------------------------------------------- amount --- */

START_TEST(many_requests)
{
	static const char one[] = "*2\r\n$4\r\necho\r\n$4\r\n%04u\r\n", reply[] = "$4\r\n%04u\r\n";
	enum { COUNT = 5000, IN = sizeof(one) - 1, OUT = sizeof(reply) - 1 };
	char *in = malloc(COUNT * IN + 1), *want = malloc(COUNT * OUT + 1);
	struct served s;

	ck_assert(in != NULL && want != NULL);
	for (unsigned i = 0; i < COUNT; i++) {
		(void)snprintf(in + i * IN, IN + 1, one, i % 10000);
		(void)snprintf(want + i * OUT, OUT + 1, reply, i % 10000);
	}
	s = serve(in, COUNT * IN);
	ck_served("many", &s, want, COUNT * OUT);
	free(in);
	free(want);
}
END_TEST

START_TEST(large_argument)
{
	static const char head[] = "*2\r\n$4\r\necho\r\n$3145728\r\n", reply[] = "$3145728\r\n";
	const size_t n = sizeof(head) - 1, len = n + LARGE + 2 + sizeof(PING) - 1;
	char *in = malloc(len);
	struct served s;

	ck_assert_ptr_nonnull(in);
	memcpy(in, head, n);
	for (size_t i = 0; i < LARGE; i++)
		in[n + i] = (char)(i * 7);
	memcpy(in + n + LARGE, "\r\n" PING, 2 + sizeof(PING) - 1);
	s = serve(in, len);
	ck_assert_int_eq(s.out.len, sizeof(reply) - 1 + LARGE + 2 + sizeof(PONG) - 1);
	ck_assert_int_eq(memcmp(s.out.data, reply, sizeof(reply) - 1), 0);
	ck_assert_int_eq(memcmp(s.out.data + sizeof(reply) - 1, in + n, LARGE), 0);
	ck_assert_str_eq(s.out.data + sizeof(reply) - 1 + LARGE, "\r\n" PONG);
	ck_ended("large", &s, 0, "");
	free(in);
}
END_TEST

START_TEST(many_words)
{
	enum { COUNT = 200000 };
	static const char head[] = "*200001\r\n$4\r\necho\r\n", word[] = "$0\r\n\r\n";
	const size_t n = sizeof(head) - 1, w = sizeof(word) - 1;
	char *in = malloc(n + COUNT * w + sizeof(PING) - 1);
	struct served s;

	ck_assert_ptr_nonnull(in);
	memcpy(in, head, n);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(in + n + i * w, word, w);
	memcpy(in + n + COUNT * w, PING, sizeof(PING) - 1);
	s = serve(in, n + COUNT * w + sizeof(PING) - 1);
	ck_assert_int_eq(s.out.len, strlen("*200000\r\n") + COUNT * w + sizeof(PONG) - 1);
	ck_assert_str_eq(s.out.data + s.out.len - (sizeof(PONG) - 1), PONG);
	ck_ended("words", &s, 0, "");
	free(in);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, requests_are_answered, 0, N(requests));
	tcase_add_loop_test(tc, requests_arrive_slowly, 0, N(requests));
	tcase_add_loop_test(tc, context_is_read, 0, N(contexts));
	tcase_add_test(tc, truncations_end_it);
	tcase_add_loop_test(tc, malformed_ends_it, 0, N(malformed));
	tcase_add_test(tc, input_that_cannot_be_read);
	tcase_add_test(tc, many_requests);
	tcase_add_test(tc, large_argument);
	tcase_add_test(tc, many_words);
}

UNIT_MAIN("serve", add(tc))
