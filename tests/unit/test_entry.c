/* SPDX-License-Identifier: ISC */
/*
 * Requests in the runner, from acceptance to the end: what the worker hears
 * of a program that ends, is killed, or waits for its turn.
 */
#include "config.h"

#include "command-peer.h"

/* ------------------------------------------------------------------- end --- */

START_TEST(test_exit)
{
	struct call c = CALL(.service = S_WIDE, .script = "echo out; echo err >&2; exit 3");
	struct frame_ended e = expect_end(&c, OUTCOME_EXIT);

	ck_assert(WIFEXITED(e.wait_status));
	ck_assert_int_eq(WEXITSTATUS(e.wait_status), 3);
	ck_assert_uint_gt(e.ran_usec, 0);
	ck_assert_uint_gt(e.max_rss_kb, 0);
	ck_assert_uint_lt(e.queued_usec, 60 * USEC_PER_SEC);
	ck_assert_str_eq(read_all(c.out), "out\n");
	ck_assert_str_eq(read_all(c.err), "err\n");
	call_done(&c);
	ck_assert_uint_eq(broker.stats->started_total, 1);
}
END_TEST

START_TEST(test_signal)
{
	struct call c = CALL(.service = S_WIDE, .script = "kill -SEGV $$");
	struct frame_ended e = expect_end(&c, OUTCOME_SIGNAL);

	ck_assert(WIFSIGNALED(e.wait_status));
	ck_assert_int_eq(WTERMSIG(e.wait_status), SIGSEGV);
	expect_gone(&c);
}
END_TEST

START_TEST(test_cpu_time)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
	struct frame_ended e = expect_end(&c, OUTCOME_EXIT);

	ck_assert_uint_gt(e.cpu_usec, 0);
	expect_gone(&c);
}
END_TEST

START_TEST(test_started)
{
	struct call c = CALL(.service = S_WIDE, .script = "exec cat", .want_started = true);

	expect_started(&c);
	let_end(&c);
	expect_gone(&c);
}
END_TEST

/* ------------------------------------------------------------------ kill --- */

START_TEST(test_timeout)
{
	struct call c = CALL(.service = S_QUICK, .script = "sleep 1000 & sleep 1000");

	finishes(&c, OUTCOME_TIMEOUT);
}
END_TEST

/* The caller's deadline is the shorter one. */
START_TEST(test_deadline)
{
	struct call c = CALL(.service = S_WIDE, .script = "sleep 1000", .timeout_usec = 1000);

	finishes(&c, OUTCOME_TIMEOUT);
}
END_TEST

START_TEST(test_term_ignored)
{
	struct call c = CALL(.service = S_STUBBORN,
	    .script = "trap '' TERM; (while :; do sleep 1000; done) &\n"
		      "while :; do sleep 1000; done");
	struct frame_ended e = expect_end(&c, OUTCOME_TIMEOUT);

	ck_assert(WIFSIGNALED(e.wait_status));
	ck_assert_int_eq(WTERMSIG(e.wait_status), SIGKILL);
	expect_gone(&c);
}
END_TEST

/* A program that handles TERM may end in order: the outcome tells. */
START_TEST(test_term_handled)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do read x; done");
	struct frame_ended e;

	expect_line(c.out, "ready");
	cancel(&c, CANCEL_BY_CLIENT);
	e = expect_end(&c, OUTCOME_CANCELLED);
	ck_assert(WIFEXITED(e.wait_status));
	expect_line(c.out, "bye");
	expect_gone(&c);
}
END_TEST

START_TEST(test_stopped)
{
	struct call c = CALL(.service = S_WIDE, .script = "echo ready; kill -STOP $$");

	expect_line(c.out, "ready");
	cancel(&c, CANCEL_BY_CLIENT);
	finishes(&c, OUTCOME_CANCELLED);
}
END_TEST

static const struct {
	enum cancel_reason reason;
	enum outcome_kind outcome;
} cancels[] = {
	{ CANCEL_BY_CLIENT, OUTCOME_CANCELLED },
	{ CANCEL_BY_DISCONNECT, OUTCOME_CANCELLED },
	{ CANCEL_BY_ADMIN, OUTCOME_CANCELLED },
	{ CANCEL_BY_OUTPUT, OUTCOME_TOOBIG },
};

START_TEST(test_cancel)
{
	struct call c = CALL(.service = S_WIDE, .script = "echo ready; sleep 1000 | sleep 1000");
	struct frame_ended e;

	expect_line(c.out, "ready");
	cancel(&c, cancels[_i].reason);
	cancel(&c, CANCEL_BY_CLIENT);	/* changes nothing any more */
	e = expect_end(&c, cancels[_i].outcome);
	ck_assert_uint_eq(e.reason, cancels[_i].reason);
	expect_gone(&c);
	cancel(&c, CANCEL_BY_CLIENT);	/* of what is over: nothing */
	sync_worker(0);
	ck_assert_uint_eq(broker.stats->bad_frames, 0);
}
END_TEST

/* Right after RUN, most likely before the child has come anywhere. */
START_TEST(test_cancel_at_once)
{
	for (int i = 0; i < 20; i++) {
		struct call c = CALL(.service = S_WIDE, .script = "sleep 1000");

		cancel(&c, CANCEL_BY_CLIENT);
		finishes(&c, OUTCOME_CANCELLED);
	}
}
END_TEST

/* ----------------------------------------------------------------- queue --- */

