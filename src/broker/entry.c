/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "broker/entry.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
#include "broker/broker.h"
#include "broker/handler.h"
#include "broker/stock.h"
#include "broker/link.h"
#include "broker/runnerlink.h"
#include "broker/token.h"
#include "broker/twin.h"

/* ------------------------------------------------------- telling the end --- */

void
entry_deliver(struct entry *e, unsigned what)
{
	if (e->link == NULL)
		return;
	e->unsent |= what;
	link_deliver(e->link, e);
}

void
entry_delivered(struct entry *e)
{
	if (e->state != ENTRY_OVER || e->unsent != 0)
		return;
	channel_close_fds(e->fds, ENTRY_N_FDS);
	table_release(&e->broker->table, e);
}

void
entry_drop_kit(struct entry *e)
{
	if (e->kit != 0)
		stock_drop(e->broker, e->kit);
	e->kit = 0;
}

/* Nothing of it runs or waits here any more. */
static void
entry_finish(struct entry *e)
{
	struct broker *b = e->broker;

	loop_disarm(&b->loop, &e->timer);
	admission_leave(&b->admission, &e->ticket);
	e->conf = conf_unref(e->conf);
	e->service = NULL;
	e->state = ENTRY_OVER;
	entry_delivered(e);
}

void
entry_over(struct entry *e, enum outcome_kind outcome, uint8_t reason)
{
	twin_detach(e, outcome, reason);
	entry_drop_kit(e);
	e->ended.outcome = (uint8_t)outcome;
	e->ended.reason = reason;
	e->ended.queued_usec = clock_usec() - e->accepted_usec;
	entry_deliver(e, UNSENT_ENDED);
	entry_finish(e);
}

void
entry_result(struct entry *e, int fd)
{
	if (fd >= 0)
		e->fds[0] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	entry_deliver(e, UNSENT_RESULT);
	entry_finish(e);
}

/* -------------------------------------------------------------- starting --- */

static void on_entry_due(struct loop_timer *t);

