/* SPDX-License-Identifier: ISC */
/* Waits for events with epoll, and runs callbacks, timers and tasks. */
#include "config.h"

#include "base/loop.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"

static int
timer_compare(const struct loop_timer *a, const struct loop_timer *b)
{
	if (a->due_usec != b->due_usec)
		return a->due_usec < b->due_usec ? -1 : 1;
	return a < b ? -1 : a > b;
}

RB_PROTOTYPE_INTERNAL(loop_timers, loop_timer, node, timer_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(loop_timers, loop_timer, node, timer_compare,
    __attribute__((unused)) static)

int
loop_init(struct loop *l)
{
	*l = (struct loop){ .epoll_fd = -1 };
	RB_INIT(&l->timers);
	TAILQ_INIT(&l->tasks);
	TAILQ_INIT(&l->again);
	TAILQ_INIT(&l->last);
	l->turn = 1;
	l->now_usec = clock_usec();
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll_fd < 0 ? -errno : 0;
}

void
loop_done(struct loop *l)
{
	if (l->epoll_fd >= 0)
		(void)close(l->epoll_fd);
	l->epoll_fd = -1;
}

int
loop_add(struct loop *l, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, io->fd, &ev) < 0)
		return -errno;
	io->events = events;
	return 0;
}

int
loop_modify(struct loop *l, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	if (io->events == events)
		return 0;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, io->fd, &ev) < 0)
		return -errno;
	io->events = events;
	return 0;
}

/* Drops an object's events of this turn: the object may be freed before they are delivered. */
static void
batch_forget(struct loop *l, const struct loop_io *io)
{
	for (int i = l->at + 1; i < l->n_batch; i++) {
		if (l->batch[i].data.ptr == io)
			l->batch[i].data.ptr = NULL;
	}
}

void
loop_remove(struct loop *l, struct loop_io *io)
{
	if (io->events == 0)
		return;
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
	io->events = 0;
	batch_forget(l, io);
}

void
loop_close(struct loop *l, struct loop_io *io)
{
	if (io->fd < 0)
		return;
	(void)close(io->fd);
	io->fd = -1;
	io->events = 0;
	batch_forget(l, io);
}

void
loop_close_shared(struct loop *l, struct loop_io *io)
{
	if (io->fd < 0)
		return;
	loop_remove(l, io);
	(void)close(io->fd);
	io->fd = -1;
}

bool
loop_is_pending(const struct loop *l, const struct loop_io *io)
{
	for (int i = l->at + 1; i < l->n_batch; i++) {
		if (l->batch[i].data.ptr == io)
			return true;
	}
	return false;
}

void
loop_arm(struct loop *l, struct loop_timer *t, uint64_t due_usec)
{
	if (t->due_usec == due_usec)
		return;
	loop_disarm(l, t);
	t->due_usec = due_usec;
	RB_INSERT(loop_timers, &l->timers, t);
}

void
loop_disarm(struct loop *l, struct loop_timer *t)
{
	if (t->due_usec == 0)
		return;
	RB_REMOVE(loop_timers, &l->timers, t);
	t->due_usec = 0;
}

/* The list that holds the task, or is to hold it. */
static struct loop_tasks *
tasks_of(struct loop *l, const struct loop_task *t)
{
	if (t->is_last)
		return &l->last;
	return t->ran_turn == l->turn ? &l->again : &l->tasks;
}

void
loop_defer(struct loop *l, struct loop_task *t)
{
	if (t->is_queued)
		return;
	t->is_queued = true;
	TAILQ_INSERT_TAIL(tasks_of(l, t), t, link);
}

void
loop_defer_last(struct loop *l, struct loop_task *t)
{
	t->is_last = true;
	loop_defer(l, t);
}

void
loop_undefer(struct loop *l, struct loop_task *t)
{
	if (!t->is_queued)
		return;
	t->is_queued = false;
	TAILQ_REMOVE(tasks_of(l, t), t, link);
}

