/* SPDX-License-Identifier: ISC */
/*
 * serve_input: input that is pushed behind a request, read by the function or
 * left.
 */
#include "config.h"

#include "serve-peer.h"

/* Reads the number of pieces in argv[1]. The words stay where they are. */
static void
input(struct reqd_request *req)
{
	char *all = calloc(1, LARGE);
	size_t len, total = 0;
	const void *data;
	int r = 1;

	must(all != NULL && req->argc == 2);
	for (int i = atoi(req->argv[1]); i > 0; i--) {
		r = reqd_request_input(req, &data, &len);
		must(r > 0 ? len > 0 : len == 0);
		must(total + len < LARGE);
		memcpy(all + total, data, len);
		total += len;
		must(strcmp(req->argv[0], "input") == 0 && req->argv[2] == NULL);
	}
	reqd_reply_array(req, 2);
	reqd_reply_integer(req, r == REQD_E_CLOSED ? -1 : r);
	reqd_reply_bulk(req, all, total);
	free(all);
}

static const struct function functions[] = {
	FUNCTION(echo), FUNCTION(input),
};

static void
handle(void *arg, struct reqd_request *req)
{
	call_function(functions, N(functions), arg, req);
}

#define INPUT(n) "*2\r\n$5\r\ninput\r\n$1\r\n" n "\r\n"
#define PIECES \
	">2\r\n$5\r\ninput\r\n$3\r\none\r\n>2\r\n$5\r\ninput\r\n$4\r\n\0\r\n*\r\n" END
#define END ">2\r\n$5\r\ninput\r\n$0\r\n\r\n"

static const struct exchange inputs[] = {
	EXCHANGE("input", INPUT("3") PIECES PING INPUT("1") END,
	    "*2\r\n:0\r\n$7\r\none\0\r\n*\r\n" PONG "*2\r\n:0\r\n$0\r\n\r\n"),
	EXCHANGE("input after its end", INPUT("9") PIECES PING INPUT("9") PIECES,
	    "*2\r\n:0\r\n$7\r\none\0\r\n*\r\n" PONG "*2\r\n:0\r\n$7\r\none\0\r\n*\r\n"),
	EXCHANGE("half of the input", INPUT("1") PIECES INPUT("3") PIECES PING,
	    "*2\r\n:1\r\n$3\r\none\r\n*2\r\n:0\r\n$7\r\none\0\r\n*\r\n" PONG),
	EXCHANGE("not its end", INPUT("2") PIECES PING, "*2\r\n:1\r\n$7\r\none\0\r\n*\r\n" PONG),
	EXCHANGE("no input asked for", INPUT("0") PIECES "*1\r\n$4\r\necho\r\n" PIECES PING,
	    "*2\r\n:1\r\n$0\r\n\r\n*0\r\n" PONG),
};

START_TEST(input_is_read)
{
	ck_exchange(&inputs[_i]);
}
END_TEST

START_TEST(input_arrives_slowly)
{
	ck_exchange_slowly(&inputs[_i]);
}
END_TEST

static const struct {
	const char *in, *why;
} broken_inputs[] = {
	{ "", "the input ended inside a request" },
	{ ">2\r\n$5\r\ninp", "the input ended inside a request" },
	{ ">2\r\n$5\r\ninput\r\n$3\r\none\r\n", "the input ended inside a request" },
	{ PING, "not the input of a request" },
	{ ">x\r\n", "not the input of a request: invalid length" },
	{ ">2\r\n$5\r\ninput\r\n:3\r\n", "not the input of a request: another push" },
	{ ">2\r\n$6\r\noutput\r\n$1\r\na\r\n", "not the input of a request: another push" },
	{ ">2\r\n$5\r\ninput\r\n$1048677\r\n", "not the input of a request: value too big" },
};

START_TEST(broken_input_ends_it)
{
	char in[256], want[128];
	struct served s;

	for (int skipped = 0; skipped < 2; skipped++) {
		int n = snprintf(in, sizeof(in), "*2\r\n$5\r\ninput\r\n$1\r\n%d\r\n%s", skipped ? 0 : 9,
		    broken_inputs[_i].in);

		if (skipped && *broken_inputs[_i].in != '>')
			break;
		/*
		 * The last push is only the end of an input that nobody wants.
		 */
		if (skipped && _i == 2)
			break;
		s = serve(in, (size_t)n);
		(void)snprintf(want, sizeof(want), "reqd_serve: %s\n", broken_inputs[_i].why);
		ck_failed(in, &s, skipped ? "*2\r\n:1\r\n$0\r\n\r\n" : "", want);
	}
}
END_TEST

/* The reply to the request before it is sent all the same. */
START_TEST(broken_input_takes_no_reply_along)
{
	static const char in[] = PING "*2\r\n$5\r\ninput\r\n$1\r\n9\r\n*0\r\n";
	struct child c = { .in = file_new(in, strlen(in)), .is_batch = true };
	struct served s = serve_child(&c);

	ck_failed(in, &s, PONG, "reqd_serve: not the input of a request\n");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, input_is_read, 0, N(inputs));
	tcase_add_loop_test(tc, input_arrives_slowly, 0, N(inputs));
	tcase_add_loop_test(tc, broken_input_ends_it, 0, N(broken_inputs));
	tcase_add_test(tc, broken_input_takes_no_reply_along);
}

UNIT_MAIN("serve_input", add(tc))
