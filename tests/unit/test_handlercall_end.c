/* SPDX-License-Identifier: ISC */
/*
 * handlercall: the call of a handler ends before its answer: by its deadline,
 * by a cancel, or because its client goes.
 */
#include "config.h"

#include <inttypes.h>

#include "handler-peer.h"

START_TEST(timeout)
{
	struct pair p = called("narrow", "CALL --full --timeout=30000 narrow\r\n");
	const char *text;

	later(&call_of(p.conn)->timer, 31 * USEC_PER_SEC);
	text = heard(p.client);
	ck_begins(text, "*16\r\n$6\r\nstatus\r\n:-1\r\n$6\r\nsignal\r\n$-1\r\n"
	    "$5\r\nvalue\r\n$-1\r\n");
	ck_assert_ptr_nonnull(strstr(text, "$7\r\noutcome\r\n$7\r\ntimeout\r\n"));
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
	p = called("narrow", "CALL --timeout=20000 narrow\r\nCALL narrow\r\n");

	later(&call_of(p.conn)->timer, 10 * USEC_PER_SEC);
	ck_heard(p.client, "");
	later(&call_of(p.conn)->timer, 21 * USEC_PER_SEC);
	ck_heard(p.client, "-TIMEOUT 20000 narrow\r\n");
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
	/* The answer to another request does not come to the wrong one. */
	p.lent = lend_wanted("narrow");
	answer(&p.lent, ":2\r\n");
	ck_heard(p.client, ":2\r\n");
	gone(&p.lent);
}
END_TEST

START_TEST(cancel)
{
	struct pair p = called("up", "CALL up\r\n");
	int b = client(), c = client();

	say(c, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	say_cancel(b, TAILQ_FIRST(&lease_set_get(&w.leases, "up")->waiting)->id);
	ck_heard(b, ":1\r\n");
	ck_heard(c, "-CANCELLED by the caller\r\n");
	asked_nothing();
	say_cancel(b, call_of(p.conn)->id_text);
	ck_heard(b, ":1\r\n");
	ck_heard(p.client, "-CANCELLED by the caller\r\n");
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
}
END_TEST

START_TEST(cancel_is_for_the_caller)
{
	struct pair p = called("up", "CALL up\r\n");
	struct conn *other;
	int b = client_as(&other);

	other->peer.caller->uid = 54321;
	say_cancel(b, call_of(p.conn)->id_text);
	(void)asked(FRAME_CANCEL_OWNED);
	call_cancel(call_of(p.conn), CANCEL_BY_ADMIN);
	ck_heard(p.client, "-CANCELLED by an administrator\r\n");
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
}
END_TEST

/* No client takes the reply: the connection is not kept for it. */
START_TEST(cancel_of_a_call_whose_client_is_gone)
{
	struct pair p = called("up", "CALL up\r\n");
	char text[64];
	int b = client();

	(void)close(p.client);
	turns();
	ck_assert_uint_eq(p.conn->stream.io.events, 0);
	(void)snprintf(text, sizeof(text), "PING\r\nCANCEL %s\r\n", call_of(p.conn)->id_text);
	say(b, text);
	ck_heard(b, "+PONG\r\n:1\r\n");
	ck_assert_uint_eq(stats.connections_open, 1);
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
}
END_TEST

/* A client of another worker cancels: the broker asks this worker. */
START_TEST(cancel_from_another_worker)
{
	struct pair p = called("up", "CALL up\r\n");
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = call_of(p.conn)->id, .slot = 7 };
	struct asked a;

	for (unsigned is_owner = 0; is_owner < 3; is_owner++) {
		struct slice owner = is_owner > 0 ? slice_of("uid:12345") : slice_of("uid:54321");

		f.cancel.owner = digest_of(&owner, 1);
		f.id += is_owner == 2 ? 100 : 0;
		broker_says(&f, NULL, 0);
		a = asked(FRAME_CANCELLED);
		ck_assert_uint_eq(a.frame.slot, 7);
		ck_assert_uint_eq(a.frame.id, f.id);
		ck_assert_uint_eq(a.frame.cancel.found, is_owner == 1);
		if (is_owner != 1) {
			asked_nothing();
			continue;
		}
		is_returned(&p.lent, 0, true);
		ck_heard(p.client, "-CANCELLED by the caller\r\n");
		say(p.client, "CALL up\r\n");
		(void)asked(FRAME_WANT);
	}
	gone(&p.lent);
}
END_TEST

/* --------------------------------------------- one connection at a time --- */

/* The next request of another client waits until this one has been answered. */
START_TEST(cancel_and_be_killed_for_it)
{
	struct conn *c;
	int a = client_as(&c), next;
	char text[100];
	struct pair p;

	(void)snprintf(text, sizeof(text), "CALL up\r\nCLIENT KILL ID %" PRIu64 "\r\n", c->id);
	p = called("up", text);
	say_cancel(a, call_of(p.conn)->id_text);
	ck_heard(a, ":1\r\n(closed)");
	ck_heard(p.client, "-CANCELLED by the caller\r\n:1\r\n");
	ck_assert_ptr_null(w.net.writer);
	next = client();
	say(next, "PING\r\n");
	ck_heard(next, "+PONG\r\n");
	is_returned(&p.lent, 0, true);
	gone(&p.lent);
}
END_TEST

/*
 * ... and is not read into the buffer from which the current request is being
 * executed.
 */
