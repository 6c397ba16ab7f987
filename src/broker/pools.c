/* SPDX-License-Identifier: ISC */
/* The set of all pools, and their exchange at a reload. No allocation: this runs in the broker. */
#include "config.h"

#include "broker/pools.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ipc/logrec.h"
#include "broker/handler.h"
#include "broker/link.h"
#include "broker/renewal.h"
#include "broker/broker.h"

#define STEPS_MAX 256	/* in one turn of the loop */

/* The pool in force for a service of this name, or NULL. */
static struct pool *
pools_serving(struct broker *b, const char *name)
{
	const struct service *s;

	if (b->member.current == NULL)
		return NULL;
	s = conf_find_service(b->member.current, name, strlen(name));
	return s == NULL ? NULL : b->pools.serving[s->number];
}

/* The pool that has this service's processes, or else serves its name; or NULL. */
static struct pool *
pools_of(struct broker *b, const struct service *s)
{
	struct pool *p;

	TAILQ_FOREACH(p, &b->pools.all, next) {
		if (p->service == s && p->state != POOL_RETIRED)
			return p;
	}
	return pools_serving(b, s->name);
}

static void
pools_learn(struct broker *b, const struct entry *e, int status)
{
	struct pool *p = pools_of(b, e->service);

	if (p != NULL)
		pool_learn(p, e, status);
}

static void
pools_describe(struct broker *b, struct pool *p, uint64_t id, const struct death_words *words)
{
	if (p != NULL) {
		pool_describe(p, id, words);
		return;
	}
	TAILQ_FOREACH(p, &b->pools.all, next) {
		if (p->last_id == id)
			pool_describe_late(p, words);
	}
}

static void
pools_vouch(struct broker *b, const char *service)
{
	struct pool *p = pools_serving(b, service);

	if (p != NULL)
		pool_proven(p);
}

void
pools_advance(struct broker *b)
{
	struct pool *p;

	/* One step may cause the next; pools that never settle wait a little. */
	for (size_t i = 0; i < STEPS_MAX && (p = TAILQ_FIRST(&b->pools.touched)) != NULL; i++) {
		TAILQ_REMOVE(&b->pools.touched, p, next_touched);
		p->is_touched = false;
		pool_advance(p);
	}
	p = TAILQ_FIRST(&b->pools.touched);
	if (p != NULL)
		loop_arm(&b->loop, &p->timer, clock_usec() + POOL_SOON_USEC);
}

/* ---------------------------------------------------------- what is asked --- */

void
pools_want(struct link *l, const char *service)
{
	struct broker *b = l->broker;
	struct pool *p = pools_serving(b, service);
	struct frame f = { .type = FRAME_UNABLE, .slot = l->slot };

	/* The worker's word about its rules is not enough: they may never have been. */
	if (p == NULL || b->is_draining || !link_has_door(l, p->service)) {
		f.unable.reason = b->is_draining ? UNABLE_STOPPING : UNABLE_GONE;
		(void)strlcpy(f.unable.service, service, sizeof(f.unable.service));
		(void)link_answer(l, &f);
		return;
	}
	if (wants_add(&p->wants, l->slot))
		pool_touch(p);
}

void
pools_restart(struct broker *b, const struct frame *f)
{
	struct pool *p = pools_serving(b, f->text);
	struct frame answer = { .type = FRAME_RESTARTED, .id = f->id };
	const char *why = NULL;

	if (b->is_draining)
		why = "reqd is stopping";
	else if (p == NULL)
		why = "it has no processes of a handler";
	else if (p->renewal.is_on || p->renewal.is_owed)
		why = "its processes are being replaced already";
	if (why == NULL) {
		renewal_begin(p, f->id);
		return;
	}
	(void)strlcpy(answer.restarted.why, why, sizeof(answer.restarted.why));
	(void)member_tell(&b->member, &answer);
}

void
pools_init(struct pools *all, struct pool *slots, size_t n)
{
	static const struct handler_events events = {
		.start_failed = pool_start_failed, .proven = pool_proven,
		.bereaved = pool_bereaved, .learned = pools_learn, .vouched = pools_vouch,
		.described = pools_describe,
		.wanted = pools_want,
	};

	*all = (struct pools){ .events = &events, .slots = slots, .n_slots = n };
	TAILQ_INIT(&all->free);
	TAILQ_INIT(&all->all);
	TAILQ_INIT(&all->touched);
}

void
pools_link_opened(struct broker *b)
{
	struct pool *p;

	TAILQ_FOREACH(p, &b->pools.all, next)
		pool_touch(p);
}

/*
 * Taints the handlers of a worker that died: it may have been taken over, and
 * have given their pipes away.
 */
static void
pool_taint(struct pool *p, uint16_t slot)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&p->members.list); e != NULL; e = next) {
		next = TAILQ_NEXT(e, handler.next);
		handler_taint(e, slot);
	}
}

void
pools_link_closed(struct broker *b, uint16_t slot)
{
	struct pool *p;

	TAILQ_FOREACH(p, &b->pools.all, next) {
		wants_forget(&p->wants, slot);
		pool_taint(p, slot);
		pool_touch(p);
	}
}