void
loop_run_tasks(struct loop *l)
{
	struct loop_task *t;

	while ((t = TAILQ_FIRST(&l->tasks)) != NULL) {
		loop_undefer(l, t);
		t->ran_turn = l->turn;
		t->fn(t);
	}
	TAILQ_CONCAT(&l->tasks, &l->again, link);
	l->turn++;
}

void
loop_settle(struct loop *l)
{
	struct loop_task *t;

	if (l->on_settle != NULL)
		l->on_settle(l);
	while ((t = TAILQ_FIRST(&l->last)) != NULL) {
		loop_undefer(l, t);
		t->fn(t);
	}
}

static int
wait_msec(struct loop *l, uint64_t now_usec)
{
	const struct loop_timer *first = RB_MIN(loop_timers, &l->timers);
	uint64_t msec;

	if (!TAILQ_EMPTY(&l->tasks) || !TAILQ_EMPTY(&l->last))
		return 0;
	if (first == NULL)
		return -1;
	if (first->due_usec <= now_usec)
		return 0;
	/* Round up, else the last millisecond would be spent spinning. */
	msec = (first->due_usec - now_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	return msec > 3600 * 1000 ? 3600 * 1000 : (int)msec;
}

static void
timers_run(struct loop *l, uint64_t due_usec)
{
	struct loop_timer *t = RB_MIN(loop_timers, &l->timers);

	while (t != NULL && t->due_usec <= due_usec) {
		loop_disarm(l, t);
		t->fn(t);
		t = RB_MIN(loop_timers, &l->timers);
	}
}

/*
 * Reports a stall: since since_usec this process wanted to rest for max_usec at most,
 * and has rested longer.
 */
static void
notice_stall(struct loop *l, uint64_t since_usec, uint64_t max_usec, uint64_t now_usec)
{
	if (l->on_stall != NULL && now_usec > since_usec + max_usec + LOOP_STALL_USEC)
		l->on_stall(l, now_usec - since_usec - max_usec);
}

uint64_t
loop_now(struct loop *l)
{
	uint64_t now = clock_usec();

	if (now > l->now_usec + LOOP_STALL_USEC) {
		notice_stall(l, l->now_usec, 0, now);
		l->now_usec = now;
	}
	return l->now_usec;
}

/*
 * Events are delivered before timers, so that a client is heard before its time is
 * up. This process may have been stopped for long at any moment. So a timer runs only
 * after a look for events that began when the timer was due, has shown all events,
 * and is not long ago.
 */
int
loop_turn(struct loop *l)
{
	uint64_t looked_usec = clock_usec();
	int n, error, msec = wait_msec(l, looked_usec);
	bool is_recent;

	notice_stall(l, l->now_usec, 0, looked_usec);
	n = epoll_wait(l->epoll_fd, l->batch, LOOP_BATCH, msec);
	error = n < 0 ? errno : 0;
	l->now_usec = clock_usec();
	/* Timers that are due keep the look from waiting. */
	is_recent = l->now_usec - looked_usec < LOOP_STALL_USEC;
	/* A stop of this process ends the wait, too; the time since then is not known. */
	if (error == EINTR)
		notice_stall(l, looked_usec, 0, l->now_usec);
	else if (msec >= 0)
		notice_stall(l, looked_usec, (uint64_t)msec * USEC_PER_MSEC, l->now_usec);
	if (error != 0)
		return error == EINTR ? 0 : -error;
	l->n_batch = n;
	for (l->at = 0; l->at < n; l->at++) {
		struct epoll_event *ev = &l->batch[l->at];
		struct loop_io *io = ev->data.ptr;

		if (io != NULL)
			io->fn(io, ev->events);
	}
	l->n_batch = 0;
	l->n_full = n == LOOP_BATCH ? l->n_full + 1 : 0;
	if (l->n_full == LOOP_FULL_MAX)
		l->n_full = 0;
	if (l->n_full == 0 && is_recent)
		timers_run(l, looked_usec);
	loop_run_tasks(l);
	loop_settle(l);
	return 0;
}
