/* SPDX-License-Identifier: ISC */
/* Computes how many processes a pool starts or ends. No allocation: this runs in the broker. */
#include "config.h"

#include "broker/poolsize.h"

#include <errno.h>

#include "broker/broker.h"
#include "broker/handler.h"
#include "broker/pool.h"

/*
 * Starts up to n processes; one that cannot be had now is asked for when the
 * pool is touched again.
 */
static void
start_some(struct pool *p, uint32_t n)
{
	p->is_starved = false;
	while (n-- > 0) {
		int r = handler_start(p);

		if (r < 0 && r != -EAGAIN)
			p->broker->pools.events->start_failed(p, -r);
		p->is_starved = r == -EAGAIN;
		if (r < 0)
			return;
	}
}

/* The number of processes that are not worn at which a worn one may go. */
static uint32_t
enough(const struct pool *p)
{
	if (p->renewal.is_on && p->renewal.n > p->service->pool.min)
		return p->renewal.n;
	return p->service->pool.min > 0 ? p->service->pool.min : 1;
}

void
poolsize_fill(struct pool *p, uint64_t now)
{
	const struct service_pool *s = &p->service->pool;
	const struct members *m = &p->members;
	uint32_t lacking;

	if (now < p->retry_usec || p->renewal.has_failed)
		return;
	if (pool_is_failing(p)) {
		/* A failing service gets one process at a time, to see whether it works again. */
		if (m->coming == 0 && m->all < s->max && m->unproven == 0)
			start_some(p, 1);
		return;
	}
	/* While a worn process is replaced, there may be one more than max. */
	if (m->worn > 0 && m->all - m->worn < enough(p) && m->all <= s->max &&
	    (!p->renewal.is_on || m->coming == 0))
		start_some(p, 1);
	if (m->all < s->min)
		start_some(p, s->min - m->all);
	lacking = p->wants.all > m->idle ? p->wants.all - m->idle : 0;
	if (lacking == 0 || m->coming > 0 || m->all >= s->max ||
	    (m->all > 0 && now < p->grown_usec + POOLSIZE_GROWTH_USEC))
		return;
	lacking = lacking < p->growth ? lacking : p->growth;
	start_some(p, lacking < s->max - m->all ? lacking : s->max - m->all);
	p->grown_usec = now;
	if (p->growth < s->max)
		p->growth *= 2;
}

void
poolsize_relieve(struct pool *p)
{
	const struct members *m = &p->members;
	bool is_enough = members_up(m) - m->worn >= enough(p);
	uint32_t staying = m->all;
	struct entry *e, *next;

	if (m->worn == 0)
		return;
	for (e = TAILQ_FIRST(&m->list); e != NULL; e = next) {
		bool is_exchanged = staying > (p->renewal.is_on ? enough(p) :
		    p->service->pool.max) && m->coming == 0;

		next = TAILQ_NEXT(e, handler.next);
		if (!e->handler.is_worn || !(is_enough || is_exchanged))
			continue;
		if (e->handler.state == HANDLER_LEASED) {
			handler_recall(e);
		} else if (e->handler.state == HANDLER_IDLE) {
			p->recycled++;
			handler_end(e);
		} else {
			continue;
		}
		staying--;
	}
}

void
poolsize_shrink(struct pool *p, uint64_t now)
{
	const struct service_pool *s = &p->service->pool;
	const struct members *m = &p->members;
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&m->list); e != NULL && members_up(m) > s->min; e = next) {
		next = TAILQ_NEXT(e, handler.next);
		/* A replacement waits, however long a worker keeps the worn process busy. */
		if (m->worn > 0 && !e->handler.is_worn)
			continue;
		if (e->handler.state == HANDLER_IDLE &&
		    now - e->handler.since_usec >= s->idle_usec)
			handler_end(e);
	}
}
