/* SPDX-License-Identifier: ISC */
/* renewal: marks the old processes of a pool and tells when the last has left. */
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
	/* Somebody has perhaps mended the program, so do not wait after failed starts. */
	p->retry_usec = 0;
	pool_touch(p);
}

/* Ends the renewal. Old processes that are left stay, without their mark. */
static void
renewal_end(struct pool *p)
{
	struct entry *e;

	p->renewal.is_on = false;
	p->renewal.is_owed = true;
	TAILQ_FOREACH(e, &p->members.list, handler.next) {
		if (!e->handler.is_old)
			continue;
		e->handler.is_old = false;
		members_set_worn(&p->members, e, false);
	}
	/* Old processes go on, so the service is not out of order. */
	if (members_up(&p->members) > 0)
		p->failures = 0;
	pool_touch(p);
}

static void
renewal_answer(struct pool *p, const char *why)
{
	struct frame f = { .type = FRAME_RESTARTED, .id = p->renewal.id };

	f.restarted.n = p->renewal.n;
	f.restarted.has_died = p->renewal.has_failed;
	(void)strlcpy(f.restarted.why, why, sizeof(f.restarted.why));
	p->renewal = (struct renewal){ 0 };
	(void)member_tell(&p->broker->member, &f);
}

/* True if no old process is left, and no process is being started. */
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
renewal_advance(struct pool *p, bool is_to_learn)
{
	const struct renewal *r = &p->renewal;

	if (r->is_on && (r->has_failed ? !is_to_learn : renewal_is_done(p)))
		renewal_end(p);
}

void
renewal_tell(struct pool *p)
{
	if (p->renewal.is_owed)
		renewal_answer(p, "");
}

void
renewal_cut(struct pool *p)
{
	if (!p->renewal.is_on && !p->renewal.is_owed)
		return;
	/* A reload that replaces the pool has made all of them new. */
	p->renewal.has_failed = false;
	renewal_answer(p, p->broker->is_draining ? "reqd is stopping" : "");
}
