/* SPDX-License-Identifier: ISC */
/*
 * lease: the life of a lease, from the first request until the process goes
 * back to the broker.
 */
#include "config.h"

#include "lease/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/frame.h"
#include "ipc/logrec.h"
#include "lease/leases.h"

/* Time for which a lease is kept after its last request. */
#define IDLE_USEC (100 * USEC_PER_MSEC)
/*
 * Time for which a lease is kept that came too late for its call, or that is
 * recalled while calls wait here. An immediate return would cost messages.
 */
#define HOLD_USEC (2 * USEC_PER_MSEC)

/* ------------------------------------------------ from and to the broker --- */

void
lease_part(struct lease *l, enum lease_end end)
{
	struct leases *ls = l->leases;
	struct frame f = {
		.type = FRAME_RETURN,
		.id = l->id,
		.lease = {
			.requests = l->n_answered,
			.is_broken = end != LEASE_WHOLE, .is_cut = end == LEASE_CUT,
		},
	};

	conversation_close(l);
	loop_disarm(ls->loop, &l->timer);
	loop_undefer(ls->loop, &l->task);
	LIST_REMOVE(l, link);
	if (l->is_unflushed)
		LIST_REMOVE(l, unflushed);
	l->is_unflushed = false;
	l->dead = true;
	LIST_INSERT_HEAD(&ls->dead, l, link);
	if (l->unknown)
		return;
	if (end == LEASE_BROKEN && l->conversation.broke.fault != 0) {
		struct frame how = { .type = FRAME_BROKE, .id = l->id };

		/* Without memory for this message the broker knows less to tell. */
		how.broke = l->conversation.broke;
		(void)ls->post(ls, &how);
	}
	(void)strlcpy(f.lease.service, l->set->service, sizeof(f.lease.service));
	if (ls->post(ls, &f) < 0)
		log_err("handler %u of service %s: cannot return it, out of memory",
		    l->pid, l->set->service);
}

void
lease_free(struct lease *l)
{
	LIST_REMOVE(l, link);
	buf_done(&l->conversation.reply);
	buf_done(&l->conversation.rest);
	free(l);
}

void
lease_decline(struct leases *ls, const struct frame *lent, int fds[static 3], enum lease_end end)
{
	struct frame f = {
		.type = FRAME_RETURN, .id = lent->id, .lease.is_broken = end != LEASE_WHOLE,
	};

	channel_close_fds(fds, 3);
	(void)strlcpy(f.lease.service, lent->lease.service, sizeof(f.lease.service));
	(void)ls->post(ls, &f);
}

/* -------------------------------------------------------------- requests --- */

/* True if the lease has to go back before the next request. */
static bool
lease_must_go(const struct lease *l)
{
	if (l->unknown || (l->budget != 0 && l->n_sent >= l->budget))
		return true;
	return l->recalled && (l->set->n_waiting == 0 ||
	    l->leases->loop->now_usec >= l->since_usec + HOLD_USEC);
}

bool
lease_is_free(const struct lease *l, const struct service *s)
{
	const struct conversation *t = &l->conversation;

	return (t->n_flight == 0 || t->n_flight < s->pool.pipeline) && conversation_has_room(t) &&
	    !l->is_probe && !l->deaf && !lease_must_go(l);
}

static void
lease_post(struct lease *l, struct exchange *x)
{
	conversation_post(l, x);
	if (l->is_unflushed)
		return;
	l->is_unflushed = true;
	LIST_INSERT_HEAD(&l->leases->unflushed, l, unflushed);
}

void
lease_flush(struct lease *l)
{
	LIST_REMOVE(l, unflushed);
	l->is_unflushed = false;
	conversation_flush(l);
}

/*
 * The process has closed its input, and gets no more requests. Its earlier
 * answers still count: the lease's task reads them, and then breaks the lease.
 */
static void
lease_found_deaf(struct lease *l)
{
	l->deaf = true;
	loop_defer(l->leases->loop, &l->task);
}

bool
lease_give(struct lease *l, struct exchange *x, struct buf *text)
{
	/*
	 * A process with a pipeline gets all requests of a turn with one system
	 * call.
	 */
	if (text == &x->text && x->service->pool.pipeline > 1)
		lease_post(l, x);
	else if (conversation_send(l, x, text) < 0) {
		lease_found_deaf(l);
		return false;
	}
	x->lease = l;
	x->pid = l->pid;
	l->n_sent++;
	x->ops->given(x);
	return true;
}

