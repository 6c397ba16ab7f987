/* SPDX-License-Identifier: ISC */
/*
 * The broker as its master knows it: generations of the configuration, the
 * stop, the end of the master.
 */
#include "config.h"

#include <sys/mman.h>

#include "command-peer.h"

/* ----------------------------------------------------------- generations --- */

/* A frame may be overtaken by some reloads, but not by any number. */
START_TEST(test_old_generations)
{
	for (uint32_t generation = 2; generation < 2 + MEMBER_PAST; generation++)
		configure(generation, conf_text);
	runs(1);
	configure(2 + MEMBER_PAST, conf_text);
	is_unavailable(1);
}
END_TEST

START_TEST(test_generations)
{
	configure(2, conf_text);
	runs(1);
	configure(3, conf_text);
	runs(1);
	runs(2);
	runs(3);

	/* Prepared is not in force. */
	prepare(4, conf_text);
	(void)get(broker.master, FRAME_PREPARED);
	is_unavailable(4);
	tell(FRAME_ABORT, 4);
	tell(FRAME_COMMIT, 4);
	(void)get(broker.master, FRAME_REFUSED);
	(void)get(runner.master, FRAME_REFUSED);
}
END_TEST

/*
 * COMMIT was sent before the worker's RUN, so it counts, in whatever order
 * the runner comes to look at them. Here it sees the worker first: that has
 * just been served when both are sent, while another's death keeps the
 * runner busy.
 */
START_TEST(test_commit_before_run)
{
	enum { N = 200 };
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = 1 }, run;
	struct peer_kit kit;
	struct order o = { .service = S_WIDE, .generation = 2, .no_input = true };

	for (int i = 0; i < N; i++) {
		struct call c = CALL(.worker = 1, .service = S_WIDE, .script = "exec cat");

		(void)close(c.out);
		(void)close(c.err);
	}
	sync_worker(1);
	prepare(2, conf_text);
	(void)get(broker.master, FRAME_PREPARED);
	run = run_frame(&o, request_id(0));
	kit = take_kit(0, false);
	run.run.place = (uint16_t)job_place(write_job(0, "exit 3", run.id));
	run.run.kit = kit.number;

	put(runner.master, &(struct frame){ .type = FRAME_COMMIT, .generation = 2 }, NULL, 0);
	(void)get(runner.master, FRAME_COMMITTED);
	ck_assert_int_eq(kill(broker.pid, SIGSTOP), 0);
	say(0, &f);
	leave(1);
	ck_assert_int_eq(kill(broker.pid, SIGCONT), 0);
	(void)get(broker.worker[0], FRAME_CANCELLED);
	put(broker.master, &(struct frame){ .type = FRAME_COMMIT, .generation = 2 }, NULL, 0);
	say(0, &run);

	f = get(broker.worker[0], FRAME_ENDED);
	ck_assert_uint_eq(f.ended.outcome, OUTCOME_EXIT);
	(void)get(broker.master, FRAME_COMMITTED);
	channel_close_fds(kit.fds, 3);
}
END_TEST

START_TEST(test_refused)
{
	int unsealed = memfd_create("conf", MFD_CLOEXEC);
	struct frame f;

	prepare(2, "service \"x\" { command = }\n");
	f = get(broker.master, FRAME_REFUSED);
	ck_assert_uint_eq(f.generation, 2);
	ck_assert_uint_gt(strlen(f.text), 0);

	put(broker.master, &(struct frame){ .type = FRAME_PREPARE, .generation = 3 }, &unsealed, 1);
	ck_assert_uint_eq(get(broker.master, FRAME_REFUSED).generation, 3);
	(void)close(unsealed);

	runs(1);
}
END_TEST

START_TEST(test_unconfigured)
{
	restart();
	connect_worker(0);
	is_unavailable(1);
}
END_TEST

/* ---------------------------------------------------------------- reload --- */

/* A running program keeps the configuration that it was started with. */
START_TEST(test_reload_while_running)
{
	struct call c = CALL(.service = S_SINGLE, .script = "exec cat", .want_started = true);
	struct call waiting = CALL(.service = S_SINGLE, .script = "exit 7", .want_started = true);
	struct call after;

	expect_started(&c);
	for (uint32_t g = 2; g < 5; g++)
		configure(g, conf_text);
	/* The limit of one at a time holds across the reload. */
	after = CALL(.service = S_SINGLE, .script = "exit 8", .generation = 4);
	let_end(&c);
	expect_started(&waiting);
	expect_exit(&waiting, 7);
	expect_exit(&after, 8);
}
END_TEST

static const char roomier[] =
    LISTEN
    "service \"single\" { command = {\"/bin/sh\"} concurrency = 2 queue = 2 }\n";

/* More room after a reload: who waits starts at once. */
START_TEST(test_reload_raises_limit)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 7");

	sync_worker(0);
	configure(2, roomier);
	expect_exit(&b, 7);
	let_end(&a);
}
END_TEST

