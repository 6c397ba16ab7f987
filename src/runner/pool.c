/* SPDX-License-Identifier: ISC */
/* No allocation: this runs in the runner. */
#include "config.h"

#include "runner/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ipc/logrec.h"
#include "runner/handler.h"
#include "runner/link.h"
#include "runner/runner.h"

/* More is started only when what was started last has had so long to help. */
#define GROWTH_USEC (20 * USEC_PER_MSEC)
/* A process that says nothing of itself is taken for well after so long. */
#define SETTLED_USEC (250 * USEC_PER_MSEC)
/* So many in a row that did not answer once, and the service is out of order. */
#define FAILURES 3
#define WEIGH_USEC (5 * USEC_PER_SEC)
/* A lease that was recalled comes back within this, unless its request is long. */
#define RECALL_USEC (20 * USEC_PER_MSEC)
/* A process that a worker found silent has often ended, and so soon says how. */
#define LEARN_USEC (100 * USEC_PER_MSEC)
/* Past all deadlines a worker has so long to say what became of a lease. */
#define WORKER_SLACK_USEC (10 * USEC_PER_SEC)

static bool
is_failing(const struct pool *p)
{
	return p->failures >= FAILURES;
}

/* -------------------------------------------------------------- members --- */

struct census {
	uint32_t coming;	/* NEW or PROBED */
	uint32_t idle;
	uint32_t leased;
	uint32_t worn;
	uint32_t unproven;	/* may still turn out to be of no use */
	uint32_t all;
};

static struct census
pool_census(const struct pool *p)
{
	struct census n = { 0 };
	struct entry *e;

	TAILQ_FOREACH(e, &p->members, handler.next) {
		const struct handler *h = &e->handler;

		n.all++;
		n.worn += h->is_worn && (h->state == HANDLER_IDLE || h->state == HANDLER_LEASED);
		n.unproven += !h->is_proven;
		n.idle += h->state == HANDLER_IDLE;
		n.leased += h->state == HANDLER_LEASED;
		n.coming += h->state == HANDLER_NEW || h->state == HANDLER_PROBED;
	}
	return n;
}

static struct entry *
find_member(const struct pool *p, enum handler_state state)
{
	struct entry *e;

	TAILQ_FOREACH(e, &p->members, handler.next) {
		if (e->handler.state == state)
			return e;
	}
	return NULL;
}

/* An idle one, one that is not worn if possible. */
static struct entry *
find_idle(const struct pool *p)
{
	struct entry *e, *worn = NULL;

	TAILQ_FOREACH(e, &p->members, handler.next) {
		if (e->handler.state != HANDLER_IDLE)
			continue;
		if (!e->handler.is_worn)
			return e;
		worn = e;
	}
	return worn;
}

/* --------------------------------------------------------- life of a pool --- */

static void on_pool_due(struct loop_timer *t);

struct pool *
pool_open(struct runner *r, struct conf *conf, const struct service *s, enum pool_state state)
{
	struct pools *all = &r->pools;
	struct pool *p = TAILQ_FIRST(&all->free);

	if (p != NULL)
		TAILQ_REMOVE(&all->free, p, next);
	else if (all->n_touched < all->n_slots)
		p = &all->slots[all->n_touched++];
	else
		return NULL;
	*p = (struct pool){
		.runner = r, .state = state, .conf = conf_ref(conf), .service = s, .growth = 1,
		.timer.fn = on_pool_due,
	};
	TAILQ_INIT(&p->members);
	TAILQ_INSERT_TAIL(&all->all, p, next);
	pool_touch(p);
	return p;
}

static void
pool_close(struct pool *p)
{
	struct pools *all = &p->runner->pools;

	loop_disarm(&p->runner->loop, &p->timer);
	if (p->is_touched)
		TAILQ_REMOVE(&all->touched, p, next_touched);
	p->is_touched = false;
	p->conf = conf_unref(p->conf);
	p->state = POOL_FREE;
	TAILQ_REMOVE(&all->all, p, next);
	TAILQ_INSERT_HEAD(&all->free, p, next);
}

void
pool_touch(struct pool *p)
{
	if (p->is_touched)
		return;
	p->is_touched = true;
	TAILQ_INSERT_TAIL(&p->runner->pools.touched, p, next_touched);
}

