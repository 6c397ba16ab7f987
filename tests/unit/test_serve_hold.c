/* SPDX-License-Identifier: ISC */
/*
 * serve: requests that are answered later, and input that the program reads itself.
 */
#include "config.h"

#include "serve-peer.h"

/* ------------------------------------------------------------- functions --- */

static struct reqd_request *held[8];
static size_t n_held;

static void
hold(struct reqd_request *req)
{
	struct reqd_request *h = reqd_request_hold(req);

	must(h != NULL && h->argc == 0 && h->argv[0] == NULL);
	must(reqd_request_hold(req) == NULL && reqd_request_hold(h) == NULL);
	held[n_held++] = h;
}

/* Answers the one that was held last with its id. */
static void
release(struct reqd_request *req)
{
	struct reqd_request *h = held[--n_held];
	const char *id = reqd_request_context(h, "id");

	reqd_reply_text(req, "now");
	reqd_reply_text(h, id != NULL ? id : "later");
	must(reqd_request_release(h) == 0);
}

static void
release_empty(struct reqd_request *req)
{
	must(reqd_request_release(req) == REQD_E_INVALID);
	must(reqd_request_release(held[--n_held]) == 0);
	reqd_reply_null(req);
}

/* Output belongs to the first request only. */
static void
output(struct reqd_request *req)
{
	const void *data;
	size_t len;

	must(reqd_output(req, 1, "x", 1) == REQD_E_INVALID);
	must(reqd_output(held[1], 1, "x", 1) == REQD_E_INVALID);
	must(reqd_request_input(held[1], &data, &len) == REQD_E_INVALID);
	must(reqd_output(held[0], 1, "x", 1) == 0);
	reqd_reply_null(req);
	for (size_t i = 0; i < 2; i++) {
		reqd_reply_integer(held[i], (int64_t)i);
		must(reqd_request_release(held[i]) == 0);
	}
}

static void
late(struct reqd_request *req)
{
	reqd_reply_null(req);
	must(reqd_request_hold(req) == NULL);
}

static const struct function functions[] = {
	FUNCTION(hold), FUNCTION(release), FUNCTION(release_empty), FUNCTION(output),
	FUNCTION(echo), FUNCTION(late),
};

static void
handle(void *arg, struct reqd_request *req)
{
	call_function(functions, N(functions), arg, req);
}

/* ----------------------------------------------------------------- order --- */

#define HOLD "*1\r\n$4\r\nhold\r\n"
#define ONE(id) "*2\r\n$4\r\nid=" id "\r\n$4\r\nhold\r\n"
#define RELEASE "*1\r\n$7\r\nrelease\r\n"
#define RELEASE_EMPTY "*1\r\n$13\r\nrelease_empty\r\n"
#define ECHO_A "*2\r\n$4\r\necho\r\n$1\r\na\r\n"

static const struct exchange exchanges[] = {
	EXCHANGE("one", HOLD RELEASE, "$5\r\nlater\r\n$3\r\nnow\r\n"),
	EXCHANGE("one with context", ONE("7") RELEASE, "$1\r\n7\r\n$3\r\nnow\r\n"),
	EXCHANGE("the last first", ONE("1") ONE("2") ECHO_A RELEASE RELEASE,
	    "$1\r\n1\r\n$1\r\n2\r\n$1\r\na\r\n$3\r\nnow\r\n$3\r\nnow\r\n"),
	EXCHANGE("ping waits too", HOLD PING RELEASE, "$5\r\nlater\r\n" PONG "$3\r\nnow\r\n"),
	EXCHANGE("without a reply", HOLD RELEASE_EMPTY PING,
	    "-ERR handler made no reply\r\n_\r\n" PONG),
	EXCHANGE("output", HOLD HOLD "*1\r\n$6\r\noutput\r\n",
	    ">3\r\n$6\r\noutput\r\n$6\r\nstdout\r\n$1\r\nx\r\n:0\r\n:1\r\n_\r\n"),
	EXCHANGE("too late", "*1\r\n$4\r\nlate\r\n", "_\r\n"),
	EXCHANGE("never", ECHO_A HOLD ECHO_A, "$1\r\na\r\n"),
};

START_TEST(replies_have_their_order)
{
	ck_exchange(&exchanges[_i]);
}
END_TEST

START_TEST(replies_have_their_order_slowly)
{
	ck_exchange_slowly(&exchanges[_i]);
}
END_TEST

/* ------------------------------------------------------------------ read --- */

/* Reads up to 3 bytes at a time, as a program with a loop of its own may. */
static long
read_little(void *arg, int fd, void *buf, size_t size)
{
	must(strcmp(arg, "argument") == 0 && fd > 3 && size >= 3);
	return read(fd, buf, 3);
}

static long
give_up(void *arg, int fd, void *buf, size_t size)
{
	(void)buf;
	(void)size;
	must(strcmp(arg, "argument") == 0 && fd > 3);
	return -1;
}

static long
read_too_much(void *arg, int fd, void *buf, size_t size)
{
	(void)arg;
	(void)fd;
	(void)buf;
	return (long)size + 1;
}

START_TEST(program_reads)
{
	struct served s = serve_child(&(struct child){
		.in = file_new(ECHO_A PING, sizeof(ECHO_A PING) - 1), .read = read_little });

	ck_served("little", &s, "$1\r\na\r\n" PONG, sizeof("$1\r\na\r\n" PONG) - 1);
}
END_TEST

START_TEST(program_gives_up)
{
	static reqd_read_fn *const fns[] = { give_up, read_too_much };
	struct served s = serve_child(&(struct child){
		.in = file_new(ECHO_A, sizeof(ECHO_A) - 1), .read = fns[_i] });

	ck_failed("gives up", &s, "", "");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_loop_test(tc, replies_have_their_order, 0, N(exchanges));
	tcase_add_loop_test(tc, replies_have_their_order_slowly, 0, N(exchanges));
	tcase_add_test(tc, program_reads);
	tcase_add_loop_test(tc, program_gives_up, 0, 2);
}

UNIT_MAIN("serve_hold", add(tc))
