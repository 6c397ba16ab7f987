/* SPDX-License-Identifier: ISC */
/* States of an entry and the way from one to the next. No allocation: this runs in the broker. */
#include "config.h"

#include "broker/entry.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "broker/broker.h"
#include "broker/link.h"
#include "broker/runnerlink.h"
#include "broker/stock.h"

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

/* The limits in force now, also for a request that was made just before a reload. */
struct lane_limits
entry_limits(const struct entry *e)
{
	const struct broker *b = e->broker;
	const struct service *s = NULL;

	if (e->conf != b->member.current)
		s = conf_find_service(b->member.current, e->service->name, strlen(e->service->name));
	if (s == NULL)
		s = e->service;
	return lane_limits_of(s);
}

/* Writes what runs and waits of a service with a command onto the page. l NULL: nothing. */
static void
publish(struct broker *b, const char *name, const struct lane *l)
{
	const struct service *s = conf_find_service(b->member.current, name, strlen(name));
	struct pool_stats *p;

	if (s == NULL || s->handler != NULL || b->stats->generation != b->member.current->generation)
		return;
	p = &b->stats->pool[s->number];
	p->busy = l != NULL ? l->running : 0;
	p->waiting = l != NULL ? l->waiting + l->attached : 0;
}

void
entry_publish(const struct entry *e)
{
	const char *name = e->service->name;

	if (!e->handler.is_handler)
		publish(e->broker, name, admission_lane(&e->broker->admission, name));
}

void
entries_publish(struct broker *b)
{
	const struct lane *l = NULL;

	while ((l = admission_next_lane(&b->admission, l)) != NULL)
		publish(b, l->name, l);
}

void
entry_start(struct entry *e, bool want_begun)
{
	e->state = ENTRY_RUNNING;
	runnerlink_start(e, want_begun);
}

void
entry_terminate(struct entry *e, enum outcome_kind verdict, uint8_t reason)
{
	if (e->state != ENTRY_RUNNING || e->is_killed)
		return;
	e->is_killed = true;
	e->verdict = (uint8_t)verdict;
	e->reason = reason;
	loop_disarm(&e->broker->loop, &e->timer);
	runnerlink_terminate(e, e->service->kill_grace_usec);
}

void
entry_cut(struct entry *e)
{
	if (e->state == ENTRY_RUNNING || e->state == ENTRY_LINGERING)
		runnerlink_signal(e, SIGKILL);
}

void
entry_exited(struct entry *e, const struct frame_exited *x)
{
	struct frame_ended *end = &e->ended;

	loop_disarm(&e->broker->loop, &e->timer);
	e->pid = 0;
	e->state = ENTRY_LINGERING;
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
entry_gone(struct entry *e)
{
	if (e->state == ENTRY_LINGERING)
		entry_finish(e);
}

void
entry_finish(struct entry *e)
{
	struct broker *b = e->broker;

	loop_disarm(&b->loop, &e->timer);
	admission_leave(&b->admission, &e->ticket);
	entry_publish(e);
	e->conf = conf_unref(e->conf);
	e->service = NULL;
	e->state = ENTRY_OVER;
	entry_delivered(e);
}

void
entry_over(struct entry *e, enum outcome_kind outcome, uint8_t reason)
{
	entry_drop_kit(e);
	e->ended.outcome = (uint8_t)outcome;
	e->ended.reason = reason;
	e->ended.queued_usec = clock_usec() - e->accepted_usec;
	entry_deliver(e, UNSENT_ENDED);
	entry_finish(e);
}

void
entry_refuse(struct entry *e, enum admission_verdict verdict)
{
	static const uint8_t reasons[] = {
		[ADMISSION_REFUSE] = BUSY_QUEUE_FULL,
		[ADMISSION_CROWDED_QUEUE] = BUSY_CROWDED_QUEUE,
		[ADMISSION_CROWDED_PARTY] = BUSY_CROWDED_PARTY,
		[ADMISSION_CROWDED_SERVICE] = BUSY_CROWDED_SERVICE,
	};

	if (verdict != ADMISSION_REFUSE)
		e->broker->stats->over_share++;
	entry_over(e, OUTCOME_BUSY, reasons[verdict]);
}

void
entries_abandon(struct broker *b, struct link *l)
{
	struct entry *e = NULL;

	while ((e = table_next(&b->table, e)) != NULL) {
		if (e->link != l)
			continue;
		link_forget(l, e);
		e->link = NULL;
		if (e->state == ENTRY_OVER)
			entry_delivered(e);
		else
			e->ops->abandoned(e);
	}
}
