/* SPDX-License-Identifier: ISC */
/* States of a handler process, and the frames about its lease. */
#include "config.h"

#include "broker/handler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ipc/channel.h"
#include "broker/entry.h"
#include "broker/handlerenv.h"
#include "broker/stock.h"
#include "broker/link.h"
#include "broker/pools.h"
#include "broker/broker.h"

/* No worker has this slot, so no request has such an id. */
#define HANDLER_SLOT UINT64_C(0xff)
/* After every deadline, a worker has this much time to say what became of a lease. */
#define WORKER_SLACK_USEC (10 * USEC_PER_SEC)

static const struct handler_events *
tell(const struct entry *e)
{
	return e->broker->pools.events;
}

static void
handler_become(struct entry *e, enum handler_state state)
{
	struct pool *p = e->handler.pool;

	members_set_state(&p->members, e, state);
	e->handler.since_usec = clock_usec();
	pool_touch(p);
}

/* The configured number and up to a tenth more, so that not all handlers are worn at once. */
static uint32_t
requests_allowed(const struct service *s)
{
	uint32_t n = s->pool.requests;

	return n == 0 ? 0 : n + arc4random_uniform(n / 10 + 1);
}

/* ---------------------------------------------------------------- start --- */

static mail_answer_fn on_weighed;
static const struct entry_ops handler_ops;

int
handler_start(struct pool *p)
{
	struct broker *b = p->broker;
	uint64_t id = (uint64_t)getpid() << 40 | HANDLER_SLOT << 32 | ++b->pools.last_id;
	struct entry *e;
	int r = stock_look(b);

	if (r < 0)
		return r;
	e = table_take(&b->table, id);
	if (e == NULL)
		return -EAGAIN;
	e->kit = stock_take(b, e->fds);
	r = handlerenv_write(&b->stock.jobs, p->service, id, &e->job);
	if (r < 0) {
		stock_drop(b, e->kit);
		channel_close_fds(e->fds, ENTRY_N_FDS);
		table_release(&b->table, e);
		return r;
	}
	e->broker = b;
	e->ops = &handler_ops;
	e->conf = conf_ref(p->conf);
	e->service = p->service;
	e->accepted_usec = e->started_usec = clock_usec();
	e->deadline_usec = USEC_NEVER;
	e->handler = (struct handler){
		.pool = p, .is_handler = true, .left = requests_allowed(p->service),
		.weigh.fn = on_weighed,
	};
	entry_start(e, true);
	members_add(&p->members, e);
	handler_become(e, HANDLER_STARTING);
	return 0;
}

static void
handler_begun(struct entry *e, const struct frame_begun *begun)
{
	struct handler *h = &e->handler;

	if (e->state != ENTRY_RUNNING)
		return;
	e->pid = e->session = (pid_t)begun->pid;
	e->started_usec = begun->started_usec;
	e->broker->stats->started_total++;
	/* In any other state its pool has given it up meanwhile. */
	if (h->state != HANDLER_STARTING)
		return;
	h->pool->started++;
	handler_become(e, e->service->pool.ping || h->pool->renewal.is_on ?
	    HANDLER_NEW : HANDLER_IDLE);
}

void
handler_settle(struct entry *e)
{
	handler_become(e, HANDLER_IDLE);
}

/* ---------------------------------------------------------------- weight --- */

static void
on_weighed(struct mail_ask *ask, const struct frame *answer)
{
	struct entry *e = CONTAINER_OF(ask, struct entry, handler.weigh);
	struct pool *p = e->handler.pool;

	if (answer == NULL || p == NULL || answer->weighed.bytes <= p->service->pool.memory)
		return;
	members_set_worn(&p->members, e, true);
	pool_touch(p);
}

void
handler_weigh(struct entry *e)
{
	struct frame f = { .type = FRAME_WEIGH, .ref = (uint16_t)table_slot(&e->broker->table, e) };

	if (e->pid != 0 && e->handler.weigh.serial == 0)
		(void)mail_ask(&e->broker->runner, &f, &e->handler.weigh);
}

/* ---------------------------------------------------------------- lease --- */

void
handler_lease(struct entry *e, struct link *l, bool is_probe)
{
	handler_become(e, is_probe ? HANDLER_PROBED : HANDLER_LEASED);
	e->handler.is_recalled = false;
	e->handler.had_by[l->slot / 64] |= UINT64_C(1) << l->slot % 64;
	e->link = l;
	entry_deliver(e, UNSENT_LEASE);
}

