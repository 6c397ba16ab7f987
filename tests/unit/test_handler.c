/* SPDX-License-Identifier: ISC */
/*
 * handler: one process of a pool: given back or not, its last lines, its end,
 * and the end of all that it has started.
 */
#include "config.h"

#include "pool-peer.h"
#include "broker/handler.h"
#include "broker/broker.h"

START_TEST(worker_is_gone)
{
	struct leased a = lease(0, "one"), b;

	want(1, "one");
	(void)get(broker.worker[0], FRAME_RECALL);
	leave(0);
	ck_ends(a.out);
	b = get_lease(1, "one");
	ck_assert_uint_ne(b.id, a.id);
	serves(&b);
	close_lease(&a);
}
END_TEST

START_TEST(bad_returns)
{
	struct leased a = lease(0, "one");
	struct frame f = { .type = FRAME_RETURN, .id = 4711 };

	broker.errors_expected = true;
	say(1, &f);	/* the broker knows no such process: it may have died */
	sync_worker(1);
	f.id = a.id;
	say(1, &f);
	expect_closed(broker.worker[1]);
	serves(&a);
}
END_TEST

START_TEST(words_of_the_dying)
{
	static const char text[] =
	    LISTEN
	    "service \"poet\" { handler = {\"/bin/sh\", \"-c\",\n"
	    "  \"read x; echo farewell >&2; exit 3\"} }\n";
	struct leased a;
	struct frame f;
	int in, fd;

	broker.errors_expected = true;
	configure(2, text);
	a = lease(0, "poet");
	in = dup(a.in);
	give_back(&a, 1);
	sync_worker(0);
	ck_assert_int_eq(write(in, "\n", 1), 1);
	(void)close(in);
	f = get_with_fd(broker.worker[0], &fd);
	ck_assert_msg(f.type == FRAME_WORDS, "%s", frame_type_name(f.type));
	ck_assert_uint_eq(f.lease.pid, a.lease.pid);
	ck_assert_str_eq(f.lease.service, "poet");
	expect_line(fd, "farewell");
	(void)close(fd);
}
END_TEST

START_TEST(nothing_is_left_of_it)
{
	static const char text[] =
	    LISTEN
	    "kill-grace = 20ms\n"
	    "service \"parent\" { handler = {\"/bin/sh\", \"-c\","
	    " \"(setsid sh -c 'trap : TERM; while :; do sleep 1000; done' &); cat\"} }\n";
	struct leased a;

	configure(2, text);
	a = lease(0, "parent");
	ck_echo(&a, "x\n");
	ends_when_broken(&a, 1);		/* the worker that left held it, too */
}
END_TEST

/*
 * A minute in which all processes were stopped does not count against the
 * worker.
 */
START_TEST(worker_has_its_time_after_a_stop)
{
	static struct broker r;
	const struct service s = { .timeout_usec = 2, .pool.start_timeout_usec = 1 };
	struct entry e = { .broker = &r, .service = &s };
	uint64_t slack;

	ck_assert_uint_eq(handler_expiry(&e), 0);
	e.handler = (struct handler){ .state = HANDLER_PROBED, .since_usec = 1000 };
	slack = handler_expiry(&e) - 1001;
	e.handler = (struct handler){
		.state = HANDLER_LEASED, .is_recalled = true, .recalled_usec = 1000,
	};
	ck_assert_uint_eq(handler_expiry(&e), 1002 + slack);
	r.resumed_usec = 60000;
	ck_assert_uint_eq(handler_expiry(&e), 60000 + slack);
	e.handler.recalled_usec = 70000;
	ck_assert_uint_eq(handler_expiry(&e), 70002 + slack);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, worker_is_gone);
	tcase_add_test(tc, bad_returns);
	tcase_add_test(tc, words_of_the_dying);
	tcase_add_test(tc, nothing_is_left_of_it);
	tcase_add_test(tc, worker_has_its_time_after_a_stop);
}

UNIT_MAIN("handler", add(tc))
