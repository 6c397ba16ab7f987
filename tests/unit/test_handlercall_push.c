/* SPDX-License-Identifier: ISC */
/* handlercall: input that goes to the process as it comes. */
#include "config.h"

#include "handler-peer.h"

START_TEST(pushed_with_the_request)
{
	static const char head[] = "*4\r\n$4\r\nCALL\r\n$7\r\n--stdin\r\n$4\r\npush\r\n$150000\r\n";
	static char text[sizeof(head) + 150002];
	struct pair p = called("push", "CALL push\r\nCALL --stdin push \"a\\r\\nb\"\r\n");
	const char *got;

	answer(&p.lent, ":1\r\n");
	ck_received(&p.lent, PUSH PIECE("4", "a\r\nb") PIECE_END);
	answer(&p.lent, ":2\r\n");
	say(p.client, "CALL --stdin push \"\"\r\nCALL push\r\n");
	ck_received(&p.lent, PUSH PIECE_END);
	answer(&p.lent, ":3\r\n");
	ck_received(&p.lent, PUSH PIECE_END);
	answer(&p.lent, ":4\r\n");
	ck_heard(p.client, ":1\r\n:2\r\n:3\r\n:4\r\n");
	/* The longest piece has 64 KiB. */
	memset(text, 'y', sizeof(text));
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + sizeof(text) - 3, "\r\n", 2);
	say_all(p.client, text, sizeof(text) - 1);
	got = received(&p.lent);
	ck_begins(got, PUSH ">2\r\n$5\r\ninput\r\n$65536\r\nyyy");
	got = strstr(got, "y\r\n>2\r\n$5\r\ninput\r\n$18928\r\nyyy");
	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(strstr(got, "y\r\n>2\r\n$5\r\ninput\r\n$0\r\n"), "y\r\n" PIECE_END);
	answer(&p.lent, ":5\r\n");
	ck_heard(p.client, ":5\r\n");
	asked_nothing();
	gone(&p.lent);
}
END_TEST

START_TEST(pushed_as_it_comes)
{
	struct pair p = pushing("push", "CALL --open push\r\n");

	input(p.client, "one");
	ck_heard(p.client, ":3\r\n");
	ck_received(&p.lent, PIECE("3", "one"));
	input(p.client, "");
	ck_heard(p.client, ":0\r\n");
	ck_received(&p.lent, "");
	say(p.client, "PING\r\n");
	ck_heard(p.client, "+PONG\r\n");
	input(p.client, "four");
	ck_heard(p.client, ":4\r\n");
	ck_received(&p.lent, PIECE("4", "four"));
	input_end(p.client);
	ck_heard(p.client, "");
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, ":7\r\n");
	ck_heard(p.client, ":7\r\n");
	say(p.client, "CALL push\r\n");
	ck_received(&p.lent, PUSH PIECE_END);
	answer(&p.lent, ":0\r\n");
	ck_heard(p.client, ":0\r\n");
	asked_nothing();
	gone(&p.lent);
}
END_TEST

/* No more input is asked for than the process takes. */
START_TEST(pushed_no_faster_than_it_is_taken)
{
	static char chunk[100000];
	struct pair p = pushing("push", "CALL --full --open push\r\n");
	const char *text;

	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 3; i++) {
		input_n(p.client, chunk, sizeof(chunk));
		ck_heard(p.client, "");
		ck_assert_uint_ge(strlen(received(&p.lent)), sizeof(chunk));
		ck_heard(p.client, ":100000\r\n");
	}
	fill(&p.lent);
	input(p.client, "x");
	ck_heard(p.client, "");
	ck_assert_uint_lt(call_of(p.conn)->exchange.text.cap, 2 * sizeof(chunk));
	(void)received(&p.lent);
	ck_heard(p.client, ":1\r\n");
	input_end(p.client);
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, "+ok\r\n");
	text = heard(p.client);
	ck_begins(text, "*16\r\n");
	ck_assert_ptr_nonnull(strstr(text, "$5\r\nvalue\r\n+ok\r\n"));
	gone(&p.lent);
}
END_TEST

/* -------------------------------------------------------- early answers --- */

/*
 * The client is told that no more input is wanted, and the process can be used
 * again.
 */