static void
entry_arm(struct entry *e, uint64_t due_usec)
{
	loop_arm(&e->broker->loop, &e->timer, due_usec);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Those in force, also for a request that was made just before a reload. */
struct lane_limits
entry_limits(const struct entry *e)
{
	const struct broker *b = e->broker;
	const struct service *s = NULL;

	if (e->conf != b->member.current)
		s = conf_find_service(b->member.current, e->service->name, strlen(e->service->name));
	if (s == NULL)
		s = e->service;
	return (struct lane_limits){ s->concurrency, s->queue };
}

void
entry_accept(struct entry *e, struct link *l, const struct frame *f, struct conf *conf)
{
	struct broker *b = l->broker;
	const struct service *s = &conf->services[f->run.service];
	uint64_t now = clock_usec();

	e->broker = b;
	e->link = l;
	e->conf = conf_ref(conf);
	e->service = s;
	e->owner = f->run.owner;
	e->flags = f->run.flags;
	e->kit = f->run.kit;
	e->ticket.lock = f->run.lock;
	e->timer.fn = on_entry_due;
	e->accepted_usec = now;
	/* The worker may ask for less than the service allows, not for more. */
	e->deadline_usec = earlier(f->run.deadline_usec, now + s->timeout_usec);
	e->queue_due_usec = now + s->queue_timeout_usec;

	if (b->is_draining) {
		entry_over(e, OUTCOME_DRAINING, 0);
		return;
	}
	if (!digest_is_none(&f->run.token) && !twin_first(e, &f->run.token))
		return;

	switch (admission_ask(&b->admission, s->name, entry_limits(e), &e->ticket)) {
	case ADMISSION_START:
		entry_start(e);
		break;
	case ADMISSION_QUEUE:
		e->state = ENTRY_QUEUED;
		entry_arm(e, earlier(e->deadline_usec, e->queue_due_usec));
		break;
	case ADMISSION_REFUSE:
		entry_over(e, OUTCOME_BUSY, BUSY_QUEUE_FULL);
		break;
	}
}

void
entry_start(struct entry *e)
{
	bool want_begun = (e->flags & RUN_WANT_STARTED) != 0;

	e->state = ENTRY_RUNNING;
	e->broker->stats->started_total++;
	entry_arm(e, e->deadline_usec);
	runnerlink_start(e, want_begun);
}

void
entry_begun(struct entry *e, const struct frame_begun *begun)
{
	if (e->handler.is_handler)
		handler_begun(e, begun);
	else if (e->state == ENTRY_RUNNING)
		entry_deliver(e, UNSENT_STARTED);
}

/* --------------------------------------------------------------- killing --- */

void
entry_kill(struct entry *e, enum outcome_kind verdict, uint8_t reason)
{
	switch (e->state) {
	case ENTRY_QUEUED:
	case ENTRY_ATTACHED:
		entry_over(e, verdict, reason);
		break;
	case ENTRY_RUNNING:
		if (e->is_killed)
			break;
		e->is_killed = true;
		e->verdict = (uint8_t)verdict;
		e->reason = reason;
		loop_disarm(&e->broker->loop, &e->timer);
		runnerlink_terminate(e, e->service->kill_grace_usec);
		break;
	default:
		break;
	}
}

void
entry_cut(struct entry *e)
{
	if (e->state == ENTRY_RUNNING || e->state == ENTRY_LINGERING)
		runnerlink_signal(e, SIGKILL);
}

void
entry_cancel(struct entry *e, uint8_t reason)
{
	entry_kill(e, reason == CANCEL_BY_OUTPUT ? OUTCOME_TOOBIG : OUTCOME_CANCELLED, reason);
}

/* -------------------------------------------------------------- its end --- */

/* How it has ended, as its worker hears it. */
static void
entry_judge(struct entry *e, const struct frame_exited *x)
{
	struct frame_ended *end = &e->ended;

	end->queued_usec = x->started_usec - e->accepted_usec;
	end->ran_usec = x->ran_usec;
	end->cpu_usec = x->cpu_usec;
	end->max_rss_kb = x->max_rss_kb;
	end->wait_status = x->wait_status;
	end->stage = x->stage;
	end->error = x->error;
	if (e->is_killed) {
		end->outcome = e->verdict;
		end->reason = e->reason;
	} else if (WIFSIGNALED(x->wait_status)) {
		end->outcome = OUTCOME_SIGNAL;
	} else if (x->stage != STAGE_NONE) {
		end->outcome = OUTCOME_NOSTART;
	} else {
		end->outcome = OUTCOME_EXIT;
	}
}

void
entry_exited(struct entry *e, const struct frame_exited *x)
{
	if (e->state != ENTRY_RUNNING)
		return;
	loop_disarm(&e->broker->loop, &e->timer);
	entry_judge(e, x);
	e->pid = 0;
	e->state = ENTRY_LINGERING;
	if (e->handler.is_handler) {
		handler_on_death(e, x);
	} else if (x->started_usec == 0) {
		e->ended.stage = x->stage;
		entry_over(e, e->is_killed ? (enum outcome_kind)e->verdict : OUTCOME_NOSTART,
		    e->reason);
		return;
	} else {
		twin_end(e);
		entry_deliver(e, UNSENT_ENDED);
	}
	if (x->is_gone)
		entry_finish(e);
}

void
entry_gone(struct entry *e)
{
	if (e->state == ENTRY_LINGERING)
		entry_finish(e);
}

void
entry_lost(struct entry *e)
{
	e->kit = 0;	/* gone with the runner */
	if (e->handler.is_handler) {
		handler_lost(e);
		return;
	}
	switch (e->state) {
	case ENTRY_QUEUED:
	case ENTRY_RUNNING:
		twin_lose(e);
		e->ended = (struct frame_ended){ .outcome = OUTCOME_LOST };
		entry_deliver(e, UNSENT_ENDED);
		entry_finish(e);
		break;
	case ENTRY_LINGERING:
		entry_finish(e);
		break;
	default:
		break;
	}
}

static void
on_entry_due(struct loop_timer *t)
{
	struct entry *e = CONTAINER_OF(t, struct entry, timer);

	if (clock_usec() >= e->deadline_usec)
		entry_kill(e, OUTCOME_TIMEOUT, 0);
	else
		entry_over(e, OUTCOME_BUSY, BUSY_WAITED);
}

/* ----------------------------------------------------- a worker is gone --- */

void
entries_abandon(struct broker *b, struct link *l)
{
	struct entry *e = NULL;

	while ((e = table_next(&b->table, e)) != NULL) {
		if (e->link != l)
			continue;
		link_forget(l, e);
		e->link = NULL;
		if (e->handler.is_handler)
			handler_abandon(e);
		else if (e->state == ENTRY_OVER)
			entry_delivered(e);
		else
			entry_kill(e, OUTCOME_CANCELLED, CANCEL_BY_DISCONNECT);
	}
}
