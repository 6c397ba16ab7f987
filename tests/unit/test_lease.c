/* SPDX-License-Identifier: ISC */
/*
 * lease: one process that the broker has lent: proven, worn, recalled, probed.
 */
#include "config.h"

#include "handler-peer.h"

/* The broker is told once that a new process has answered. */
START_TEST(first_answer_is_told)
{
	struct lent l;
	int fd = client();

	say(fd, "CALL up\r\nCALL up\r\n");
	(void)asked(FRAME_WANT);
	l = lend_with("up", &(struct frame_lease){ 0 });
	asked_nothing();
	answer(&l, ":1\r\n");
	ck_assert_uint_eq(asked(FRAME_PROVEN).frame.id, l.id);
	answer(&l, ":2\r\n");
	asked_nothing();
	ck_heard(fd, ":1\r\n:2\r\n");
	gone(&l);
	(void)asked(FRAME_RETURN);
}
END_TEST

/*
 * The process is gone, and the worker does not know it yet: nothing was
 * written, so another process gets the request.
 */
START_TEST(request_that_could_not_be_written)
{
	struct pair p = called("up", "CALL up\r\n");

	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	shut(&p.lent.in);
	say(p.client, "CALL up\r\n");
	(void)asked(FRAME_WANT);
	is_returned(&p.lent, 1, true);
	asked_nothing();
	gone(&p.lent);
	ck_heard(p.client, "");
	p.lent = lend("up");
	ck_received(&p.lent, UP);
	answer(&p.lent, ":2\r\n");
	ck_heard(p.client, ":2\r\n");
	gone(&p.lent);
}
END_TEST

START_TEST(budget)
{
	struct frame_lease two = { .is_proven = true, .requests = 2 };
	int a = client();
	struct lent l;

	say(a, "CALL up\r\nCALL up\r\nCALL up\r\n");
	(void)asked(FRAME_WANT);
	l = lend_with("up", &two);
	answer(&l, ":1\r\n");
	answer(&l, ":2\r\n");
	ck_heard(a, ":1\r\n:2\r\n");
	is_returned(&l, 2, false);
	gone(&l);
	l = lend_wanted("up");
	answer(&l, ":3\r\n");
	ck_heard(a, ":3\r\n");
	gone(&l);
}
END_TEST

START_TEST(recall_of_an_idle_one)
{
	struct pair p = called("up", "CALL up\r\n");

	answer(&p.lent, ":1\r\n");
	asked_nothing();
	recall(&p.lent);
	is_returned(&p.lent, 1, false);
	ck_received(&p.lent, "(closed)");
	recall(&p.lent);	/* the recall has crossed the return */
	asked_nothing();
	gone(&p.lent);
}
END_TEST

START_TEST(recall_in_flight)
{
	struct pair p = called("up", "CALL up\r\n");

	recall(&p.lent);
	asked_nothing();
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	is_returned(&p.lent, 1, false);
	gone(&p.lent);
}
END_TEST

/* Calls that wait are served for 2 ms, then by another process. */
START_TEST(recall_with_others_waiting)
{
	struct pair p = called("up", "CALL up\r\n");
	int b = client(), c = client();

	say(b, "CALL up\r\n");
	say(c, "CALL up\r\n");
	recall(&p.lent);
	lease_of("up")->since_usec = w.loop.now_usec + USEC_PER_SEC;
	answer(&p.lent, ":1\r\n");
	ck_heard(p.client, ":1\r\n");
	ck_received(&p.lent, UP);
	lease_of("up")->since_usec = w.loop.now_usec - 2 * USEC_PER_MSEC;
	answer(&p.lent, ":2\r\n");
	ck_heard(b, ":2\r\n");
	/* One call waits, and two leases were asked for. */
	(void)asked(FRAME_WANT);
	(void)asked(FRAME_WANT);
	is_returned(&p.lent, 2, false);
	asked_nothing();
	gone(&p.lent);
	p.lent = lend("up");
	answer(&p.lent, ":3\r\n");
	ck_heard(c, ":3\r\n");
	gone(&p.lent);
}
END_TEST

/* ---------------------------------------------------------------- probe --- */

