/* SPDX-License-Identifier: ISC */
/* conversation: several requests in one process at a time. */
#include "config.h"

#include <inttypes.h>

#include "handler-peer.h"

START_TEST(pipeline_keeps_the_order)
{
	struct pair p = called("wide", "CALL wide\r\n");
	int b = client(), c = client();

	say(b, "CALL wide\r\n");
	ck_received(&p.lent, "*1\r\n$4\r\nwide\r\n");
	say(c, "CALL wide\r\n");
	ck_received(&p.lent, "");
	answer(&p.lent, ":1\r\n:2\r");
	ck_heard(p.client, ":1\r\n");
	ck_heard(b, "");
	ck_received(&p.lent, "*1\r\n$4\r\nwide\r\n");
	answer(&p.lent, "\n:3\r\n");
	ck_heard(b, ":2\r\n");
	ck_heard(c, ":3\r\n");
	(void)asked(FRAME_WANT);
	asked_nothing();
	gone(&p.lent);
}
END_TEST

/* Returns the bytes that the process finds in its pipe without another turn. */
static const char *
in_pipe(const struct lent *l)
{
	static char text[1000];
	ssize_t n = read(l->in, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/*
 * Requests of a turn are sent together at its end, in the order of their
 * coming.
 */
START_TEST(pipeline_sends_a_turn_at_once)
{
	struct pair p = called("wide", "CALL wide\r\n");
	int b;

	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	b = client();
	send_text(p.client, "CALL wide\r\n");
	send_text(b, "CALL wide\r\n");
	turn_begins();
	ck_assert_uint_eq(lease_of("wide")->conversation.n_flight, 2);
	ck_assert_str_eq(in_pipe(&p.lent), "");
	bury();
	ck_assert_str_eq(in_pipe(&p.lent), "*1\r\n$4\r\nwide\r\n*1\r\n$4\r\nwide\r\n");
	answer(&p.lent, ":2\r\n:3\r\n");
	ck_heard(p.client, ":2\r\n");
	ck_heard(b, ":3\r\n");
	gone(&p.lent);
}
END_TEST

/* A request that has not been sent costs the process nothing. */
START_TEST(pipeline_takes_back_what_is_not_sent)
{
	struct pair p = called("wide", "CALL wide\r\n");
	char text[100];
	int b, c;

	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	b = client();
	c = client();
	(void)snprintf(text, sizeof(text), "CANCEL %016" PRIx64 "\r\n", w.desk.id_high | w.desk.id_low);
	send_text(p.client, "CALL wide\r\n");
	send_text(b, text);
	send_text(c, "CALL wide\r\n");
	one_turn();
	ck_assert_str_eq(in_pipe(&p.lent), "*1\r\n$4\r\nwide\r\n");
	answer(&p.lent, ":2\r\n");
	ck_heard(p.client, "-CANCELLED by the caller\r\n");
	ck_heard(b, ":1\r\n");
	ck_heard(c, ":2\r\n");
	asked_nothing();
	gone(&p.lent);
}
END_TEST

START_TEST(pipeline_ends_with_one_error_each)
{
	struct pair p = called("wide", "CALL wide\r\n");
	struct conn *c;
	int b = client_as(&c), d = client();

	say(b, "CALL --timeout=20000 wide\r\n");
	ck_received(&p.lent, "*1\r\n$4\r\nwide\r\n");
	say(d, "CALL wide\r\n");
	later(&call_of(c)->timer, 21 * USEC_PER_SEC);
	ck_heard(b, "-TIMEOUT 20000 wide\r\n");
	ck_heard(p.client, "-HANDLER the handler was killed because of another request\r\n");
	(void)asked(FRAME_WANT);
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
	p.lent = lend("wide");
	answer(&p.lent, ":1\r\n");
	ck_heard(d, ":1\r\n");
	gone(&p.lent);
}
END_TEST

/* Replies that the process wrote before it went belong to their requests. */
START_TEST(answers_before_a_closed_input)
{
	struct pair p = called("wide", "CALL wide\r\n");
	int b = client();

	/*
	 * The request comes first; the answer and the end come in the same
	 * turn.
	 */
	send_text(b, "CALL wide\r\n");
	write_text(p.lent.out, ":1\r\n");
	shut(&p.lent.in);
	one_turn();
	ck_heard(p.client, ":1\r\n");
	ck_heard(b, "");
	is_returned(&p.lent, 1, true);
	(void)asked(FRAME_WANT);
	gone(&p.lent);
	p.lent = lend("wide");
	asked_nothing();
	answer(&p.lent, ":2\r\n");
	ck_heard(b, ":2\r\n");
	gone(&p.lent);
}
END_TEST

/*
 * Output that belongs to no request does not reach a request that has not been
 * sent.
 */
START_TEST(output_beside_a_request_not_sent)
{
	struct pair p = called("wide", "CALL wide\r\n");
	int b = client();

	say(b, "HELLO 3\r\n");
	(void)heard(b);
	fill(&p.lent);
	say(b, "CALL --stream wide\r\n");
	ck_assert_uint_eq(lease_of("wide")->conversation.n_flight, 2);
	write_text(p.lent.out, ":1\r\n>3\r\n+output\r\n+stdout\r\n+secret\r\n");
	one_turn();
	ck_assert_ptr_null(strstr(heard(b), "secret"));
	ck_heard(p.client, ":1\r\n");
	is_returned(&p.lent, 1, true);
	gone(&p.lent);
}
END_TEST

/* ---------------------------------------------------------- a big first --- */

/*
 * Half of the request has been written when the other request ends their
 * process.
 */
START_TEST(half_a_request_is_not_sent_again)
{
	struct pair p = called("wide", "CALL wide\r\n");
	int b = client();

	say_big(b, "wide");
	ck_assert_ptr_nonnull(lease_of("wide")->conversation.unsent);
	call_cancel(call_of(p.conn), CANCEL_BY_ADMIN);
	ck_heard(p.client, "-CANCELLED by an administrator\r\n");
	ck_heard(b, "-HANDLER the handler was killed because of another request\r\n");
	is_returned(&p.lent, 0, true);
	asked_nothing();
	gone(&p.lent);
}
END_TEST

/* The second request is in flight, and nothing of it has been written. */
START_TEST(request_behind_a_big_one)
{
	int a = client(), b = client();
	struct lent l;

	say_big(a, "wide");
	say(b, "CALL wide\r\n");
	(void)asked(FRAME_WANT);
	l = lend_wanted("wide");
	ck_assert_uint_eq(lease_of("wide")->conversation.n_flight, 2);
	gone(&l);
	ck_begins(heard(a), "-HANDLER the handler ");
	ck_heard(b, "");
	is_returned(&l, 0, true);
	asked_nothing();
	l = lend("wide");
	ck_heard(b, "");
	answer(&l, ":1\r\n");
	ck_heard(b, ":1\r\n");
	gone(&l);
}
END_TEST

/*
 * The first request is answered before all of its input is sent: that input
 * comes before the second request.
 */
START_TEST(request_behind_an_early_answer)
{
	static const char end[] = PIECE_END "*1\r\n$4\r\npile\r\n" PIECE_END;
	int a = client(), b = client();
	const char *text;
	struct lent l;

	say_big(a, "pile");
	say(b, "CALL pile\r\n");
	(void)asked(FRAME_WANT);
	l = lend_wanted("pile");
	ck_assert_uint_eq(lease_of("pile")->conversation.n_flight, 2);
	answer(&l, ":1\r\n");
	ck_heard(a, ":1\r\n");
	text = received(&l);
	ck_assert_uint_gt(strlen(text), BIG);
	ck_assert_str_eq(text + strlen(text) - strlen(end), end);
	ck_assert(!conversation_is_sending(&lease_of("pile")->conversation));
	answer(&l, ":2\r\n");
	ck_heard(b, ":2\r\n");
	gone(&l);
}
END_TEST

/*
 * No request waits behind the rest of an answered one, which still has its
 * time.
 */
START_TEST(early_answer_and_nobody_behind)
{
	struct conn *c;
	int a = client(), b = client_as(&c), d = client();
	struct lent l;

	say_big(a, "pile");
	say(b, "CALL pile\r\n");
	(void)asked(FRAME_WANT);
	l = lend_wanted("pile");
	ck_assert_uint_eq(lease_of("pile")->conversation.n_flight, 2);
	answer(&l, ":1\r\n");
	ck_heard(a, ":1\r\n");
	call_cancel(call_of(c), CANCEL_BY_ADMIN);
	ck_heard(b, "-CANCELLED by an administrator\r\n");
	ck_assert(conversation_is_sending(&lease_of("pile")->conversation));
	say(d, "CALL pile\r\n");
	rested("pile", 3600 * USEC_PER_SEC);
	is_returned(&l, 1, true);
	gone(&l);
	l = lend("pile");
	answer(&l, ":2\r\n");
	ck_heard(d, ":2\r\n");
	gone(&l);
}
END_TEST

/*
 * The next request of a pipeline is sent when all of the input has been sent.
 */
START_TEST(input_in_a_pipeline)
{
	struct pair p = pushing("pile", "CALL --open pile\r\n");
	int b = client();

	say(b, "CALL pile\r\n");
	(void)asked(FRAME_WANT);
	input(p.client, "one");
	ck_received(&p.lent, PIECE("3", "one"));
	input_end(p.client);
	ck_received(&p.lent, PIECE_END "*1\r\n$4\r\npile\r\n" PIECE_END);
	answer(&p.lent, ":1\r\n:2\r\n");
	ck_heard(p.client, ":3\r\n:1\r\n");
	ck_heard(b, ":2\r\n");
	gone(&p.lent);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_handlers, teardown);
	tcase_add_test(tc, pipeline_keeps_the_order);
	tcase_add_test(tc, pipeline_sends_a_turn_at_once);
	tcase_add_test(tc, pipeline_takes_back_what_is_not_sent);
	tcase_add_test(tc, pipeline_ends_with_one_error_each);
	tcase_add_test(tc, answers_before_a_closed_input);
	tcase_add_test(tc, output_beside_a_request_not_sent);
	tcase_add_test(tc, half_a_request_is_not_sent_again);
	tcase_add_test(tc, request_behind_a_big_one);
	tcase_add_test(tc, request_behind_an_early_answer);
	tcase_add_test(tc, early_answer_and_nobody_behind);
	tcase_add_test(tc, input_in_a_pipeline);
}

UNIT_MAIN("conversation_pipeline", add(tc))