START_TEST(cancel_while_the_worker_stops)
{
	struct pair p = called("up", "CALL up\r\n");
	int a = client();
	char text[100];

	(void)snprintf(text, sizeof(text), "CANCEL %s\r\nPING one\r\nPING two\r\n",
	    call_of(p.conn)->id_text);
	send_text(a, text);
	memset(text, '\n', sizeof(text));
	send_n(p.client, text, sizeof(text));
	w.net.stopping = true;
	one_turn();
	ck_heard(a, ":1\r\n$3\r\none\r\n$3\r\ntwo\r\n(closed)");
	(void)asked(FRAME_RETURN);
	w.net.stopping = w.done = false;
	gone(&p.lent);
}
END_TEST

/* The call ends in the middle of its own CALL, which is not executed again. */
START_TEST(call_that_ends_while_it_begins)
{
	struct pair p = called("wide", "CALL wide\r\n");
	uint16_t number = conf_find_service(w.conf, "wide", 4)->number;
	char text[100];
	int a = client();

	(void)snprintf(text, sizeof(text), "CANCEL %016" PRIx64 "\r\n", call_of(p.conn)->id + 1);
	say(p.client, text);
	shut(&p.lent.in);
	say(a, "CALL wi");
	say(a, "de\r\nPING\r\n");
	is_returned(&p.lent, 0, true);
	(void)asked(FRAME_WANT);
	asked_nothing();
	ck_heard(p.client, "-HANDLER the handler was killed because of another request\r\n:1\r\n");
	ck_heard(a, "-CANCELLED by the caller\r\n+PONG\r\n");
	ck_assert_uint_eq(stats.service[number].calls, 2);
	gone(&p.lent);
}
END_TEST

/* The places on the stack from which the replies of a turn were sent. */
static const char *highest_send, *lowest_send;

/* This function replaces the one of the C library. */
ssize_t
send(int fd, const void *bytes, size_t n, int flags)
{
	const char *here = __builtin_frame_address(0);
	bool is_reply = w.net.writer != NULL && w.net.writer->stream.io.fd == fd;

	if (is_reply && here > highest_send)
		highest_send = here;
	if (is_reply && (lowest_send == NULL || here < lowest_send))
		lowest_send = here;
	return sendto(fd, bytes, n, flags, NULL, 0);
}

/* Each cancel causes the next; the stack does not grow with their number. */
START_TEST(chain_of_cancels)
{
	enum { N = 40 };
	struct conn *conns[N];
	uint32_t turn;
	char text[100];
	int fds[N], a = client();
	uint64_t id = w.desk.id_high | w.desk.id_low;

	for (int i = 0; i < N; i++) {
		fds[i] = client_as(&conns[i]);
		(void)snprintf(text, sizeof(text), "CALL up\r\nCANCEL %016" PRIx64 "\r\n",
		    id + 1 + (uint64_t)i);
		say(fds[i], text);
		(void)asked(FRAME_WANT);
	}
	(void)snprintf(text, sizeof(text), "CANCEL %s\r\n", call_of(conns[0])->id_text);
	send_text(a, text);
	highest_send = lowest_send = NULL;
	turn = w.loop.turn;
	one_turn();
	for (int i = 0; i < N; i++) {
		ck_assert_ptr_null(call_of(conns[i]));
		ck_assert_uint_eq(conns[i]->task.ran_turn, turn);
	}
	ck_assert_ptr_nonnull(lowest_send);
	ck_assert_int_lt(highest_send - lowest_send, 512);
	ck_heard(a, ":1\r\n");
	for (int i = 0; i < N - 1; i++)
		ck_heard(fds[i], "-CANCELLED by the caller\r\n:1\r\n");
	(void)asked(FRAME_CANCEL_OWNED);
	tell_found(0, false);
	ck_heard(fds[N - 1], "-CANCELLED by the caller\r\n:0\r\n");
}
END_TEST

START_TEST(client_gone_and_service_finishes)
{
	struct pair p = called("up", "CALL up\r\n");
	int b = client();

	(void)close(p.client);
	turns();
	conn_close(p.conn);
	bury();
	ck_assert_uint_eq(stats.running, 1);
	say(b, "CALL up\r\n");
	ck_heard(b, "");
	answer(&p.lent, "+for nobody\r\n");
	ck_assert_uint_eq(stats.running, 1);
	ck_received(&p.lent, UP);
	answer(&p.lent, "+mine\r\n");
	ck_heard(b, "+mine\r\n");
	(void)asked(FRAME_WANT);
	asked_nothing();
	gone(&p.lent);
}
END_TEST

START_TEST(client_gone_and_service_kills)
{
	struct pair p = called("kill", "CALL kill\r\n");
	struct conn *c;
	int b = client_as(&c);

	say(b, "CALL kill\r\n");
	(void)asked(FRAME_WANT);
	conn_close(c);		/* the call waits: no process is killed for it */
	turns();
	asked_nothing();
	ck_assert_uint_eq(stats.running, 1);
	conn_close(p.conn);
	bury();
	is_returned(&p.lent, 0, true);
	ck_assert_uint_eq(stats.running, 0);
	gone(&p.lent);
	(void)close(p.client);
	(void)close(b);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_handlers, teardown);
	tcase_add_test(tc, timeout);
	tcase_add_test(tc, cancel);
	tcase_add_test(tc, cancel_is_for_the_caller);
	tcase_add_test(tc, cancel_of_a_call_whose_client_is_gone);
	tcase_add_test(tc, cancel_from_another_worker);
	tcase_add_test(tc, cancel_and_be_killed_for_it);
	tcase_add_test(tc, cancel_while_the_worker_stops);
	tcase_add_test(tc, call_that_ends_while_it_begins);
	tcase_add_test(tc, chain_of_cancels);
	tcase_add_test(tc, client_gone_and_service_finishes);
	tcase_add_test(tc, client_gone_and_service_kills);
}

UNIT_MAIN("handlercall_end", add(tc))
