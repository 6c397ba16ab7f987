/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

struct end {
	struct loop_io io;
	struct loop *loop;
	struct end *victim;
	int events;
};

static void
on_event(struct loop_io *io, uint32_t events)
{
	struct end *e = CONTAINER_OF(io, struct end, io);

	(void)events;
	e->events++;
	if (e->victim != NULL) {
		loop_remove(e->loop, &e->victim->io);
		e->victim->io.fn = NULL;	/* calling it now would crash */
	}
}

/* Two descriptors are ready in one turn; whoever comes first removes the other. */
START_TEST(a_removed_descriptor_gets_no_event_of_the_same_turn)
{
	struct loop l;
	struct end a, b;
	int p[2], q[2];

	ck_assert_int_eq(loop_init(&l), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, q), 0);
	a = (struct end){ .io = { .fn = on_event, .fd = p[0] }, .loop = &l, .victim = &b };
	b = (struct end){ .io = { .fn = on_event, .fd = q[0] }, .loop = &l, .victim = &a };
	ck_assert_int_eq(loop_add(&l, &a.io, EPOLLIN), 0);
	ck_assert_int_eq(loop_add(&l, &b.io, EPOLLIN), 0);
	ck_assert_int_eq(write(p[1], "x", 1), 1);
	ck_assert_int_eq(write(q[1], "x", 1), 1);
	ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_int_eq(a.events + b.events, 1);
	loop_done(&l);
}
END_TEST

struct tick {
	struct loop_timer timer;
	struct loop *loop;
	int *order;
	int number, *n;
};

static void
on_due(struct loop_timer *t)
{
	struct tick *k = CONTAINER_OF(t, struct tick, timer);

	k->order[(*k->n)++] = k->number;
}

START_TEST(timers_ring_in_order_and_not_when_disarmed)
{
	int order[4] = { 0 }, n = 0;
	struct tick ticks[4];
	struct loop l;
	uint64_t now;

	ck_assert_int_eq(loop_init(&l), 0);
	now = clock_usec();
	for (int i = 0; i < 4; i++) {
		ticks[i] = (struct tick){ .timer.fn = on_due, .loop = &l, .order = order, .number = i,
			.n = &n };
		loop_arm(&l, &ticks[i].timer, now + (uint64_t)(4 - i) * 500);
	}
	loop_disarm(&l, &ticks[2].timer);
	loop_arm(&l, &ticks[3].timer, now + 5000);	/* moved behind the others */
	while (n < 3)
		ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_int_eq(order[0], 1);
	ck_assert_int_eq(order[1], 0);
	ck_assert_int_eq(order[2], 3);
	ck_assert(!loop_timer_is_armed(&ticks[3].timer));
	loop_done(&l);
}
END_TEST

/* ---------------------------------------------------- stopped for long --- */

#define MANY (3 * LOOP_BATCH)

static int said[2];	/* a pipe: someone has said something */
static int n_heard, n_heard_when_due;

static void
on_said(struct loop_io *io, uint32_t events)
{
	char byte;

	(void)events;
	n_heard += read(io->fd, &byte, 1) == 1;
}

static void
on_time_up(struct loop_timer *t)
{
	(void)t;
	n_heard_when_due = n_heard;
}

static void
say(void)
{
	ck_assert_int_eq(write(said[1], "x", 1), 1);
}

/* From now on io hears what is said. */
static void
listen_to(struct loop *l, struct loop_io *io)
{
	ck_assert_int_eq(pipe(said), 0);
	io->fd = said[0];
	ck_assert_int_eq(loop_add(l, io, EPOLLIN), 0);
}

/* The number of events that were heard when the timer ran. */
static int
heard_when_due(struct loop *l)
{
	n_heard = 0;
	n_heard_when_due = -1;
	while (n_heard_when_due < 0)
		ck_assert_int_eq(loop_turn(l), 0);
	return n_heard_when_due;
}

/* As if we had been stopped for so long. */
static void
stop(uint64_t usec)
{
	const struct timespec time = {
		.tv_sec = (time_t)(usec / USEC_PER_SEC),
		.tv_nsec = (long)(usec % USEC_PER_SEC) * 1000,
	};

	ck_assert_int_eq(nanosleep(&time, NULL), 0);
}

/* Goes on when the timer is due. */
static void
on_alarm(int sig)
{
	(void)sig;
	stop(30 * USEC_PER_MSEC);
	(void)!write(said[1], "x", 1);
}

START_TEST(what_was_said_while_we_were_stopped_is_heard_before_a_time_is_up)
{
	struct loop_timer timer = { .fn = on_time_up };
	struct loop_io io = { .fn = on_said };
	struct sigaction sa = { .sa_handler = on_alarm };
	const struct itimerval soon = { .it_value.tv_usec = 10000 };
	struct loop l;

	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	ck_assert_int_eq(loop_init(&l), 0);
	listen_to(&l, &io);
	loop_arm(&l, &timer, clock_usec() + 25 * USEC_PER_MSEC);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	ck_assert_int_eq(heard_when_due(&l), 1);
	loop_done(&l);
}
END_TEST