START_TEST(test_queue_order)
{
	struct call c[4];

	for (int i = 0; i < 4; i++) {
		c[i] = CALL(.service = S_SINGLE, .script = "exec cat", .want_started = true);
		if (i == 0)
			expect_started(&c[0]);
	}
	ck_assert_uint_eq(expect_end(&c[3], OUTCOME_BUSY).reason, BUSY_QUEUE_FULL);
	sync_worker(0);
	sync_master();
	ck_assert_uint_eq(broker.stats->running, 1);
	ck_assert_uint_eq(broker.stats->queued, 2);
	for (int i = 0; i < 3; i++) {
		if (i > 0)
			expect_started(&c[i]);
		let_end(&c[i]);
	}
	sync_master();
	ck_assert_uint_eq(broker.stats->running, 0);
	ck_assert_uint_eq(broker.stats->queued, 0);
}
END_TEST

START_TEST(test_queue_timeout)
{
	struct call a = CALL(.service = S_PATIENT, .script = "exec cat");
	struct call b = CALL(.service = S_PATIENT, .script = "exit 0");

	ck_assert_uint_eq(expect_end(&b, OUTCOME_BUSY).reason, BUSY_WAITED);
	expect_gone(&b);
	let_end(&a);
}
END_TEST

START_TEST(test_deadline_in_queue)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 0", .timeout_usec = 1000);

	ck_assert_uint_eq(expect_end(&b, OUTCOME_TIMEOUT).ran_usec, 0);
	expect_gone(&b);
	let_end(&a);
}
END_TEST

START_TEST(test_cancel_in_queue)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 0");

	cancel(&b, CANCEL_BY_DISCONNECT);
	ck_assert_uint_eq(expect_end(&b, OUTCOME_CANCELLED).reason, CANCEL_BY_DISCONNECT);
	expect_gone(&b);
	let_end(&a);
}
END_TEST

START_TEST(test_lock)
{
	struct order o = { .service = S_WIDE, .script = "exec cat", .want_started = true };
	struct call a, b, c;
	uint64_t first;

	o.lock = 'L';
	a = call(&o);
	b = call(&o);
	o.lock = 'M';
	c = call(&o);
	/* Both run, and each is told when its program does. */
	first = get(broker.worker[0], FRAME_STARTED).id;
	ck_assert(first == a.id || first == c.id);
	ck_assert_uint_eq(get(broker.worker[0], FRAME_STARTED).id, first == a.id ? c.id : a.id);
	let_end(&a);
	expect_started(&b);
	let_end(&b);
	let_end(&c);
}
END_TEST

static void
expect_waiting(const struct call *c, enum waiting what)
{
	int fds[FRAME_MAX_FDS];
	size_t n_fds;
	struct frame f = get_with_fds(broker.worker[c->worker], fds, &n_fds);

	ck_assert_uint_eq(f.type, FRAME_WAITING);
	ck_assert_uint_eq(n_fds, 0);
	ck_assert_uint_eq(f.id, c->id);
	ck_assert_uint_eq(f.waiting, what);
}

/* S_SINGLE has room for one; a second one waits for that, or for its lock. */
START_TEST(test_waiting)
{
	struct order o = { .service = S_SINGLE, .script = "exec cat", .want_started = true };
	struct call a, b, c;

	o.lock = 'L';
	a = call(&o);
	expect_started(&a);
	o.lock = 'M';
	b = call(&o);
	expect_waiting(&b, WAITING_QUEUE);
	c = call(&o);
	expect_waiting(&c, WAITING_QUEUE);
	let_end(&a);
	/* b runs, and what c waits for is another thing now. */
	expect_waiting(&b, WAITING_NONE);
	expect_waiting(&c, WAITING_LOCK);
	expect_started(&b);
	let_end(&b);
	expect_waiting(&c, WAITING_NONE);
	expect_started(&c);
	let_end(&c);
}
END_TEST

START_TEST(test_refused_by_lock)
{
	struct order o = { .service = S_PATIENT, .script = "exec cat" };
	struct call a, b;

	o.lock = 'L';
	a = call(&o);
	b = call(&o);
	ck_assert(expect_end(&b, OUTCOME_BUSY).is_locked);
	expect_gone(&b);
	o.lock = 'M';
	b = call(&o);
	ck_assert(!expect_end(&b, OUTCOME_BUSY).is_locked);
	expect_gone(&b);
	let_end(&a);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_exit);
	tcase_add_test(tc, test_signal);
	tcase_add_test(tc, test_cpu_time);
	tcase_add_test(tc, test_started);
	tcase_add_test(tc, test_timeout);
	tcase_add_test(tc, test_deadline);
	tcase_add_test(tc, test_term_ignored);
	tcase_add_test(tc, test_term_handled);
	tcase_add_test(tc, test_stopped);
	tcase_add_loop_test(tc, test_cancel, 0, ARRAY_LEN(cancels));
	tcase_add_test(tc, test_cancel_at_once);
	tcase_add_test(tc, test_queue_order);
	tcase_add_test(tc, test_queue_timeout);
	tcase_add_test(tc, test_deadline_in_queue);
	tcase_add_test(tc, test_cancel_in_queue);
	tcase_add_test(tc, test_lock);
	tcase_add_test(tc, test_waiting);
	tcase_add_test(tc, test_refused_by_lock);
}

UNIT_MAIN("entry", add(tc))
