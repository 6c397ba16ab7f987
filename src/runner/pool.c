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

#include "base/cleanup.h"
#include "base/clock.h"
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
#define SOON_USEC (10 * USEC_PER_MSEC)
/* A lease that was recalled comes back within this, unless its request is long. */
#define RECALL_USEC (20 * USEC_PER_MSEC)
/* Past all deadlines a worker has so long to say what became of a lease. */
#define WORKER_SLACK_USEC (10 * USEC_PER_SEC)
#define STEPS_MAX 256	/* in one turn of the loop */
#define WANTS_MAX (4u << 20)

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

void
pools_init(struct pools *all, struct pool *slots, size_t n)
{
	*all = (struct pools){ .slots = slots, .n_slots = n };
	TAILQ_INIT(&all->free);
	TAILQ_INIT(&all->all);
	TAILQ_INIT(&all->touched);
}

static struct pool *
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

/* The pool in force for a service of this name, or NULL. */
static struct pool *
pool_serving(struct runner *r, const char *name)
{
	const struct service *s;

	if (r->current == NULL)
		return NULL;
	s = conf_find_service(r->current, name, strlen(name));
	return s == NULL ? NULL : r->pools.serving[s->number];
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
pools_vouch(struct runner *r, const char *service)
{
	struct pool *p = pool_serving(r, service);

	if (p != NULL)
		pool_proven(p);
}

void
pool_learn(struct runner *r, const struct entry *e, int status)
{
	struct pool *p = pool_serving(r, e->service->name);
	bool by_us = WIFSIGNALED(status) &&
	    (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL);

	if (p == NULL || by_us || p->last_status != POOL_NO_STATUS)
		return;
	p->last_status = status;
	p->last_stage = e->ended.stage;
	p->last_error = e->ended.error;
	pool_touch(p);
}

/* In words: "exit status 1 before its first answer". */
static void
describe_death(const struct pool *p, bool was_proven, char *ret, size_t len)
{
	const char *when = was_proven ? "" : " before its first answer";

	if (p->last_stage != STAGE_NONE)
		(void)snprintf(ret, len, "cannot be started: %s: %s",
		    start_stage_name((unsigned)p->last_stage), strerror(p->last_error));
	else if (p->last_status == POOL_NO_STATUS)
		(void)snprintf(ret, len, "no proper answer");
	else if (WIFSIGNALED(p->last_status))
		(void)snprintf(ret, len, "ended by signal %d%s", WTERMSIG(p->last_status), when);
	else if (WEXITSTATUS(p->last_status) != 0 || !was_proven)
		(void)snprintf(ret, len, "exit status %d%s", WEXITSTATUS(p->last_status), when);
	else
		(void)snprintf(ret, len, "of no more use");
}

/* None has answered since: the next start waits, longer each time. */
static void
pool_delay(struct pool *p)
{
	uint64_t now = clock_usec();

	p->retry_usec = now + backoff_after_death(&p->backoff, false, now, arc4random());
	p->failures++;
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
	describe_death(p, e->handler.is_proven, why, sizeof(why));
	log_event(LOG_EVENT_HANDLER_DIED, LOG_WARNING, "service %s: handler (%d): %s",
	    p->service->name, (int)e->session, why);
}

void
pool_bereaved(struct pool *p, const struct entry *e, int status)
{
	bool was_proven = e->handler.is_proven;
	bool by_itself = e->pid == 0;		/* else a worker found it broken */

	p->died++;
	p->last_status = by_itself ? status : POOL_NO_STATUS;
	p->last_stage = e->ended.stage;
	p->last_error = e->ended.error;
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
			p->last_stage = STAGE_FORK;
			p->last_error = -r;
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

/* Starts what is missing: up to min always, and step by step up to max. */
static void
pool_fill(struct pool *p, uint64_t now)
{
	const struct service_pool *s = &p->service->pool;
	struct census n = pool_census(p);
	uint32_t enough = s->min > 0 ? s->min : 1;
	uint32_t lacking = p->n_wants > n.idle ? p->n_wants - n.idle : 0;

	if (now < p->retry_usec)
		return;
	if (is_failing(p)) {
		/* One at a time, to see whether it is well again. */
		if (n.coming == 0 && n.all < s->max && n.unproven == 0)
			pool_start(p, 1);
		return;
	}
	/* While one that is worn is replaced, there may be one more than max. */
	if (n.worn > 0 && n.all - n.worn < enough && n.all <= s->max)
		pool_start(p, 1);
	if (n.all < s->min)
		pool_start(p, s->min - n.all);
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
	uint32_t enough = s->min > 0 ? s->min : 1;
	struct census n = pool_census(p);
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&p->members); e != NULL && n.worn > 0; e = next) {
		next = TAILQ_NEXT(e, handler.next);
		if (!e->handler.is_worn ||
		    (n.idle + n.leased - n.worn < enough && (n.all <= s->max || n.coming > 0)))
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
	CLEANUP_CLOSE int fd = -1;
	unsigned long total, resident;
	char text[128];
	ssize_t n;

	(void)snprintf(text, sizeof(text), "/proc/%d/statm", (int)pid);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
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
		log_warn("service %s: worker %u does not give back handler (%d)", p->service->name,
		    e->link->slot, (int)e->session);
		handler_end(e);
	}
}