/* After the look somebody speaks, and only then we go on. */
static bool is_stopped_after_the_look;
static bool is_stopped_in_the_wait;

/* In place of the C library's. */
int
epoll_wait(int fd, struct epoll_event *events, int max, int msec)
{
	int n;

	if (is_stopped_in_the_wait) {
		is_stopped_in_the_wait = false;
		stop(2 * LOOP_STALL_USEC);
		errno = EINTR;
		return -1;
	}
	n = epoll_pwait(fd, events, max, msec, NULL);
	if (is_stopped_after_the_look) {
		is_stopped_after_the_look = false;
		(void)!write(said[1], "x", 1);
		stop(LOOP_STALL_USEC);
	}
	return n;
}

START_TEST(what_was_said_before_we_went_on_is_heard_before_a_time_is_up)
{
	struct loop_timer timer = { .fn = on_time_up };
	struct loop_io io = { .fn = on_said };
	struct loop l;

	ck_assert_int_eq(loop_init(&l), 0);
	listen_to(&l, &io);
	loop_arm(&l, &timer, 1);
	is_stopped_after_the_look = true;
	ck_assert_int_eq(heard_when_due(&l), 1);
	loop_done(&l);
}
END_TEST

/* The clock that a turn has read is old when the turn has been interrupted. */
static uint64_t stalled_usec;

static void
on_stall(struct loop *l, uint64_t usec)
{
	(void)l;
	stalled_usec += usec;
}

static void
on_said_slowly(struct loop_io *io, uint32_t events)
{
	on_said(io, events);
	stop(LOOP_STALL_USEC);
}

START_TEST(a_turn_that_was_interrupted_is_told_to_the_next)
{
	struct loop_timer timer = { .fn = on_time_up };
	struct loop_io io = { .fn = on_said_slowly };
	struct loop l;

	ck_assert_int_eq(loop_init(&l), 0);
	l.on_stall = on_stall;
	listen_to(&l, &io);
	/* To wait for long is not to be stopped, but a busy machine stops us. */
	for (int i = 0; i < 5 && (i == 0 || stalled_usec > 0); i++) {
		stalled_usec = 0;
		loop_arm(&l, &timer, clock_usec() + LOOP_STALL_USEC + 50 * USEC_PER_MSEC);
		ck_assert_int_eq(loop_turn(&l), 0);
	}
	ck_assert_uint_eq(stalled_usec, 0);
	loop_disarm(&l, &timer);
	say();
	ck_assert_int_eq(loop_turn(&l), 0);
	stalled_usec = 0;
	say();
	ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_uint_ge(stalled_usec, LOOP_STALL_USEC);
	loop_done(&l);
}
END_TEST

/* In the wait we are, mostly: SIGCONT ends it, the end of a pause of the machine does not. */
START_TEST(a_stop_in_the_wait_is_told)
{
	struct loop_timer timer = { .fn = on_time_up };
	struct loop l;

	ck_assert_int_eq(pipe(said), 0);
	ck_assert_int_eq(loop_init(&l), 0);
	l.on_stall = on_stall;
	loop_arm(&l, &timer, clock_usec() + 3600 * USEC_PER_SEC);
	stalled_usec = 0;
	is_stopped_in_the_wait = true;
	ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_uint_ge(stalled_usec, 2 * LOOP_STALL_USEC);
	loop_arm(&l, &timer, clock_usec() + 10 * USEC_PER_MSEC);
	stalled_usec = 0;
	is_stopped_after_the_look = true;
	ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_uint_ge(stalled_usec, LOOP_STALL_USEC - 2 * USEC_PER_MSEC);
	loop_disarm(&l, &timer);
	loop_done(&l);
}
END_TEST

/* The look ends when the timer is due, but began before: it takes another one. */
START_TEST(what_was_said_after_the_look_is_heard_before_a_time_is_up)
{
	struct loop_timer timer = { .fn = on_time_up };
	struct loop_io io = { .fn = on_said };
	struct loop l;

	ck_assert_int_eq(loop_init(&l), 0);
	listen_to(&l, &io);
	loop_arm(&l, &timer, clock_usec() + 5 * USEC_PER_MSEC);
	ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert(loop_timer_is_armed(&timer));
	say();
	ck_assert_int_eq(heard_when_due(&l), 1);
	loop_done(&l);
}
END_TEST

