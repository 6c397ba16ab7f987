/* SPDX-License-Identifier: ISC */
/*
 * Ending a call answers its client, and whatever that client has asked next
 * is executed at once: it may start, end and cancel any call. So each
 * function here puts leases and queues into order first and ends calls last,
 * and looks anew at what there is when one has ended.
 */
#include "config.h"

#include "worker/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/logrec.h"
#include "worker/conn.h"
#include "worker/runnerlink.h"
#include "worker/worker.h"

/* So long a lease is kept after its last request ... */
#define IDLE_USEC (100 * USEC_PER_MSEC)
/*
 * ... and so long one that has come too late for the call it was wanted for,
 * or that is recalled while others wait here: messages have a price.
 */
#define HOLD_USEC (2 * USEC_PER_MSEC)

static void on_lease_timer(struct loop_timer *t);

static int
leases_compare(const struct leases *a, const struct leases *b)
{
	return strcmp(a->service, b->service);
}

RB_PROTOTYPE_INTERNAL(leases_tree, leases, node, leases_compare, __attribute__((unused)) static)
RB_GENERATE_INTERNAL(leases_tree, leases, node, leases_compare, __attribute__((unused)) static)

static struct leases *
leases_find(struct worker *w, const char *service)
{
	struct leases key;

	(void)strlcpy(key.service, service, sizeof(key.service));
	return RB_FIND(leases_tree, &w->leases, &key);
}

struct leases *
leases_get(struct worker *w, const char *service)
{
	struct leases *ls = leases_find(w, service);

	if (ls != NULL)
		return ls;
	ls = calloc(1, sizeof(*ls));
	if (ls == NULL)
		return NULL;
	ls->worker = w;
	LIST_INIT(&ls->list);
	TAILQ_INIT(&ls->waiting);
	(void)strlcpy(ls->service, service, sizeof(ls->service));
	RB_INSERT(leases_tree, &w->leases, ls);
	return ls;
}

/* The service as it is today, or NULL when it has no handler any more. */
static const struct service *
leases_service(const struct leases *ls)
{
	const struct conf *conf = ls->worker->conf;
	const struct service *s;

	/* A worker is asked to try new handlers before it serves itself. */
	if (conf == NULL)
		return NULL;
	s = conf_find_service(conf, ls->service, strlen(ls->service));
	return s != NULL && s->handler != NULL ? s : NULL;
}

/* ------------------------------------------------------------- the queue --- */

/* One WANT for each call that waits, beyond those that are out already. */
static void
leases_want(struct leases *ls)
{
	struct worker *w = ls->worker;
	struct frame f = { .type = FRAME_WANT };

	if (ls->n_wanted >= ls->n_waiting)
		return;
	f.generation = w->conf->generation;
	(void)strlcpy(f.lease.service, ls->service, sizeof(f.lease.service));
	while (ls->n_wanted < ls->n_waiting) {
		/* Without memory the next call asks again, or the deadline ends it. */
		if (runnerlink_post(w, &f) < 0)
			return;
		ls->n_wanted++;
	}
}

static void
queue_push(struct leases *ls, struct call *call)
{
	TAILQ_INSERT_TAIL(&ls->waiting, call, link);
	ls->n_waiting++;
}

static void
queue_remove(struct leases *ls, struct call *call)
{
	TAILQ_REMOVE(&ls->waiting, call, link);
	if (!call->refused)
		ls->n_waiting--;
	call->refused = false;
}

/* When the call has to have got on. */
static uint64_t
call_due(const struct call *call)
{
	uint64_t waited = call->accepted_usec + call->service->queue_timeout_usec;

	if (call->lease == NULL && waited < call->run.deadline_usec)
		return waited;
	return call->run.deadline_usec;
}

/* Back to where it was: it has been taken, and nothing of it was written. */
static void
queue_put_back(struct leases *ls, struct call *call)
{
	TAILQ_INSERT_HEAD(&ls->waiting, call, link);
	ls->n_waiting++;
	loop_arm(&ls->worker->loop, &call->timer, call_due(call));
}

bool
leases_has_room(const struct leases *ls, const struct service *s)
{
	/* One may wait always: the first one does. */
	return ls->n_waiting == 0 || ls->n_waiting < s->queue;
}

/* Has it to go back at the next boundary? */
static bool
lease_must_go(const struct lease *l)
{
	if (l->unknown || (l->budget != 0 && l->n_sent >= l->budget))
		return true;
	return l->recalled && (l->leases->n_waiting == 0 ||
	    l->worker->loop.now_usec >= l->since_usec + HOLD_USEC);
}

