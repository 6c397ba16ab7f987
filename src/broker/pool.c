/* SPDX-License-Identifier: ISC */
/* The life of a pool of warm processes. No allocation: this runs in the broker. */
#include "config.h"

#include "broker/pool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "ipc/logrec.h"
#include "broker/handler.h"
#include "broker/lending.h"
#include "broker/poolsize.h"
#include "broker/renewal.h"
#include "broker/broker.h"

/* Without a ping in its service, a process that lives this long counts as healthy. */
#define SETTLED_USEC (250 * USEC_PER_MSEC)
/* The same for a service out of order: a busy machine may take this long to end a program. */
#define RECOVERED_USEC (2 * USEC_PER_SEC)
#define WEIGH_USEC (5 * USEC_PER_SEC)
/*
 * A process that a worker found silent has often ended, and the reason is known
 * within this time.
 */
#define LEARN_USEC (100 * USEC_PER_MSEC)

/* --------------------------------------------------------- life of a pool --- */

static void on_pool_due(struct loop_timer *t);

struct pool *
pool_open(struct broker *b, struct conf *conf, const struct service *s, enum pool_state state)
{
	struct pools *all = &b->pools;
	struct pool *p = TAILQ_FIRST(&all->free);

	if (p != NULL)
		TAILQ_REMOVE(&all->free, p, next);
	else if (all->n_touched < all->n_slots)
		p = &all->slots[all->n_touched++];
	else
		return NULL;
	*p = (struct pool){
		.broker = b, .state = state, .conf = conf_ref(conf), .service = s, .growth = 1,
		.timer.fn = on_pool_due, .touched = &all->touched,
	};
	members_init(&p->members);
	TAILQ_INSERT_TAIL(&all->all, p, next);
	pool_touch(p);
	return p;
}

static void
pool_close(struct pool *p)
{
	struct pools *all = &p->broker->pools;

	loop_disarm(&p->broker->loop, &p->timer);
	if (p->is_touched)
		TAILQ_REMOVE(p->touched, p, next_touched);
	p->is_touched = false;
	p->conf = conf_unref(p->conf);
	p->state = POOL_FREE;
	TAILQ_REMOVE(&all->all, p, next);
	TAILQ_INSERT_HEAD(&all->free, p, next);
}

static void
on_pool_due(struct loop_timer *t)
{
	pool_touch(CONTAINER_OF(t, struct pool, timer));
}

/* ----------------------------------------------------- how its members do --- */

void
pool_proven(struct pool *p)
{
	if (pool_is_failing(p))
		log_event(LOG_EVENT_HANDLER_BACK, LOG_NOTICE,
		    "service %s: its handler answers again", p->service->name);
	p->failures = 0;
	p->retry_usec = 0;
	p->backoff = (struct backoff){ 0 };
	pool_touch(p);
}

static void
log_death(struct pool *p, const struct entry *e)
{
	uint64_t now = clock_usec();
	char why[DEATH_TEXT];

	if (now < p->logged_usec + USEC_PER_SEC)
		return;
	p->logged_usec = now;
	death_describe_words(&p->last, &p->words, why);
	/* A process that never ran has no number that anybody knows. */
	if (e->session == 0)
		log_event(LOG_EVENT_HANDLER_DIED, LOG_WARNING, "service %s: handler: %s",
		    p->service->name, why);
	else
		log_event(LOG_EVENT_HANDLER_DIED, LOG_WARNING, "service %s: handler (%d): %s",
		    p->service->name, (int)e->session, why);
}

void
pool_learn(struct pool *p, const struct entry *e, int status)
{
	bool by_us = WIFSIGNALED(status) &&
	    (WTERMSIG(status) == p->service->stop_signal || WTERMSIG(status) == SIGKILL);

	if (!by_us && p->last.status == DEATH_ENDED && p->last_id == e->id) {
		p->last.status = status;
		p->last.stage = e->ended.stage;
		p->last.error = e->ended.error;
		pool_touch(p);
	}
	if (!e->handler.is_proven)
		log_death(p, e);
}

bool
pool_is_to_learn(const struct pool *p, uint64_t now)
{
	return p->last.status == DEATH_ENDED && p->died > 0 &&
	    (p->state == POOL_RISING || p->renewal.has_failed) && now < p->last_usec + LEARN_USEC;
}

void
pool_describe(struct pool *p, uint64_t id, const struct death_words *words)
{
	p->last_id = id;
	p->words = *words;
}

void
pool_describe_late(struct pool *p, const struct death_words *words)
{
	if (words->wrote[0] != '\0')
		memcpy(p->words.wrote, words->wrote, sizeof(p->words.wrote));
	if (words->line[0] != '\0')
		memcpy(p->words.line, words->line, sizeof(p->words.line));
	pool_touch(p);
}

/* Delays the next start, longer each time, because no process has answered since. */
static void
pool_delay(struct pool *p)
{
	uint64_t now = clock_usec();

	p->retry_usec = now + backoff_after_death(&p->backoff, false, now, arc4random());
	if (p->failures++ == 0)
		p->failing_usec = now;
	pool_touch(p);
}

