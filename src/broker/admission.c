/* SPDX-License-Identifier: ISC */
/* Lanes of tickets: which request starts, which waits, and which is refused. */
#include "config.h"

#include "broker/admission.h"

#include <string.h>

static int
lane_compare(const struct lane *a, const struct lane *b)
{
	return strcmp(a->name, b->name);
}

static int
lock_compare(const struct ticket *a, const struct ticket *b)
{
	return memcmp(a->lock.bytes, b->lock.bytes, sizeof(a->lock.bytes));
}

RB_PROTOTYPE_INTERNAL(lane_tree, lane, node, lane_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(lane_tree, lane, node, lane_compare,
    __attribute__((unused)) static)
RB_PROTOTYPE_INTERNAL(ticket_locks, ticket, node, lock_compare,
    __attribute__((unused)) static)
RB_GENERATE_INTERNAL(ticket_locks, ticket, node, lock_compare,
    __attribute__((unused)) static)

void
admission_init(struct admission *a, struct lane *pool, struct share *held, size_t n)
{
	*a = (struct admission){ .pool = pool, .n_pool = n, .n_places = n };
	shares_init(&a->shares, held, 2 * n, sizeof(*held));
	RB_INIT(&a->lanes);
	TAILQ_INIT(&a->ready);
	TAILQ_INIT(&a->free);
}

static struct lane *
lane_find(struct admission *a, const char *name)
{
	struct lane key;

	if (strlcpy(key.name, name, sizeof(key.name)) >= sizeof(key.name))
		return NULL;
	return RB_FIND(lane_tree, &a->lanes, &key);
}

const struct lane *
admission_lane(struct admission *a, const char *name)
{
	return lane_find(a, name);
}

const struct lane *
admission_next_lane(struct admission *a, const struct lane *l)
{
	return l == NULL ? RB_MIN(lane_tree, &a->lanes) :
	    RB_NEXT(lane_tree, &a->lanes, (struct lane *)(uintptr_t)l);
}

static struct lane *
lane_open(struct admission *a, const char *name)
{
	struct lane *l = TAILQ_FIRST(&a->free);

	if (strlen(name) >= sizeof(l->name))
		return NULL;
	if (l != NULL)
		TAILQ_REMOVE(&a->free, l, next);
	else if (a->n_touched < a->n_pool)
		l = &a->pool[a->n_touched++];
	else
		return NULL;

	*l = (struct lane){ .number = ++a->n_lanes };
	(void)strlcpy(l->name, name, sizeof(l->name));
	TAILQ_INIT(&l->queue);
	RB_INIT(&l->locks);
	if (RB_INSERT(lane_tree, &a->lanes, l) == NULL)
		return l;
	TAILQ_INSERT_HEAD(&a->free, l, next);
	return NULL;
}

static void
lane_close_if_idle(struct admission *a, struct lane *l)
{
	if (l->running > 0 || l->waiting > 0 || l->attached > 0)
		return;
	if (l->is_ready)
		TAILQ_REMOVE(&a->ready, l, next);
	RB_REMOVE(lane_tree, &a->lanes, l);
	TAILQ_INSERT_HEAD(&a->free, l, next);
}

static void
lane_set_ready(struct admission *a, struct lane *l)
{
	if (l->is_ready || l->waiting == 0)
		return;
	l->is_ready = true;
	TAILQ_INSERT_TAIL(&a->ready, l, next);
}

static void
lane_set_limits(struct admission *a, struct lane *l, struct lane_limits limits)
{
	if (limits.concurrency > l->limits.concurrency)
		lane_set_ready(a, l);
	l->limits = limits;
}

static bool
lane_has_room(struct lane *l, struct ticket *t)
{
	if (l->running >= l->limits.concurrency)
		return false;
	return digest_is_none(&t->lock) || RB_FIND(ticket_locks, &l->locks, t) == NULL;
}

static void
lane_run(struct admission *a, struct lane *l, struct ticket *t)
{
	t->waiting = false;
	l->running++;
	a->running++;
	/*
	 * A ticket that is not in the tree must not be taken out of it later,
	 * so it drops its lock here.
	 */
	if (!digest_is_none(&t->lock) && RB_INSERT(ticket_locks, &l->locks, t) != NULL)
		t->lock = (struct digest){ 0 };
}

/* -------------------------------------------------------------- shares --- */

/* Places that are free for tickets. */
static uint64_t
free_places(const struct admission *a)
{
	size_t used = admission_count(a) + a->n_taken;

	return used < a->n_places ? a->n_places - used : 0;
}

/* QUEUE if the ticket may have a place at all: neither its party nor its service has too many. */
static enum admission_verdict
may_enter(struct admission *a, const struct lane *l, const struct ticket *t)
{
	uint64_t free = free_places(a);

	if (!digest_is_none(&t->party) &&
	    !share_allows(shares_count(&a->shares, &t->party, 0), free, 1))
		return ADMISSION_CROWDED_PARTY;
	return share_allows((uint64_t)l->running + l->waiting + l->attached, free, 1) ?
	    ADMISSION_QUEUE : ADMISSION_CROWDED_SERVICE;
}

/* QUEUE if the ticket may wait in the queue of the lane. */
static enum admission_verdict
may_wait(struct admission *a, const struct lane *l, const struct ticket *t, uint32_t queue)
{
	uint32_t waits = l->waiting + l->attached;

	if (waits >= queue)
		return ADMISSION_REFUSE;
	if (!digest_is_none(&t->party) &&
	    !share_allows(shares_count(&a->shares, &t->party, l->number), queue - waits, 1))
		return ADMISSION_CROWDED_QUEUE;
	return ADMISSION_QUEUE;
}

static void
take_seat(struct admission *a, const struct lane *l, struct ticket *t)
{
	if (!digest_is_none(&t->party))
		t->seat = shares_get(&a->shares, &t->party, l->number);
}

static void
leave_seat(struct admission *a, struct ticket *t)
{
	t->seat = shares_put(&a->shares, t->seat);
}

/* Holds a ticket of which a place has been granted. */
static void
lane_enter(struct admission *a, struct lane *l, struct ticket *t)
{
	t->lane = l;
	if (!digest_is_none(&t->party))
		t->place = shares_get(&a->shares, &t->party, 0);
}

/* -------------------------------------------------------------- asking --- */

static enum admission_verdict
lane_ask(struct admission *a, struct lane *l, struct ticket *t)
{
	enum admission_verdict v = may_enter(a, l, t);

	if (v != ADMISSION_QUEUE)
		return v;
	/*
	 * A new request overtakes no other. Unless the lane is ready, every
	 * ticket in it waits either for room, of which the new request has none
	 * either, or for a lock that the new request does not want.
	 */
	if (!l->is_ready && lane_has_room(l, t)) {
		lane_enter(a, l, t);
		lane_run(a, l, t);
		return ADMISSION_START;
	}
	v = may_wait(a, l, t, l->limits.queue);
	if (v != ADMISSION_QUEUE)
		return v;
	lane_enter(a, l, t);
	take_seat(a, l, t);
	t->waiting = true;
	TAILQ_INSERT_TAIL(&l->queue, t, next);
	l->waiting++;
	a->waiting++;
	return ADMISSION_QUEUE;
}

static enum admission_verdict
lane_attach(struct admission *a, struct lane *l, struct ticket *t)
{
	enum admission_verdict v = may_enter(a, l, t);

	if (v == ADMISSION_QUEUE)
		v = may_wait(a, l, t, l->limits.queue);
	if (v != ADMISSION_QUEUE)
		return v;
	lane_enter(a, l, t);
	take_seat(a, l, t);
	t->attached = true;
	l->attached++;
	a->attached++;
	return v;
}

/* A function of this type asks a lane for a place for a ticket. */
typedef enum admission_verdict lane_fn(struct admission *a, struct lane *l, struct ticket *t);

/* Asks the lane of that name, which is there only while a ticket is in it. */
static enum admission_verdict
lane_of(struct admission *a, const char *name, struct lane_limits limits, struct ticket *t,
    lane_fn *ask)
{
	struct lane *l = lane_find(a, name);
	enum admission_verdict v;

	if (l == NULL)
		l = lane_open(a, name);
	if (l == NULL)
		return ADMISSION_REFUSE;
	lane_set_limits(a, l, limits);
	v = ask(a, l, t);
	lane_close_if_idle(a, l);
	return v;
}

enum admission_verdict
admission_ask(struct admission *a, const char *name, struct lane_limits limits,
    struct ticket *t)
{
	return lane_of(a, name, limits, t, lane_ask);
}

enum admission_verdict
admission_attach(struct admission *a, const char *name, struct lane_limits limits,
    struct ticket *t)
{
	return lane_of(a, name, limits, t, lane_attach);
}

void
admission_leave(struct admission *a, struct ticket *t)
{
	struct lane *l = t->lane;

	if (l == NULL)
		return;
	t->lane = NULL;
	t->place = shares_put(&a->shares, t->place);
	leave_seat(a, t);
	if (t->attached) {
		l->attached--;
		a->attached--;
	} else if (t->waiting) {
		TAILQ_REMOVE(&l->queue, t, next);
		l->waiting--;
		a->waiting--;
	} else {
		if (!digest_is_none(&t->lock))
			RB_REMOVE(ticket_locks, &l->locks, t);
		l->running--;
		a->running--;
		lane_set_ready(a, l);
	}
	lane_close_if_idle(a, l);
}

bool
admission_is_locked(struct admission *a, const char *name, struct ticket *t)
{
	struct lane *l = t->lane != NULL ? t->lane : lane_find(a, name);
	struct ticket *holder;

	if (l == NULL || digest_is_none(&t->lock))
		return false;
	holder = RB_FIND(ticket_locks, &l->locks, t);
	return holder != NULL && holder != t;
}

struct ticket *
admission_next_locked(const struct ticket *t, struct ticket *other)
{
	if (digest_is_none(&t->lock))
		return NULL;
	other = other != NULL ? TAILQ_NEXT(other, next) : TAILQ_FIRST(&t->lane->queue);
	while (other != NULL && !digest_eq(&other->lock, &t->lock))
		other = TAILQ_NEXT(other, next);
	return other;
}

void
admission_set_limits(struct admission *a, const char *name, struct lane_limits limits)
{
	struct lane *l = lane_find(a, name);

	if (l != NULL)
		lane_set_limits(a, l, limits);
}

static struct ticket *
lane_next(struct lane *l)
{
	struct ticket *t;

	if (l->running >= l->limits.concurrency)
		return NULL;
	TAILQ_FOREACH(t, &l->queue, next) {
		if (lane_has_room(l, t))
			return t;
	}
	return NULL;
}

struct ticket *
admission_next(struct admission *a)
{
	struct lane *l = TAILQ_FIRST(&a->ready);

	while (l != NULL) {
		struct ticket *t = lane_next(l);

		if (t != NULL) {
			TAILQ_REMOVE(&l->queue, t, next);
			l->waiting--;
			a->waiting--;
			leave_seat(a, t);
			lane_run(a, l, t);
			return t;
		}
		TAILQ_REMOVE(&a->ready, l, next);
		l->is_ready = false;
		l = TAILQ_FIRST(&a->ready);
	}
	return NULL;
}
