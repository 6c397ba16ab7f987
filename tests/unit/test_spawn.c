/* SPDX-License-Identifier: ISC */
/*
 * Programs as they find themselves started: with what, as whom, where; and
 * what is told when they could not be.
 */
#include "config.h"

#include "command-peer.h"

static const struct {
	uint16_t service;
	enum start_stage stage;
	int error;
} failures[] = {
	{ S_MISSING, STAGE_EXEC, ENOENT },
	{ S_NODIR, STAGE_DIRECTORY, ENOENT },
};

START_TEST(test_start_fails)
{
	struct call c = CALL(.service = failures[_i].service, .script = "exit 0");
	struct frame_ended e = expect_end(&c, OUTCOME_NOSTART);

	ck_assert_uint_eq(e.stage, failures[_i].stage);
	ck_assert_int_eq(e.error, failures[_i].error);
	ck_assert_str_eq(read_all(c.err), "");
	call_done(&c);

	/* The next in the same slot starts from a clean sheet. */
	c = CALL(.service = S_WIDE, .script = "exit 127");
	exits(&c, 127);
}
END_TEST

/* A job is judged by the child: whatever it is, nobody else has read it. */
START_TEST(test_bad_job)
{
	for (int i = 0; i < 2; i++) {
		struct peer_kit kit = take_kit(0, true);
		struct call c;
		struct frame_ended e;

		/* In a place where no job was written yet; and in one where there is none any more. */
		if (i == 1)
			memcpy(broker.peer[0].jobs.places, "nonsense nonsense nonsense", 26);
		c = call_with_kit(&(struct order){ .service = S_WIDE }, request_id(0), kit, 0);
		e = expect_end(&c, OUTCOME_NOSTART);
		ck_assert_uint_eq(e.stage, STAGE_JOB);
		ck_assert_int_eq(e.error, EBADMSG);
		expect_gone(&c);
	}
}
END_TEST

START_TEST(test_without_clone3)
{
	struct call c;

	broker.without_clone3 = true;
	restart();
	broker.without_clone3 = false;
	configure(1, conf_text);
	connect_worker(0);
	c = CALL(.service = S_WIDE, .script = "echo out; exit 3");
	expect_exit(&c, 3);
	ck_assert_str_eq(read_all(c.out), "out\n");
	call_done(&c);
}
END_TEST

START_TEST(test_input)
{
	struct call c = CALL(.service = S_WIDE, .script = "exec cat");

	ck_assert_int_eq(write(c.in, "abc\n", 4), 4);
	expect_line(c.out, "abc");
	let_end(&c);
	expect_gone(&c);

	c = CALL(.service = S_WIDE, .script = "cat; echo end", .no_input = true);
	expect_exit(&c, 0);
	ck_assert_str_eq(read_all(c.out), "end\n");
	call_done(&c);
}
END_TEST

/* Clean to the bone: descriptors, signals, session, privileges. */
START_TEST(test_child_state)
{
	struct call c = CALL(.service = S_WIDE,
	    .script = "ls /proc/self/fd | tr '\\n' ' '; echo\n"
		      "grep -E '^(SigBlk|SigIgn|NoNewPrivs)' /proc/self/status |\n"
		      "tr -d '\\n\\t'; echo\n"
		      "ulimit -c; pwd; umask\n"
		      "read pid comm state ppid pgrp session tty rest </proc/$$/stat\n"
		      "[ $pid = $pgrp ] && [ $pid = $session ] && [ $tty = 0 ] && echo alone\n"
		      "tr '\\0' '\\n' </proc/$$/environ | grep -vE '^(PATH|REQD_REQUEST_ID)='\n"
		      "ulimit -n");

	expect_exit(&c, 0);
	expect_line(c.out, "0 1 2 3 ");		/* 3 is ls reading the directory */
	expect_line(c.out, "SigBlk:0000000000000000SigIgn:0000000000000000NoNewPrivs:1");
	expect_line(c.out, "0");
	expect_line(c.out, "/");
	expect_line(c.out, "0022");
	expect_line(c.out, "alone");
	expect_line(c.out, "600");
	expect_gone(&c);
}
END_TEST

START_TEST(test_service_state)
{
	struct call c = CALL(.service = S_LIMITED, .script = "pwd; umask; ulimit -n; ulimit -t; nice");

	expect_exit(&c, 0);
	ck_assert_str_eq(read_all(c.out), "/tmp\n0027\n33\n7\n19\n");
	call_done(&c);
}
END_TEST

START_TEST(test_identity)
{
	static const char text[] =
	    LISTEN
	    "service \"nobody\" { command = {\"/bin/sh\"} user = \"nobody\"\n"
	    "  ids = \"65533:65533:65533,7,3\" }\n";
	struct frame_ended e;
	struct call c;

	configure(2, text);
	c = CALL(.service = 0, .generation = 2,
	    .script = "grep -E '^(Uid|Gid|Groups|CapEff|CapPrm)' /proc/self/status |\n"
		      "tr '\\t\\n' '  '");
	if (geteuid() != 0) {
		/* An ordinary user can be nobody else, and does not pretend. */
		e = expect_end(&c, OUTCOME_NOSTART);
		ck_assert_uint_eq(e.stage, STAGE_USER);
		ck_assert_int_eq(e.error, EPERM);
	} else {
		expect_exit(&c, 0);
		ck_assert_str_eq(read_all(c.out),
		    "Uid: 65533 65533 65533 65533 Gid: 65533 65533 65533 65533 Groups: 3 7 65533  "
		    "CapPrm: 0000000000000000 CapEff: 0000000000000000 ");
	}
	call_done(&c);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_start_fails, 0, ARRAY_LEN(failures));
	tcase_add_test(tc, test_bad_job);
	tcase_add_test(tc, test_without_clone3);
	tcase_add_test(tc, test_input);
	tcase_add_test(tc, test_child_state);
	tcase_add_test(tc, test_service_state);
	tcase_add_test(tc, test_identity);
}

UNIT_MAIN("spawn", add(tc))