void
handler_recall(struct entry *e)
{
	if (e->handler.is_recalled)
		return;
	e->handler.is_recalled = true;
	e->handler.recalled_usec = clock_usec();
	entry_deliver(e, UNSENT_RECALL);
}

uint64_t
handler_expiry(const struct entry *e)
{
	const struct handler *h = &e->handler;
	uint64_t due, resumed = e->broker->resumed_usec;

	if (h->state == HANDLER_PROBED)
		due = h->since_usec + e->service->pool.start_timeout_usec;
	else if (h->state == HANDLER_LEASED && h->is_recalled)
		due = h->recalled_usec + e->service->timeout_usec;
	else
		return 0;
	/* A worker that was stopped together with this process gets its time again. */
	return (due > resumed ? due : resumed) + WORKER_SLACK_USEC;
}

static bool
handler_fill(const struct entry *e, struct frame *f, int fds[static 3], size_t *ret_n_fds)
{
	struct frame_lease *lease = &f->lease;

	if (f->type == FRAME_RECALL)
		return true;
	lease->pid = (uint32_t)e->session;
	(void)strlcpy(lease->service, e->service->name, sizeof(lease->service));
	if (f->type == FRAME_WORDS) {
		fds[0] = e->fds[ENTRY_ERR];
		*ret_n_fds = 1;
		return true;
	}
	f->generation = e->handler.pool->conf->generation;
	lease->requests = e->handler.left;
	lease->is_proven = e->handler.is_proven;
	if (e->handler.state == HANDLER_PROBED) {
		lease->is_probe = true;
		lease->due_usec = e->handler.since_usec + e->service->pool.start_timeout_usec;
	}
	fds[0] = e->fds[ENTRY_IN];
	fds[1] = e->fds[ENTRY_OUT];
	fds[2] = e->fds[ENTRY_ERR];
	*ret_n_fds = 3;
	return true;
}

/* Marks a handler that has served as many requests as it may; the pool replaces it. */
static void
handler_wear(struct entry *e, uint32_t served)
{
	struct handler *h = &e->handler;

	if (e->service->pool.requests == 0)
		return;
	if (served >= h->left) {
		members_set_worn(&h->pool->members, e, true);
		/* Until a replacement is ready, the handler goes on in small portions. */
		h->left = e->service->pool.requests / 10 + 1;
	} else {
		h->left -= served;
	}
}

static void
handler_prove(struct entry *e)
{
	struct pool *p = e->handler.pool;

	if (e->handler.is_proven)
		return;
	members_set_proven(&p->members, e);
	tell(e)->proven(p);
}

/* The handler that a worker's frame is about; NULL: it has died meanwhile. */
static struct entry *
find_lent(struct link *l, const struct frame *f)
{
	struct entry *e = table_find(&l->broker->table, f->id);

	return e == NULL || !e->handler.is_handler || e->handler.state == HANDLER_GONE ? NULL : e;
}

const char *
handler_proven(struct link *l, const struct frame *f)
{
	struct entry *e = find_lent(l, f);

	if (e == NULL)
		return NULL;
	if (e->link != l)
		return "sent a handler that another worker has";
	handler_prove(e);
	return NULL;
}

const char *
handler_broke(struct link *l, const struct frame *f)
{
	struct entry *e = find_lent(l, f);

	if (e != NULL && e->link != l)
		return "sent a handler that another worker has";
	if (e != NULL)
		e->handler.fault = f->broke.fault;
	l->broker->pools.events->described(l->broker, e != NULL ? e->handler.pool : NULL, f->id,
	    &f->broke.words);
	return NULL;
}

void
handler_give_up(struct entry *e)
{
	tell(e)->bereaved(e->handler.pool, e, DEATH_SILENT);
	handler_end(e);
}

const char *
handler_return(struct link *l, const struct frame *f)
{
	struct entry *e = find_lent(l, f);
	struct handler *h;

	if (e == NULL) {
		/* The handler is dead, but answered before that. */
		if (f->lease.requests > 0)
			l->broker->pools.events->vouched(l->broker, f->lease.service);
		return NULL;
	}
	h = &e->handler;
	if (e->link != l)
		return "sent a handler that another worker has";
	link_forget(l, e);
	e->link = NULL;
	if (f->lease.requests > 0 || (h->state == HANDLER_PROBED && !f->lease.is_broken))
		handler_prove(e);
	if (f->lease.is_broken) {
		h->is_faulty = !f->lease.is_cut;
		if (h->is_faulty)
			tell(e)->bereaved(h->pool, e, h->fault != 0 ? -h->fault : DEATH_ENDED);
		handler_end(e);
		return NULL;
	}
	if (h->state == HANDLER_LEASED)
		handler_wear(e, f->lease.requests);
	if (h->is_tainted) {
		handler_end(e);
		return NULL;
	}
	members_put_first(&h->pool->members, e);
	handler_become(e, HANDLER_IDLE);
	return NULL;
}

