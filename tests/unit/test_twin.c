/* SPDX-License-Identifier: ISC */
/*
 * Requests with the same --id: one of them runs, all have its result.
 */
#include "config.h"

#include "command-peer.h"

/* Takes fd. */
static void
deposit(const struct call *c, int fd, const char *text)
{
	struct frame f = { .type = FRAME_DEPOSIT, .id = c->id };

	if (fd >= 0) {
		ck_assert_int_ge(pwrite(fd, text, strlen(text), 0), 0);
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
		(void)close(fd);
	}
	say(c->worker, &f);
}

static void
expect_result(const struct call *c, const char *text)
{
	char got[64] = "";
	int fd;
	struct frame f = get_with_fd(broker.worker[c->worker], &fd);

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
	struct frame f = get(broker.worker[c->worker], FRAME_ATTACHED);

	ck_assert_uint_eq(f.id, c->id);
	ck_assert_int_eq(f.is_awaited, is_awaited);
}

START_TEST(test_twins)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat", .token = 'T');
	struct call b, c, d;
	int fd = paper(&a);

	b = CALL(.worker = 1, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_attached(&a, true);
	c = CALL(.worker = 0, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_attached(&a, true);
	expect_gone(&b);
	expect_gone(&c);
	let_end(&a);
	deposit(&a, fd, "the result");
	expect_result(&b, "the result");
	expect_result(&c, "the result");

	/* Later: from what is kept. */
	d = CALL(.worker = 1, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_result(&d, "the result");
	ck_assert_uint_eq(broker.stats->started_total, 1);
	/* A result comes once. */
	deposit(&a, -1, "another");
	d = CALL(.worker = 0, .service = S_SINGLE, .script = "echo twice", .token = 'T');
	expect_result(&d, "the result");
}
END_TEST

START_TEST(test_twin_lost)
{
	struct call a = CALL(.service = S_WIDE, .script = "sleep 1000", .token = 'T');
	struct call b;

	(void)paper(&a);
	b = CALL(.worker = 1, .service = S_WIDE, .script = "exit 0", .token = 'T');
	expect_attached(&a, true);
	leave(0);
	expect_result(&b, NULL);
	expect_gone(&a);
	/* The id is free again. */
	b = CALL(.worker = 1, .service = S_WIDE, .script = "exit 0", .token = 'T');
	(void)paper(&b);
	expect_exit(&b, 0);
}
END_TEST

/* Ended, and the worker dies before it brings the result. */
START_TEST(test_twin_lost_after_end)
{
	struct call a = CALL(.service = S_WIDE, .script = "exit 0", .token = 'T');
	struct call b;

	(void)paper(&a);
	expect_exit(&a, 0);
	b = CALL(.worker = 1, .service = S_WIDE, .script = "exit 0", .token = 'T');
	sync_worker(1);
	leave(0);
	expect_result(&b, NULL);
}
END_TEST

/* The first never ran, so neither did the second: it hears the same. */
START_TEST(test_twin_not_started)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat");
	struct call b = CALL(.service = S_SINGLE, .script = "exit 0", .token = 'T');
	struct call c;

	(void)paper(&b);
	c = CALL(.worker = 1, .service = S_SINGLE, .script = "exit 0", .token = 'T');
	expect_attached(&b, true);
	cancel(&b, CANCEL_BY_CLIENT);
	(void)expect_end(&b, OUTCOME_CANCELLED);
	(void)expect_end(&c, OUTCOME_CANCELLED);
	let_end(&a);
}
END_TEST

#define LOGINS(id) "logins = \"/x\" ids = \"0:0\"\n" \
    "credential \"00000000000000" id "\" { login = alice kind = token hash = \"" id \
    "23456789012345678901234567890123456789012\" }\n"
#define LOGINS_MORE(id) "credential \"00000000000000" id "\" { login = alice kind = token hash = \"" id \
    "23456789012345678901234567890123456789012\" }\n"

/* Two tokens of one login: the end of one is not the end of the login. */
START_TEST(test_twin_revoked)
{
	CLEANUP(buf_done) struct buf both = BUF_INIT(0), one = BUF_INIT(0);
	struct call a, b, c;

	(void)buf_printf(&both, "%s" LOGINS("a1") LOGINS_MORE("a2"), conf_text);
	(void)buf_printf(&one, "%s" LOGINS("a2"), conf_text);
	configure(2, buf_data(&both));
	a = CALL(.service = S_SINGLE, .script = "exec cat", .generation = 2);
	b = CALL(.service = S_SINGLE, .script = "exit 0", .token = 'T', .generation = 2,
	    .credential = 0xa1);
	(void)paper(&b);
	c = CALL(.worker = 1, .service = S_SINGLE, .script = "exit 0", .token = 'T',
	    .generation = 2, .credential = 0xa2);
	expect_attached(&b, true);
	configure(3, buf_data(&one));
	(void)expect_end(&b, OUTCOME_NOAUTH);
	(void)expect_end(&c, OUTCOME_UNAVAIL);
	let_end(&a);
}
END_TEST

START_TEST(test_twin_gives_up)
{
	struct call a = CALL(.service = S_WIDE, .script = "exec cat", .token = 'T');
	struct call b, c;
	int fd = paper(&a);

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
	deposit(&a, fd, "x");
}
END_TEST

/*
 * A caller that waits for a result takes a place in the queue of the service,
 * which has two.
 */
START_TEST(test_twins_count_in_the_queue)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat", .token = 'T');
	struct call b, c, d, e;
	int fd = paper(&a);

	b = CALL(.worker = 1, .service = S_SINGLE, .script = "", .token = 'T');
	expect_attached(&a, true);
	c = CALL(.worker = 1, .service = S_SINGLE, .script = "exit 4");
	d = CALL(.worker = 1, .service = S_SINGLE, .script = "", .token = 'T');
	ck_assert_uint_eq(expect_end(&d, OUTCOME_BUSY).reason, BUSY_QUEUE_FULL);
	e = CALL(.worker = 1, .service = S_SINGLE, .script = "exit 5");
	ck_assert_uint_eq(expect_end(&e, OUTCOME_BUSY).reason, BUSY_QUEUE_FULL);
	/* A caller that gives up makes room. */
	cancel(&b, CANCEL_BY_CLIENT);
	(void)expect_end(&b, OUTCOME_CANCELLED);
	expect_attached(&a, false);
	d = CALL(.worker = 1, .service = S_SINGLE, .script = "", .token = 'T');
	expect_attached(&a, true);
	let_end(&a);
	deposit(&a, fd, "r");
	for (int i = 0; i < 2; i++) {
		struct frame f = get_with_fd(broker.worker[1], &(int){ 0 });

		ck_assert_uint_eq(f.id, f.type == FRAME_RESULT ? d.id : c.id);
	}
}
END_TEST