static void
on_pool_due(struct loop_timer *t)
{
	pool_touch(CONTAINER_OF(t, struct pool, timer));
}

void
pool_proven(struct pool *p)
{
	if (is_failing(p))
		log_event(LOG_EVENT_HANDLER_BACK, LOG_NOTICE,
		    "service %s: its handler answers again", p->service->name);
	p->failures = 0;
	p->retry_usec = 0;
	p->backoff = (struct backoff){ 0 };
	pool_touch(p);
}

void
pool_learn(struct runner *r, const struct entry *e, int status)
{
	struct pool *p = pools_of(r, e->service);
	bool by_us = WIFSIGNALED(status) &&
	    (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL);

	if (p == NULL || by_us || p->last.status != DEATH_BROKEN)
		return;
	p->last.status = status;
	p->last.stage = e->ended.stage;
	p->last.error = e->ended.error;
	pool_touch(p);
}

bool
pool_is_to_learn(const struct pool *p, uint64_t now)
{
	return p->last.status == DEATH_BROKEN && p->state == POOL_RISING && p->died > 0 &&
	    now < p->last_usec + LEARN_USEC;
}

/* None has answered since: the next start waits, longer each time. */
static void
pool_delay(struct pool *p)
{
	uint64_t now = clock_usec();

	p->retry_usec = now + backoff_after_death(&p->backoff, false, now, arc4random());
	if (p->failures++ == 0)
		p->failing_usec = now;
	pool_touch(p);
}

static void
log_death(struct pool *p, const struct entry *e)
{
	uint64_t now = clock_usec();
	char why[160];

	if (now < p->logged_usec + USEC_PER_SEC)
		return;
	p->logged_usec = now;
	death_describe(&p->last, why, sizeof(why));
	log_event(LOG_EVENT_HANDLER_DIED, LOG_WARNING, "service %s: handler (%d): %s",
	    p->service->name, (int)e->session, why);
}

void
pool_bereaved(struct pool *p, const struct entry *e, int status)
{
	bool was_proven = e->handler.is_proven;
	bool by_itself = e->pid == 0;		/* else a worker found it broken */

	p->died++;
	p->last = (struct death){
		.status = by_itself ? status : DEATH_BROKEN,
		.stage = e->ended.stage, .error = e->ended.error, .was_proven = was_proven,
	};
	p->last_usec = clock_usec();
	pool_touch(p);
	/*
	 * One that has answered is started again at once: a program may retire,
	 * a request may be its end, and it was worth its start.
	 */
	if (!was_proven)
		pool_delay(p);
	if (!was_proven || (by_itself && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)))
		log_death(p, e);
}

/* ----------------------------------------------------------- its advance --- */

static void
pool_start(struct pool *p, uint32_t n)
{
	while (n-- > 0) {
		int r = handler_start(p);

		if (r < 0) {
			p->last = (struct death){ .stage = STAGE_FORK, .error = -r };
			p->last_usec = clock_usec();
			pool_delay(p);
			log_err("service %s: cannot start its handler: %s", p->service->name,
			    strerror(-r));
			return;
		}
	}
}

/* Each in turn, so that one that hangs does not hang all. */
static struct link *
next_open_link(struct runner *r, uint16_t *turn)
{
	for (size_t i = 0; i < POOL_MAX_LINKS; i++) {
		*turn = (uint16_t)((*turn + 1) % POOL_MAX_LINKS);
		if (link_is_open(&r->links[*turn]))
			return &r->links[*turn];
	}
	return NULL;
}

/* Asks the new whether they answer, as soon as there is a worker to ask. */
static void
pool_probe(struct pool *p)
{
	struct runner *r = p->runner;
	struct entry *e;

	while ((e = find_member(p, HANDLER_NEW)) != NULL) {
		struct link *l = next_open_link(r, &p->probe_turn);

		if (l == NULL)
			return;
		handler_lease(e, l, true);
	}
}

/* The next worker in turn that wants one. */
static uint16_t
next_in_turn(struct pool *p)
{
	do {
		p->turn = (uint16_t)((p->turn + 1) % POOL_MAX_LINKS);
	} while (p->wants[p->turn] == 0);
	return p->turn;
}

