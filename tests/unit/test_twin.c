/* SPDX-License-Identifier: ISC */
/*
 * Requests with the same --id: one of them runs, all have its result.
 */
#include "config.h"

#include "command-peer.h"

static void
deposit(const struct call *c, const char *text)
{
	struct frame f = { .type = FRAME_DEPOSIT, .id = c->id };
	int fd = fd_sealed("result", text, strlen(text));

	put(runner.worker[c->worker], &f, &fd, 1);
	(void)close(fd);
}

static void
expect_result(const struct call *c, const char *text)
{
	char got[64] = "";
	int fd;
	struct frame f = get_with_fd(runner.worker[c->worker], &fd);

	ck_assert_uint_eq(f.type, FRAME_RESULT);
	ck_assert_uint_eq(f.id, c->id);
	if (text == NULL) {
		ck_assert_int_eq(fd, -1);
		return;
	}
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(pread(fd, got, sizeof(got) - 1, 0), 0);
	ck_assert_str_eq(got, text);
	(void)close(fd);
}

/* c hears that it has twins, or has none any more. */
static void
expect_attached(const struct call *c, bool is_awaited)
{
	struct frame f = get(runner.worker[c->worker], FRAME_ATTACHED);

	ck_assert_uint_eq(f.id, c->id);
	ck_assert_int_eq(f.is_awaited, is_awaited);
}

START_TEST(test_twins)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat", .token = 'T');
	struct call b, c, d;

	sync_worker(0);
	/* No room in the queue is needed: they do not run. */
	b = CALL(.worker = 1, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_attached(&a, true);
	c = CALL(.worker = 0, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_attached(&a, true);
	expect_gone(&b);
	expect_gone(&c);
	let_end(&a);
	deposit(&a, "the result");
	expect_result(&b, "the result");
	expect_result(&c, "the result");

	/* Later: from what is kept. */
	d = CALL(.worker = 1, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_result(&d, "the result");
	ck_assert_uint_eq(runner.stats->started_total, 1);
	/* A result comes once. */
	deposit(&a, "another");
	d = CALL(.worker = 0, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_result(&d, "the result");
}
END_TEST

START_TEST(test_twin_lost)
{
	struct call a = CALL(.service = S_WIDE, .script = "sleep 1000", .token = 'T');
	struct call b;

	sync_worker(0);
	b = CALL(.worker = 1, .service = S_WIDE, .script = "exit 0", .token = 'T');
	expect_attached(&a, true);
	(void)close(runner.worker[0]);
	expect_result(&b, NULL);
	expect_gone(&a);
	/* The id is free again. */
	b = CALL(.worker = 1, .service = S_WIDE, .script = "exit 0", .token = 'T');
	expect_exit(&b, 0);
}
END_TEST

/* Ended, and the worker dies before it brings the result. */
START_TEST(test_twin_lost_after_end)
{
	struct call a = CALL(.service = S_WIDE, .script = "exit 0", .token = 'T');
	struct call b;

	expect_exit(&a, 0);
	b = CALL(.worker = 1, .service = S_WIDE, .script = "exit 0", .token = 'T');
	sync_worker(1);
	(void)close(runner.worker[0]);
	expect_result(&b, NULL);
}
END_TEST

/* The first never ran, so neither did the second: it hears the same. */
START_TEST(test_twin_not_started)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 0", .token = 'T');
	struct call c;

	sync_worker(0);
	c = CALL(.worker = 1, .service = S_SINGLE, .script = "exit 0", .token = 'T');
	expect_attached(&b, true);
	cancel(&b, CANCEL_BY_CLIENT);
	(void)expect_end(&b, OUTCOME_CANCELLED);
	(void)expect_end(&c, OUTCOME_CANCELLED);
	let_end(&a);
}
END_TEST

START_TEST(test_twin_gives_up)
{
	struct call a = CALL(.service = S_WIDE, .script = "exec cat", .token = 'T');
	struct call b, c;

	sync_worker(0);
	b = CALL(.worker = 1, .service = S_WIDE, .script = "", .token = 'T');
	expect_attached(&a, true);
	c = CALL(.worker = 1, .service = S_WIDE, .script = "", .token = 'T', .timeout_usec = 1000);
	expect_attached(&a, true);
	(void)expect_end(&c, OUTCOME_TIMEOUT);
	cancel(&b, CANCEL_BY_DISCONNECT);
	(void)expect_end(&b, OUTCOME_CANCELLED);
	/* The first hears when the last of them leaves, and is not touched by it. */
	expect_attached(&a, false);
	let_end(&a);
	deposit(&a, "x");
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_twins);
	tcase_add_test(tc, test_twin_lost);
	tcase_add_test(tc, test_twin_lost_after_end);
	tcase_add_test(tc, test_twin_not_started);
	tcase_add_test(tc, test_twin_gives_up);
}

UNIT_MAIN("twin", add(tc))