START_TEST(all_who_have_said_something_are_heard_before_a_time_is_up)
{
	static struct loop_io ios[MANY];
	struct loop_timer timer = { .fn = on_time_up };
	struct loop l;

	ck_assert_int_eq(loop_init(&l), 0);
	for (int i = 0; i < MANY; i++) {
		ios[i] = (struct loop_io){ .fn = on_said };
		listen_to(&l, &ios[i]);
		say();
	}
	loop_arm(&l, &timer, 1);
	ck_assert_int_eq(heard_when_due(&l), MANY);
	loop_done(&l);
}
END_TEST

/* ... but not for ever. */
static void
on_endless(struct loop_io *io, uint32_t events)
{
	(void)io;
	(void)events;
	n_heard++;
}

START_TEST(those_who_never_end_hold_no_timer_up)
{
	static struct loop_io ios[LOOP_BATCH];
	struct loop_timer timer = { .fn = on_time_up };
	struct loop l;

	ck_assert_int_eq(loop_init(&l), 0);
	for (int i = 0; i < LOOP_BATCH; i++) {
		ios[i] = (struct loop_io){ .fn = on_endless };
		listen_to(&l, &ios[i]);
		say();
	}
	loop_arm(&l, &timer, 1);
	n_heard_when_due = -1;
	for (int i = 0; i < LOOP_FULL_MAX; i++)
		ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_int_ge(n_heard_when_due, 0);
	loop_done(&l);
}
END_TEST

/* ... nor those with whom it takes long, even if that is noticed. */
static void
on_endless_slowly(struct loop_io *io, uint32_t events)
{
	(void)events;
	stop(LOOP_STALL_USEC + USEC_PER_MSEC);
	(void)loop_now(io->user);
}

START_TEST(those_who_take_long_hold_no_timer_up)
{
	struct loop_timer timer = { .fn = on_time_up };
	struct loop l;
	struct loop_io io = { .fn = on_endless_slowly, .user = &l };

	ck_assert_int_eq(loop_init(&l), 0);
	listen_to(&l, &io);
	say();
	loop_arm(&l, &timer, 1);
	/* A busy machine may stop us in the look as well. */
	for (int i = 0; i < 5 && loop_timer_is_armed(&timer); i++)
		ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert(!loop_timer_is_armed(&timer));
	loop_done(&l);
}
END_TEST

/* ----------------------------------------------------------------- tasks --- */

struct job {
	struct loop_task task;
	struct loop *loop;
	struct job *next;	/* deferred by this one */
	int *order, *n;
	int number;
};

static void
on_job(struct loop_task *t)
{
	struct job *j = CONTAINER_OF(t, struct job, task);

	j->order[(*j->n)++] = j->number;
	if (j->next != NULL)
		loop_defer(j->loop, &j->next->task);
}

static void
jobs_init(struct loop *l, struct job jobs[static 3], int *order, int *n)
{
	ck_assert_int_eq(loop_init(l), 0);
	*n = 0;
	for (int i = 0; i < 3; i++)
		jobs[i] = (struct job){ .task.fn = on_job, .loop = l, .order = order, .n = n,
			.number = i };
}

START_TEST(tasks_run_once_in_the_order_of_their_coming)
{
	struct job jobs[3];
	int order[8], n;
	struct loop l;

	jobs_init(&l, jobs, order, &n);
	loop_undefer(&l, &jobs[0].task);
	loop_defer(&l, &jobs[2].task);
	loop_defer(&l, &jobs[0].task);
	loop_defer(&l, &jobs[1].task);
	loop_defer(&l, &jobs[2].task);
	loop_undefer(&l, &jobs[0].task);
	loop_undefer(&l, &jobs[0].task);
	ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(order[0], 2);
	ck_assert_int_eq(order[1], 1);
	loop_run_tasks(&l);
	ck_assert_int_eq(n, 2);
	loop_done(&l);
}
END_TEST

/*
 * A task that has not run runs in this turn; one that has run does so in the next turn,
 * which does not wait.
 */
START_TEST(tasks_deferred_by_tasks)
{
	struct job jobs[3];
	int order[8], n;
	struct loop l;

	jobs_init(&l, jobs, order, &n);
	jobs[0].next = &jobs[1];
	jobs[1].next = &jobs[0];
	loop_defer(&l, &jobs[0].task);
	for (int turn = 1; turn <= 3; turn++) {
		ck_assert_int_eq(loop_turn(&l), 0);
		ck_assert_int_eq(n, 2 * turn);
		ck_assert_int_eq(order[2 * turn - 2], 0);
		ck_assert_int_eq(order[2 * turn - 1], 1);
	}
	loop_undefer(&l, &jobs[0].task);
	loop_run_tasks(&l);
	ck_assert_int_eq(n, 6);
	loop_done(&l);
}
END_TEST

