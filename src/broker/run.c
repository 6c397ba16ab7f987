/* SPDX-License-Identifier: ISC */
/* The life of one request in the broker. No allocation: this runs in the broker. */
#include "config.h"

#include "broker/run.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "conf/access.h"
#include "broker/broker.h"
#include "broker/link.h"
#include "broker/twin.h"

static bool
run_is_locked(const struct entry *e)
{
	return admission_is_locked(&e->broker->admission, e->service->name,
	    &((struct entry *)e)->ticket);
}

static enum waiting
run_waiting(const struct entry *e)
{
	if (e->state == ENTRY_ATTACHED)
		return WAITING_TWIN;
	if (e->state != ENTRY_QUEUED)
		return WAITING_NONE;
	return run_is_locked(e) ? WAITING_LOCK : WAITING_QUEUE;
}

/*
 * Tells the worker what the request waits for, or that the wait is over. False: the
 * worker knows.
 */
static bool
run_tell_waiting(struct entry *e)
{
	enum waiting w = run_waiting(e);

	if (w == e->waits_for)
		return false;
	e->waits_for = (uint8_t)w;
	entry_deliver(e, UNSENT_WAITING);
	return true;
}

void
run_over(struct entry *e, enum outcome_kind outcome, uint8_t reason)
{
	e->ended.is_locked = outcome == OUTCOME_BUSY && run_is_locked(e);
	twin_detach(e, outcome, reason);
	entry_over(e, outcome, reason);
}

void
run_kill(struct entry *e, enum outcome_kind verdict, uint8_t reason)
{
	if (e->state == ENTRY_QUEUED || e->state == ENTRY_ATTACHED)
		run_over(e, verdict, reason);
	else
		entry_terminate(e, verdict, reason);
}

void
run_cancel(struct entry *e, uint8_t reason)
{
	run_kill(e, reason == CANCEL_BY_OUTPUT ? OUTCOME_TOOBIG : OUTCOME_CANCELLED, reason);
}

/* True if the caller may still have the request run, by the rules in force. */
static bool
run_is_let_in(const struct entry *e)
{
	return access_is_in_force(e->broker->member.current, e->credential, (int64_t)time(NULL));
}

/* True if the request waits for a paused service that is not there any more: nobody resumes it. */
static bool
run_is_stranded(const struct entry *e)
{
	const char *name = e->service->name;

	return e->state == ENTRY_QUEUED && e->ticket.lane != NULL &&
	    e->ticket.lane->limits.concurrency == 0 &&
	    conf_find_service(e->broker->member.current, name, strlen(name)) == NULL;
}

void
run_judge_anew(struct entry *e)
{
	if (e->state != ENTRY_QUEUED && e->state != ENTRY_ATTACHED)
		return;
	if (run_is_let_in(e)) {
		if (run_is_stranded(e))
			run_over(e, OUTCOME_UNAVAIL, 0);
		return;
	}
	/* Twins, which want the same result, may have another credential, which is good. */
	twin_detach(e, OUTCOME_UNAVAIL, 0);
	run_over(e, OUTCOME_NOAUTH, 0);
}

/* -------------------------------------------------------------- starting --- */

