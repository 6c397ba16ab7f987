/* SPDX-License-Identifier: ISC */
/*
 * leases: the processes of one service and the requests that wait for one:
 * questions to the broker, its answers, and other rules.
 */
#include "config.h"

#include "handler-peer.h"

START_TEST(one_want_for_each_that_waits)
{
	int a = client(), b = client();
	struct lent x, y;

	say(a, "CALL up no 1\r\n");
	say(b, "CALL up no 2\r\n");
	(void)asked(FRAME_WANT);
	x = lend_wanted("up");
	ck_received(&x, "*2\r\n$2\r\nup\r\n$1\r\n1\r\n");
	/*
	 * The first process takes the second request, too; the second process
	 * is only kept.
	 */
	answer(&x, ":1\r\n");
	ck_heard(a, ":1\r\n");
	ck_received(&x, "*2\r\n$2\r\nup\r\n$1\r\n2\r\n");
	y = lend("up");
	answer(&x, ":2\r\n");
	ck_heard(b, ":2\r\n");
	asked_nothing();
	rested("up", 200 * USEC_PER_MSEC);
	is_returned(&y, 0, false);
	gone(&x);
	gone(&y);
}
END_TEST

/* The leases come for requests that another process has answered long ago. */
START_TEST(leases_that_come_too_late)
{
	int a = client(), b = client(), c = client();
	struct lent x, y, z;

	say(a, "CALL up\r\n");
	say(b, "CALL up\r\n");
	say(c, "CALL up\r\n");
	for (int i = 0; i < 2; i++)
		(void)asked(FRAME_WANT);
	x = lend_wanted("up");
	for (int i = 0; i < 3; i++)
		answer(&x, ":1\r\n");
	y = lend("up");
	is_returned(&y, 0, false);
	z = lend("up");
	rested("up", 10 * USEC_PER_MSEC);
	is_returned(&z, 0, false);
	asked_nothing();
	say(a, "CALL up\r\n");
	ck_received(&x, UP UP UP UP);
	gone(&x);
	gone(&y);
	gone(&z);
}
END_TEST

START_TEST(queue)
{
	struct pair p = called("narrow", "CALL narrow\r\n");
	struct conn *c;
	int a = client_as(&c), b = client(), d = client();

	say(a, "CALL narrow\r\n");
	say(b, "CALL narrow\r\n");
	say(d, "CALL narrow\r\n");
	ck_heard(d, "-BUSY narrow queue full\r\n");
	later(&call_of(c)->timer, 4900 * USEC_PER_MSEC);
	ck_heard(a, "");
	later(&call_of(c)->timer, 5100 * USEC_PER_MSEC);
	ck_heard(a, "-BUSY narrow waited too long in the queue\r\n");
	/*
	 * The waiting request is served next; its deadline counts from its
	 * acceptance.
	 */
	answer(&p.lent, ":1\r\n");
	ck_received(&p.lent, "*1\r\n$6\r\nnarrow\r\n");
	answer(&p.lent, ":2\r\n");
	ck_heard(b, ":2\r\n");
	say(a, "CALL --timeout=20000 narrow\r\n");
	gone(&p.lent);
	ck_begins(heard(a), "-HANDLER ");
	say(a, "CALL --timeout=20000 narrow\r\n");
	later(&call_of(c)->timer, 21 * USEC_PER_SEC);
	ck_heard(a, "-TIMEOUT 20000 narrow\r\n");
}
END_TEST

/*
 * The request was with a process once. Its time in the queue is over all the
 * same.
 */
START_TEST(request_put_back_waits_no_longer)
{
	struct pair p = called("narrow", "CALL narrow\r\n");

	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	fill(&p.lent);
	say(p.client, "CALL narrow\r\n");
	gone(&p.lent);
	is_returned(&p.lent, 1, true);
	ck_assert_uint_eq(call_of(p.conn)->timer.due_usec,
	    call_of(p.conn)->accepted_usec + 5 * USEC_PER_SEC);
	later(&call_of(p.conn)->timer, 4900 * USEC_PER_MSEC);
	ck_heard(p.client, "");
	later(&call_of(p.conn)->timer, 5100 * USEC_PER_MSEC);
	ck_heard(p.client, "-BUSY narrow waited too long in the queue\r\n");
}
END_TEST

