/* SPDX-License-Identifier: ISC */
/* handlercall: input that the worker collects until the request is whole. */
#include "config.h"

#include "handler-peer.h"

/* A request takes no process before its last word, the input, is whole. */
START_TEST(input_is_gathered)
{
	struct pair p = { .client = client_as(&p.conn) };

	for (unsigned twice = 0; twice < 2; twice++) {
		say(p.client, "CALL --open up no t\r\n");
		opened(p.client);
		input(p.client, "one\r\n");
		ck_heard(p.client, ":5\r\n");
		input(p.client, "");
		ck_heard(p.client, ":0\r\n");
		input(p.client, "two");
		ck_heard(p.client, ":3\r\n");
		if (twice == 0)
			asked_nothing();
		input_end(p.client);
		if (twice == 0)
			p.lent = lend_wanted("up");
		ck_received(&p.lent, "*3\r\n$2\r\nup\r\n$1\r\nt\r\n$8\r\none\r\ntwo\r\n");
		answer(&p.lent, ":8\r\n");
		ck_heard(p.client, ":8\r\n");
	}
	say(p.client, "CALL --open up no\r\n");
	opened(p.client);
	input_end(p.client);
	ck_received(&p.lent, "*3\r\n$2\r\nup\r\n$4\r\nnone\r\n$0\r\n\r\n");
	gone(&p.lent);
	ck_heard(p.client, "-HANDLER the handler ended without a reply\r\n");
}
END_TEST

/* ... and has the same limit as input that comes with the request. */
START_TEST(gathered_input_has_a_limit)
{
	static char chunk[250000];
	int a = client();

	memset(chunk, 'x', sizeof(chunk));
	say(a, "CALL --open up\r\n");
	opened(a);
	for (int i = 0; i < 4; i++) {
		input_n(a, chunk, sizeof(chunk));
		ck_heard(a, ":250000\r\n");
	}
	input_n(a, chunk, sizeof(chunk));
	ck_heard(a, ":0\r\n");
	input_n(a, chunk, 1);
	ck_heard(a, ":0\r\n");
	input_end(a);
	ck_heard(a, "-BADARG the input is longer than a request may be\r\n");
	say(a, "PING\r\n");
	ck_heard(a, "+PONG\r\n");
	asked_nothing();
}
END_TEST

/* The end of such a call affects no other call. */
START_TEST(gathering_ends_otherwise)
{
	struct pair p = called("up", "CALL up\r\n");
	struct conn *c;
	int a = client_as(&c), b = client();

	say(a, "CALL --open --timeout=100 up\r\n");
	opened(a);
	later(&call_of(c)->timer, 200 * USEC_PER_MSEC);
	ck_heard(a, "");
	input(a, "x");
	ck_heard(a, ":0\r\n");
	input_end(a);
	ck_heard(a, "-TIMEOUT 100 up\r\n");

	say(a, "CALL --open up\r\n");
	opened(a);
	say_cancel(b, call_id);
	ck_heard(b, ":1\r\n");
	input_end(a);
	ck_heard(a, "-CANCELLED by the caller\r\n");

	say(a, "CALL --open up\r\n");
	opened(a);
	input(a, "half");
	ck_heard(a, ":4\r\n");
	conn_close(c);
	bury();
	ck_assert_uint_eq(stats.running, 1);

	say(b, "CALL --open wide\r\n");
	opened(b);
	reload_with("wide", "wide", "else");
	ck_heard(b, "");
	input_end(b);
	ck_heard(b, "-UNAVAIL wide the configuration has changed\r\n");

	asked_nothing();
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	gone(&p.lent);
	(void)close(a);
}
END_TEST

/* One call runs, one gathers its input, and all others wait or are refused. */
static void
crowd(const char *service, const char *answer)
{
	char call[32], open_call[32];
	struct pair p;
	int a, fds[70];

	(void)snprintf(call, sizeof(call), "CALL %s\r\n", service);
	(void)snprintf(open_call, sizeof(open_call), "CALL --open %s\r\n", service);
	p = called(service, call);
	a = client();
	say(a, open_call);
	opened(a);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client();
		say(fds[i], call);
	}
	input_end(a);
	ck_heard(a, answer);
	gone(&p.lent);
}

START_TEST(gathered_input_finds_the_queue_full)
{
	crowd("short", "-BUSY short queue full\r\n");
}
END_TEST

/* A queue is not full for one caller, but the caller has its share of it. */
START_TEST(gathered_input_finds_the_share_taken)
{
	crowd("wide", "-BUSY wide " CALL_CROWDED_QUEUE "\r\n");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_handlers, teardown);
	tcase_add_test(tc, input_is_gathered);
	tcase_add_test(tc, gathered_input_has_a_limit);
	tcase_add_test(tc, gathering_ends_otherwise);
	tcase_add_test(tc, gathered_input_finds_the_queue_full);
	tcase_add_test(tc, gathered_input_finds_the_share_taken);
}

UNIT_MAIN("handlercall_gather", add(tc))
