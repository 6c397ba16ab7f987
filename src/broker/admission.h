/* SPDX-License-Identifier: ISC */
/*
 * admission: decides which request may start, which waits and which is refused.
 *
 * Pure policy over names, counts and digests: no clock, no descriptor, no
 * process. A lane holds all that is known of one service, and exists only while
 * something of that service runs or waits. A lane is found by name, so it
 * outlives a reload of the configuration.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include "base/digest.h"
#include "base/share.h"
#include "conf/conf.h"

struct lane;

/* One request's place, embedded in the request. */
struct ticket {
	struct lane *lane;		/* NULL: neither runs nor waits */
	struct digest lock;		/* all zero: no lock */
	struct digest party;		/* all zero: nobody, who is not counted */
	struct share *place, *seat;	/* of the party: among all tickets; in the queue */
	bool waiting;
	bool attached;
	TAILQ_ENTRY(ticket) next;	/* waiting: in order of arrival */
	RB_ENTRY(ticket) node;		/* running with a lock: by lock */
};

TAILQ_HEAD(ticket_queue, ticket);
RB_HEAD(ticket_locks, ticket);

struct lane_limits {
	uint32_t concurrency;
	uint32_t queue;
};

/* The limits of a service: one that is paused starts nothing. */
static inline struct lane_limits
lane_limits_of(const struct service *s)
{
	return (struct lane_limits){ s->state == SERVICE_PAUSED ? 0 : s->concurrency, s->queue };
}

struct lane {
	char name[SERVICE_NAME_MAX + 1];
	struct lane_limits limits;
	uint32_t running;
	uint32_t waiting;
	uint32_t attached;
	uint64_t number;		/* of this lane, never of another */
	struct ticket_queue queue;
	struct ticket_locks locks;
	RB_ENTRY(lane) node;
	TAILQ_ENTRY(lane) next;		/* ready, or free */
	bool is_ready;			/* something may be able to start */
};

RB_HEAD(lane_tree, lane);
TAILQ_HEAD(lane_list, lane);

struct admission {
	struct lane *pool;
	size_t n_pool;
	size_t n_touched;	/* lanes of pool ever used; the rest stays untouched */
	struct lane_tree lanes;
	struct lane_list ready;
	struct lane_list free;
	uint32_t running;
	uint32_t waiting;
	uint32_t attached;
	uint64_t n_lanes;	/* opened so far */
	size_t n_places;	/* of all tickets, and of others */
	size_t n_taken;		/* places that others than tickets have; set by the owner */
	struct shares shares;	/* of each party: places (of 0), seats (of a lane) */
};

enum admission_verdict {
	ADMISSION_START,
	ADMISSION_QUEUE,
	ADMISSION_REFUSE,		/* the queue of the service is full */
	ADMISSION_CROWDED_QUEUE,	/* ... for this party */
	ADMISSION_CROWDED_PARTY,	/* the party has its share of all places */
	ADMISSION_CROWDED_SERVICE,	/* the service has its share of all places */
};

/*
 * pool is zeroed memory for n lanes, borrowed: as many as there are places for
 * tickets. held is the same for 2 * n shares.
 */
void admission_init(struct admission *a, struct lane *pool, struct share *held, size_t n);

/*
 * Asks for a request of the service of that name, whose limits are these now;
 * lock and party are set in the ticket. START and QUEUE hold the ticket until
 * admission_leave().
 */
enum admission_verdict admission_ask(struct admission *a, const char *name,
    struct lane_limits limits, struct ticket *t);

/*
 * Adds a request that waits for the result of another one: such a request never
 * runs, but takes a place in the queue. QUEUE, or the reason why it got none;
 * the ticket holds the place until admission_leave().
 */
enum admission_verdict admission_attach(struct admission *a, const char *name, struct lane_limits limits,
    struct ticket *t);

/* True if a request of that service, other than the ticket's own, runs with its lock. */
bool admission_is_locked(struct admission *a, const char *name, struct ticket *t);

/*
 * Takes a ticket whose request ended or stopped waiting out of its lane.
 * Harmless for a ticket that is in no lane.
 */
void admission_leave(struct admission *a, struct ticket *t);

/* Sets the limits of a new configuration, also for what runs and waits already. */
void admission_set_limits(struct admission *a, const char *name, struct lane_limits limits);

/* The lane of that name; NULL: nothing of that service runs or waits. */
const struct lane *admission_lane(struct admission *a, const char *name);

/* The lane behind l; NULL: the first. NULL: there is none. */
const struct lane *admission_next_lane(struct admission *a, const struct lane *l);

/* The number of tickets that have a place. */
static inline size_t
admission_count(const struct admission *a)
{
	return (size_t)a->running + a->waiting + a->attached;
}

/*
 * The next ticket behind t that waits for the lock with which t runs; other NULL: the
 * first. NULL: there is none.
 */
struct ticket *admission_next_locked(const struct ticket *t, struct ticket *other);

/*
 * The next waiting ticket that may start, which counts as running from now on;
 * NULL when there is none. The caller asks until NULL after anything changed.
 */
struct ticket *admission_next(struct admission *a);
