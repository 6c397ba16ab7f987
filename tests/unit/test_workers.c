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
	leave(0);
	expect_gone(&a);
	expect_gone(&b);
	/* The other worker's request has its turn now. */
	exits(&c, 9);
}
END_TEST

START_TEST(test_worker_replaced)
{
	struct call a = CALL(.service = S_WIDE, .script = "echo ready; sleep 1000");
	int old = broker.worker[0];

	expect_line(a.out, "ready");
	connect_worker(0);
	expect_closed(old);
	expect_gone(&a);
	runs(1);
}
END_TEST

enum bad {
	BAD_SLOT, BAD_SERVICE, BAD_KIT, BAD_KIT_KIND, BAD_KIT_OF_ANOTHER, BAD_KIT_TWICE, BAD_TYPE,
	BAD_CANCEL, BAD_DEPOSIT, BAD_BYTES, BAD_N,
};

/* A request with that kit, which is not to be had so. */
static void
name_kit(uint32_t number, bool no_input)
{
	struct order o = { .service = S_WIDE, .no_input = no_input };
	struct frame f = run_frame(&o, request_id(0));

	f.run.kit = number;
	say(0, &f);
}

/* The first program still runs when the second request comes: nothing is answered. */
static void
name_twice(void)
{
	struct order o = { .service = S_WIDE, .script = "sleep 1000" };
	struct peer_kit kit = take_kit(0, true);
	uint64_t id = request_id(0);

	(void)call_with_kit(&o, id, kit, write_job(0, o.script, id));
	name_kit(kit.number, false);
}

static void
send_bad(enum bad kind)
{
	struct order o = { .service = kind == BAD_SERVICE ? S_N : S_WIDE, .script = "exit 0" };
	struct frame f = { .id = request_id(1) };

	switch (kind) {
	case BAD_SLOT:
	case BAD_SERVICE:
		f = run_frame(&o, request_id(kind == BAD_SLOT ? 1 : 0));
		f.run.kit = take_kit(0, true).number;
		say(0, &f);
		break;
	case BAD_KIT:
		name_kit(0, true);
		break;
	case BAD_KIT_KIND:
		name_kit(take_kit(0, true).number, true);
		break;
	case BAD_KIT_OF_ANOTHER:
		name_kit(take_kit(1, true).number, false);
		break;
	case BAD_KIT_TWICE:
		name_twice();
		break;
	case BAD_TYPE:
		f.type = FRAME_COMMIT;
		say(0, &f);
		break;
	case BAD_CANCEL:
	case BAD_DEPOSIT:
		f.type = kind == BAD_CANCEL ? FRAME_CANCEL : FRAME_DEPOSIT;
		say(0, &f);
		break;
	default:
		ck_assert_int_eq(write(broker.peer[0].pipe, "hello", 5), 5);
		break;
	}
}

/* A bad frame ends its worker, by way of the master, and nothing else. */
START_TEST(test_bad_frame)
{
	struct call c = CALL(.worker = 1, .service = S_WIDE, .script = "exec cat");
	struct frame f;

	broker.errors_expected = true;
	send_bad((enum bad)_i);
	expect_closed(broker.worker[0]);
	ck_assert_uint_eq(broker.stats->bad_frames, 1);
	/* The master hears of it, and which of the links of this slot it was. */
	f = get(broker.master, FRAME_FAULT);
	ck_assert_uint_eq(f.slot, 0);
	ck_assert_uint_eq(f.fault.serial, broker.last_serial - 1);
	ck_assert_str_ne(f.fault.text, "");
	let_end(&c);
}
END_TEST

START_TEST(test_duplicate_id)
{
	struct order o = { .service = S_WIDE, .script = "sleep 1000" };
	uint64_t id = request_id(0);
	struct call a = call_as(&o, id);
	struct call b = call_as(&o, id);

	broker.errors_expected = true;
	expect_gone(&a);
	expect_gone(&b);
	expect_closed(broker.worker[0]);
	ck_assert_uint_eq(broker.stats->bad_frames, 1);
}
END_TEST

/* The master knows that it is gone before its pipes tell. */
START_TEST(test_unlink)
{
	struct call a = CALL(.service = S_WIDE, .script = "echo ready; sleep 1000");
	struct frame f = { .type = FRAME_UNLINK, .slot = 0, .link = { .serial = broker.last_serial - 1 } };
	struct frame old = { .type = FRAME_UNLINK, .slot = 1, .link = { .serial = broker.last_serial - 1 } };

	expect_line(a.out, "ready");
	/* Of a link that another has taken the place of: nothing. */
	put(broker.master, &old, NULL, 0);
	put(broker.master, &f, NULL, 0);
	expect_closed(broker.worker[0]);
	expect_gone(&a);
	sync_worker(1);
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