static void
run_arm(struct entry *e, uint64_t due_usec)
{
	loop_arm(&e->broker->loop, &e->timer, due_usec);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void
on_run_due(struct loop_timer *t)
{
	struct entry *e = CONTAINER_OF(t, struct entry, timer);

	if (clock_usec() >= e->deadline_usec)
		run_kill(e, OUTCOME_TIMEOUT, 0);
	else
		run_over(e, OUTCOME_BUSY, BUSY_WAITED);
}

static const struct entry_ops run_ops;

void
run_accept(struct entry *e, struct link *l, const struct frame *f, struct conf *conf)
{
	struct broker *b = l->broker;
	const struct service *s = &conf->services[f->run.service];
	enum admission_verdict verdict;
	uint64_t now = clock_usec();

	e->broker = b;
	e->ops = &run_ops;
	e->link = l;
	e->conf = conf_ref(conf);
	e->service = s;
	e->owner = f->run.owner;
	e->credential = f->run.credential;
	e->flags = f->run.flags;
	e->kit = f->run.kit;
	e->job = f->run.place;
	e->ticket.lock = f->run.lock;
	e->ticket.party = f->run.party;
	e->timer.fn = on_run_due;
	e->accepted_usec = now;
	/* A worker may ask for less than the service allows, not for more. */
	e->deadline_usec = earlier(f->run.deadline_usec, now + s->timeout_usec);
	e->queue_due_usec = now + s->queue_timeout_usec;

	if (b->is_draining) {
		run_over(e, OUTCOME_DRAINING, 0);
		return;
	}
	/* A reload may have overtaken the request. */
	if (!run_is_let_in(e)) {
		run_over(e, OUTCOME_NOAUTH, 0);
		return;
	}
	if (!digest_is_none(&f->run.token) && !twin_first(e, &f->run.token))
		return;

	verdict = admission_ask(&b->admission, s->name, entry_limits(e), &e->ticket);
	entry_publish(e);
	if (verdict == ADMISSION_START) {
		run_start(e);
	} else if (verdict == ADMISSION_QUEUE) {
		e->state = ENTRY_QUEUED;
		if (run_is_stranded(e)) {
			run_over(e, OUTCOME_UNAVAIL, 0);
			return;
		}
		(void)run_tell_waiting(e);
		run_arm(e, earlier(e->deadline_usec, e->queue_due_usec));
	} else {
		e->ended.is_locked = verdict == ADMISSION_REFUSE && run_is_locked(e);
		twin_detach(e, OUTCOME_BUSY, BUSY_QUEUE_FULL);
		entry_refuse(e, verdict);
	}
}

void
run_start(struct entry *e)
{
	bool has_waited = e->state == ENTRY_QUEUED;
	struct ticket *t = NULL;

	e->broker->stats->started_total++;
	run_arm(e, e->deadline_usec);
	entry_start(e, (e->flags & RUN_WANT_STARTED) != 0);
	if (!has_waited)
		return;
	entry_publish(e);
	(void)run_tell_waiting(e);
	/*
	 * Requests that waited for room wait for the lock from now on. Where one knows that
	 * already, so do those behind it.
	 */
	do {
		t = admission_next_locked(&e->ticket, t);
	} while (t != NULL && run_tell_waiting(CONTAINER_OF(t, struct entry, ticket)));
}

/* ------------------------------------------------- what becomes of it --- */

static bool
run_fill(const struct entry *e, struct frame *f, int fds[static 3], size_t *ret_n_fds)
{
	switch (f->type) {
	case FRAME_ENDED:
		f->ended = e->ended;
		return true;
	case FRAME_WAITING:
		f->waiting = (uint8_t)run_waiting(e);
		return true;
	case FRAME_ATTACHED:
		f->is_awaited = twin_is_awaited(e);
		return true;
	case FRAME_PAPER:
		*ret_n_fds = twin_paper(e, &fds[0]);
		return *ret_n_fds > 0;
	case FRAME_RESULT:
		fds[0] = e->fds[0];
		*ret_n_fds = e->fds[0] >= 0 ? 1 : 0;
		return true;
	default:
		return true;
	}
}

static void
run_begun(struct entry *e, const struct frame_begun *begun)
{
	(void)begun;
	if (e->state == ENTRY_RUNNING)
		entry_deliver(e, UNSENT_STARTED);
}

static void
run_exited(struct entry *e, const struct frame_exited *x)
{
	if (e->state != ENTRY_RUNNING)
		return;
	entry_exited(e, x);
	if (x->started_usec == 0) {
		/* The runner does not know the configuration of the request any more. */
		enum outcome_kind why = x->error == ESTALE ? OUTCOME_UNAVAIL : OUTCOME_NOSTART;

		run_over(e, e->is_killed ? (enum outcome_kind)e->verdict : why, e->reason);
		return;
	}
	if (e->ended.outcome == OUTCOME_NOSTART)
		twin_detach(e, OUTCOME_NOSTART, 0);
	else
		twin_end(e);
	entry_deliver(e, UNSENT_ENDED);
	if (x->is_gone)
		entry_finish(e);
}

static void
run_lost(struct entry *e)
{
	e->kit = 0;	/* gone with the runner */
	if (e->state == ENTRY_QUEUED || e->state == ENTRY_RUNNING) {
		twin_lose(e);
		e->ended = (struct frame_ended){ .outcome = OUTCOME_LOST };
		entry_deliver(e, UNSENT_ENDED);
		entry_finish(e);
	} else {
		entry_gone(e);
	}
}

static void
run_abandoned(struct entry *e)
{
	run_kill(e, OUTCOME_CANCELLED, CANCEL_BY_DISCONNECT);
}

static const struct entry_ops run_ops = {
	.fill = run_fill, .begun = run_begun, .exited = run_exited, .gone = entry_gone,
	.lost = run_lost, .abandoned = run_abandoned, .delivered = entry_delivered,
};
