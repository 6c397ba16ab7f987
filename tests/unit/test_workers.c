/* SPDX-License-Identifier: ISC */
/*
 * Workers that die, are replaced, or say what no worker says.
 */
#include "config.h"

#include "command-peer.h"

START_TEST(test_worker_gone)
{
	struct call a = CALL(.service = S_SINGLE, .script = SLEEPER "sleep 1000");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 0");
	struct call c = CALL(.worker = 1, .service = S_SINGLE, .script = "exit 9");

	expect_line(a.out, "escaped");
	(void)close(runner.worker[0]);
	expect_gone(&a);
	expect_gone(&b);
	/* The other worker's request has its turn now. */
	exits(&c, 9);
}
END_TEST

START_TEST(test_worker_replaced)
{
	struct call a = CALL(.service = S_WIDE, .script = "echo ready; sleep 1000");
	int old = runner.worker[0];

	expect_line(a.out, "ready");
	connect_worker(0);
	expect_closed(old);
	expect_gone(&a);
	runs(1);
}
END_TEST

enum bad { BAD_SLOT, BAD_SERVICE, BAD_TYPE, BAD_CANCEL, BAD_DEPOSIT, BAD_RESULT, BAD_BYTES, BAD_N };

static void
send_bad(enum bad kind)
{
	struct order o = { .service = kind == BAD_SERVICE ? S_N : S_WIDE, .script = "exit 0" };
	struct frame f = { .id = request_id(kind == BAD_RESULT ? 0 : 1) };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	switch (kind) {
	case BAD_SLOT:
	case BAD_SERVICE:
		f = run_frame(&o, request_id(kind == BAD_SLOT ? 1 : 0));
		put(runner.worker[0], &f, (int[]){ null, null, null, null }, 4);
		break;
	case BAD_TYPE:
		f.type = FRAME_COMMIT;
		put(runner.worker[0], &f, NULL, 0);
		break;
	case BAD_CANCEL:
		f.type = FRAME_CANCEL;
		put(runner.worker[0], &f, NULL, 0);
		break;
	case BAD_DEPOSIT:
	case BAD_RESULT:
		f.type = FRAME_DEPOSIT;
		put(runner.worker[0], &f, &null, 1);
		break;
	default:
		ck_assert_int_eq(send(runner.worker[0], "hello", 5, 0), 5);
		break;
	}
	(void)close(null);
}

/* A bad frame is reported to the master, ends its link, and nothing else. */
START_TEST(test_bad_frame)
{
	struct call c = CALL(.worker = 1, .service = S_WIDE, .script = "exec cat");
	struct frame fault;

	runner.errors_expected = true;
	send_bad((enum bad)_i);
	fault = get(runner.master, FRAME_FAULT);
	ck_assert_uint_eq(fault.slot, 0);
	ck_assert_uint_eq(fault.fault.serial, SERIAL(0));
	ck_assert_int_ne(fault.fault.text[0], '\0');
	expect_closed(runner.worker[0]);
	ck_assert_uint_eq(runner.stats->bad_frames, 1);
	let_end(&c);
}
END_TEST

START_TEST(test_duplicate_id)
{
	struct order o = { .service = S_WIDE, .script = "sleep 1000" };
	uint64_t id = request_id(0);
	struct call a = call_with_job(&o, id, make_job(o.script, id));
	struct call b = call_with_job(&o, id, make_job(o.script, id));

	runner.errors_expected = true;
	expect_gone(&a);
	expect_gone(&b);
	expect_closed(runner.worker[0]);
	ck_assert_uint_eq(runner.stats->bad_frames, 1);
}
END_TEST

/* As when the dead worker's end is in other hands, which go on holding it. */
START_TEST(test_unlink)
{
	struct call a = CALL(.service = S_WIDE, .script = "echo ready; sleep 1000");
	struct call c = CALL(.worker = 1, .service = S_WIDE, .script = "exec cat");
	struct frame f = { .type = FRAME_UNLINK, .link = { .serial = SERIAL(0) + 1 } };

	expect_line(a.out, "ready");
	/* Another process that had the number before or will have it. */
	put(runner.master, &f, NULL, 0);
	sync_master();
	sync_worker(0);
	f.link.serial = SERIAL(0);
	put(runner.master, &f, NULL, 0);
	put(runner.master, &f, NULL, 0);
	expect_closed(runner.worker[0]);
	expect_gone(&a);
	sync_worker(1);
	let_end(&c);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_worker_gone);
	tcase_add_test(tc, test_worker_replaced);
	tcase_add_loop_test(tc, test_bad_frame, 0, BAD_N);
	tcase_add_test(tc, test_duplicate_id);
	tcase_add_test(tc, test_unlink);
}

UNIT_MAIN("workers", add(tc))
