/* SPDX-License-Identifier: ISC */
/* The list of a pool's processes and the counts over it. */
#include "config.h"

#include "broker/members.h"

void
members_init(struct members *m)
{
	*m = (struct members){ 0 };
	TAILQ_INIT(&m->list);
}

/* Adds by to the counts that the handler's state falls under: 1 to count it, -1 to take it out. */
static void
members_count(struct members *m, const struct handler *h, int by)
{
	m->all += by;
	if (!h->is_proven)
		m->unproven += by;
	if (h->state == HANDLER_STARTING || h->state == HANDLER_NEW || h->state == HANDLER_PROBED)
		m->coming += by;
	if (h->state == HANDLER_IDLE)
		m->idle += by;
	if (h->state == HANDLER_LEASED)
		m->leased += by;
	if (h->is_worn && (h->state == HANDLER_IDLE || h->state == HANDLER_LEASED))
		m->worn += by;
}

void
members_add(struct members *m, struct entry *e)
{
	TAILQ_INSERT_TAIL(&m->list, e, handler.next);
	members_count(m, &e->handler, 1);
}

void
members_remove(struct members *m, struct entry *e)
{
	members_count(m, &e->handler, -1);
	TAILQ_REMOVE(&m->list, e, handler.next);
	e->handler.state = HANDLER_GONE;
}

void
members_set_state(struct members *m, struct entry *e, enum handler_state state)
{
	members_count(m, &e->handler, -1);
	e->handler.state = state;
	members_count(m, &e->handler, 1);
}

void
members_set_worn(struct members *m, struct entry *e, bool is_worn)
{
	members_count(m, &e->handler, -1);
	e->handler.is_worn = is_worn;
	members_count(m, &e->handler, 1);
}

void
members_set_proven(struct members *m, struct entry *e)
{
	members_count(m, &e->handler, -1);
	e->handler.is_proven = true;
	members_count(m, &e->handler, 1);
}

void
members_put_first(struct members *m, struct entry *e)
{
	TAILQ_REMOVE(&m->list, e, handler.next);
	TAILQ_INSERT_HEAD(&m->list, e, handler.next);
}

struct entry *
members_find_new(const struct members *m)
{
	struct entry *e;

	if (m->coming == 0)
		return NULL;
	TAILQ_FOREACH(e, &m->list, handler.next) {
		if (e->handler.state == HANDLER_NEW)
			return e;
	}
	return NULL;
}

struct entry *
members_find_idle(const struct members *m)
{
	struct entry *e, *worn = NULL;

	if (m->idle == 0)
		return NULL;
	TAILQ_FOREACH(e, &m->list, handler.next) {
		if (e->handler.state != HANDLER_IDLE)
			continue;
		if (!e->handler.is_worn)
			return e;
		worn = e;
	}
	return worn;
}
