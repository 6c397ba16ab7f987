/* SPDX-License-Identifier: ISC */
/*
 * reap: processes that programs leave behind: in their group, in a session of
 * their own, with their mark and without. The end of a pipe tells that no
 * process holds it any more.
 */
#include "config.h"

#include "command-peer.h"
#include "runner/runner.h"

/*
 * Processes that are left behind are killed; the reply does not wait for that.
 */
START_TEST(test_left_behind)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(trap '' HUP; echo one; exec sleep 1000) & read x; exit 0");

	expect_line(c.out, "one");
	nudge(&c);
	exits(&c, 0);
}
END_TEST

/*
 * The whole group gets the signal at once, not one process after the death of
 * another.
 */
START_TEST(test_left_behind_deep)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(trap : TERM; sh -c 'echo one; exec sleep 1000'; echo two) &\n"
		      "read x; exit 0");

	expect_line(c.out, "one");
	nudge(&c);
	expect_exit(&c, 0);
	expect_line(c.out, "two");
	expect_gone(&c);
}
END_TEST

/* setsid and double fork: in another session, and nobody's child but ours. */
START_TEST(test_escape_ends_with_request)
{
	struct call c = CALL(.service = S_WIDE, .script = SLEEPER "read x; exit 5");

	expect_line(c.out, "escaped");
	nudge(&c);
	exits(&c, 5);
}
END_TEST

START_TEST(test_escape_is_cancelled)
{
	struct call c = CALL(.service = S_WIDE, .script = SLEEPER "sleep 1000");

	expect_line(c.out, "escaped");
	cancel(&c, CANCEL_BY_CLIENT);
	finishes(&c, OUTCOME_CANCELLED);
	ck_assert_uint_ge(runner.stats->strays_killed, 1);
}
END_TEST

/*
 * The escaped process hears of the cancel as soon as the program does, which
 * takes its time.
 */
START_TEST(test_escape_is_told)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(setsid sh -c 'trap \"echo told; exit\" TERM; echo escaped\n"
		      "while :; do :; done' &)\n"
		      "trap '' TERM; exec cat");

	expect_line(c.out, "escaped");
	cancel(&c, CANCEL_BY_CLIENT);
	expect_line(c.out, "told");
	end_input(&c);
	finishes(&c, OUTCOME_CANCELLED);
}
END_TEST

/* The stop signal of the service, for the program and for what has left it. */
START_TEST(test_stop_signal)
{
	struct call c = CALL(.service = S_TOLD,
	    .script = "trap '' TERM; trap 'read x; echo ended; kill $!; exit' USR1\n"
		      "(setsid sh -c 'trap \"echo told; exit\" USR1; echo escaped\n"
		      "while :; do :; done' &)\n"
		      "while :; do sleep 1000 & wait; done");

	expect_line(c.out, "escaped");
	cancel(&c, CANCEL_BY_CLIENT);
	expect_line(c.out, "told");
	nudge(&c);
	expect_line(c.out, "ended");
	finishes(&c, OUTCOME_CANCELLED);
}
END_TEST

START_TEST(test_escape_ignores_term)
{
	struct call c = CALL(.service = S_STUBBORN,
	    .script = "(setsid sh -c 'trap \"\" TERM; echo escaped\n"
		      "while :; do sleep 1000; done' &)\n"
		      "sleep 1000");

	expect_line(c.out, "escaped");
	finishes(&c, OUTCOME_TIMEOUT);
}
END_TEST

/*
 * Without session and without the mark it is nobody's, and goes at once. A
 * mark can be lost; an environment of its own does not do that.
 */
START_TEST(test_escape_unmarked)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(env -i setsid prlimit --locks=1 sh -c 'trap \"\" TERM; echo escaped\n"
		      "while :; do sleep 1000; done' &)\n"
		      "read x; exit 0");

	expect_line(c.out, "escaped");
	nudge(&c);
	exits(&c, 0);
}
END_TEST

START_TEST(test_escape_without_environment)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(env -i setsid cat <&3 >&4 &) 3<&0 4>&1; exec sleep 1000");

	ck_assert_int_eq(write(c.in, "a\n", 2), 2);
	expect_line(c.out, "a");
	runs(1);
	sync_worker(0);
	ck_assert_int_eq(write(c.in, "b\n", 2), 2);
	expect_line(c.out, "b");
	cancel(&c, CANCEL_BY_CLIENT);
	finishes(&c, OUTCOME_CANCELLED);
}
END_TEST

