/* SPDX-License-Identifier: ISC */
/*
 * leases: who of a service's calls gets which of its processes, and when.
 */
#include "config.h"

#include "worker/leases.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/frame.h"
#include "worker/handlercall.h"
#include "worker/brokerlink.h"
#include "worker/worker.h"

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

	/* Before the first rules there are no calls. */
	if (ls->n_wanted >= ls->n_waiting)
		return;
	f.generation = w->conf->generation;
	(void)strlcpy(f.lease.service, ls->service, sizeof(f.lease.service));
	while (ls->n_wanted < ls->n_waiting) {
		/* Without memory the next call asks again, or the deadline ends it. */
		if (brokerlink_post(w, &f) < 0)
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
	ls->n_waiting--;
}

void
leases_put_back(struct leases *ls, struct call *call)
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

/* ----------------------------------------------------------- who gets what --- */

void
leases_dispatch(struct leases *ls)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&ls->waiting)) != NULL) {
		struct lease *l = leases_find_free(ls, call->service);

		if (l == NULL)
			break;
		leases_leave(ls, call);
		if (!lease_give(l, call, &call->in_data))
			leases_put_back(ls, call);
	}
	leases_want(ls);
}

void
leases_enter(struct leases *ls, struct call *call, struct lease *lease, struct buf *text)
{
	call->ready_usec = loop_now(&ls->worker->loop);
	if (lease != NULL && lease_give(lease, call, text)) {
		loop_arm(&ls->worker->loop, &call->timer, handler_call_due(call));
		return;
	}
	queue_push(ls, call);
	loop_arm(&ls->worker->loop, &call->timer, handler_call_due(call));
	leases_dispatch(ls);
}

/* -------------------------------------------------- what the runner says --- */

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
leases_on_granted(struct worker *w, const struct frame *f, int fds[static 3])
{
	struct leases *ls = leases_get(w, f->lease.service);
	struct lease *l;

	if (ls == NULL) {
		lease_decline(w, f, fds, LEASE_BROKEN);
		return;
	}
	if (is_early(ls, f)) {
		/* It counts as wanted until the rules are ours, or we would ask at once. */
		lease_decline(w, f, fds, LEASE_WHOLE);
		ls->n_early++;
		return;
	}
	if (f->lease.is_probe == 0 && ls->n_wanted > 0)
		ls->n_wanted--;
	if (f->generation != 0 && f->generation < ls->format_generation) {
		/* It was on its way while the rules changed. */
		lease_decline(w, f, fds, LEASE_WHOLE);
		leases_want(ls);
		return;
	}
	l = lease_new(ls, f, fds);
	if (l == NULL)
		leases_want(ls);
	else
		lease_begin(l, f->lease.due_usec);
}

void
leases_on_recalled(struct worker *w, uint64_t id)
{
	struct leases *ls;
	struct lease *l;

	RB_FOREACH(ls, leases_tree, &w->leases) {
		LIST_FOREACH(l, &ls->list, link) {
			if (l->id != id)
				continue;
			lease_recall(l);
			return;
		}
	}
}

/* None that waits now gets one. */
static void
leases_refuse(struct leases *ls, const char *why)
{
	struct call *call;

	ls->n_wanted = ls->n_early = 0;
	while ((call = TAILQ_FIRST(&ls->waiting)) != NULL) {
		leases_leave(ls, call);
		call_end(call, OUTCOME_UNAVAIL, 0, why);
	}
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
leases_on_unable(struct worker *w, const struct frame_unable *u)
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
		LIST_FOREACH_SAFE(l, &ls->list, link, next)
			lease_disown(l);
	}
}

void
leases_on_attached(struct worker *w)
{
	struct leases *ls;

	RB_FOREACH(ls, leases_tree, &w->leases)
		leases_want(ls);
}

/* -------------------------------------------------- what the worker says --- */

void
leases_flush(struct worker *w)
{
	struct lease *l;

	while ((l = LIST_FIRST(&w->unflushed)) != NULL)
		lease_flush(l);
}

void
leases_bury(struct worker *w)
{
	struct lease *l;

	while ((l = LIST_FIRST(&w->dead_leases)) != NULL)
		lease_free(l);
}

void
leases_on_stall(struct worker *w, uint64_t usec)
{
	struct leases *ls;
	struct lease *l;

	RB_FOREACH(ls, leases_tree, &w->leases) {
		LIST_FOREACH(l, &ls->list, link) {
			if (l->is_probe && loop_timer_is_armed(&l->timer))
				loop_arm(&w->loop, &l->timer, l->timer.due_usec + usec);
		}
	}
}

/* Requests have another form from now on: what was made before does not fit. */
static void
leases_reform(struct leases *ls, uint8_t format)
{
	struct lease *l, *next;

	ls->format = format;
	ls->format_generation = ls->worker->conf->generation;
	LIST_FOREACH_SAFE(l, &ls->list, link, next)
		lease_outdate(l);
	leases_refuse(ls, LEASES_CHANGED);
}

void
leases_reload(struct worker *w)
{
	struct leases *ls;

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
		LIST_FOREACH_SAFE(l, &ls->list, link, next)
			lease_give_back(l);
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
