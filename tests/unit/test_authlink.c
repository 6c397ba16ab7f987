/* SPDX-License-Identifier: ISC */
/*
 * authlink: questions of a worker about passwords. The test is the process that answers:
 * one that is not there yet, does not read, answers in another order, or dies.
 */
#include "config.h"

#include "net/authlink.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit.h"

#define MANY 400

struct asked {
	struct login_ask ask;
	unsigned n_answers;
	bool is_lost;
	uint8_t verdict;
};

static struct loop loop;
static struct authlink authlink;
static struct mail_ends above;
static struct asked asked[MANY];

static void
on_answer(struct login_ask *ask, const struct password_answer *answer)
{
	struct asked *a = CONTAINER_OF(ask, struct asked, ask);

	a->n_answers++;
	a->is_lost = answer == NULL;
	a->verdict = answer != NULL ? answer->verdict : 0;
}

static void
attach(void)
{
	struct mail_ends below;

	ck_assert_int_eq(mail_pair(&above, &below), 0);
	authlink_attach(&authlink, below);
}

static void
leave(void)
{
	(void)close(above.socket);
	(void)close(above.pipe);
}

static bool
ask(size_t i)
{
	struct password_ask q = { .secret_len = 6, .login_len = 5 };

	memcpy(q.login, "alice", 5);
	memcpy(q.secret, "sesame", 6);
	q.uid = (uint32_t)i;
	asked[i] = (struct asked){ .ask.fn = on_answer };
	return authlink_ask(&authlink, &q, &asked[i].ask);
}

/* Reads a question; false: there is none now. */
static bool
hear(struct password_ask *ret)
{
	return read(above.pipe, ret, sizeof(*ret)) == (ssize_t)sizeof(*ret);
}

static void
answer(uint64_t id, enum password_verdict verdict)
{
	struct password_answer a = { .id = id, .verdict = (uint8_t)verdict };

	ck_assert_int_eq(write(above.socket, &a, sizeof(a)), (ssize_t)sizeof(a));
}

static void
turn(void)
{
	ck_assert_int_ge(loop_turn(&loop), 0);
}

static void
setup(void)
{
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	ck_assert_int_eq(loop_init(&loop), 0);
	authlink_init(&authlink, &loop);
}

static void
teardown(void)
{
	authlink_done(&authlink);
	ck_assert(TAILQ_EMPTY(&authlink.asks));
	ck_assert_uint_eq(authlink.n_held, 0);
	loop_done(&loop);
}

START_TEST(answers_find_their_question)
{
	struct password_ask q[3];

	attach();
	for (size_t i = 0; i < 3; i++)
		ck_assert(ask(i));
	for (size_t i = 0; i < 3; i++) {
		ck_assert(hear(&q[i]));
		ck_assert_uint_eq(q[i].uid, i);
		ck_assert_int_eq(memcmp(q[i].secret, "sesame", 6), 0);
	}
	answer(q[2].id, PASSWORD_WRONG);
	answer(q[0].id + 100, PASSWORD_RIGHT);	/* of nobody */
	answer(q[0].id, PASSWORD_RIGHT);
	answer(q[0].id, PASSWORD_WRONG);	/* once more */
	while (asked[0].n_answers == 0)
		turn();
	ck_assert_uint_eq(asked[2].n_answers, 1);
	ck_assert_uint_eq(asked[2].verdict, PASSWORD_WRONG);
	authlink_forget(&authlink, &asked[1].ask);
	answer(q[1].id, PASSWORD_RIGHT);
	ck_assert(ask(3));
	ck_assert(hear(&q[0]));
	answer(q[0].id, PASSWORD_OFF);
	while (asked[3].n_answers == 0)
		turn();
	ck_assert_uint_eq(asked[0].n_answers, 1);
	ck_assert_uint_eq(asked[0].verdict, PASSWORD_RIGHT);
	ck_assert_uint_eq(asked[1].n_answers, 0);
	leave();
}
END_TEST

/* The answers of a turn are taken in a turn: they come as fast as questions go. */
START_TEST(many_answers_in_a_turn)
{
	struct password_ask q;
	size_t n_answers = 0;

	attach();
	for (size_t i = 0; i < 48; i++) {
		ck_assert(ask(i));
		ck_assert(hear(&q));
		answer(q.id, PASSWORD_BUSY);
	}
	turn();
	for (size_t i = 0; i < 48; i++)
		n_answers += asked[i].n_answers;
	ck_assert_uint_eq(n_answers, 48);
	leave();
}
END_TEST

