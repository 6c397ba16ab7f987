/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/outcome.h"
#include "proto/resp.h"

static const struct {
	struct outcome outcome;
	const char *word, *code;
	bool may_have_run;
	int exit_status;
	const char *line;	/* service "df", detail "it broke" */
} table[] = {
	{ { OUTCOME_EXIT, 2, 0 }, "exit", "EXIT", true, 2,
	    "-EXIT 2 it broke\r\n" },
	{ { OUTCOME_EXIT, 125, 0 }, "exit", "EXIT", true, 125,
	    "-EXIT 125 it broke\r\n" },
	{ { OUTCOME_EXIT, 126, 0 }, "exit", "EXIT", true, 239,
	    "-EXIT 126 it broke\r\n" },
	{ { OUTCOME_EXIT, 255, 0 }, "exit", "EXIT", true, 239,
	    "-EXIT 255 it broke\r\n" },
	{ { OUTCOME_SIGNAL, 11, 0 }, "signal", "SIGNAL", true, 139,
	    "-SIGNAL 11 SEGV df\r\n" },
	{ { OUTCOME_SIGNAL, 9, 0 }, "signal", "SIGNAL", true, 137,
	    "-SIGNAL 9 KILL df\r\n" },
	{ { OUTCOME_TIMEOUT, 0, 5000 }, "timeout", "TIMEOUT", true, 240,
	    "-TIMEOUT 5000 df\r\n" },
	{ { OUTCOME_CANCELLED, 0, 0 }, "cancelled", "CANCELLED", true, 241,
	    "-CANCELLED it broke\r\n" },
	{ { OUTCOME_TOOBIG, 0, 1048576 }, "toobig", "TOOBIG", true, 242,
	    "-TOOBIG output > 1048576\r\n" },
	{ { OUTCOME_BUSY, 0, 0 }, "busy", "BUSY", false, 243,
	    "-BUSY df it broke\r\n" },
	{ { OUTCOME_NOSTART, 0, 0 }, "nostart", "NOSTART", false, 244,
	    "-NOSTART df it broke\r\n" },
	{ { OUTCOME_LOST, 0, 0 }, "lost", "LOST", true, 245,
	    "-LOST df it broke\r\n" },
	{ { OUTCOME_BADARG, 0, 0 }, "badarg", "BADARG", false, 246,
	    "-BADARG it broke\r\n" },
	{ { OUTCOME_DENIED, 0, 0 }, "denied", "NOSERVICE", false, 247,
	    "-NOSERVICE unknown service 'df'; it broke\r\n" },
	{ { OUTCOME_DRAINING, 0, 0 }, "draining", "LOADING", false, 248,
	    "-LOADING draining df: it broke\r\n" },
	{ { OUTCOME_UNAVAIL, 0, 0 }, "unavail", "UNAVAIL", false, 249,
	    "-UNAVAIL df it broke\r\n" },
	{ { OUTCOME_HANDLER, 0, 0 }, "handler", "HANDLER", true, 250,
	    "-HANDLER it broke\r\n" },
	{ { OUTCOME_NOAUTH, 0, 0 }, "noauth", "NOAUTH", false, 251,
	    "-NOAUTH it broke\r\n" },
};

static struct buf out;

static void
setup(void)
{
	out = BUF_INIT(0);
}

static void
teardown(void)
{
	buf_done(&out);
}

static void
assert_line(const struct outcome *o, struct slice service, struct slice detail,
    const char *want)
{
	outcome_error(&out, o, service, detail);
	ck_assert(!buf_failed(&out));
	ck_assert_str_eq(buf_text(&out), want);
	buf_clear(&out);
}

START_TEST(every_outcome)
{
	const struct outcome *o = &table[_i].outcome;

	ck_assert_str_eq(outcome_word(o->kind), table[_i].word);
	ck_assert_str_eq(outcome_code(o->kind), table[_i].code);
	ck_assert_int_eq(outcome_from_word(slice_of(table[_i].word)), o->kind);
	ck_assert_int_eq(outcome_from_code(slice_of(table[_i].code)), o->kind);
	ck_assert(outcome_may_have_run(o->kind) == table[_i].may_have_run);
	ck_assert_int_eq(outcome_exit_status(o), table[_i].exit_status);
	assert_line(o, SLICE("df"), SLICE("it broke"), table[_i].line);
}
END_TEST

static const struct {
	enum outcome_kind kind;
	enum resp_version version;
	const char *reply;
} why_rows[] = {
	{ OUTCOME_N, RESP3, "%2\r\n$7\r\noutcome\r\n_\r\n$3\r\nwhy\r\n$2\r\nok\r\n" },
	{ OUTCOME_N, RESP2, "*4\r\n$7\r\noutcome\r\n$-1\r\n$3\r\nwhy\r\n$2\r\nok\r\n" },
	{ OUTCOME_DENIED, RESP2,
	    "*4\r\n$7\r\noutcome\r\n$6\r\ndenied\r\n$3\r\nwhy\r\n$2\r\nok\r\n" },
};

START_TEST(reply_to_why)
{
	outcome_why(&out, why_rows[_i].version, why_rows[_i].kind, SLICE("ok"));
	ck_assert_str_eq(buf_text(&out), why_rows[_i].reply);
}
END_TEST

