/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ipc/mail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
#include "unit.h"

#define LETTERS 300

/* Two processes in one: above and below. */
static struct loop loop;
static struct mail above, below;

/* The frames that each side has received. */
static struct {
	struct frame last;
	unsigned n, n_fds, lost, room;
	enum mail_end how;
	bool closes;	/* at the first frame */
} got[2];

static unsigned
side(const struct mail *m)
{
	return m == &below;
}

static void
on_frame(struct mail *m, const struct frame *f, int *fds, size_t n_fds)
{
	(void)fds;
	got[side(m)].last = *f;
	got[side(m)].n++;
	got[side(m)].n_fds += (unsigned)n_fds;
	if (got[side(m)].closes)
		mail_close(m);
}

static void
on_lost(struct mail *m, enum mail_end how)
{
	got[side(m)].lost++;
	got[side(m)].how = how;
	mail_close(m);
}

static void
on_room(struct mail *m)
{
	got[side(m)].room++;
}

static const struct mail_ops ops = {
	.frame = on_frame, .lost = on_lost, .room = on_room, .max_unsent = LETTERS,
};

static void
setup(void)
{
	struct mail_ends ends[2];

	memset(got, 0, sizeof(got));
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(mail_pair(&ends[0], &ends[1]), 0);
	mail_init(&above, MAIL_ABOVE, &loop, &ops);
	mail_init(&below, MAIL_BELOW, &loop, &ops);
	ck_assert_int_eq(mail_open(&above, ends[0]), 0);
	ck_assert_int_eq(mail_open(&below, ends[1]), 0);
}

static void
teardown(void)
{
	mail_close(&above);
	mail_close(&below);
	ck_assert(TAILQ_EMPTY(&loop.last));
	loop_done(&loop);
}

static void
wake(struct loop_timer *t)
{
	(void)t;
}

/* Handles all events; posted frames are sent at the end. */
static void
turn(void)
{
	struct loop_timer now = { .fn = wake };

	loop_arm(&loop, &now, 1);
	ck_assert_int_eq(loop_turn(&loop), 0);
	loop_disarm(&loop, &now);
}

static void
turns(void)
{
	for (int i = 0; i < 60; i++)
		turn();
}

static bool
post(struct mail *m, uint64_t id)
{
	return mail_post(m, &(struct frame){ .type = FRAME_CANCEL, .id = id }, NULL, 0);
}

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(frames_go_both_ways_in_order)
{
	for (uint64_t id = 1; id <= 100; id++) {
		ck_assert(post(&above, id));
		ck_assert(post(&below, 1000 + id));
	}
	/* Not before the end of the turn. */
	ck_assert_uint_eq(above.n_unsent, 100);
	turns();
	ck_assert_uint_eq(got[1].n, 100);
	ck_assert_uint_eq(got[1].last.id, 100);
	ck_assert_uint_eq(got[0].n, 100);
	ck_assert_uint_eq(got[0].last.id, 1100);
	ck_assert_uint_eq(above.n_unsent + below.n_unsent, 0);
}
END_TEST