/* Handles the last replies of a process that has closed its input. */
static void
lease_end_deaf(struct lease *l)
{
	const struct exchange *half = conversation_half_sent(&l->conversation);

	conversation_read(l);
	lease_break(l, half, OUTCOME_HANDLER, 0,
	    half != NULL ? "the handler closed its input in the middle of a request" : NULL);
}

static void
on_lease_task(struct loop_task *t)
{
	struct lease *l = CONTAINER_OF(t, struct lease, task);

	if (l->deaf)
		lease_end_deaf(l);
	else
		conversation_take_kept(l);
}

/* -------------------------------------------------- between two requests --- */

/* Returns the time at which an idle lease goes back. */
static uint64_t
lease_due(const struct lease *l)
{
	return l->idle_usec + (l->n_sent > 0 ? IDLE_USEC : HOLD_USEC);
}

/*
 * Moves the timer only to ring earlier. A timer that rings too early is set
 * anew then.
 */
static void
lease_arm(struct lease *l, uint64_t due_usec)
{
	if (!loop_timer_is_armed(&l->timer) || l->timer.due_usec > due_usec)
		loop_arm(l->leases->loop, &l->timer, due_usec);
}

/*
 * Between two requests: gives the lease back (then false), takes the next
 * request, or stays idle.
 */
static bool
lease_go_on(struct lease *l)
{
	lease_set_dispatch(l->set);
	/*
	 * The task is about to break a lease whose process has closed its
	 * input.
	 */
	if (l->deaf)
		return true;
	/*
	 * The rest of an early answered request comes first, so nothing of the
	 * requests in flight has been sent.
	 */
	if (conversation_owes(&l->conversation)) {
		lease_arm(l, l->conversation.rest_due_usec);
		return true;
	}
	if (l->conversation.n_flight > 0)
		return true;
	/*
	 * More leases are on their way than calls are waiting; give this one
	 * back.
	 */
	if (lease_must_go(l) || (l->n_sent == 0 && l->set->n_wanted > 0)) {
		lease_part(l, LEASE_WHOLE);
		return false;
	}
	l->idle_usec = l->leases->loop->now_usec;
	lease_arm(l, lease_due(l));
	return true;
}

static bool
lease_answered(struct lease *l)
{
	l->n_answered++;
	if (!l->proven) {
		struct frame f = { .type = FRAME_PROVEN, .id = l->id };

		/*
		 * Without memory for this message, the broker learns from
		 * RETURN that the process has answered.
		 */
		l->proven = true;
		if (!l->unknown)
			(void)l->leases->post(l->leases, &f);
	}
	return lease_go_on(l);
}

static void
lease_sent(struct lease *l)
{
	/*
	 * A process with a pipeline may have room for another request, or has
	 * answered already.
	 */
	(void)lease_go_on(l);
}

static void
lease_proved(struct lease *l)
{
	lease_part(l, LEASE_WHOLE);
}

static void
on_lease_timer(struct loop_timer *t)
{
	struct lease *l = CONTAINER_OF(t, struct lease, timer);
	struct loop *loop = l->leases->loop;

	if (l->is_probe) {
		conversation_note(l, DEATH_SILENT, SLICE(""));
		lease_break(l, NULL, OUTCOME_HANDLER, 0, NULL);
		return;
	}
	if (conversation_owes(&l->conversation) &&
	    loop->now_usec >= l->conversation.rest_due_usec) {
		/*
		 * The process has answered, and does not read the rest of the
		 * request.
		 */
		lease_break(l, NULL, OUTCOME_TIMEOUT, 0, NULL);
		return;
	}
	if (conversation_owes(&l->conversation)) {
		loop_arm(loop, t, l->conversation.rest_due_usec);
		return;
	}
	if (l->conversation.n_flight > 0)
		return;
	if (loop->now_usec < lease_due(l))
		loop_arm(loop, t, lease_due(l));
	else
		lease_part(l, LEASE_WHOLE);
}

void
lease_recall(struct lease *l)
{
	l->recalled = true;
	if (l->conversation.n_flight == 0 && !l->is_probe)
		(void)lease_go_on(l);
}