START_TEST(answered_before_the_end_of_input)
{
	struct pair p = pushing("push", "CALL --open push\r\n");

	answer(&p.lent, "*2\r\n:1\r\n$3\r\nabc\r\n");
	ck_received(&p.lent, PIECE_END);
	ck_heard(p.client, "");
	say(p.client, "CALL push\r\n");
	ck_begins(heard(p.client), "-BUSY push this connection has an open call");
	input(p.client, "more");
	ck_heard(p.client, ":0\r\n");
	/* The reply comes in the version that the client speaks by then. */
	say(p.client, "HELLO 3\r\n");
	(void)heard(p.client);
	input_end(p.client);
	ck_heard(p.client, "*2\r\n:1\r\n$3\r\nabc\r\n");
	ck_received(&p.lent, "");
	say(p.client, "CALL push\r\nCALL --stream --open push\r\n");
	ck_received(&p.lent, PUSH PIECE_END);
	answer(&p.lent, "_\r\n");
	ck_begins(heard(p.client), "_\r\n+");
	(void)strlcpy(call_id, call_of(p.conn)->id_text, sizeof(call_id));
	ck_received(&p.lent, PUSH);
	answer(&p.lent, "-EXIT 3 three\r\n");
	ck_begins(heard(p.client), ">2\r\n$5\r\nended\r\n$16\r\n");
	input_end(p.client);
	ck_begins(heard(p.client), "%7\r\n$6\r\nstatus\r\n:3\r\n$6\r\nsignal\r\n_\r\n"
	    "$5\r\nvalue\r\n-EXIT 3 three\r\n");
	ck_received(&p.lent, PIECE_END);
	recall(&p.lent);
	is_returned(&p.lent, 3, false);
	asked_nothing();
	gone(&p.lent);
}
END_TEST

/*
 * ... while the process has half of a piece: it gets the rest before the next
 * request.
 */
START_TEST(answered_in_the_middle_of_a_piece)
{
	enum { READS, LATE, RECALLED, LEAVES, LOST, WORKER_ENDS, N };
	static char chunk[200000];

	memset(chunk, 'x', sizeof(chunk));
	for (int how = READS; how < N; how++) {
		struct pair p = pushing("push", "CALL --open push\r\n");
		int b = client();

		input_n(p.client, chunk, sizeof(chunk));
		say(b, "CALL push\r\n");
		(void)asked(FRAME_WANT);
		ck_heard(p.client, "");
		answer(&p.lent, ":1\r\n");
		ck_heard(p.client, ":0\r\n");
		input_end(p.client);
		ck_heard(p.client, ":1\r\n");
		ck_heard(b, "");
		asked_nothing();
		switch (how) {
		case RECALLED:
			recall(&p.lent);
			asked_nothing();
			lease_of("push")->since_usec = 0;
			ck_assert_ptr_nonnull(strstr(received(&p.lent), "x\r\n" PIECE_END));
			is_returned(&p.lent, 1, false);
			gone(&p.lent);
			break;
		case READS:
			ck_assert_ptr_nonnull(strstr(received(&p.lent), "x\r\n" PIECE_END));
			answer(&p.lent, ":2\r\n");
			ck_heard(b, ":2\r\n");
			ck_assert_uint_le(lease_of("push")->timer.due_usec,
			    w.loop.now_usec + USEC_PER_SEC);
			gone(&p.lent);
			is_returned(&p.lent, 2, true);
			lease_set_get(&w.leases, "push")->n_wanted = 0;
			break;
		case LATE:
			rested("push", 59 * USEC_PER_SEC);
			asked_nothing();
			rested("push", 61 * USEC_PER_SEC);
			is_returned(&p.lent, 1, true);
			gone(&p.lent);
			break;
		case LEAVES:
			gone(&p.lent);
			is_returned(&p.lent, 1, true);
			break;
		case LOST:
			broker_dies();
			turns();
			new_broker();
			(void)asked(FRAME_WANT);
			gone(&p.lent);
			break;
		case WORKER_ENDS:
			leases_give_back(&w.leases);
			is_returned(&p.lent, 1, true);
			gone(&p.lent);
			break;
		}
		(void)close(b);
		turns();
		if (how != READS && how != WORKER_ENDS) {
			p.lent = lend("push");
			ck_received(&p.lent, PUSH PIECE_END);
			gone(&p.lent);
			is_returned(&p.lent, 0, true);
		}
		(void)close(p.client);
		turns();
	}
}
END_TEST

/*
 * Makes a call whose process has a full pipe: nothing of the request has been
 * written.
 */
static struct pair
pushing_into_a_full_pipe(void)
{
	struct pair p = { .client = client_as(&p.conn) };

	p.lent = called("push", "CALL push\r\n").lent;
	answer(&p.lent, ":1\r\n");
	fill(&p.lent);
	say(p.client, "CALL --open push\r\n");
	opened(p.client);
	return p;
}

/* The answer of the process belongs to no request. */
START_TEST(answered_before_its_request)
{
	struct pair p = pushing_into_a_full_pipe();

	answer(&p.lent, ":2\r\n");
	input_end(p.client);
	ck_heard(p.client, "-HANDLER the handler answered before it had the whole request\r\n");
	is_returned(&p.lent, 1, true);
	gone(&p.lent);
}
END_TEST

/*
 * The answer is in the pipe when the worker notices that the process reads no
 * more.
 */