/*
 * The process says that it belongs to another request, by the name that
 * everybody knows and by the part of its mark that everybody can see: that does
 * not help it.
 */
START_TEST(test_escape_under_another_name)
{
	struct call other = CALL(.service = S_WIDE, .script = "echo $$; exec cat");
	char line[32] = "", script[512];
	struct call c;

	ck_assert_int_gt(read(other.out, line, sizeof(line) - 1), 0);
	(void)snprintf(script, sizeof(script),
	    "set -- $(sed -n 's/^Max file locks *//p' /proc/%d/limits)\n"
	    "export REQD_REQUEST_ID=%016llx\n"
	    "(setsid prlimit --locks=$1 sh -c 'trap \"\" TERM; echo escaped\n"
	    "while :; do sleep 1000; done' &)\n"
	    "read x; exit 0", atoi(line), (unsigned long long)other.id);
	c = CALL(.service = S_WIDE, .script = script);
	expect_line(c.out, "escaped");
	nudge(&c);
	exits(&c, 0);
	let_end(&other);
}
END_TEST

/* A stray lives as long as its request does, whoever else ends. */
START_TEST(test_escape_may_live)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "(setsid cat <&3 >&4 &) 3<&0 4>&1; exec sleep 1000");

	ck_assert_int_eq(write(c.in, "a\n", 2), 2);
	expect_line(c.out, "a");
	/* The end of the program makes the runner look for strays. */
	runs(1);
	sync_worker(0);
	ck_assert_int_eq(write(c.in, "b\n", 2), 2);
	expect_line(c.out, "b");
	ck_assert_uint_eq(runner.stats->strays_killed, 0);

	cancel(&c, CANCEL_BY_CLIENT);
	finishes(&c, OUTCOME_CANCELLED);
}
END_TEST

/* Of more strays than the table has room for, the rest is killed at once. */
START_TEST(test_many_strays)
{
	enum { N = RUNNER_MAX_STRAYS + 44 };
	struct call c = CALL(.service = S_WIDE,
	    .script = "exec 3<&0; i=0; trap '' TERM; while [ $i -lt 300 ]; do\n"
		      "(setsid sh -c 'echo up; read x && echo alive' <&3 &); i=$((i+1)); done\n"
		      "trap - TERM; sleep 1000");
	char lines[N];
	size_t alive = 0;

	for (int i = 0; i < N; i++)
		expect_line(c.out, "up");
	cancel(&c, CANCEL_BY_CLIENT);
	(void)expect_end(&c, OUTCOME_CANCELLED);
	memset(lines, '\n', N);
	ck_assert_int_eq(write(c.in, lines, N), N);
	end_input(&c);
	for (const char *p = read_all(c.out); (p = strstr(p, "alive")) != NULL; p++)
		alive++;
	ck_assert_uint_eq(alive, RUNNER_MAX_STRAYS);
	call_done(&c);
}
END_TEST

/*
 * A process that lingers keeps its place: the next request starts when all of
 * them are gone.
 */
START_TEST(test_lingering_counts)
{
	struct call a = CALL(.service = S_SINGLE,
	    .script = "exec 3<&0 4>&1\n"
		      "x=$( (setsid sh -c 'trap \"\" TERM; exec cat <&3 >&4' &) )\n"
		      "echo escaped");
	struct call b;

	expect_line(a.out, "escaped");
	expect_exit(&a, 0);
	b = CALL(.service = S_SINGLE, .script = "exit 4");
	sync_worker(0);
	sync_master();
	ck_assert_uint_eq(broker.stats->running, 1);
	end_input(&a);
	expect_gone(&a);
	expect_exit(&b, 4);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_left_behind);
	tcase_add_test(tc, test_left_behind_deep);
	tcase_add_test(tc, test_escape_ends_with_request);
	tcase_add_test(tc, test_escape_is_cancelled);
	tcase_add_test(tc, test_escape_is_told);
	tcase_add_test(tc, test_stop_signal);
	tcase_add_test(tc, test_escape_ignores_term);
	tcase_add_test(tc, test_escape_unmarked);
	tcase_add_test(tc, test_escape_without_environment);
	tcase_add_test(tc, test_escape_under_another_name);
	tcase_add_test(tc, test_escape_may_live);
	tcase_add_test(tc, test_many_strays);
	tcase_add_test(tc, test_lingering_counts);
}

UNIT_MAIN("reap", add(tc))