void
lease_outdate(struct lease *l)
{
	if (l->is_probe)
		return;
	l->recalled = true;
	l->since_usec = 0;
	if (l->conversation.n_flight == 0 && !conversation_is_sending(&l->conversation))
		lease_part(l, LEASE_WHOLE);
}

void
lease_disown(struct lease *l)
{
	/* Requests in flight may still be answered over the pipes. */
	l->unknown = true;
	if (l->conversation.n_flight == 0)
		lease_part(l, LEASE_BROKEN);
}

void
lease_give_back(struct lease *l)
{
	if (l->conversation.n_flight > 0)
		l->unknown = true;
	else
		lease_part(l, l->is_probe || conversation_is_sending(&l->conversation) ?
		    LEASE_BROKEN : LEASE_WHOLE);
}

/* ---------------------------------------------------------------- broken --- */

/*
 * Puts requests back of which nothing was written; another process may have
 * them.
 */
static void
lease_take_back(struct lease *l, const struct exchange *victim)
{
	struct exchange *x, *previous;

	/* The last one first: each becomes the first of the queue. */
	TAILQ_FOREACH_REVERSE_SAFE(x, &l->conversation.flight, exchanges, link, previous) {
		if (x != victim && lease_set_fits(l->set, x->service) && conversation_unsend(l, x))
			lease_set_put_back(l->set, x);
	}
}

void
lease_break(struct lease *l, const struct exchange *victim, enum outcome_kind kind,
    unsigned reason, const char *why)
{
	struct conversation *t = &l->conversation;
	struct lease_set *set = l->set;
	bool is_cut = kind == OUTCOME_TIMEOUT || kind == OUTCOME_CANCELLED;
	struct exchange *x;

	if (l->dead)
		return;
	lease_part(l, is_cut ? LEASE_CUT : LEASE_BROKEN);
	lease_take_back(l, victim);
	lease_set_dispatch(set);
	while ((x = TAILQ_FIRST(&t->flight)) != NULL) {
		conversation_forget(l, x);
		if (x == victim)
			x->ops->ended(x, kind, reason, why);
		else if (x->bytes_in == 0)
			/* No handler of today understands the request. */
			x->ops->ended(x, OUTCOME_UNAVAIL, 0, LEASES_CHANGED);
		else
			x->ops->ended(x, OUTCOME_HANDLER, 0, victim == NULL && why != NULL ? why :
			    "the handler was killed because of another request");
	}
}

/* ------------------------------------------------------------- beginning --- */

static const struct conversation_ops conversation_ops = {
	.answered = lease_answered,
	.sent = lease_sent,
	.proved = lease_proved,
	.deaf = lease_found_deaf,
	.broken = lease_break,
};

struct lease *
lease_new(struct lease_set *set, const struct frame *lent, int fds[static 3])
{
	struct lease *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		lease_decline(set->leases, lent, fds, LEASE_BROKEN);
		return NULL;
	}
	l->set = set;
	l->proven = lent->lease.is_proven;
	l->leases = set->leases;
	l->id = lent->id;
	l->pid = lent->lease.pid;
	l->budget = lent->lease.requests;
	l->is_probe = lent->lease.is_probe != 0;
	l->since_usec = l->idle_usec = l->leases->loop->now_usec;
	l->timer.fn = on_lease_timer;
	l->task.fn = on_lease_task;
	l->conversation.ops = &conversation_ops;
	LIST_INSERT_HEAD(&set->list, l, link);
	if (conversation_open(l, fds) < 0) {
		lease_part(l, LEASE_BROKEN);
		return NULL;
	}
	return l;
}

void
lease_begin(struct lease *l, uint64_t due_usec)
{
	/*
	 * Bytes that the process wrote before the lease began answer no request
	 * of it.
	 */
	if (conversation_is_stale(l)) {
		conversation_note(l, DEATH_BROKEN, SLICE(""));
		lease_break(l, NULL, OUTCOME_HANDLER, 0, NULL);
		return;
	}
	if (!l->is_probe) {
		(void)lease_go_on(l);
		return;
	}
	loop_arm(l->leases->loop, &l->timer, due_usec != 0 ? due_usec : 1);
	if (!conversation_ping(l))
		lease_break(l, NULL, OUTCOME_HANDLER, 0, NULL);
}