START_TEST(answers_and_reads_no_more)
{
	struct pair p = pushing("push", "CALL --open push\r\n");
	char text[64];

	(void)snprintf(text, sizeof(text), "INPUT %s more\r\nINPUT %s\r\n", call_id, call_id);
	send_text(p.client, text);
	write_text(p.lent.out, ":1\r\n");
	shut(&p.lent.in);
	one_turn();
	ck_heard(p.client, ":0\r\n:1\r\n");
	is_returned(&p.lent, 1, true);
	gone(&p.lent);
}
END_TEST

/* ------------------------------------------------- another end, or none --- */

START_TEST(input_breaks_off)
{
	enum { CLIENT_GOES, CANCELLED, EXPIRED, RESET, DIES, CLOSES, TWICE, N };
	static const char *const ends[N] = {
		[CANCELLED] = "-CANCELLED by the caller\r\n", [EXPIRED] = "-TIMEOUT 60000 push\r\n",
		[DIES] = "-HANDLER the handler ended without a reply\r\n",
		[CLOSES] = "-HANDLER the handler closed its input in the middle of a request\r\n",
		[TWICE] = "-HANDLER the handler answered twice\r\n",
	};

	for (int how = CLIENT_GOES; how < N; how++) {
		struct pair p = pushing("push", "CALL --open push\r\n");
		int b = client();

		input(p.client, "some");
		ck_heard(p.client, ":4\r\n");
		if (how == CLIENT_GOES) {
			conn_close(p.conn);
			bury();
		} else if (how == CANCELLED) {
			say_cancel(b, call_id);
			ck_heard(b, ":1\r\n");
		} else if (how == EXPIRED) {
			later(&call_of(p.conn)->timer, 61 * USEC_PER_SEC);
		} else if (how == RESET) {
			say(p.client, "RESET\r\n");
			ck_heard(p.client, "+RESET\r\n");
		} else if (how == DIES) {
			gone(&p.lent);
		} else if (how == TWICE) {
			answer(&p.lent, ":1\r\n:2\r\n");
		} else {
			shut(&p.lent.in);
		}
		if (how != CLOSES)
			is_returned(&p.lent, 0, true);
		ck_assert_uint_eq(stats.running, ends[how] != NULL);
		if (ends[how] != NULL) {
			input(p.client, "more");
			ck_heard(p.client, ":0\r\n");
			input_end(p.client);
			ck_heard(p.client, ends[how]);
		}
		if (how == CLOSES)
			is_returned(&p.lent, 0, true);
		gone(&p.lent);
		(void)close(b);
		(void)close(p.client);
		turns();
		asked_nothing();
	}
}
END_TEST

/*
 * Nothing of the request was written: another process gets it, with the input
 * that has come.
 */
START_TEST(input_goes_to_another_process)
{
	struct pair p = pushing_into_a_full_pipe();

	input(p.client, "one");
	ck_heard(p.client, "");
	gone(&p.lent);
	is_returned(&p.lent, 1, true);
	ck_heard(p.client, "");
	p.lent = lend_wanted("push");
	ck_heard(p.client, ":3\r\n");
	ck_received(&p.lent, PUSH PIECE("3", "one"));
	input_end(p.client);
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, ":3\r\n");
	ck_heard(p.client, ":3\r\n");
	gone(&p.lent);
}
END_TEST

/* A call that waits for a process has not begun. */
START_TEST(input_waits_for_a_process)
{
	struct pair p = called("push", "CALL push\r\n");
	struct conn *c;
	int a = client_as(&c), b = client();

	say(a, "CALL --open push\r\nPING\r\n");
	(void)asked(FRAME_WANT);
	ck_heard(a, "");
	later(&call_of(c)->timer, 6 * USEC_PER_SEC);
	ck_heard(a, "-BUSY push waited too long in the queue\r\n+PONG\r\n");
	say(a, "CALL --open push\r\n");
	say_cancel(b, call_of(c)->id_text);
	ck_heard(b, ":1\r\n");
	ck_heard(a, "-CANCELLED by the caller\r\n");
	say(a, "CALL --open push\r\nPING\r\n");
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	ck_begins(heard(a), "+abcdef");
	(void)strlcpy(call_id, call_of(c)->id_text, sizeof(call_id));
	ck_received(&p.lent, PUSH);
	input_end(a);
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, ":2\r\n");
	ck_heard(a, ":2\r\n");
	asked_nothing();
	gone(&p.lent);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_handlers, teardown);
	tcase_add_test(tc, pushed_with_the_request);
	tcase_add_test(tc, pushed_as_it_comes);
	tcase_add_test(tc, pushed_no_faster_than_it_is_taken);
	tcase_add_test(tc, answered_before_the_end_of_input);
	tcase_add_test(tc, answered_in_the_middle_of_a_piece);
	tcase_add_test(tc, answered_before_its_request);
	tcase_add_test(tc, answers_and_reads_no_more);
	tcase_add_test(tc, input_breaks_off);
	tcase_add_test(tc, input_goes_to_another_process);
	tcase_add_test(tc, input_waits_for_a_process);
}

UNIT_MAIN("handlercall_push", add(tc))