/* A request made before the reload is admitted by the limits after it. */
START_TEST(test_limits_in_force)
{
	struct call a, b;

	configure(2, roomier);
	a = CALL(.service = S_SINGLE, .script = "exec cat");
	b = CALL(.service = S_SINGLE, .script = "exit 7");
	expect_exit(&b, 7);
	let_end(&a);
}
END_TEST

/* A paused service goes: nobody could let its requests start. */
START_TEST(test_paused_service_goes)
{
	static const char paused[] =
	    LISTEN
	    "service \"single\" { command = {\"/bin/sh\"} queue = 2 state = pause }\n";
	static const char other[] =
	    LISTEN
	    "service \"other\" { command = {\"/bin/sh\"} }\n";
	struct call a, late;

	configure(2, paused);
	a = CALL(.service = S_SINGLE, .script = "exit 7");
	sync_worker(0);
	configure(3, other);
	finishes(&a, OUTCOME_UNAVAIL);
	late = CALL(.service = 0, .script = "exit 7", .generation = 2);
	finishes(&late, OUTCOME_UNAVAIL);
}
END_TEST

/* ------------------------------------------------------------------- end --- */

START_TEST(test_drain)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 6");
	struct call c;

	sync_worker(0);
	stop(clock_usec() + FAR);
	sync_master();
	c = CALL(.service = S_WIDE, .script = "exit 0");
	finishes(&c, OUTCOME_DRAINING);
	/* A request that was accepted is done to the end. */
	let_end(&a);
	expect_exit(&b, 6);
	(void)get(broker.master, FRAME_DRAINED);
	sync_master();
}
END_TEST

START_TEST(test_drain_deadline)
{
	struct call a = CALL(.service = S_SINGLE, .script = SLEEPER "sleep 1000");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 6");
	bool seen[2] = { false, false };

	expect_line(a.out, "escaped");
	sync_worker(0);
	stop(1);
	for (int i = 0; i < 2; i++) {
		struct frame f = get(broker.worker[0], FRAME_ENDED);
		bool is_a = f.id == a.id;

		ck_assert_uint_eq(f.ended.outcome, is_a ? OUTCOME_CANCELLED : OUTCOME_DRAINING);
		if (is_a)
			ck_assert_uint_eq(f.ended.reason, CANCEL_BY_SHUTDOWN);
		seen[is_a] = true;
	}
	ck_assert(seen[0] && seen[1]);
	expect_gone(&a);
	expect_gone(&b);
	(void)get(broker.master, FRAME_DRAINED);
}
END_TEST

/*
 * A program with an hour's grace that ignores TERM: the grace does not count at
 * a stop.
 */
START_TEST(test_drain_stubborn)
{
	struct call c = CALL(.service = S_SINGLE, .script =
	    "trap '' TERM; (setsid sh -c 'trap \"\" TERM; while :; do sleep 1000; done' &)\n"
	    "echo ready; while :; do sleep 1000; done");
	struct frame_ended e;

	expect_line(c.out, "ready");
	stop(1);
	e = expect_end(&c, OUTCOME_CANCELLED);
	ck_assert_uint_eq(e.reason, CANCEL_BY_SHUTDOWN);
	expect_gone(&c);
	(void)get(broker.master, FRAME_DRAINED);
}
END_TEST

/* Teardown sees that nothing outlives the runner. */
START_TEST(test_master_gone)
{
	struct call a = CALL(.service = S_WIDE,
	    .script = "trap '' TERM; " SLEEPER "while :; do sleep 1000; done");
	struct call b = CALL(.service = S_WIDE,
	    .script = "(env -i setsid sh -c 'trap \"\" TERM; echo ready\n"
		      "sh -c \"setsid sleep 1000\"; :' &)\n"
		      "sleep 1000");

	expect_line(a.out, "escaped");
	expect_line(b.out, "ready");
	(void)shutdown(runner.master, SHUT_RDWR);
	(void)shutdown(broker.master, SHUT_RDWR);
	expect_gone(&a);
	expect_gone(&b);
}
END_TEST

START_TEST(test_signals_ignored)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGTSTP };

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		ck_assert_int_eq(kill(_i == 0 ? runner.pid : broker.pid, signals[i]), 0);
	sync_master();
	runs(1);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_old_generations);
	tcase_add_test(tc, test_generations);
	tcase_add_test(tc, test_commit_before_run);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_unconfigured);
	tcase_add_test(tc, test_reload_while_running);
	tcase_add_test(tc, test_reload_raises_limit);
	tcase_add_test(tc, test_limits_in_force);
	tcase_add_test(tc, test_paused_service_goes);
	tcase_add_test(tc, test_drain);
	tcase_add_test(tc, test_drain_deadline);
	tcase_add_test(tc, test_drain_stubborn);
	tcase_add_test(tc, test_master_gone);
	tcase_add_loop_test(tc, test_signals_ignored, 0, 2);
}

UNIT_MAIN("broker", add(tc))