/* An id that still waits for its result is in use, though nothing runs under it. */
START_TEST(test_id_of_an_awaited_result)
{
	struct order o = { .service = S_WIDE, .script = "exit 0", .token = 'T' };
	uint64_t id = request_id(0);
	struct call a = call_as(&o, id), b;

	(void)paper(&a);
	expect_exit(&a, 0);
	broker.errors_expected = true;
	b = call_as(&o, id);
	expect_closed(broker.worker[0]);
	expect_gone(&b);
	ck_assert_str_ne(get(broker.master, FRAME_FAULT).fault.text, "");
	/* And nothing of it is left: it runs for another worker. */
	a = CALL(.worker = 1, .service = S_WIDE, .script = "exit 6", .token = 'T');
	(void)paper(&a);
	exits(&a, 6);
}
END_TEST

START_TEST(test_unsealed_result)
{
	struct call a = CALL(.service = S_WIDE, .script = "exit 0", .token = 'T');
	struct frame f = { .type = FRAME_DEPOSIT, .id = a.id };
	int fd = paper(&a);

	broker.errors_expected = true;
	expect_exit(&a, 0);
	say(0, &f);
	expect_closed(broker.worker[0]);
	(void)get(broker.master, FRAME_FAULT);
	(void)close(fd);
}
END_TEST

/* Asks what has become of a token; *ret_fd: the file that has come, or -1. */
static enum look_up
look_up(uint16_t worker, char token, int *ret_fd)
{
	struct frame f = { .type = FRAME_LOOK_UP, .id = request_id(worker) }, answer;

	f.cancel.token = letter(token);
	say(worker, &f);
	answer = get_with_fd(broker.worker[worker], ret_fd);
	ck_assert_str_eq(frame_type_name(answer.type), "found");
	ck_assert_uint_eq(answer.id, f.id);
	return (enum look_up)answer.found;
}

START_TEST(test_looks_start_nothing)
{
	struct call a = CALL(.service = S_SINGLE, .script = "exec cat", .token = 'T'), b;
	int fd = paper(&a), other, found;
	char got[16] = "";

	ck_assert_int_eq(look_up(1, 'U', &found), LOOK_UP_UNKNOWN);
	ck_assert_int_eq(look_up(1, 'T', &found), LOOK_UP_RUNS);
	/* The second waits for its place, as the service runs one at a time. */
	b = CALL(.worker = 1, .service = S_SINGLE, .script = "exec cat", .token = 'B');
	other = paper(&b);
	ck_assert_int_eq(look_up(0, 'B', &found), LOOK_UP_WAITS);
	cancel(&b, CANCEL_BY_CLIENT);
	(void)expect_end(&b, OUTCOME_CANCELLED);
	ck_assert_int_eq(look_up(0, 'B', &found), LOOK_UP_UNKNOWN);
	ck_assert_int_eq(found, -1);
	(void)close(other);
	call_done(&b);
	let_end(&a);
	/* Until its worker brings the result, the request goes on for all others. */
	ck_assert_int_eq(look_up(1, 'T', &found), LOOK_UP_RUNS);
	deposit(&a, fd, "the result");
	sync_worker(0);
	for (uint16_t worker = 0; worker < 2; worker++) {
		ck_assert_int_eq(look_up(worker, 'T', &found), LOOK_UP_DONE);
		ck_assert_int_ge(found, 0);
		ck_assert_int_ge(pread(found, got, sizeof(got) - 1, 0), 0);
		ck_assert_str_eq(got, "the result");
		(void)close(found);
	}
	ck_assert_uint_eq(broker.stats->started_total, 1);
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
	tcase_add_test(tc, test_twin_revoked);
	tcase_add_test(tc, test_twin_gives_up);
	tcase_add_test(tc, test_twins_count_in_the_queue);
	tcase_add_test(tc, test_id_of_an_awaited_result);
	tcase_add_test(tc, test_unsealed_result);
	tcase_add_test(tc, test_looks_start_nothing);
}

UNIT_MAIN("twin", add(tc))
