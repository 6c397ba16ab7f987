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
#include "worker/handlercall.h"
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

/* The service as it is today, or NULL when it has no handler any more. */
static const struct service *
leases_service(const struct leases *ls)
{
	const struct conf *conf = ls->worker->conf;
	const struct service *s = NULL;

	if (conf != NULL)
		s = conf_find_service(conf, ls->service, strlen(ls->service));
	return s != NULL && s->handler != NULL ? s : NULL;
}

/* What a process must know of beforehand to understand a request. */
static uint8_t
service_format(const struct service *s)
{
	return (uint8_t)(s->pool.context | (s->input == INPUT_PUSHED) << 1);
}

struct leases *
leases_get(struct worker *w, const char *service)
{
	const struct service *s;
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
	s = leases_service(ls);
	if (s != NULL)
		ls->format = service_format(s);
	RB_INSERT(leases_tree, &w->leases, ls);
	return ls;
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

void
leases_leave(struct leases *ls, struct call *call)
{
	TAILQ_REMOVE(&ls->waiting, call, link);
	if (!call->refused)
		ls->n_waiting--;
	call->refused = false;
}

/* Back to where it was: it has been taken, and nothing of it was written. */
static void
queue_put_back(struct leases *ls, struct call *call)
{
	call->handler_pid = 0;
	TAILQ_INSERT_HEAD(&ls->waiting, call, link);
	ls->n_waiting++;
	loop_arm(&ls->worker->loop, &call->timer, handler_call_due(call));
}

bool
leases_has_room(const struct leases *ls, const struct service *s)
{
	/* One may wait always: the first one does. */
	return ls->n_waiting == 0 || ls->n_waiting < s->queue;
}

bool
leases_fit(const struct leases *ls, const struct service *s)
{
	const struct service *now = leases_service(ls);

	return now != NULL && service_format(now) == service_format(s);
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

	return (t->n_flight == 0 || t->n_flight < s->pool.pipeline) && talk_has_room(t) &&
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

/* In which state a process goes back. */
enum lease_end {
	LEASE_WHOLE,
	LEASE_BROKEN,	/* to be killed */
	LEASE_CUT,	/* likewise, for a deadline or a cancel */
};

/* Out of the world, but for the calls it has in flight. */
static void
lease_part(struct lease *l, enum lease_end end)
{
	struct worker *w = l->worker;
	struct frame f = {
		.type = FRAME_RETURN,
		.id = l->id,
		.lease = {
			.requests = l->n_answered,
			.is_broken = end != LEASE_WHOLE, .is_cut = end == LEASE_CUT,
		},
	};

	talk_close(l);
	loop_disarm(&w->loop, &l->timer);
	LIST_REMOVE(l, link);
	if (l->is_unflushed)
		LIST_REMOVE(l, unflushed);
	l->is_unflushed = false;
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
		buf_done(&l->talk.rest);
		free(l);
	}
}

/* ----------------------------------------------------------- to and from --- */

static void
lease_post(struct lease *l, struct call *call)
{
	talk_post(l, call);
	if (l->is_unflushed)
		return;
	l->is_unflushed = true;
	LIST_INSERT_HEAD(&l->worker->unflushed, l, unflushed);
}

void
leases_flush(struct worker *w)
{
	struct lease *l;

	while ((l = LIST_FIRST(&w->unflushed)) != NULL) {
		LIST_REMOVE(l, unflushed);
		l->is_unflushed = false;
		talk_flush(l);
	}
}

/* False: the process takes no more requests. */
static bool
lease_give(struct lease *l, struct call *call, struct buf *text)
{
	struct worker *w = l->worker;

	/* One that takes many gets those of a turn with one system call. */
	if (text == &call->in_data && call->service->pool.pipeline > 1)
		lease_post(l, call);
	else if (talk_send(l, call, text) < 0)
		return false;
	call->lease = l;
	call->handler_pid = l->pid;
	call->end.queued_usec = w->loop.now_usec - call->accepted_usec;
	l->n_sent++;
	call_on_given(call);
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
		leases_leave(ls, call);
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

	call->ready_usec = ls->worker->loop.now_usec;
	if (lease != NULL && lease_give(lease, call, text)) {
		loop_arm(&ls->worker->loop, &call->timer, handler_call_due(call));
		return;
	}
	queue_push(ls, call);
	loop_arm(&ls->worker->loop, &call->timer, handler_call_due(call));
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

/* The timer is moved only to ring earlier; what rings too early finds out. */
static void
lease_arm(struct lease *l, uint64_t due_usec)
{
	if (!loop_timer_is_armed(&l->timer) || l->timer.due_usec > due_usec)
		loop_arm(&l->worker->loop, &l->timer, due_usec);
}

/* Between two requests: back, on to the next, or idle. */
static void
lease_go_on(struct lease *l)
{
	struct worker *w = l->worker;

	leases_dispatch(l->leases);
	/* Who has found it deaf breaks it. */
	if (l->dead || l->deaf)
		return;
	/* Nothing of what is in flight has been sent: it is behind that. */
	if (talk_owes(&l->talk)) {
		lease_arm(l, l->talk.rest_due_usec);
		return;
	}
	if (l->talk.n_flight > 0)
		return;
	/* More that nobody waits for any more are on their way: let others have it. */
	if (lease_must_go(l) || (l->n_sent == 0 && l->leases->n_wanted > 0)) {
		lease_part(l, LEASE_WHOLE);
		return;
	}
	l->idle_usec = w->loop.now_usec;
	lease_arm(l, lease_due(l));
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
	/* With a pipeline there is room for another one; or it has its answer already. */
	lease_go_on(l);
}

void
lease_proved(struct lease *l)
{
	lease_part(l, LEASE_WHOLE);
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
	if (talk_owes(&l->talk) && loop->now_usec >= l->talk.rest_due_usec) {
		/* It has answered, and does not read what else belongs to the request. */
		lease_break(l, NULL, OUTCOME_TIMEOUT, 0, NULL);
		return;
	}
	if (talk_owes(&l->talk)) {
		loop_arm(loop, t, l->talk.rest_due_usec);
		return;
	}
	if (l->talk.n_flight > 0)
		return;
	if (loop->now_usec < lease_due(l))
		loop_arm(loop, t, lease_due(l));
	else
		lease_part(l, LEASE_WHOLE);
}

/* Another process may have those of which nothing has been written. */
static void
lease_take_back(struct lease *l, const struct call *victim)
{
	struct call *call, *previous;

	/* The last first, as each becomes the first of those who wait. */
	TAILQ_FOREACH_REVERSE_SAFE(call, &l->talk.flight, call_list, link, previous) {
		if (call != victim && leases_fit(l->leases, call->service) &&
		    talk_unsend(l, call))
			queue_put_back(l->leases, call);
	}
}

void
lease_break(struct lease *l, struct call *victim, enum outcome_kind kind,
    unsigned reason, const char *why)
{
	struct talk *t = &l->talk;
	struct leases *ls = l->leases;
	bool is_cut = kind == OUTCOME_TIMEOUT || kind == OUTCOME_CANCELLED;
	struct call *call;

	if (l->dead)
		return;
	lease_part(l, is_cut ? LEASE_CUT : LEASE_BROKEN);
	lease_take_back(l, victim);
	leases_dispatch(ls);
	while ((call = TAILQ_FIRST(&t->flight)) != NULL) {
		talk_forget(l, call);
		if (call == victim)
			call_end(call, kind, reason, why);
		else if (call->bytes_in == 0)
			/* Nobody understands it any more. */
			call_end(call, OUTCOME_UNAVAIL, 0, LEASES_CHANGED);
		else
			call_end(call, OUTCOME_HANDLER, 0, victim == NULL && why != NULL ? why :
			    "its process was ended because of another request");
	}
}

/* -------------------------------------------------- what the runner says --- */

/* One that is not taken goes back. */
static void
lease_decline(struct worker *w, const struct frame *lent, enum lease_end end)
{
	struct frame f = {
		.type = FRAME_RETURN, .id = lent->id, .lease.is_broken = end != LEASE_WHOLE,
	};

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
		lease_decline(ls->worker, f, LEASE_BROKEN);
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
		lease_part(l, LEASE_BROKEN);
		return NULL;
	}
	return l;
}

/*
 * The runner has its new rules a moment before us. Does that process take
 * requests in another form than we make as yet, or may it?
 */
static bool
is_early(const struct leases *ls, const struct frame *f)
{
	const struct worker *w = ls->worker;
	const struct conf *next = w->prepared;
	const struct service *s = NULL;

	if (f->lease.is_probe != 0 || w->conf == NULL || f->generation <= w->conf->generation)
		return false;
	if (next != NULL && next->generation == f->generation)
		s = conf_find_service(next, ls->service, strlen(ls->service));
	return s == NULL || s->handler == NULL || service_format(s) != ls->format;
}

void
lease_on_granted(struct worker *w, const struct frame *f, int fds[static 3])
{
	struct leases *ls = leases_get(w, f->lease.service);
	struct lease *l;

	if (ls == NULL) {
		channel_close_fds(fds, 3);
		lease_decline(w, f, LEASE_BROKEN);
		return;
	}
	if (is_early(ls, f)) {
		/* It counts as wanted until the rules are ours, or we would ask at once. */
		channel_close_fds(fds, 3);
		lease_decline(w, f, LEASE_WHOLE);
		ls->n_early++;
		return;
	}
	if (f->lease.is_probe == 0 && ls->n_wanted > 0)
		ls->n_wanted--;
	if (f->generation != 0 && f->generation < ls->format_generation) {
		/* It was on its way while the rules changed. */
		channel_close_fds(fds, 3);
		lease_decline(w, f, LEASE_WHOLE);
		leases_want(ls);
		return;
	}
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

	ls->n_wanted = ls->n_waiting = ls->n_early = 0;
	TAILQ_FOREACH(call, &ls->waiting, link)
		call->refused = true;
	while ((call = find_refused(ls)) != NULL) {
		leases_leave(ls, call);
		call_end(call, OUTCOME_UNAVAIL, 0, why);
	}
	leases_want(ls);
}

/* Why there is no handler, for those who wait for one; it stays in ls. */
static const char *
leases_explain(struct leases *ls, const struct frame_unable *u)
{
	uint64_t now = ls->worker->loop.now_usec;

	if (u->reason == UNABLE_GONE)
		return "the configuration has changed, try again";
	if (u->reason == UNABLE_STOPPING)
		return "reqd is stopping";
	death_describe_outage(&u->death, u->retry_usec > now ? u->retry_usec - now : 0, ls->why);
	return ls->why;
}

void
lease_on_unable(struct worker *w, const struct frame_unable *u)
{
	struct leases *ls = leases_find(w, u->service);

	if (ls != NULL)
		leases_refuse(ls, leases_explain(ls, u));
}

void
leases_on_lost(struct worker *w)
{
	struct leases *ls;
	struct lease *l, *next;

	RB_FOREACH(ls, leases_tree, &w->leases) {
		ls->n_wanted = ls->n_early = 0;
		LIST_FOREACH_SAFE(l, &ls->list, link, next) {
			/* What is in flight may still be answered: its pipes tell. */
			l->unknown = true;
			if (l->talk.n_flight == 0)
				lease_part(l, LEASE_BROKEN);
		}
		leases_want(ls);
	}
}

/* -------------------------------------------------- what the worker says --- */

/* Requests have another form from now on: what was made before does not fit. */
static void
leases_reform(struct leases *ls, uint8_t format)
{
	struct lease *l, *next;

	ls->format = format;
	ls->format_generation = ls->worker->conf->generation;
	LIST_FOREACH_SAFE(l, &ls->list, link, next) {
		if (l->is_probe)
			continue;
		/* At once, whoever waits. */
		l->recalled = true;
		l->since_usec = 0;
		if (l->talk.n_flight == 0 && !talk_is_sending(&l->talk))
			lease_part(l, LEASE_WHOLE);
	}
	leases_refuse(ls, LEASES_CHANGED);
}

void
leases_reload(struct worker *w)
{
	struct leases *ls;

	/* The tree only grows while calls end. */
	RB_FOREACH(ls, leases_tree, &w->leases) {
		const struct service *s = leases_service(ls);

		ls->n_wanted -= ls->n_early < ls->n_wanted ? ls->n_early : ls->n_wanted;
		ls->n_early = 0;
		if (s == NULL)
			leases_refuse(ls, LEASES_CHANGED);
		else if (service_format(s) != ls->format)
			leases_reform(ls, service_format(s));
		else
			leases_want(ls);
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
				lease_part(l, l->is_probe || talk_is_sending(&l->talk) ?
				    LEASE_BROKEN : LEASE_WHOLE);
			else
				l->unknown = true;
		}
	}
}

void
leases_done(struct worker *w)
{
	struct leases *ls, *next;
	struct lease *l;

	/* Those whose last call had not been sent. */
	RB_FOREACH(ls, leases_tree, &w->leases) {
		while ((l = LIST_FIRST(&ls->list)) != NULL)
			lease_part(l, LEASE_BROKEN);
	}
	leases_bury(w);
	RB_FOREACH_SAFE(ls, leases_tree, &w->leases, next) {
		RB_REMOVE(leases_tree, &w->leases, ls);
		free(ls);
	}
	buf_done(&w->request_text);
}