void
pool_start_failed(struct pool *p, int error)
{
	p->last = (struct death){ .stage = STAGE_FORK, .error = error };
	p->words = (struct death_words){ 0 };
	p->last_id = 0;
	p->renewal.has_failed = p->renewal.is_on;
	p->last_usec = clock_usec();
	pool_delay(p);
	log_err("service %s: its handler could not be started: fork: %s", p->service->name,
	    strerror(error));
}

void
pool_bereaved(struct pool *p, const struct entry *e, int status)
{
	bool was_proven = e->handler.is_proven;
	bool by_itself = status >= 0;		/* else a worker found it broken */

	p->died++;
	p->last = (struct death){
		.status = status,
		.stage = e->ended.stage, .error = e->ended.error, .was_proven = was_proven,
		.within_ms = (uint32_t)(p->service->pool.start_timeout_usec / USEC_PER_MSEC),
	};
	if (p->last_id != e->id)
		p->words = (struct death_words){ 0 };
	p->last_id = e->id;
	p->last_usec = clock_usec();
	pool_touch(p);
	if (!was_proven && !e->handler.is_old)
		p->renewal.has_failed = p->renewal.is_on;
	/*
	 * A process that has answered is started again at once: a program may
	 * retire, or a request may have been its end.
	 */
	if (!was_proven)
		pool_delay(p);
	/*
	 * The worker may hear of a broken process before the broker knows how
	 * it ended: see pool_learn().
	 */
	if (by_itself && (!was_proven || !WIFEXITED(status) || WEXITSTATUS(status) != 0))
		log_death(p, e);
}

/* ----------------------------------------------------------- its advance --- */

/* Returns when a process that is coming is looked at again; 0: something happens before. */
static uint64_t
coming_due(const struct entry *e)
{
	const struct handler *h = &e->handler;

	if (h->state == HANDLER_STARTING)
		return e->started_usec + e->service->pool.start_timeout_usec;
	if (h->state == HANDLER_NEW && !e->service->pool.ping)
		return e->started_usec + SETTLED_USEC;
	return 0;
}

/* Looks at processes whose program does not run yet, or that say nothing of themselves. */
static void
pool_hasten(struct pool *p, uint64_t now)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&p->members.list); e != NULL; e = next) {
		uint64_t due = coming_due(e);

		next = TAILQ_NEXT(e, handler.next);
		if (due == 0 || now < due)
			continue;
		if (e->handler.state == HANDLER_NEW)
			handler_settle(e);
		else
			handler_give_up(e);
	}
}

static void
pool_weigh(struct pool *p, uint64_t now)
{
	uint64_t limit = p->service->pool.memory;
	struct entry *e;

	if (limit == 0 || now < p->weighed_usec + WEIGH_USEC)
		return;
	p->weighed_usec = now;
	TAILQ_FOREACH(e, &p->members.list, handler.next)
		handler_weigh(e);
}

static void
pool_age(struct pool *p, uint64_t now)
{
	uint64_t limit = p->service->pool.age_usec;
	struct entry *e;

	if (limit == 0)
		return;
	TAILQ_FOREACH(e, &p->members.list, handler.next) {
		if (now - e->started_usec >= limit)
			members_set_worn(&p->members, e, true);
	}
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return b != 0 && b < a ? b : a;
}

/* When a process must be looked at again although nothing happens to it. */
static uint64_t
member_due(const struct pool *p, const struct entry *e, uint64_t now)
{
	const struct service_pool *s = &p->service->pool;
	const struct handler *h = &e->handler;
	uint64_t due = sooner(sooner(USEC_NEVER, handler_expiry(e)), coming_due(e));

	if (h->state == HANDLER_IDLE && members_up(&p->members) > s->min)
		due = sooner(due, h->since_usec + s->idle_usec);
	if (h->is_recalled && p->wants.all > 0 && h->recalled_usec + LENDING_RECALL_USEC > now)
		due = sooner(due, h->recalled_usec + LENDING_RECALL_USEC);
	if (s->age_usec != 0 && !h->is_worn)
		due = sooner(due, e->started_usec + s->age_usec);
	if (!s->ping && p->state == POOL_RISING && e->started_usec + SETTLED_USEC > now)
		due = sooner(due, e->started_usec + SETTLED_USEC);
	if (!s->ping && pool_is_failing(p) && e->started_usec + RECOVERED_USEC > now)
		due = sooner(due, e->started_usec + RECOVERED_USEC);
	return due;
}

static void
pool_arm(struct pool *p, uint64_t now)
{
	const struct service_pool *s = &p->service->pool;
	const struct members *m = &p->members;
	uint64_t due = USEC_NEVER;
	struct entry *e;

	if (p->retry_usec > now)
		due = sooner(due, p->retry_usec);
	else if (p->wants.all > 0 && m->all < s->max)
		due = sooner(due, now + POOLSIZE_GROWTH_USEC);
	if (p->wants.n_refused > 0)
		due = sooner(due, now + POOL_SOON_USEC);
	if (pool_is_to_learn(p, now))
		due = sooner(due, p->last_usec + LEARN_USEC);
	if (s->memory != 0 && m->all > 0)
		due = sooner(due, p->weighed_usec + WEIGH_USEC);
	TAILQ_FOREACH(e, &m->list, handler.next)
		due = sooner(due, member_due(p, e, now));
	if (due == USEC_NEVER)
		loop_disarm(&p->broker->loop, &p->timer);
	else
		loop_arm(&p->broker->loop, &p->timer, due > now ? due : now + 1);
}