static bool
lease_is_free(const struct lease *l, const struct service *s)
{
	const struct talk *t = &l->talk;

	return (t->n_flight == 0 || t->n_flight < s->pool.pipeline) && t->writing == NULL &&
	    !l->is_probe && !l->deaf && !lease_must_go(l);
}

struct lease *
leases_find_free(const struct leases *ls, const struct service *s)
{
	struct lease *l, *best = NULL;

	LIST_FOREACH(l, &ls->list, link) {
		if (!lease_is_free(l, s))
			continue;
		if (l->talk.n_flight == 0) {
			if (!talk_has_news(l))
				return l;
			/* It has ended or spoken unasked: its event is next. */
			continue;
		}
		if (best == NULL || l->talk.n_flight < best->talk.n_flight)
			best = l;
	}
	return best;
}

/* --------------------------------------------------------- back to runner --- */

/* Out of the world, but for the calls it has in flight. */
static void
lease_part(struct lease *l, bool is_broken)
{
	struct worker *w = l->worker;
	struct frame f = {
		.type = FRAME_RETURN,
		.id = l->id,
		.lease = {
			.requests = l->n_answered, .is_broken = is_broken, .is_cut = l->cut,
		},
	};

	talk_close(l);
	loop_disarm(&w->loop, &l->timer);
	LIST_REMOVE(l, link);
	l->dead = true;
	LIST_INSERT_HEAD(&w->dead_leases, l, link);
	if (l->unknown)
		return;
	(void)strlcpy(f.lease.service, l->leases->service, sizeof(f.lease.service));
	if (runnerlink_post(w, &f) < 0)
		log_err("handler %u of service %s: out of memory, it cannot be returned",
		    l->pid, l->leases->service);
}

void
leases_bury(struct worker *w)
{
	struct lease *l;

	while ((l = LIST_FIRST(&w->dead_leases)) != NULL) {
		LIST_REMOVE(l, link);
		buf_done(&l->talk.reply);
		free(l);
	}
}

/* ----------------------------------------------------------- to and from --- */

/* False: the process takes no more requests. */
static bool
lease_give(struct lease *l, struct call *call, struct buf *text)
{
	struct worker *w = l->worker;

	if (talk_send(l, call, text) < 0)
		return false;
	call->lease = l;
	call->end.queued_usec = w->loop.now_usec - call->accepted_usec;
	l->n_sent++;
	return true;
}

/* It has closed its input: what it has answered before still counts. */
static void
lease_found_deaf(struct lease *l)
{
	l->deaf = true;
	talk_read(l);
	lease_break(l, NULL, OUTCOME_HANDLER, 0, NULL);
}

/* Those who wait get what is free. */
static void
leases_dispatch(struct leases *ls)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&ls->waiting)) != NULL) {
		struct lease *l = leases_find_free(ls, call->service);

		if (l == NULL)
			break;
		queue_remove(ls, call);
		if (lease_give(l, call, &call->in_data))
			continue;
		queue_put_back(ls, call);
		lease_found_deaf(l);
	}
	leases_want(ls);
}

void
lease_begin(struct call *call, struct lease *lease, struct buf *text)
{
	struct leases *ls = call->leases;

	if (lease != NULL && lease_give(lease, call, text)) {
		loop_arm(&ls->worker->loop, &call->timer, call_due(call));
		return;
	}
	queue_push(ls, call);
	loop_arm(&ls->worker->loop, &call->timer, call_due(call));
	if (lease != NULL)
		lease_found_deaf(lease);
	leases_dispatch(ls);
}

/* When an idle one goes back. */
static uint64_t
lease_due(const struct lease *l)
{
	return l->idle_usec + (l->n_sent > 0 ? IDLE_USEC : HOLD_USEC);
}

/* Between two requests: back, on to the next, or idle. */
static void
lease_go_on(struct lease *l)
{
	struct worker *w = l->worker;

	leases_dispatch(l->leases);
	/* Who has found it deaf breaks it. */
	if (l->dead || l->deaf || l->talk.n_flight > 0)
		return;
	/* More that nobody waits for any more are on their way: let others have it. */
	if (lease_must_go(l) || (l->n_sent == 0 && l->leases->n_wanted > 0)) {
		lease_part(l, false);
		return;
	}
	/* The timer is left alone while requests come: it finds out when it rings. */
	l->idle_usec = w->loop.now_usec;
	if (!loop_timer_is_armed(&l->timer))
		loop_arm(&w->loop, &l->timer, lease_due(l));
}

void
lease_answered(struct lease *l)
{
	l->n_answered++;
	if (!l->proven) {
		struct frame f = { .type = FRAME_PROVEN, .id = l->id };

		/* Without memory it is learnt from RETURN. */
		l->proven = true;
		if (!l->unknown)
			(void)runnerlink_post(l->worker, &f);
	}
	lease_go_on(l);
}