START_TEST(all_kinds_are_in_the_table)
{
	bool seen[OUTCOME_N] = { false };

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		seen[table[i].outcome.kind] = true;
	for (size_t k = 0; k < OUTCOME_N; k++)
		ck_assert(seen[k]);
}
END_TEST

START_TEST(exit_statuses_are_told_apart)
{
	for (int a = 0; a < OUTCOME_N; a++) {
		for (int b = a + 1; b < OUTCOME_N; b++) {
			struct outcome x = { (enum outcome_kind)a, 15, 0 };
			struct outcome y = { (enum outcome_kind)b, 15, 0 };

			ck_assert_int_ne(outcome_exit_status(&x),
			    outcome_exit_status(&y));
		}
	}
}
END_TEST

START_TEST(only_exit_0_is_success)
{
	for (int k = 0; k < OUTCOME_N; k++) {
		struct outcome o = { (enum outcome_kind)k, 0, 0 };

		ck_assert(outcome_is_success(&o) == (k == OUTCOME_EXIT));
	}
	ck_assert(!outcome_is_success(&(struct outcome){ OUTCOME_EXIT, 1, 0 }));
}
END_TEST

START_TEST(other_words_and_codes)
{
	static const char *const others[] = { "", "E", "EXITS", "exit ", "ERR",
		"NOPROTO", "Exit" };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		ck_assert_int_eq(outcome_from_word(slice_of(others[i])), OUTCOME_N);
		ck_assert_int_eq(outcome_from_code(slice_of(others[i])), OUTCOME_N);
	}
	ck_assert_int_eq(outcome_from_code(slice_of("exit")), OUTCOME_N);
	ck_assert_int_eq(outcome_from_word(slice_of("EXIT")), OUTCOME_N);
}
END_TEST

START_TEST(signal_names)
{
	ck_assert_str_eq(outcome_signal_name(SIGSEGV), "SEGV");
	ck_assert_str_eq(outcome_signal_name(SIGKILL), "KILL");
	ck_assert_str_eq(outcome_signal_name(SIGHUP), "HUP");
	ck_assert_str_eq(outcome_signal_name(SIGRTMIN), "RTMIN");
	ck_assert_str_eq(outcome_signal_name(SIGRTMIN + 1), "RTMIN+1");
	ck_assert_str_eq(outcome_signal_name(0), "?");
	ck_assert_str_eq(outcome_signal_name(-1), "?");
	ck_assert_str_eq(outcome_signal_name(32), "?");
	ck_assert_str_eq(outcome_signal_name(SIGRTMAX + 1), "?");
}
END_TEST

START_TEST(empty_details)
{
	const struct slice none = { NULL, 0 };

	assert_line(&(struct outcome){ OUTCOME_EXIT, 1, 0 }, SLICE("x"), none,
	    "-EXIT 1\r\n");
	assert_line(&(struct outcome){ .kind = OUTCOME_BADARG }, none, none,
	    "-BADARG\r\n");
	assert_line(&(struct outcome){ .kind = OUTCOME_BUSY }, SLICE("x"), none,
	    "-BUSY x\r\n");
}
END_TEST

/* Text of a program or a client cannot make a second line. */
START_TEST(hostile_details)
{
	assert_line(&(struct outcome){ OUTCOME_EXIT, 1, 0 }, SLICE("x"),
	    SLICE("a\r\n+OK\r\n\0\x1b[2J \xff%s%n"),
	    "-EXIT 1 a  +OK    [2J ?%s%n\r\n");
	assert_line(&(struct outcome){ .kind = OUTCOME_DENIED },
	    SLICE("no\0such\r\n-x%d"), SLICE(""),
	    "-NOSERVICE unknown service 'no such  -x%d'\r\n");
}
END_TEST

START_TEST(long_details)
{
	char detail[4 * RESP_ERROR_MAX];

	for (size_t i = 0; i < sizeof(detail); i += 2)
		memcpy(detail + i, i % 4 == 0 ? "\xc3\xa4" : "\xc2\x85", 2);
	for (size_t k = 0; k < OUTCOME_N; k++) {
		struct outcome o = { (enum outcome_kind)k, 1, UINT64_MAX };
		struct slice line;

		outcome_error(&out, &o, (struct slice){ detail, sizeof(detail) },
		    (struct slice){ detail, sizeof(detail) });
		line = buf_slice(&out);
		ck_assert_uint_le(line.len, RESP_ERROR_MAX);
		ck_assert_ptr_eq(memchr(line.data, '\n', line.len),
		    line.data + line.len - 1);
		ck_assert_ptr_null(memchr(line.data, '?', line.len));
		buf_clear(&out);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("outcome");
	TCase *tc = tcase_create("outcome");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, every_outcome, 0, ARRAY_LEN(table));
	tcase_add_loop_test(tc, reply_to_why, 0, ARRAY_LEN(why_rows));
	tcase_add_test(tc, all_kinds_are_in_the_table);
	tcase_add_test(tc, exit_statuses_are_told_apart);
	tcase_add_test(tc, only_exit_0_is_success);
	tcase_add_test(tc, other_words_and_codes);
	tcase_add_test(tc, signal_names);
	tcase_add_test(tc, empty_details);
	tcase_add_test(tc, hostile_details);
	tcase_add_test(tc, long_details);
	suite_add_tcase(s, tc);

	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