/* There is no hope for those who wait. */
static void
pool_tell_unable(struct pool *p)
{
	struct runner *r = p->runner;
	struct census n = pool_census(p);
	struct frame f = { .type = FRAME_UNABLE };

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
		(void)strlcpy(f.lease.service, p->service->name, sizeof(f.lease.service));
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
		due = sooner(due, now + SOON_USEC);
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

static void
pool_publish(struct pool *p)
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
	s->last_status = p->last_status;
	s->last_stage = p->last_stage;
	s->last_error = p->last_error;
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
		    owes_anything(p) ? sooner(due, now + SOON_USEC) : due);
}

static void
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

void
pools_advance(struct runner *r)
{
	struct pool *p;

	/* One step may call for the next; what never settles waits a little. */
	for (size_t i = 0; i < STEPS_MAX && (p = TAILQ_FIRST(&r->pools.touched)) != NULL; i++) {
		TAILQ_REMOVE(&r->pools.touched, p, next_touched);
		p->is_touched = false;
		pool_advance(p);
	}
	p = TAILQ_FIRST(&r->pools.touched);
	if (p != NULL)
		loop_arm(&r->loop, &p->timer, clock_usec() + SOON_USEC);
}

/* ---------------------------------------------------------- what is asked --- */

void
pools_want(struct link *l, const char *service)
{
	struct runner *r = l->runner;
	struct pool *p = pool_serving(r, service);
	struct frame f = { .type = FRAME_UNABLE, .slot = l->slot };

	if (p == NULL || r->is_draining) {
		(void)strlcpy(f.lease.service, service, sizeof(f.lease.service));
		(void)link_answer(l, &f);
		return;
	}
	/* No worker has more calls than this. */
	if (p->wants[l->slot] >= WANTS_MAX)
		return;
	p->wants[l->slot]++;
	p->n_wants++;
	pool_touch(p);
}

void
pools_link_opened(struct runner *r)
{
	struct pool *p;

	TAILQ_FOREACH(p, &r->pools.all, next)
		pool_touch(p);
}

void
pools_link_closed(struct runner *r, uint16_t slot)
{
	struct pool *p;

	TAILQ_FOREACH(p, &r->pools.all, next) {
		p->n_wants -= p->wants[slot];
		p->wants[slot] = 0;
		p->owes_unable[slot] = false;
		pool_touch(p);
	}
}

/* ----------------------------------------------------------- transactions --- */

static struct pool *
find_rising(struct runner *r, const char *name)
{
	struct pool *p;

	TAILQ_FOREACH(p, &r->pools.all, next) {
		if (p->state == POOL_RISING && strcmp(p->service->name, name) == 0)
			return p;
	}
	return NULL;
}