/* -------------------------------------------------------------- refused --- */

#define UNSTABLE                                                               \
	"its handler does not stay up: exit status 1 before its first answer; tried again now"

START_TEST(unable_ends_all_that_wait_now)
{
	int a = client(), b = client();
	struct lent l;

	say(a, "CALL up\r\nCALL up\r\n");
	say(b, "CALL up\r\nPING\r\n");
	(void)asked(FRAME_WANT);
	(void)asked(FRAME_WANT);
	unable("up");
	ck_heard(a, "-UNAVAIL up " UNSTABLE "\r\n");
	ck_heard(b, "-UNAVAIL up " UNSTABLE "\r\n+PONG\r\n");
	l = lend_wanted("up");
	asked_nothing();
	answer(&l, ":1\r\n");
	ck_heard(a, ":1\r\n");
	gone(&l);
	unable("absent");
}
END_TEST

START_TEST(unable_says_why)
{
	static const struct {
		struct frame_unable unable;
		const char *words;
	} rows[] = {
		{ { .reason = UNABLE_GONE }, "the configuration has changed, try again" },
		{ { .reason = UNABLE_STOPPING }, "reqd is stopping" },
		{ { .reason = UNABLE_FAILING, .death = { .status = 9, .was_proven = 1 } },
		    "its handler does not stay up: ended by signal 9; tried again now" },
		{ { .reason = UNABLE_FAILING, .death = { .status = DEATH_BROKEN },
		    .retry_usec = 60 * USEC_PER_SEC },
		    "its handler does not stay up: wrote what is no reply (channel = fd3 keeps replies apart); tried again in 60 s" },
		/* A broker that was taken over may send anything. */
		{ { .reason = 77, .death = { .stage = 12345, .status = 2 << 8 } },
		    "its handler does not stay up: exit status 2 before its first answer; "
		    "tried again now" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct frame_unable why = rows[i].unable;
		char wanted[400];
		int a = client();

		say(a, "CALL up\r\n");
		(void)asked(FRAME_WANT);
		if (why.retry_usec != 0)
			why.retry_usec += clock_usec();
		tell_unable("up", &why);
		(void)snprintf(wanted, sizeof(wanted), "-UNAVAIL up %s\r\n", rows[i].words);
		ck_heard(a, wanted);
	}
}
END_TEST

START_TEST(lost_broker)
{
	struct pair p = called("up", "CALL up no x\r\n"), idle = called("kill", "CALL kill\r\n");
	int b = client();
	struct lent l;

	answer(&idle.lent, ":1\r\n");
	ck_heard(idle.client, ":1\r\n");
	say(b, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	broker_dies();
	turns();
	ck_received(&idle.lent, "(closed)");
	new_broker();
	/* The pipes of the lease still work. */
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	ck_received(&p.lent, "(closed)");
	l = lend_wanted("up");
	asked_nothing();
	ck_received(&l, UP);
	broker_dies();
	gone(&l);
	ck_heard(b, "-HANDLER the handler ended without a reply\r\n");
	new_broker();
	asked_nothing();
	gone(&p.lent);
	gone(&idle.lent);
}
END_TEST

START_TEST(drain_finishes)
{
	struct pair p = called("up", "CALL up\r\n");
	int b = client();

	say(b, "CALL up\r\nCALL up\r\n");
	(void)asked(FRAME_WANT);
	w.net.stopping = true;
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n(closed)");
	answer(&p.lent, ":2\r\n");
	ck_heard(b, ":2\r\n-LOADING draining\r\n(closed)");
	/* Each client is listened to for a moment, so that none is reset. */
	(void)close(p.client);
	(void)close(b);
	turns();
	ck_assert(w.done);
	w.net.stopping = w.done = false;
	leases_give_back(&w.leases);
	is_returned(&p.lent, 2, false);
	gone(&p.lent);
}
END_TEST

/* --------------------------------------------------------------- reload --- */

START_TEST(reload_keeps_what_waits)
{
	struct pair p = called("up", "CALL up\r\n"), q = called("kill", "CALL kill\r\n");
	int b = client(), c = client();

	say(b, "CALL up\r\n");
	say(c, "CALL kill\r\n");
	reload_with("kill", "kill", "okay");
	ck_heard(c, "-UNAVAIL kill the configuration has changed\r\n");
	ck_heard(b, "");
	answer(&p.lent, ":1\r\n");
	answer(&q.lent, ":2\r\n");
	ck_heard(p.client, ":1\r\n");
	ck_heard(q.client, ":2\r\n");
	ck_received(&p.lent, UP);
	answer(&p.lent, ":3\r\n");
	ck_heard(b, ":3\r\n");
	gone(&p.lent);
	gone(&q.lent);
}
END_TEST

/*
 * A request that was made under other rules goes to no process of the new
 * rules.
 */
START_TEST(reload_changes_the_form_of_input)
{
	struct pair p = pushing("push", "CALL --open push\r\n"), q;
	int b = client(), c = client();
	struct lent late;

	say(b, "CALL push\r\n");
	(void)asked(FRAME_WANT);
	reload_with("push", "pushed", "  none");
	ck_heard(b, "-UNAVAIL push the configuration has changed\r\n");
	/* A request that has begun goes on. */
	input(p.client, "one");
	ck_received(&p.lent, PIECE("3", "one"));
	say(c, "CALL push\r\n");
	(void)asked(FRAME_WANT);
	input_end(p.client);
	ck_received(&p.lent, PIECE_END);
	answer(&p.lent, ":3\r\n");
	ck_heard(p.client, ":3\r\n:3\r\n");
	is_returned(&p.lent, 1, false);
	gone(&p.lent);
	/* A process of the old rules comes, which was on its way. */
	late = lend_saying("push", &(struct frame){ .generation = 1 }, "");
	is_returned(&late, 0, false);
	gone(&late);
	q.lent = lend_wanted("push");
	ck_received(&q.lent, PUSH);
	answer(&q.lent, ":4\r\n");
	ck_heard(c, ":4\r\n");
	gone(&q.lent);
}
END_TEST

/*
 * A request that is taken back after a reload was made for processes that have
 * ended.
 */
START_TEST(reload_changes_the_form_of_what_is_taken_back)
{
	struct conn *c;
	int a = client_as(&c), b = client();
	struct lent l;

	say_big(a, "pile");
	say(b, "CALL pile\r\n");
	(void)asked(FRAME_WANT);
	l = lend_wanted("pile");
	ck_assert_uint_eq(lease_of("pile")->conversation.n_flight, 2);
	reload_with("pile", "input = pushed", "context = yes ");
	call_cancel(call_of(c), CANCEL_BY_ADMIN);
	ck_heard(a, "-CANCELLED by an administrator\r\n");
	ck_heard(b, "-UNAVAIL pile the configuration has changed\r\n");
	is_returned(&l, 0, true);
	asked_nothing();
	gone(&l);
}
END_TEST

/*
 * The broker is a moment ahead: its processes wait until the worker has their
 * rules.
 */
START_TEST(process_of_rules_to_come)
{
	struct lent l;
	int b = client();

	say(b, "CALL push\r\n");
	(void)asked(FRAME_WANT);
	l = lend_saying("push", &(struct frame){ .generation = 2 }, "");
	ck_received(&l, "(closed)");
	is_returned(&l, 0, false);
	asked_nothing();
	gone(&l);
	reload_with("push", "pushed", "  none");
	ck_heard(b, "-UNAVAIL push the configuration has changed\r\n");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_handlers, teardown);
	tcase_add_test(tc, one_want_for_each_that_waits);
	tcase_add_test(tc, leases_that_come_too_late);
	tcase_add_test(tc, queue);
	tcase_add_test(tc, request_put_back_waits_no_longer);
	tcase_add_test(tc, unable_ends_all_that_wait_now);
	tcase_add_test(tc, unable_says_why);
	tcase_add_test(tc, lost_broker);
	tcase_add_test(tc, drain_finishes);
	tcase_add_test(tc, reload_keeps_what_waits);
	tcase_add_test(tc, reload_changes_the_form_of_input);
	tcase_add_test(tc, reload_changes_the_form_of_what_is_taken_back);
	tcase_add_test(tc, process_of_rules_to_come);
}

UNIT_MAIN("leases", add(tc))
