/* SPDX-License-Identifier: ISC */
/* No allocation: this runs in the broker. */
#include "config.h"

#include "broker/renewal.h"

#include <string.h>

#include "broker/broker.h"
#include "broker/pool.h"

void
renewal_begin(struct pool *p, uint64_t id)
{
	const struct service_pool *s = &p->service->pool;
	struct renewal *r = &p->renewal;
	struct entry *e;

	*r = (struct renewal){ .is_on = true, .id = id };
	TAILQ_FOREACH(e, &p->members.list, handler.next) {
		e->handler.is_old = true;
		members_set_worn(&p->members, e, true);
		r->n++;
	}
	if (r->n > s->max)
		r->n = s->max;
	/* Whoever asks knows of a reason to try again at once. */
	p->retry_usec = 0;
	pool_touch(p);
}

static void
renewal_end(struct pool *p, const char *why, bool has_died)
{
	struct frame f = { .type = FRAME_RESTARTED, .id = p->renewal.id };
	struct entry *e;

	f.restarted.n = p->renewal.n;
	f.restarted.has_died = has_died;
	(void)strlcpy(f.restarted.why, why, sizeof(f.restarted.why));
	p->renewal = (struct renewal){ 0 };
	TAILQ_FOREACH(e, &p->members.list, handler.next) {
		if (!e->handler.is_old)
			continue;
		e->handler.is_old = false;
		members_set_worn(&p->members, e, false);
	}
	/* The service is not out of order: the old ones go on. */
	if (members_up(&p->members) > 0)
		p->failures = 0;
	/* How it has died is in there. */
	pool_publish(p);
	(void)member_tell(&p->broker->member, &f);
	pool_touch(p);
}

/* True if no old one is left, and nothing is on its way. */
static bool
renewal_is_done(const struct pool *p)
{
	const struct members *m = &p->members;
	const struct entry *e;

	TAILQ_FOREACH(e, &m->list, handler.next) {
		if (e->handler.is_old)
			return false;
	}
	return m->coming == 0 && (members_up(m) > 0 || !pool_is_failing(p));
}

void
renewal_advance(struct pool *p)
{
	if (!p->renewal.is_on)
		return;
	if (p->renewal.has_failed && !pool_is_to_learn(p, clock_usec()))
		renewal_end(p, "", true);
	else if (!p->renewal.has_failed && renewal_is_done(p))
		renewal_end(p, "", false);
}

void
renewal_cut(struct pool *p)
{
	if (p->renewal.is_on)
		renewal_end(p, p->broker->is_draining ? "reqd is stopping" : "", false);
}