int
pools_prepare(struct runner *r, struct conf *next)
{
	/* At the first there is nothing to go on with, should it not come up. */
	if (r->current == NULL)
		return 0;
	for (size_t i = 0; i < next->n_services; i++) {
		const struct service *s = &next->services[i];
		struct pool *now = pool_serving(r, s->name);

		if (s->handler == NULL || s->pool.min == 0 ||
		    (now != NULL && conf_service_equal(now->service, s)))
			continue;
		if (pool_open(r, next, s, POOL_RISING) == NULL) {
			pools_abort(r);
			return -ENOMEM;
		}
	}
	return 0;
}

static bool
has_risen(const struct pool *p)
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

enum rising
pools_rising(struct runner *r, char *why, size_t why_len)
{
	enum rising all = RISING_DONE;
	struct pool *p;

	TAILQ_FOREACH(p, &r->pools.all, next) {
		char death[160];

		if (p->state != POOL_RISING)
			continue;
		if (p->died > 0 || p->failures > 0) {
			describe_death(p, false, death, sizeof(death));
			(void)snprintf(why, why_len, "the handler of service '%.40s': %s",
			    p->service->name, death);
			return RISING_FAILED;
		}
		if (!has_risen(p))
			all = RISING_WAIT;
	}
	return all;
}

static void
pool_retire(struct pool *p)
{
	p->state = POOL_RETIRED;
	pool_touch(p);
}

void
pools_abort(struct runner *r)
{
	struct pool *p;

	TAILQ_FOREACH(p, &r->pools.all, next) {
		if (p->state == POOL_RISING)
			pool_retire(p);
	}
}

/* Who waits for the old waits for the new. */
static void
pool_inherit(struct pool *heir, struct pool *old)
{
	for (size_t i = 0; i < POOL_MAX_LINKS; i++) {
		heir->wants[i] += old->wants[i];
		old->wants[i] = 0;
	}
	heir->n_wants += old->n_wants;
	old->n_wants = 0;
}

/* The pool that is to serve s from now on; NULL: none can be had. */
static struct pool *
pool_for(struct runner *r, const struct service *s, struct pool *old)
{
	struct pool *p;

	if (old != NULL && conf_service_equal(old->service, s)) {
		struct conf *before = old->conf;

		old->conf = conf_ref(r->current);
		old->service = s;
		(void)conf_unref(before);
		return old;
	}
	p = find_rising(r, s->name);
	if (p != NULL)
		p->state = POOL_SERVING;
	else
		p = pool_open(r, r->current, s, POOL_SERVING);
	if (p == NULL)
		log_err("service %s: too many pools, it has none", s->name);
	else if (old != NULL)
		pool_inherit(p, old);
	return p;
}

void
pools_commit(struct runner *r)
{
	struct pool *serving[CONF_MAX_SERVICES] = { NULL }, *p;

	memset(r->stats->pool, 0, sizeof(r->stats->pool));
	for (size_t i = 0; i < r->current->n_services; i++) {
		const struct service *s = &r->current->services[i];
		struct pool *old = NULL;

		if (s->handler == NULL)
			continue;
		TAILQ_FOREACH(p, &r->pools.all, next) {
			if (p->state == POOL_SERVING && strcmp(p->service->name, s->name) == 0)
				old = p;
		}
		serving[i] = pool_for(r, s, old);
	}
	memcpy(r->pools.serving, serving, sizeof(serving));
	TAILQ_FOREACH(p, &r->pools.all, next) {
		bool stays = p->state == POOL_SERVING && serving[p->service->number] == p &&
		    p->conf == r->current;

		if (!stays && p->state != POOL_RETIRED)
			pool_retire(p);
		pool_touch(p);
	}
}

void
pools_retire(struct runner *r)
{
	struct pool *p;

	TAILQ_FOREACH(p, &r->pools.all, next)
		pool_retire(p);
	memset(r->pools.serving, 0, sizeof(r->pools.serving));
}
