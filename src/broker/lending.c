/* SPDX-License-Identifier: ISC */
/* Chooses the worker for each process of a pool. No allocation: this runs in the broker. */
#include "config.h"

#include "broker/lending.h"

#include <string.h>

#include "ipc/logrec.h"
#include "broker/handler.h"
#include "broker/link.h"
#include "broker/pool.h"
#include "broker/broker.h"

/* The next worker after the one asked last, so that one hanging worker does not hang all probes. */
static struct link *
next_open_link(struct pool *p, bool has_door)
{
	for (size_t i = 0; i < BROKER_MAX_LINKS; i++) {
		struct link *l;

		p->probe_turn = (uint16_t)((p->probe_turn + 1) % BROKER_MAX_LINKS);
		l = &p->broker->links[p->probe_turn];
		if (link_is_open(l) && (!has_door || link_has_door(l, p->service)))
			return l;
	}
	return NULL;
}

/* True if a worker of a door of the service is there at times, by the rules in force. */
static bool
has_workers(const struct pool *p)
{
	const struct conf *now = p->broker->member.current;

	for (unsigned protocol = 0; now != NULL && protocol < PROTOCOL_N; protocol++) {
		if (service_is_started_by(p->service, protocol) &&
		    role_class_wanted(now, protocol) > 0)
			return true;
	}
	return false;
}

void
lending_probe(struct pool *p)
{
	struct entry *e;

	if (!p->service->pool.ping)
		return;
	while ((e = members_find_new(&p->members)) != NULL) {
		struct link *l = next_open_link(p, true);

		/*
		 * A probe lends the pipes of a process, so it is for workers of a door of the
		 * service: where they are about to come again, it waits for them. A reload that
		 * brings the first of them cannot wait for one.
		 */
		if (l == NULL && !has_workers(p))
			l = next_open_link(p, false);
		if (l == NULL)
			return;
		handler_lease(e, l, true);
	}
}

void
lending_grant(struct pool *p)
{
	struct entry *e;

	while (p->wants.all > 0 && (e = members_find_idle(&p->members)) != NULL)
		handler_lease(e, &p->broker->links[wants_serve(&p->wants)], false);
	if (p->wants.all == 0)
		p->growth = 1;
}

void
lending_recall(struct pool *p, uint64_t now)
{
	uint32_t has[BROKER_MAX_LINKS] = { 0 }, coming = 0;
	struct entry *e;

	if (p->wants.all == 0 || p->members.all < p->service->pool.max)
		return;
	TAILQ_FOREACH(e, &p->members.list, handler.next) {
		const struct handler *h = &e->handler;

		/*
		 * A process in a long request may not come back soon, so it counts only for
		 * a while.
		 */
		if (h->is_recalled)
			coming += now - h->recalled_usec < LENDING_RECALL_USEC;
		else if (h->state == HANDLER_LEASED)
			has[e->link->slot]++;
	}
	for (uint16_t slot = 0; slot < BROKER_MAX_LINKS; slot++) {
		if (p->wants.of[slot] == 0 || (coming > 0 && coming-- > 0))
			continue;
		TAILQ_FOREACH_REVERSE(e, &p->members.list, entry_list, handler.next) {
			if (e->handler.state == HANDLER_LEASED && !e->handler.is_recalled &&
			    has[e->link->slot] > has[slot])
				break;
		}
		if (e == NULL)
			continue;
		has[e->link->slot]--;
		handler_recall(e);
	}
}

void
lending_expire(struct pool *p, uint64_t now)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&p->members.list); e != NULL; e = next) {
		uint64_t expiry = handler_expiry(e);
		char name[ROLE_TEXT];

		next = TAILQ_NEXT(e, handler.next);
		if (expiry == 0 || now < expiry)
			continue;
		role_format(ROLE_WORKER, e->link->slot, name);
		log_warn("service %s: %s does not give back handler (%d), killing both",
		    p->service->name, name, (int)e->session);
		link_accuse(e->link, "keeps a handler that it was to give back");
		/* The accusation ended the handler, which has changed the list. */
		next = TAILQ_FIRST(&p->members.list);
	}
}

/* An UNABLE frame: the reason why a worker that wants a process does not get one. */
static struct frame
unable_frame(const struct pool *p, const struct link *l)
{
	struct frame f = { .type = FRAME_UNABLE };
	struct frame_unable *u = &f.unable;

	(void)strlcpy(u->service, p->service->name, sizeof(u->service));
	if (p->state == POOL_RETIRED || !link_has_door(l, p->service)) {
		u->reason = p->broker->is_draining ? UNABLE_STOPPING : UNABLE_GONE;
		return f;
	}
	u->reason = UNABLE_FAILING;
	u->death = p->last;
	u->retry_usec = p->retry_usec;
	return f;
}

void
lending_refuse(struct pool *p)
{
	struct frame f;

	if (p->state == POOL_RETIRED || (pool_is_failing(p) && members_up(&p->members) == 0))
		wants_refuse(&p->wants);
	for (uint16_t slot = 0; p->wants.n_refused > 0 && slot < BROKER_MAX_LINKS; slot++) {
		struct link *l = &p->broker->links[slot];

		if (!p->wants.is_refused[slot])
			continue;
		f = unable_frame(p, l);
		f.slot = slot;
		if (!link_is_open(l) || link_answer(l, &f))
			wants_told(&p->wants, slot);
	}
}