void
lease_sent(struct lease *l)
{
	/* With a pipeline there is room for another one. */
	leases_dispatch(l->leases);
}

void
lease_proved(struct lease *l)
{
	lease_part(l, false);
}

static void
on_lease_timer(struct loop_timer *t)
{
	struct lease *l = CONTAINER_OF(t, struct lease, timer);
	struct loop *loop = &l->worker->loop;

	if (l->is_probe) {
		lease_break(l, NULL, OUTCOME_HANDLER, 0, NULL);
		return;
	}
	if (l->talk.n_flight > 0)
		return;
	if (loop->now_usec < lease_due(l))
		loop_arm(loop, t, lease_due(l));
	else
		lease_part(l, false);
}

void
lease_break(struct lease *l, struct call *victim, enum outcome_kind kind,
    unsigned reason, const char *why)
{
	struct talk *t = &l->talk;
	struct leases *ls = l->leases;
	struct call *call;

	if (l->dead)
		return;
	l->cut = kind == OUTCOME_TIMEOUT || kind == OUTCOME_CANCELLED;
	lease_part(l, true);
	call = t->writing;
	if (call != NULL && call != victim && call->bytes_in == 0) {
		/* Nothing of it has been written: another process may have it. */
		TAILQ_REMOVE(&t->flight, call, link);
		t->n_flight--;
		call->lease = NULL;
		queue_put_back(ls, call);
	}
	t->writing = NULL;
	leases_dispatch(ls);
	while ((call = TAILQ_FIRST(&t->flight)) != NULL) {
		TAILQ_REMOVE(&t->flight, call, link);
		t->n_flight--;
		call->lease = NULL;
		if (call == victim)
			call_end(call, kind, reason, why);
		else
			call_end(call, OUTCOME_HANDLER, 0, victim == NULL && why != NULL ? why :
			    "its process was ended because of another request");
	}
}

/* -------------------------------------------------- what the runner says --- */

static void
lease_refuse(struct worker *w, const struct frame *lent)
{
	struct frame f = { .type = FRAME_RETURN, .id = lent->id, .lease.is_broken = true };

	(void)strlcpy(f.lease.service, lent->lease.service, sizeof(f.lease.service));
	(void)runnerlink_post(w, &f);
}

static struct lease *
lease_new(struct leases *ls, const struct frame *f, int fds[static 3])
{
	struct lease *l = calloc(1, sizeof(*l));
	int taken[3] = { TAKE_FD(fds[0]), TAKE_FD(fds[1]), TAKE_FD(fds[2]) };

	if (l == NULL) {
		channel_close_fds(taken, 3);
		lease_refuse(ls->worker, f);
		return NULL;
	}
	l->leases = ls;
	l->proven = f->lease.is_proven;
	l->worker = ls->worker;
	l->id = f->id;
	l->pid = f->lease.pid;
	l->budget = f->lease.requests;
	l->is_probe = f->lease.is_probe != 0;
	l->since_usec = l->idle_usec = l->worker->loop.now_usec;
	l->timer.fn = on_lease_timer;
	LIST_INSERT_HEAD(&ls->list, l, link);
	if (talk_open(l, taken) < 0) {
		lease_part(l, true);
		return NULL;
	}
	return l;
}

void
lease_on_granted(struct worker *w, const struct frame *f, int fds[static 3])
{
	struct leases *ls = leases_get(w, f->lease.service);
	struct lease *l;

	if (ls == NULL) {
		channel_close_fds(fds, 3);
		lease_refuse(w, f);
		return;
	}
	if (f->lease.is_probe == 0 && ls->n_wanted > 0)
		ls->n_wanted--;
	l = lease_new(ls, f, fds);
	if (l == NULL) {
		leases_want(ls);
		return;
	}
	/* What it has said in nobody's hands is no answer to what is asked now. */
	if (talk_is_stale(l)) {
		lease_break(l, NULL, OUTCOME_HANDLER, 0, NULL);
		return;
	}
	if (!l->is_probe) {
		lease_go_on(l);
		return;
	}
	loop_arm(&w->loop, &l->timer, f->lease.due_usec != 0 ? f->lease.due_usec : 1);
	if (!talk_ping(l))
		lease_break(l, NULL, OUTCOME_HANDLER, 0, NULL);
}

void
lease_on_recalled(struct worker *w, uint64_t id)
{
	struct leases *ls;
	struct lease *l;

	RB_FOREACH(ls, leases_tree, &w->leases) {
		LIST_FOREACH(l, &ls->list, link) {
			if (l->id != id)
				continue;
			l->recalled = true;
			if (l->talk.n_flight == 0 && !l->is_probe)
				lease_go_on(l);
			return;
		}
	}
}