void
handler_taint(struct entry *e, uint16_t slot)
{
	struct handler *h = &e->handler;

	if ((h->had_by[slot / 64] & UINT64_C(1) << slot % 64) == 0)
		return;
	if (h->state == HANDLER_IDLE) {
		handler_end(e);
	} else if (!h->is_tainted) {
		h->is_tainted = true;
		if (h->state == HANDLER_LEASED)
			handler_recall(e);
	}
}

/* ------------------------------------------------------------------ end --- */

static void
handler_leave(struct entry *e)
{
	struct pool *p = e->handler.pool;

	if (e->link != NULL) {
		/* A lease that did not arrive leaves the worker's wish open. */
		if (e->handler.state == HANDLER_LEASED && (e->unsent & UNSENT_LEASE) != 0)
			tell(e)->wanted(e->link, p->service->name);
		link_forget(e->link, e);
		e->link = NULL;
	}
	mail_forget(&e->broker->runner, &e->handler.weigh);
	members_remove(&p->members, e);
	e->handler.pool = NULL;
	pool_touch(p);
}

void
handler_end(struct entry *e)
{
	handler_leave(e);
	channel_close_fds(&e->fds[ENTRY_IN], 1);
	channel_close_fds(&e->fds[ENTRY_OUT], 1);
	entry_terminate(e, OUTCOME_CANCELLED, CANCEL_BY_SHUTDOWN);
}

/* Sends what the handler left on stderr to any worker there is. */
static void
handler_last_words(struct entry *e)
{
	struct broker *b = e->broker;
	int waiting = 0;

	if (e->fds[ENTRY_ERR] < 0 || ioctl(e->fds[ENTRY_ERR], FIONREAD, &waiting) < 0 ||
	    waiting == 0)
		return;
	for (size_t i = 0; i < BROKER_MAX_LINKS; i++) {
		struct link *l = &b->links[i];

		if (!link_is_open(l) || !TAILQ_EMPTY(&l->late) || !link_has_room(l))
			continue;
		/*
		 * A worker that is behind with reading must not keep the entry: the
		 * words are sent now or not at all.
		 */
		e->link = l;
		entry_deliver(e, UNSENT_WORDS);
		link_forget(l, e);
		e->link = NULL;
		return;
	}
}

static void
handler_exited(struct entry *e, const struct frame_exited *x)
{
	bool was_leased = e->handler.state == HANDLER_LEASED && e->unsent == 0;

	if (e->state != ENTRY_RUNNING)
		return;
	entry_exited(e, x);
	jobs_free(&e->broker->stock.jobs, e->job);
	if (e->handler.state != HANDLER_GONE) {
		struct pool *p = e->handler.pool;

		if (x->started_usec == 0)
			tell(e)->start_failed(p, x->error);
		else
			tell(e)->bereaved(p, e, x->wait_status);
		handler_leave(e);
	} else if (e->handler.is_faulty) {
		tell(e)->learned(e->broker, e, x->wait_status);
	}
	/* The worker that had the handler has its stderr, too. */
	if (!was_leased)
		handler_last_words(e);
	channel_close_fds(&e->fds[ENTRY_IN], 1);
	channel_close_fds(&e->fds[ENTRY_OUT], 1);
	if (x->is_gone)
		entry_finish(e);
}

static void
handler_lost(struct entry *e)
{
	e->kit = 0;	/* gone with the runner */
	if (e->handler.state != HANDLER_GONE)
		handler_leave(e);
	if (e->state != ENTRY_RUNNING && e->state != ENTRY_LINGERING)
		return;
	e->state = ENTRY_LINGERING;
	entry_gone(e);
}

static void
handler_abandoned(struct entry *e)
{
	if (e->handler.state != HANDLER_GONE)
		handler_end(e);
}

static const struct entry_ops handler_ops = {
	.fill = handler_fill, .begun = handler_begun, .exited = handler_exited,
	.gone = entry_gone, .lost = handler_lost, .abandoned = handler_abandoned,
	.delivered = entry_delivered,
};