static void
pool_grant(struct pool *p)
{
	struct entry *e;

	while (p->n_wants > 0 && (e = find_idle(p)) != NULL) {
		uint16_t slot = next_in_turn(p);

		p->wants[slot]--;
		p->n_wants--;
		handler_lease(e, &p->runner->links[slot], false);
	}
	if (p->n_wants == 0)
		p->growth = 1;
}

/* So many that are not worn let a worn one go. */
static uint32_t
enough(const struct pool *p)
{
	return p->service->pool.min > 0 ? p->service->pool.min : 1;
}

/* Starts what is missing: up to min always, and step by step up to max. */
static void
pool_fill(struct pool *p, uint64_t now)
{
	const struct service_pool *s = &p->service->pool;
	struct census n = pool_census(p);
	uint32_t lacking;

	if (now < p->retry_usec)
		return;
	if (is_failing(p)) {
		/* One at a time, to see whether it is well again. */
		if (n.coming == 0 && n.all < s->max && n.unproven == 0)
			pool_start(p, 1);
		return;
	}
	/* While one that is worn is replaced, there may be one more than max. */
	if (n.worn > 0 && n.all - n.worn < enough(p) && n.all <= s->max) {
		pool_start(p, 1);
		n = pool_census(p);
	}
	if (n.all < s->min) {
		pool_start(p, s->min - n.all);
		n = pool_census(p);
	}
	lacking = p->n_wants > n.idle ? p->n_wants - n.idle : 0;
	if (lacking == 0 || n.coming > 0 || n.all >= s->max ||
	    (n.all > 0 && now < p->grown_usec + GROWTH_USEC))
		return;
	lacking = lacking < p->growth ? lacking : p->growth;
	pool_start(p, lacking < s->max - n.all ? lacking : s->max - n.all);
	p->grown_usec = now;
	if (p->growth < s->max)
		p->growth *= 2;
}

/*
 * A worn one may go when there are enough others; or in exchange for the one
 * that is beyond max.
 */
static void
pool_relieve(struct pool *p)
{
	const struct service_pool *s = &p->service->pool;
	struct census n = pool_census(p);
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&p->members); e != NULL && n.worn > 0; e = next) {
		next = TAILQ_NEXT(e, handler.next);
		if (!e->handler.is_worn ||
		    (n.idle + n.leased - n.worn < enough(p) && (n.all <= s->max || n.coming > 0)))
			continue;
		if (e->handler.state == HANDLER_LEASED) {
			handler_recall(e);
			n.leased--;
		} else if (e->handler.state == HANDLER_IDLE) {
			p->recycled++;
			handler_end(e);
			n.idle--;
		} else {
			continue;
		}
		n.worn--;
		n.all--;
	}
}

static void
pool_shrink(struct pool *p, uint64_t now)
{
	const struct service_pool *s = &p->service->pool;
	struct census n = pool_census(p);
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&p->members); e != NULL; e = next) {
		next = TAILQ_NEXT(e, handler.next);
		if (s->age_usec != 0 && now - e->started_usec >= s->age_usec)
			e->handler.is_worn = true;
		if (e->handler.state != HANDLER_IDLE || n.idle + n.leased <= s->min ||
		    now - e->handler.since_usec < s->idle_usec)
			continue;
		n.idle--;
		handler_end(e);
	}
}