START_TEST(probe)
{
	enum { GOOD, GARBAGE, TWO, LATE, DEAD, N };

	for (int how = GOOD; how < N; how++) {
		struct frame_lease f = {
			.is_probe = 1,
			.due_usec = clock_usec() + 5 * USEC_PER_SEC,
		};
		struct lent l = lend_with("up", &f);
		int a = client();

		ck_received(&l, "*1\r\n$4\r\nPING\r\n");
		say(a, "CALL up\r\n");	/* the request does not go to this lease */
		(void)asked(FRAME_WANT);
		ck_received(&l, "");
		if (how == GOOD) {
			answer(&l, "+PO");
			answer(&l, "NG\r\n");
		} else if (how == GARBAGE) {
			answer(&l, "ready\n");
		} else if (how == TWO) {
			answer(&l, "+PONG\r\n+PONG\r\n");
		} else if (how == LATE) {
			rested("up", 6 * USEC_PER_SEC);
		} else {
			gone(&l);
		}
		is_returned(&l, 0, how != GOOD);
		gone(&l);
		ck_heard(a, "");
		unable("up");
		(void)heard(a);
	}
}
END_TEST

/*
 * A process that was stopped as long as the worker still has its time to answer
 * PING.
 */
START_TEST(probe_has_all_its_time_after_a_stop)
{
	struct frame_lease f = { .is_probe = 1, .due_usec = clock_usec() + 5 * USEC_PER_SEC };
	struct lent l = lend_with("up", &f);

	ck_received(&l, "*1\r\n$4\r\nPING\r\n");
	w.loop.now_usec -= 60 * USEC_PER_SEC;	/* the process is stopped here */
	loop_arm(&w.loop, &LIST_FIRST(&lease_set_get(&w.leases, "up")->list)->timer,
	    w.loop.now_usec + 5 * USEC_PER_SEC);
	turns();
	asked_nothing();
	answer(&l, "+PONG\r\n");
	is_returned(&l, 0, false);
	gone(&l);
}
END_TEST

/* A lease may come before the first rules. */
START_TEST(probe_before_the_first_rules)
{
	static const char *const said[] = { "+PONG\r\n", "garbage\n" };
	struct conf *conf = worker_set_conf(&w, NULL);

	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		struct lent l = lend_with("up", &(struct frame_lease){
			.is_probe = 1,
			.due_usec = clock_usec() + 5 * USEC_PER_SEC,
		});

		ck_received(&l, "*1\r\n$4\r\nPING\r\n");
		write_text(l.err, "words\n");
		answer(&l, said[i]);
		is_returned(&l, 0, i == 1);
		gone(&l);
	}
	(void)worker_set_conf(&w, conf);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)

void *__libc_calloc(size_t n, size_t size);
static bool no_leases;

void *
calloc(size_t n, size_t size)
{
	if (no_leases && n * size == sizeof(struct lease)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_calloc(n, size);
}

/* The lease is given up, and the waiting call asks again. */
START_TEST(no_memory_for_a_lease)
{
	struct lent l;
	int a = client();

	say(a, "CALL up\r\n");
	no_leases = true;
	l = lend_wanted("up");
	no_leases = false;
	is_returned(&l, 0, true);
	ck_received(&l, "(closed)");
	gone(&l);
	l = lend_wanted("up");
	answer(&l, ":1\r\n");
	ck_heard(a, ":1\r\n");
	gone(&l);
}
END_TEST

#endif

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup_handlers, teardown);
	tcase_add_test(tc, first_answer_is_told);
	tcase_add_test(tc, request_that_could_not_be_written);
	tcase_add_test(tc, budget);
	tcase_add_test(tc, recall_of_an_idle_one);
	tcase_add_test(tc, recall_in_flight);
	tcase_add_test(tc, recall_with_others_waiting);
	tcase_add_test(tc, probe);
	tcase_add_test(tc, probe_has_all_its_time_after_a_stop);
	tcase_add_test(tc, probe_before_the_first_rules);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
	tcase_add_test(tc, no_memory_for_a_lease);
#endif
}

UNIT_MAIN("lease", add(tc))