/* Questions wait for a process that is not there yet, and go in their order. */
START_TEST(early_questions_wait)
{
	struct password_ask q;

	for (size_t i = 0; i < 5; i++)
		ck_assert(ask(i));
	authlink_forget(&authlink, &asked[2].ask);
	attach();
	for (size_t i = 0; i < 5; i++) {
		if (i == 2)
			continue;
		ck_assert(hear(&q));
		ck_assert_uint_eq(q.uid, i);
	}
	ck_assert(!hear(&q));
	ck_assert_uint_eq(authlink.n_held, 0);
	leave();
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
	ck_assert(ask(0));
	loop.now_usec += AUTHLINK_PATIENCE_USEC;
	ck_assert(ask(1));
	/* The time of the first is over in the next turn, as the clock of the loop is read anew. */
	asked[0].ask.due_usec = 1;
	authlink.patience.fn(&authlink.patience);
	ck_assert_uint_eq(asked[0].n_answers, 1);
	ck_assert(asked[0].is_lost);
	ck_assert_uint_eq(asked[1].n_answers, 0);
	ck_assert(loop_timer_is_armed(&authlink.patience));
	authlink_forget(&authlink, &asked[1].ask);
}
END_TEST

/* A process that is busy gets all questions that there is room for, in their order. */
START_TEST(a_full_pipe_is_waited_for)
{
	struct password_ask q;
	size_t n = 0, heard = 0;

	attach();
	while (n < MANY && ask(n))
		n++;
	/* The pipe and the waiting room are full, and the next one is told so. */
	ck_assert_uint_gt(n, AUTHLINK_MAX_HELD);
	ck_assert_uint_lt(n, MANY);
	ck_assert_uint_eq(authlink.n_held, AUTHLINK_MAX_HELD);
	while (heard < n) {
		while (hear(&q)) {
			ck_assert_uint_eq(q.uid, heard);
			heard++;
		}
		if (heard < n)
			turn();
	}
	ck_assert_uint_eq(authlink.n_held, 0);
	ck_assert_uint_eq(authlink.pipe.events, 0);
	ck_assert(ask(n));
	leave();
}
END_TEST

/* Without memory for the wait for room the question is not taken, and nobody is told twice. */
START_TEST(no_wait_for_room)
{
	int epoll = loop.epoll_fd;
	size_t n = 0;

	attach();
	loop.epoll_fd = -1;
	while (n < MANY && ask(n))
		n++;
	loop.epoll_fd = epoll;
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, MANY);
	ck_assert_uint_eq(asked[n].n_answers, 0);
	ck_assert_uint_eq(asked[n].ask.id, 0);
	ck_assert_uint_eq(authlink.n_held, 0);
	leave();
}
END_TEST

/* Questions on their way are lost with the process; the others go to the next one. */
START_TEST(the_process_dies)
{
	struct password_ask q;
	size_t n = 0, n_lost = 0;

	attach();
	while (n < MANY && ask(n))
		n++;
	ck_assert(hear(&q));
	leave();
	while (asked[0].n_answers == 0)
		turn();
	for (size_t i = 0; i < n; i++)
		n_lost += asked[i].n_answers == 1 && asked[i].is_lost;
	ck_assert_uint_eq(n_lost, n - AUTHLINK_MAX_HELD);
	attach();
	ck_assert(hear(&q));
	ck_assert_uint_eq(q.uid, n_lost);
	leave();
}
END_TEST

START_TEST(rubbish_ends_the_link)
{
	struct password_ask q;
	struct password_answer a = { .verdict = PASSWORD_N };

	attach();
	ck_assert(ask(0));
	ck_assert(hear(&q));
	a.id = q.id;
	ck_assert_int_eq(write(above.socket, &a, sizeof(a)), (ssize_t)sizeof(a));
	while (asked[0].n_answers == 0)
		turn();
	ck_assert(asked[0].is_lost);
	leave();
	attach();
	ck_assert(ask(1));
	ck_assert_int_eq(write(above.socket, "short", 5), 5);
	while (asked[1].n_answers == 0)
		turn();
	ck_assert(asked[1].is_lost);
	leave();
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, answers_find_their_question);
	tcase_add_test(tc, many_answers_in_a_turn);
	tcase_add_test(tc, early_questions_wait);
	tcase_add_test(tc, nobody_waits_for_ever);
	tcase_add_test(tc, a_full_pipe_is_waited_for);
	tcase_add_test(tc, no_wait_for_room);
	tcase_add_test(tc, the_process_dies);
	tcase_add_test(tc, rubbish_ends_the_link);
}

UNIT_MAIN("authlink", add(tc))
