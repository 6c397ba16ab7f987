/* SPDX-License-Identifier: ISC */
/*
 * CANCEL by whoever owns the request, through any worker.
 */
#include "config.h"

#include "command-peer.h"

static bool
cancel_owned(uint16_t worker, uint64_t id, char owner, char token)
{
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = id };

	f.cancel.owner = letter(owner);
	f.cancel.token = letter(token);
	f.cancel.reason = CANCEL_BY_CLIENT;
	say(worker, &f);
	f = get(broker.worker[worker], FRAME_CANCELLED);
	ck_assert_uint_eq(f.id, id);
	return f.cancel.found != 0;
}

START_TEST(test_cancel_owned)
{
	struct call a = CALL(.service = S_WIDE, .script = "sleep 1000", .owner = 'A', .token = 'T');
	struct call b = CALL(.service = S_WIDE, .script = "sleep 1000", .owner = 'B');
	struct call c = CALL(.service = S_WIDE, .script = "sleep 1000");

	(void)close(paper(&a));
	sync_worker(0);
	ck_assert(!cancel_owned(1, a.id, 'B', 0));
	ck_assert(!cancel_owned(1, 0, 'B', 'T'));
	ck_assert(!cancel_owned(1, 0, 'A', 'U'));
	ck_assert(!cancel_owned(1, request_id(1), 'A', 0));
	ck_assert(!cancel_owned(1, request_id(200), 'A', 0));
	ck_assert(!cancel_owned(1, c.id, 0, 0));	/* of nobody is not of all */
	ck_assert(!cancel_owned(1, 0, 'A', 0));

	/* A name may be either: the id first, if its owner asks. */
	ck_assert(cancel_owned(1, b.id, 'A', 'T'));
	(void)expect_end(&a, OUTCOME_CANCELLED);
	ck_assert(cancel_owned(1, b.id, 'B', 'T'));
	(void)expect_end(&b, OUTCOME_CANCELLED);
	cancel(&c, CANCEL_BY_CLIENT);
	(void)expect_end(&c, OUTCOME_CANCELLED);
}
END_TEST

static struct frame
owned_by_a(uint64_t id)
{
	struct frame f = { .type = FRAME_CANCEL_OWNED, .id = id };

	f.cancel.owner = letter('A');
	f.cancel.token = letter('T');
	return f;
}

/* Worker 0 asks for it, and worker 1 is asked. */
static struct frame
pass_on(const struct frame *ask)
{
	struct frame f;

	say(0, ask);
	f = get(broker.worker[1], FRAME_CANCEL_OWNED);
	ck_assert_uint_eq(f.id, ask->id);
	ck_assert_uint_eq(f.slot, 0);
	ck_assert(digest_eq(&f.cancel.owner, &ask->cancel.owner));
	return f;
}

/* Sends the answer of worker 1. */
static void
answer(const struct frame *asked, unsigned found)
{
	struct frame f = *asked;

	f.type = FRAME_CANCELLED;
	f.cancel.found = (uint8_t)found;
	say(1, &f);
}

/* Expects the answer that worker 0 gets. */
static void
expect_cancelled(const struct frame *ask, unsigned found)
{
	struct frame f = get(broker.worker[0], FRAME_CANCELLED);

	ck_assert_uint_eq(f.id, ask->id);
	ck_assert_uint_eq(f.cancel.found, found);
}

/* The number is of a call that only another worker can know. */
START_TEST(test_cancel_is_passed_on)
{
	struct call c = CALL(.worker = 1, .service = S_WIDE, .script = "sleep 1000", .owner = 'A',
	    .token = 'T');
	struct frame ask = owned_by_a(request_id(1)), f;

	(void)close(paper(&c));
	sync_worker(1);
	for (unsigned found = 0; found < 2; found++) {
		ask.cancel.token = letter('U');
		f = pass_on(&ask);
		answer(&f, found);
		expect_cancelled(&ask, found);
		/* Said twice it changes nothing. */
		answer(&f, found);
	}
	/* No request has this id, but one has this token. */
	ask = owned_by_a(request_id(1));
	f = pass_on(&ask);
	answer(&f, 0);
	expect_cancelled(&ask, 1);
	finishes(&c, OUTCOME_CANCELLED);
}
END_TEST

/* The one that was asked dies; the one that has asked; and comes back. */
START_TEST(test_cancel_without_an_answer)
{
	struct frame ask = owned_by_a(request_id(1)), f;

	(void)pass_on(&ask);
	leave(1);
	expect_cancelled(&ask, 0);
	connect_worker(1);
	f = pass_on(&ask);
	leave(0);
	connect_worker(0);
	answer(&f, 1);
	sync_worker(1);
	sync_worker(0);
}
END_TEST

/* The one that was asked is silent. Nobody waits for it, and it may say it later. */
START_TEST(test_cancel_never_answered)
{
	struct frame ask = owned_by_a(request_id(1)), f, again = owned_by_a(request_id(1));

	f = pass_on(&ask);
	expect_cancelled(&ask, 0);
	answer(&f, 1);
	sync_worker(1);
	f = pass_on(&again);
	answer(&f, 1);
	expect_cancelled(&again, 1);
}
END_TEST

/*
 * A worker that does not read loses no question: it gets the question when it
 * reads.
 */
START_TEST(test_cancel_for_a_worker_that_is_behind)
{
	struct frame none = { .type = FRAME_CANCEL_OWNED, .id = UINT64_C(1) << 32 };
	struct frame ask = owned_by_a(request_id(1)), f = { 0 };
	unsigned n_answers = 0;

	/* More answers than its socket takes. */
	(void)fd_set_nonblock(broker.peer[1].pipe, true);
	while (n_answers < 4000 && write(broker.peer[1].pipe, &none, sizeof(none)) > 0)
		n_answers++;
	say(0, &ask);
	for (unsigned i = 0; i < n_answers + 1; i++) {
		struct frame next;
		int with;

		next = get_with_fd(broker.worker[1], &with);
		if (next.type == FRAME_CANCEL_OWNED)
			f = next;
		else
			ck_assert_uint_eq(next.type, FRAME_CANCELLED);
	}
	ck_assert_uint_eq(f.id, ask.id);
	answer(&f, 1);
	expect_cancelled(&ask, 1);
}
END_TEST

START_TEST(test_second_cancel_before_the_first_is_answered)
{
	struct frame ask = owned_by_a(request_id(1));

	broker.errors_expected = true;
	say(0, &ask);
	say(0, &ask);
	(void)get(broker.worker[1], FRAME_CANCEL_OWNED);
	expect_closed(broker.worker[0]);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_cancel_owned);
	tcase_add_test(tc, test_cancel_is_passed_on);
	tcase_add_test(tc, test_cancel_without_an_answer);
	tcase_add_test(tc, test_cancel_never_answered);
	tcase_add_test(tc, test_cancel_for_a_worker_that_is_behind);
	tcase_add_test(tc, test_second_cancel_before_the_first_is_answered);
}

UNIT_MAIN("cancel", add(tc))