/* Bytes resident; 0: not to be known. */
static uint64_t
resident_bytes(pid_t pid)
{
	unsigned long total, resident;
	char path[64], text[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	(void)fd_read_text(AT_FDCWD, path, text, sizeof(text));
	if (sscanf(text, "%lu %lu", &total, &resident) != 2)
		return 0;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
pool_weigh(struct pool *p, uint64_t now)
{
	uint64_t limit = p->service->pool.memory;
	struct entry *e;

	if (limit == 0 || now < p->weighed_usec + WEIGH_USEC)
		return;
	p->weighed_usec = now;
	TAILQ_FOREACH(e, &p->members, handler.next) {
		if (resident_bytes(e->pid) > limit)
			e->handler.is_worn = true;
	}
}

/* Who waits with fewer than another has gets one of his. */
static void
pool_recall(struct pool *p, uint64_t now)
{
	uint32_t has[POOL_MAX_LINKS] = { 0 }, coming = 0;
	struct entry *e;

	if (p->n_wants == 0 || pool_census(p).all < p->service->pool.max)
		return;
	TAILQ_FOREACH(e, &p->members, handler.next) {
		const struct handler *h = &e->handler;

		/* One in a long request may not come back soon. */
		if (h->is_recalled)
			coming += now - h->recalled_usec < RECALL_USEC;
		else if (h->state == HANDLER_LEASED)
			has[e->link->slot]++;
	}
	for (uint16_t slot = 0; slot < POOL_MAX_LINKS; slot++) {
		if (p->wants[slot] == 0 || (coming > 0 && coming-- > 0))
			continue;
		TAILQ_FOREACH_REVERSE(e, &p->members, entry_list, handler.next) {
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

/*
 * When a worker has kept it for longer than any request may take: it hangs,
 * and the process is ended. 0: there is no such time.
 */
static uint64_t
member_expiry(const struct entry *e)
{
	const struct service *s = e->service;

	if (e->handler.state == HANDLER_PROBED)
		return e->handler.since_usec + s->pool.start_timeout_usec + WORKER_SLACK_USEC;
	if (e->handler.state == HANDLER_LEASED && e->handler.is_recalled)
		return e->handler.recalled_usec + s->timeout_usec + WORKER_SLACK_USEC;
	return 0;
}

static void
pool_expire(struct pool *p, uint64_t now)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&p->members); e != NULL; e = next) {
		uint64_t expiry = member_expiry(e);

		next = TAILQ_NEXT(e, handler.next);
		if (expiry == 0 || now < expiry)
			continue;
		log_warn("service %s: worker %u does not give back handler (%d), "
		    "killing it", p->service->name, e->link->slot, (int)e->session);
		handler_end(e);
	}
}

/* UNABLE: why those who want one do not get one. */
static struct frame
unable_frame(const struct pool *p)
{
	struct frame f = { .type = FRAME_UNABLE };
	struct frame_unable *u = &f.unable;

	(void)strlcpy(u->service, p->service->name, sizeof(u->service));
	if (p->state == POOL_RETIRED) {
		u->reason = p->runner->is_draining ? UNABLE_STOPPING : UNABLE_GONE;
		return f;
	}
	u->reason = UNABLE_FAILING;
	u->death = p->last;
	u->retry_usec = p->retry_usec;
	return f;
}

/* There is no hope for those who wait. */
static void
pool_tell_unable(struct pool *p)
{
	struct runner *r = p->runner;
	struct census n = pool_census(p);
	struct frame f = unable_frame(p);

	for (uint16_t slot = 0; slot < POOL_MAX_LINKS; slot++) {
		if (p->wants[slot] > 0 && (p->state == POOL_RETIRED ||
		    (is_failing(p) && n.idle + n.leased == 0))) {
			p->owes_unable[slot] = true;
			p->n_wants -= p->wants[slot];
			p->wants[slot] = 0;
		}
		if (!p->owes_unable[slot])
			continue;
		f.slot = slot;
		if (!link_is_open(&r->links[slot]) || link_answer(&r->links[slot], &f))
			p->owes_unable[slot] = false;
	}
}

static bool
owes_anything(const struct pool *p)
{
	for (size_t i = 0; i < POOL_MAX_LINKS; i++) {
		if (p->owes_unable[i])
			return true;
	}
	return false;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return b != 0 && b < a ? b : a;
}

/* When something changes without anything happening. */
static void
pool_arm(struct pool *p, uint64_t now)
{
	const struct service_pool *s = &p->service->pool;
	struct census n = pool_census(p);
	uint64_t due = USEC_NEVER;
	struct entry *e;

	if (p->retry_usec > now)
		due = sooner(due, p->retry_usec);
	else if (p->n_wants > 0 && n.all < s->max)
		due = sooner(due, now + GROWTH_USEC);
	if (owes_anything(p))
		due = sooner(due, now + POOL_SOON_USEC);
	if (pool_is_to_learn(p, now))
		due = sooner(due, p->last_usec + LEARN_USEC);
	if (s->memory != 0 && n.all > 0)
		due = sooner(due, p->weighed_usec + WEIGH_USEC);
	TAILQ_FOREACH(e, &p->members, handler.next) {
		if (e->handler.state == HANDLER_IDLE && n.idle + n.leased > s->min)
			due = sooner(due, e->handler.since_usec + s->idle_usec);
		due = sooner(due, member_expiry(e));
		if (e->handler.is_recalled && p->n_wants > 0 &&
		    e->handler.recalled_usec + RECALL_USEC > now)
			due = sooner(due, e->handler.recalled_usec + RECALL_USEC);
		if (s->age_usec != 0 && !e->handler.is_worn)
			due = sooner(due, e->started_usec + s->age_usec);
		if (e->started_usec + SETTLED_USEC > now &&
		    !s->ping && (p->state == POOL_RISING || is_failing(p)))
			due = sooner(due, e->started_usec + SETTLED_USEC);
	}
	if (due == USEC_NEVER)
		loop_disarm(&p->runner->loop, &p->timer);
	else
		loop_arm(&p->runner->loop, &p->timer, due > now ? due : now + 1);
}

/* A failing service whose process stays is tried again. */
static void
pool_recover(struct pool *p, uint64_t now)
{
	struct entry *e;

	if (!is_failing(p) || p->service->pool.ping)
		return;
	TAILQ_FOREACH(e, &p->members, handler.next) {
		if (now - e->started_usec < SETTLED_USEC)
			continue;
		p->failures = FAILURES - 1;
		return;
	}
}

void
pool_publish(const struct pool *p)
{
	struct pool_stats *s = &p->runner->stats->pool[p->service->number];
	struct census n = pool_census(p);

	if (p->state != POOL_SERVING)
		return;
	s->processes = n.all;
	s->busy = n.leased;
	s->idle = n.idle;
	s->waiting = p->n_wants;
	s->started = p->started;
	s->died = p->died;
	s->recycled = p->recycled;
	s->is_failing = is_failing(p);
	s->last = p->last;
	s->last_usec = p->last_usec;
	s->failing_usec = is_failing(p) ? p->failing_usec : 0;
	s->retry_usec = is_failing(p) ? p->retry_usec : 0;
}

static void
pool_dissolve(struct pool *p)
{
	uint64_t now = clock_usec(), due = USEC_NEVER;
	struct entry *e, *next;

	pool_expire(p, now);
	for (e = TAILQ_FIRST(&p->members); e != NULL; e = next) {
		next = TAILQ_NEXT(e, handler.next);
		if (e->handler.state != HANDLER_LEASED) {
			handler_end(e);
			continue;
		}
		handler_recall(e);
		due = sooner(due, member_expiry(e));
	}
	pool_tell_unable(p);
	if (TAILQ_EMPTY(&p->members) && !owes_anything(p))
		pool_close(p);
	else
		loop_arm(&p->runner->loop, &p->timer,
		    owes_anything(p) ? sooner(due, now + POOL_SOON_USEC) : due);
}

void
pool_advance(struct pool *p)
{
	uint64_t now = clock_usec();

	if (p->state == POOL_RETIRED) {
		pool_dissolve(p);
		return;
	}
	pool_expire(p, now);
	pool_weigh(p, now);
	pool_shrink(p, now);
	pool_recover(p, now);
	pool_fill(p, now);
	pool_relieve(p);
	pool_probe(p);
	pool_grant(p);
	pool_recall(p, now);
	pool_tell_unable(p);
	pool_arm(p, now);
	pool_publish(p);
}

/* ----------------------------------------------------- a new one instead --- */

bool
pool_has_risen(const struct pool *p)
{
	const struct service_pool *s = &p->service->pool;
	uint64_t now = clock_usec();
	struct entry *e;
	uint32_t n = 0;

	TAILQ_FOREACH(e, &p->members, handler.next)
		n += e->handler.state == HANDLER_IDLE &&
		    (s->ping || now - e->started_usec >= SETTLED_USEC);
	return n >= s->min;
}

void
pool_retire(struct pool *p)
{
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
	for (size_t i = 0; i < POOL_MAX_LINKS; i++) {
		heir->wants[i] += old->wants[i];
		old->wants[i] = 0;
	}
	heir->n_wants += old->n_wants;
	old->n_wants = 0;
	add_history(heir, old->started, old->died, old->recycled);
	if (heir->last_usec == 0) {
		heir->last = old->last;
		heir->last_usec = old->last_usec;
	}
}

void
pool_resume(struct pool *p, const struct pool_stats *before)
{
	add_history(p, before->started, before->died, before->recycled);
	p->last = before->last;
	p->last_usec = before->last_usec;
}