static struct call *
find_refused(const struct leases *ls)
{
	struct call *call;

	TAILQ_FOREACH(call, &ls->waiting, link) {
		if (call->refused)
			break;
	}
	return call;
}

/* All that wait now, but none that comes in the meantime. */
static void
leases_refuse(struct leases *ls, const char *why)
{
	struct call *call;

	ls->n_wanted = ls->n_waiting = 0;
	TAILQ_FOREACH(call, &ls->waiting, link)
		call->refused = true;
	while ((call = find_refused(ls)) != NULL) {
		queue_remove(ls, call);
		call_end(call, OUTCOME_UNAVAIL, 0, why);
	}
	leases_want(ls);
}

void
lease_on_unable(struct worker *w, const char *service)
{
	struct leases *ls = leases_find(w, service);

	if (ls != NULL)
		leases_refuse(ls, "its handler does not stay up; it is tried again");
}

void
leases_on_lost(struct worker *w)
{
	struct leases *ls;
	struct lease *l, *next;

	RB_FOREACH(ls, leases_tree, &w->leases) {
		ls->n_wanted = 0;
		LIST_FOREACH_SAFE(l, &ls->list, link, next) {
			/* What is in flight may still be answered: its pipes tell. */
			l->unknown = true;
			if (l->talk.n_flight == 0)
				lease_part(l, true);
		}
		leases_want(ls);
	}
}

/* -------------------------------------------------- what the worker says --- */

void
leases_reload(struct worker *w)
{
	struct leases *ls;

	/* The tree only grows while calls end. */
	RB_FOREACH(ls, leases_tree, &w->leases) {
		if (leases_service(ls) == NULL)
			leases_refuse(ls, "the configuration has changed");
	}
}

void
leases_give_back(struct worker *w)
{
	struct leases *ls;
	struct lease *l, *next;

	RB_FOREACH(ls, leases_tree, &w->leases) {
		/* Nothing is asked for any more. */
		ls->n_wanted = SIZE_MAX;
		LIST_FOREACH_SAFE(l, &ls->list, link, next) {
			if (l->talk.n_flight == 0)
				lease_part(l, l->is_probe);
			else
				l->unknown = true;
		}
	}
}

void
leases_done(struct worker *w)
{
	struct leases *ls, *next;

	leases_bury(w);
	RB_FOREACH_SAFE(ls, leases_tree, &w->leases, next) {
		RB_REMOVE(leases_tree, &w->leases, ls);
		free(ls);
	}
	buf_done(&w->request_text);
}

/* ------------------------------------------------------------ of a call --- */

static void
handler_call_cancel(struct call *call, enum cancel_reason reason)
{
	struct lease *l = call->lease;

	if (l == NULL) {
		queue_remove(call->leases, call);
		call_end(call, OUTCOME_CANCELLED, reason, NULL);
		return;
	}
	/* A dead one is about to end it. */
	lease_break(l, call, OUTCOME_CANCELLED, reason, NULL);
}

static void
handler_call_unblock(struct call *call)
{
	if (call->lease != NULL && !call->lease->dead)
		talk_unpause(call->lease);
}

/* It dies without having ended: with its worker. */
static void
handler_call_release(struct call *call)
{
	struct lease *l = call->lease;

	if (call->ended)
		return;
	if (l == NULL) {
		queue_remove(call->leases, call);
		return;
	}
	TAILQ_REMOVE(&l->talk.flight, call, link);
	l->talk.n_flight--;
	if (l->talk.writing == call)
		l->talk.writing = NULL;
	call->lease = NULL;
	lease_break(l, NULL, OUTCOME_CANCELLED, 0, NULL);
}

static void
handler_call_on_timer(struct loop_timer *t)
{
	struct call *call = CONTAINER_OF(t, struct call, timer);
	struct worker *w = call->worker;
	struct lease *l = call->lease;

	if (w->loop.now_usec < call_due(call)) {
		loop_arm(&w->loop, t, call_due(call));
		return;
	}
	if (l != NULL) {
		lease_break(l, call, OUTCOME_TIMEOUT, 0, NULL);
		return;
	}
	queue_remove(call->leases, call);
	if (w->loop.now_usec < call->run.deadline_usec)
		call_end(call, OUTCOME_BUSY, BUSY_WAITED, NULL);
	else
		call_end(call, OUTCOME_TIMEOUT, 0, NULL);
}

const struct call_kind call_of_handler = {
	.cancel = handler_call_cancel,
	.unblock = handler_call_unblock,
	.release = handler_call_release,
	.on_timer = handler_call_on_timer,
};