/* A failing service whose process stays is tried again. */
static void
pool_recover(struct pool *p, uint64_t now)
{
	struct entry *e;

	if (!pool_is_failing(p) || p->service->pool.ping)
		return;
	TAILQ_FOREACH(e, &p->members.list, handler.next) {
		if (e->handler.state == HANDLER_STARTING ||
		    now - e->started_usec < RECOVERED_USEC)
			continue;
		p->failures = POOL_FAILURES - 1;
		return;
	}
}

void
pool_publish(const struct pool *p)
{
	struct pool_stats *s = &p->broker->stats->pool[p->service->number];
	const struct members *m = &p->members;
	uint64_t oldest = USEC_NEVER;
	const struct entry *e;

	if (p->state != POOL_SERVING)
		return;
	TAILQ_FOREACH(e, &m->list, handler.next)
		oldest = e->started_usec < oldest ? e->started_usec : oldest;
	s->oldest_usec = oldest == USEC_NEVER ? 0 : oldest;
	s->processes = m->all;
	s->busy = m->leased;
	s->idle = m->idle;
	s->waiting = p->wants.all;
	s->started = p->started;
	s->died = p->died;
	s->recycled = p->recycled;
	s->is_failing = pool_is_failing(p);
	s->last = p->last;
	s->words = p->words;
	s->last_usec = p->last_usec;
	s->failing_usec = pool_is_failing(p) ? p->failing_usec : 0;
	s->retry_usec = pool_is_failing(p) ? p->retry_usec : 0;
}

static void
pool_dissolve(struct pool *p)
{
	uint64_t now = clock_usec(), due = USEC_NEVER;
	struct entry *e, *next;

	lending_expire(p, now);
	for (e = TAILQ_FIRST(&p->members.list); e != NULL; e = next) {
		next = TAILQ_NEXT(e, handler.next);
		if (e->handler.state != HANDLER_LEASED) {
			handler_end(e);
			continue;
		}
		handler_recall(e);
		due = sooner(due, handler_expiry(e));
	}
	lending_refuse(p);
	if (p->members.all == 0 && p->wants.n_refused == 0)
		pool_close(p);
	else
		loop_arm(&p->broker->loop, &p->timer,
		    p->wants.n_refused > 0 ? sooner(due, now + POOL_SOON_USEC) : due);
}

void
pool_advance(struct pool *p)
{
	uint64_t now = clock_usec();

	if (p->state == POOL_RETIRED) {
		pool_dissolve(p);
		return;
	}
	lending_expire(p, now);
	pool_hasten(p, now);
	renewal_advance(p, pool_is_to_learn(p, now));
	pool_weigh(p, now);
	pool_age(p, now);
	poolsize_shrink(p, now);
	pool_recover(p, now);
	poolsize_fill(p, now);
	poolsize_relieve(p);
	lending_probe(p);
	lending_grant(p);
	lending_recall(p, now);
	lending_refuse(p);
	pool_arm(p, now);
	pool_publish(p);
	renewal_tell(p);
}

/* ----------------------------------------------------- a new one instead --- */

bool
pool_has_risen(const struct pool *p)
{
	const struct service_pool *s = &p->service->pool;
	uint64_t now = clock_usec();
	struct entry *e;
	uint32_t n = 0;

	TAILQ_FOREACH(e, &p->members.list, handler.next)
		n += e->handler.state == HANDLER_IDLE &&
		    (s->ping || now - e->started_usec >= SETTLED_USEC);
	return n >= s->min;
}

void
pool_retire(struct pool *p)
{
	renewal_cut(p);
	p->state = POOL_RETIRED;
	pool_touch(p);
}

static void
add_history(struct pool *p, uint64_t started, uint64_t died, uint64_t recycled)
{
	p->started += started;
	p->died += died;
	p->recycled += recycled;
}

void
pool_inherit(struct pool *heir, struct pool *old)
{
	wants_inherit(&heir->wants, &old->wants);
	/* The service may have lost the door of some of these workers. */
	for (uint16_t slot = 0; slot < BROKER_MAX_LINKS; slot++) {
		if (!link_has_door(&heir->broker->links[slot], heir->service))
			wants_refuse_one(&heir->wants, slot);
	}
	add_history(heir, old->started, old->died, old->recycled);
	if (heir->last_usec == 0) {
		heir->last = old->last;
		heir->words = old->words;
		heir->last_usec = old->last_usec;
	}
}

void
pool_resume(struct pool *p, const struct pool_stats *before)
{
	add_history(p, before->started, before->died, before->recycled);
	p->last = before->last;
	p->words = before->words;
	p->last_usec = before->last_usec;
}