/* Each takes the other out, and one is even freed: the rest run all the same. */
static void
on_killer(struct loop_task *t)
{
	struct job *j = CONTAINER_OF(t, struct job, task), *victim = j->next;

	j->order[(*j->n)++] = j->number;
	loop_undefer(j->loop, &victim->task);
	memset(victim, 0xff, sizeof(*victim));
	loop_defer(j->loop, &j->task);
	loop_undefer(j->loop, &j->task);
	memset(j, 0xff, sizeof(*j));
}

START_TEST(a_task_that_is_gone_does_not_run)
{
	struct job jobs[3];
	int order[8], n;
	struct loop l;

	jobs_init(&l, jobs, order, &n);
	jobs[0].task.fn = jobs[1].task.fn = on_killer;
	jobs[0].next = &jobs[1];
	jobs[1].next = &jobs[0];
	for (int i = 0; i < 3; i++)
		loop_defer(&l, &jobs[i].task);
	ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(order[0], 0);
	ck_assert_int_eq(order[1], 2);
	loop_done(&l);
}
END_TEST

/* Tasks that events and timers defer run behind all of these. */
struct news {
	struct loop_io io;
	struct loop_timer timer;
	struct loop *loop;
	struct job *job;
	int *order, *n;
};

static void
on_news(struct loop_io *io, uint32_t events)
{
	struct news *news = CONTAINER_OF(io, struct news, io);

	(void)events;
	news->order[(*news->n)++] = 10;
	loop_remove(news->loop, io);
	loop_defer(news->loop, &news->job->task);
}

static void
on_news_due(struct loop_timer *t)
{
	struct news *news = CONTAINER_OF(t, struct news, timer);

	news->order[(*news->n)++] = 20;
	loop_defer(news->loop, &news->job->task);
}

START_TEST(tasks_come_after_events_and_timers)
{
	struct job jobs[3];
	struct news news;
	int order[8], n;
	struct loop l;

	jobs_init(&l, jobs, order, &n);
	news = (struct news){ .io.fn = on_news, .timer.fn = on_news_due, .loop = &l,
		.job = &jobs[1], .order = order, .n = &n };
	listen_to(&l, &news.io);
	say();
	loop_arm(&l, &news.timer, 1);
	/* The look for events that a timer needs may come a turn later. */
	while (n < 3)
		ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(order[0], 10);
	ck_assert_int_eq(order[1], 20);
	ck_assert_int_eq(order[2], 1);
	loop_done(&l);
}
END_TEST

/* Notes its place among the jobs. */
static struct job *settled;

static void
on_settle(struct loop *l)
{
	(void)l;
	on_job(&settled->task);
}

/* Behind all tasks and what a role does once a turn; what they defer comes in the same turn. */
START_TEST(last_tasks_come_last)
{
	struct job jobs[3], settle;
	int order[8], n;
	struct loop l;

	jobs_init(&l, jobs, order, &n);
	settle = (struct job){ .loop = &l, .order = order, .n = &n, .number = 7 };
	settled = &settle;
	l.on_settle = on_settle;
	loop_defer_last(&l, &jobs[2].task);
	loop_defer_last(&l, &jobs[2].task);
	loop_defer_last(&l, &jobs[1].task);
	loop_undefer(&l, &jobs[1].task);
	loop_defer(&l, &jobs[0].task);
	/* With a last task there is no wait. */
	ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(order[0], 0);
	ck_assert_int_eq(order[1], 7);
	ck_assert_int_eq(order[2], 2);
	loop_defer_last(&l, &jobs[2].task);
	ck_assert_int_eq(loop_turn(&l), 0);
	ck_assert_int_eq(n, 5);
	ck_assert_int_eq(order[4], 2);
	loop_done(&l);
}
END_TEST

UNIT_MAIN("loop", tcase_add_test(tc, last_tasks_come_last);
    tcase_add_test(tc, tasks_run_once_in_the_order_of_their_coming);
    tcase_add_test(tc, tasks_deferred_by_tasks);
    tcase_add_test(tc, a_task_that_is_gone_does_not_run);
    tcase_add_test(tc, tasks_come_after_events_and_timers);
    tcase_add_test(tc, what_was_said_while_we_were_stopped_is_heard_before_a_time_is_up);
    tcase_add_test(tc, what_was_said_before_we_went_on_is_heard_before_a_time_is_up);
    tcase_add_test(tc, a_turn_that_was_interrupted_is_told_to_the_next);
    tcase_add_test(tc, a_stop_in_the_wait_is_told);
    tcase_add_test(tc, what_was_said_after_the_look_is_heard_before_a_time_is_up);
    tcase_add_test(tc, all_who_have_said_something_are_heard_before_a_time_is_up);
    tcase_add_test(tc, those_who_never_end_hold_no_timer_up);
    tcase_add_test(tc, those_who_take_long_hold_no_timer_up);
    tcase_add_test(tc, a_removed_descriptor_gets_no_event_of_the_same_turn);
    tcase_add_test(tc, timers_ring_in_order_and_not_when_disarmed))