START_TEST(descriptors_go_downwards_and_none_is_left)
{
	int before = count_fds();

	for (int i = 0; i < 20; i++) {
		int fds[3] = { dup(0), dup(0), dup(0) };

		ck_assert(mail_post(&above, &(struct frame){ .type = FRAME_KIT, .kit.has_input = 1 }, fds, 3));
	}
	turns();
	ck_assert_uint_eq(got[1].n, 20);
	ck_assert_uint_eq(got[1].n_fds, 60);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

/* A descriptor from below would be closed by who is above, for as long as that takes. */
START_TEST(nothing_can_be_sent_up_by_the_socket)
{
	struct frame f = { .type = FRAME_CANCEL };
	int zero = 0;

	ck_assert_int_eq(channel_send(below.in.fd, &f, &zero, 1), -EPIPE);
	ck_assert_int_eq(channel_send(below.in.fd, &f, NULL, 0), -EPIPE);
	turns();
	ck_assert_uint_eq(got[0].n + got[0].lost, 0);
}
END_TEST

START_TEST(unsent_descriptors_are_closed_with_it)
{
	int before = count_fds();
	int fds[3] = { dup(0), dup(0), dup(0) };

	ck_assert(mail_post(&above, &(struct frame){ .type = FRAME_KIT, .kit.has_input = 1 }, fds, 3));
	mail_close(&above);
	ck_assert_int_eq(count_fds(), before - 2);
	ck_assert(!post(&above, 1));
}
END_TEST

/* Posts until m is full and its other end has not read. */
static unsigned
fill(struct mail *m)
{
	unsigned n = 0;

	while (n < 100000 && post(m, n + 1)) {
		n++;
		if (n % 50 == 0)
			loop_settle(&loop);
	}
	return n;
}

START_TEST(one_that_does_not_read_is_not_heard)
{
	unsigned n = fill(&above), rooms = got[0].room;

	ck_assert(!mail_has_room(&above));
	ck_assert(post(&below, 1));
	loop_settle(&loop);
	(void)loop_modify(&loop, &below.in, EPOLLRDHUP);
	turns();
	ck_assert_uint_eq(got[0].n, 0);
	ck_assert_uint_eq(got[0].room, rooms);

	(void)loop_modify(&loop, &below.in, EPOLLIN);
	turns();
	turns();
	ck_assert_uint_eq(got[1].n, n);
	ck_assert_uint_eq(got[1].last.id, n);
	ck_assert_uint_eq(got[0].n, 1);
	ck_assert_uint_eq(got[0].room, rooms + 1);
	ck_assert(mail_has_room(&above));
}
END_TEST

/*
 * The lower side receives all the same: else each side could wait for the
 * other.
 */
START_TEST(who_is_below_listens_always)
{
	unsigned n = fill(&below), rooms = got[1].room;

	(void)loop_modify(&loop, &above.in, EPOLLRDHUP);
	ck_assert(post(&above, 7));
	turns();
	ck_assert_uint_eq(got[1].last.id, 7);
	(void)loop_modify(&loop, &above.in, EPOLLIN);
	turns();
	turns();
	ck_assert_uint_eq(got[0].n, n);
	ck_assert_uint_eq(got[1].room, rooms + 1);
}
END_TEST

START_TEST(an_end_is_told_once)
{
	struct mail *gone = _i == 0 ? &above : &below;

	mail_close(gone);
	ck_assert(post(_i == 0 ? &below : &above, 1));
	turns();
	ck_assert_uint_eq(got[1 - _i].lost, 1);
	ck_assert_uint_eq(got[1 - _i].how, MAIL_GONE);
	ck_assert_uint_eq(got[_i].lost, 0);
}
END_TEST

/* Frames sent before the end are received. */
START_TEST(last_words_are_heard)
{
	ck_assert(post(&below, 5));
	loop_settle(&loop);
	mail_close(&below);
	turns();
	ck_assert_uint_eq(got[0].last.id, 5);
	ck_assert_uint_eq(got[0].lost, 1);
}
END_TEST

START_TEST(what_is_no_frame_is_found_out)
{
	struct frame bad[2] = { { .type = FRAME_CANCEL }, { .type = FRAME_TYPE_N } };
	size_t len = _i == 0 ? FRAME_SIZE / 2 : _i == 1 ? FRAME_SIZE + 1 : 2 * FRAME_SIZE;

	ck_assert_int_eq(write(below.out.fd, bad, len), (ssize_t)len);
	turns();
	ck_assert_uint_eq(got[0].n, _i != 0);
	ck_assert_uint_eq(got[0].lost, 1);
	ck_assert_uint_eq(got[0].how, MAIL_BAD);
}
END_TEST

/* A frame that takes descriptors cannot come from below: there are none. */
START_TEST(a_frame_without_its_descriptors_is_found_out)
{
	ck_assert(mail_post(&below, &(struct frame){ .type = FRAME_KIT }, NULL, 0));
	turns();
	ck_assert_uint_eq(got[0].how, MAIL_BAD);
}
END_TEST

/* Closed in the middle of a batch: the rest is not heard, and nothing leaks. */
START_TEST(a_close_ends_the_batch)
{
	int before = count_fds();

	for (int i = 0; i < 10; i++) {
		int fds[3] = { dup(0), dup(0), dup(0) };

		ck_assert(mail_post(&above, &(struct frame){ .type = FRAME_KIT, .kit.has_input = 1 }, fds, 3));
		ck_assert(post(&below, 1));
	}
	got[_i].closes = true;
	turns();
	ck_assert_uint_eq(got[_i].n, 1);
	ck_assert_int_eq(count_fds(), before - 4);
}
END_TEST

/* ------------------------------------------------------------- questions --- */

struct question {
	struct mail_ask ask;
	uint32_t serial;
	unsigned n;
	uint64_t answer;	/* 0: none came */
};

static void
on_answer(struct mail_ask *ask, const struct frame *f)
{
	struct question *q = CONTAINER_OF(ask, struct question, ask);

	q->n++;
	q->answer = f == NULL ? 0 : f->id;
}

static void
ask(struct question *q)
{
	q->ask.fn = on_answer;
	ck_assert(mail_ask(&below, &(struct frame){ .type = FRAME_PING }, &q->ask));
	q->serial = q->ask.serial;
	turns();
}

static void
answer(const struct question *q, uint64_t id)
{
	struct frame f = { .type = FRAME_PONG, .id = id };

	mail_mark_answer(&f, &(struct frame){ .serial = q->serial });
	ck_assert(mail_post(&above, &f, NULL, 0));
}

START_TEST(answers_find_their_questions)
{
	struct question a = { 0 }, b = { 0 }, c = { 0 };

	ask(&a);
	ask(&b);
	ask(&c);
	ck_assert_uint_eq(got[0].last.serial, c.ask.serial);
	answer(&c, 3);
	answer(&a, 1);
	answer(&a, 9);		/* said twice it is nobody's */
	mail_forget(&below, &b.ask);
	answer(&b, 2);
	turns();
	ck_assert_uint_eq(a.answer, 1);
	ck_assert_uint_eq(c.answer, 3);
	ck_assert_uint_eq(a.n + c.n, 2);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_uint_eq(got[1].n, 0);
}
END_TEST

START_TEST(an_end_answers_every_question)
{
	struct question a = { 0 }, b = { 0 };

	ask(&a);
	ask(&b);
	mail_close(&above);
	turns();
	ck_assert_uint_eq(a.n, 1);
	ck_assert_uint_eq(b.n, 1);
	ck_assert_uint_eq(a.answer + b.answer, 0);
	ck_assert(!mail_ask(&below, &(struct frame){ .type = FRAME_PING }, &a.ask));
}
END_TEST

/*
 * Descriptors on their way are counted for the account, so somebody else may
 * have used them up: then it is tried again, without an event and without a
 * loop that spins.
 */
START_TEST(too_many_descriptors_under_way)
{
	struct rlimit few = { 64, 64 };
	struct mail_ends other[2];
	struct frame f = { .type = FRAME_KIT, .kit.has_input = 1 };
	int fds[3] = { 0, 0, 0 }, status, r = 0;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		/* A child has no outbox of its parent. */
		setup();
		if (geteuid() == 0 && setuid(65531) < 0)
			_exit(1);
		(void)setrlimit(RLIMIT_NOFILE, &few);
		(void)mail_pair(&other[0], &other[1]);
		while (r == 0)
			r = channel_send(other[0].socket, &f, fds, 3);
		if (r != -ETOOMANYREFS)
			_exit(2);
		for (int i = 0; i < 3; i++)
			fds[i] = dup(0);
		(void)mail_post(&above, &f, fds, 3);
		loop_settle(&loop);
		if (!loop_timer_is_armed(&above.retry) || above.out.events != 0)
			_exit(3);
		/* The other one reads. */
		(void)close(other[0].socket);
		(void)close(other[1].socket);
		while (got[1].n == 0)
			turn();
		_exit(above.is_behind || got[1].n_fds != 3 ? 4 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%#x", status);
}
END_TEST

/* A process that can open no more has the frame, and not half of what came with it. */
START_TEST(no_room_for_descriptors)
{
	struct frame f = { .type = FRAME_KIT, .kit.has_input = 1 };
	int before = count_fds(), fds[2][3];
	struct rlimit all, few;

	for (int i = 0; i < 6; i++)
		fds[i / 3][i % 3] = dup(0);
	for (int i = 0; i < 2; i++)
		ck_assert(mail_post(&above, &f, fds[i], 3));
	/* Room for one. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	loop_settle(&loop);
	few = (struct rlimit){ (rlim_t)dup(0) + 1, all.rlim_max };
	(void)close((int)few.rlim_cur - 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(loop_turn(&loop), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	ck_assert_uint_eq(got[1].n, 2);
	ck_assert_uint_eq(got[1].n_fds, 0);
	ck_assert_uint_eq(got[1].lost, 0);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, frames_go_both_ways_in_order);
	tcase_add_test(tc, descriptors_go_downwards_and_none_is_left);
	tcase_add_test(tc, nothing_can_be_sent_up_by_the_socket);
	tcase_add_test(tc, unsent_descriptors_are_closed_with_it);
	tcase_add_test(tc, one_that_does_not_read_is_not_heard);
	tcase_add_test(tc, who_is_below_listens_always);
	tcase_add_loop_test(tc, an_end_is_told_once, 0, 2);
	tcase_add_test(tc, last_words_are_heard);
	tcase_add_loop_test(tc, what_is_no_frame_is_found_out, 0, 3);
	tcase_add_test(tc, a_frame_without_its_descriptors_is_found_out);
	tcase_add_loop_test(tc, a_close_ends_the_batch, 0, 2);
	tcase_add_test(tc, answers_find_their_questions);
	tcase_add_test(tc, an_end_answers_every_question);
	tcase_add_test(tc, too_many_descriptors_under_way);
	tcase_add_test(tc, no_room_for_descriptors);
}

UNIT_MAIN("mail", add(tc))