void
pools_feed(struct broker *b)
{
	struct pool *p;

	TAILQ_FOREACH(p, &b->pools.all, next) {
		if (p->is_starved)
			pool_touch(p);
	}
}

/* ----------------------------------------------------------- transactions --- */

static struct pool *
find_rising(struct broker *b, const char *name)
{
	struct pool *p;

	TAILQ_FOREACH(p, &b->pools.all, next) {
		if (p->state == POOL_RISING && strcmp(p->service->name, name) == 0)
			return p;
	}
	return NULL;
}

/*
 * True if a service was out of order and had no processes. Like at the first there is
 * nothing to go on with, so a handler that does not come up refuses nothing.
 */
static bool
was_unavailable(const struct broker *b, const struct service *s)
{
	const struct service *was = conf_find_service(b->member.current, s->name, strlen(s->name));

	return was != NULL && was->unavailable != NULL;
}

int
pools_prepare(struct broker *b, struct conf *next)
{
	/*
	 * At the first start there is no older configuration to keep if this
	 * one does not come up.
	 */
	if (b->member.current == NULL)
		return 0;
	for (size_t i = 0; i < next->n_services; i++) {
		const struct service *s = &next->services[i];
		struct pool *now = pools_serving(b, s->name);

		if (s->handler == NULL || s->pool.min == 0 || s->unavailable != NULL ||
		    was_unavailable(b, s) ||
		    (now != NULL && conf_service_equal(now->service, s)))
			continue;
		if (pool_open(b, next, s, POOL_RISING) == NULL) {
			pools_abort(b);
			return -ENOMEM;
		}
	}
	return 0;
}

enum rising
pools_rising(struct broker *b, char *why, size_t why_len)
{
	enum rising all = RISING_DONE;
	struct pool *p;

	TAILQ_FOREACH(p, &b->pools.all, next) {
		char death[160];

		if (p->state != POOL_RISING)
			continue;
		if (pool_is_to_learn(p, clock_usec())) {
			all = RISING_WAIT;
			continue;
		}
		if (p->died > 0 || p->failures > 0) {
			death_describe(&p->last, death, sizeof(death));
			(void)snprintf(why, why_len, "the handler of service '%.40s': %s",
			    p->service->name, death);
			return RISING_FAILED;
		}
		if (!pool_has_risen(p))
			all = RISING_WAIT;
	}
	return all;
}

void
pools_abort(struct broker *b)
{
	struct pool *p;

	TAILQ_FOREACH(p, &b->pools.all, next) {
		if (p->state == POOL_RISING)
			pool_retire(p);
	}
}

/* The pool that is to serve s from now on; NULL: there is none left. */
static struct pool *
pool_for(struct broker *b, const struct service *s, struct pool *old)
{
	struct pool *p;

	if (old != NULL && conf_service_equal(old->service, s)) {
		struct conf *before = old->conf;

		old->conf = conf_ref(b->member.current);
		old->service = s;
		(void)conf_unref(before);
		return old;
	}
	p = find_rising(b, s->name);
	if (p != NULL)
		p->state = POOL_SERVING;
	else
		p = pool_open(b, b->member.current, s, POOL_SERVING);
	if (p == NULL)
		log_err("service %s: there are too many handlers, its own cannot be started",
		    s->name);
	else if (old != NULL)
		pool_inherit(p, old);
	return p;
}

void
pools_commit(struct broker *b)
{
	struct pool *serving[CONF_MAX_SERVICES] = { NULL }, *p;
	struct stats *stats = b->stats;
	const struct conf *before = b->member.past[0];
	size_t n_counted;
	/* True for the first configuration of a broker that follows one that died. */
	bool is_successor = before == NULL && stats->generation == b->member.current->generation;

	for (size_t i = 0; i < b->member.current->n_services; i++) {
		const struct service *s = &b->member.current->services[i];
		const struct service *was;
		struct pool *old = NULL;

		if (s->handler == NULL || s->unavailable != NULL)
			continue;
		was = before == NULL ? NULL : conf_find_service(before, s->name, strlen(s->name));
		if (was != NULL)
			old = b->pools.serving[was->number];
		serving[i] = pool_for(b, s, old);
		if (serving[i] != NULL && is_successor)
			pool_resume(serving[i], &stats->pool[i]);
	}
	memcpy(b->pools.serving, serving, sizeof(serving));
	/* Untouched memory is zero and costs nothing, so only the part in use is cleared. */
	n_counted = before != NULL ? before->n_services : stats->generation != 0 ? CONF_MAX_SERVICES : 0;
	stats->generation = 0;
	memset(stats->pool, 0, n_counted * sizeof(stats->pool[0]));
	TAILQ_FOREACH(p, &b->pools.all, next) {
		bool stays = p->state == POOL_SERVING && serving[p->service->number] == p &&
		    p->conf == b->member.current;

		if (!stays && p->state != POOL_RETIRED)
			pool_retire(p);
		pool_publish(p);
		pool_touch(p);
	}
	stats->generation = b->member.current->generation;
}

void
pools_retire(struct broker *b)
{
	struct pool *p;

	TAILQ_FOREACH(p, &b->pools.all, next)
		pool_retire(p);
	memset(b->pools.serving, 0, sizeof(b->pools.serving));
}
