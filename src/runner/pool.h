/* SPDX-License-Identifier: ISC */
/*
 * pool: the warm processes of one service, and who gets them.
 *
 * Workers say how many they want. The pool starts 1, 2, 4 ... while somebody
 * waits, up to max; gives the one used last to the worker whose turn it is;
 * asks for one back when another worker has fewer; replaces what is worn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/backoff.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "runner/table.h"

struct link;
struct runner;

/* Serving ones, and those that take their place or leave. */
#define RUNNER_MAX_POOLS (2 * CONF_MAX_SERVICES)
#define POOL_MAX_LINKS (CONF_MAX_WORKERS + 1)

enum pool_state {
	POOL_FREE,
	POOL_RISING,	/* of a configuration that is prepared, not in force */
	POOL_SERVING,
	POOL_RETIRED,	/* its processes are leaving */
};

struct pool {
	struct runner *runner;
	enum pool_state state;
	struct conf *conf;		/* holds service */
	const struct service *service;
	struct entry_list members;	/* the one used last first */

	uint32_t wants[POOL_MAX_LINKS];	/* by worker: requests that wait there */
	uint32_t n_wants;
	bool owes_unable[POOL_MAX_LINKS];
	uint16_t turn;			/* the worker served last */
	uint16_t probe_turn;		/* ... asked last to ask */

	struct backoff backoff;
	uint64_t retry_usec;		/* no start before; 0: none failed */
	uint32_t failures;		/* without an answer from any, in a row */
	int last_status;		/* of the last that died unasked */
	int last_stage, last_error;	/* ... or could not be started */
	uint32_t growth;		/* how many the next step starts */
	uint64_t grown_usec;		/* when the last step was made */
	uint64_t weighed_usec;		/* when memory was looked at */
	uint64_t logged_usec;		/* when a death was last told of */
	uint64_t started, died, recycled;

	struct loop_timer timer;
	bool is_touched;
	TAILQ_ENTRY(pool) next_touched;
	TAILQ_ENTRY(pool) next;		/* all, or free */
};

TAILQ_HEAD(pool_list, pool);

struct pools {
	struct pool *slots;
	size_t n_slots, n_touched;
	struct pool_list free, all, touched;
	struct pool *serving[CONF_MAX_SERVICES];	/* by number in the current conf */
	uint32_t last_id;
};

/* slots is zeroed memory for n pools, borrowed. */
void pools_init(struct pools *all, struct pool *slots, size_t n);

/*
 * Starts what the next configuration has new or changed, to see whether it
 * comes up. 0 or -ENOMEM.
 */
int pools_prepare(struct runner *r, struct conf *next);

enum rising { RISING_DONE, RISING_WAIT, RISING_FAILED };

/* How far that has come; why says which service failed, and how. */
enum rising pools_rising(struct runner *r, char *why, size_t why_len);

/* They take over, r->current being what they are of. */
void pools_commit(struct runner *r);
void pools_abort(struct runner *r);

/* All of them leave. */
void pools_retire(struct runner *r);

/* A worker wants one more of this service. */
void pools_want(struct link *l, const char *service);

/* A worker has come, or gone. */
void pools_link_opened(struct runner *r);
void pools_link_closed(struct runner *r, uint16_t slot);

/* Does all that follows from what was touched. Once per turn of the loop. */
void pools_advance(struct runner *r);

/* ------------------------------------------------------- for handler.c --- */

/* Something about it has changed. */
void pool_touch(struct pool *p);

/* A member has answered for the first time: the service is well. */
void pool_proven(struct pool *p);

/* A worker had an answer from one that has ended meanwhile. */
void pools_vouch(struct runner *r, const char *service);

/* A process that a worker had found broken has ended, perhaps before that. */
void pool_learn(struct runner *r, const struct entry *e, int status);

/* A member ended unasked; was_proven: it had answered before. */
void pool_bereaved(struct pool *p, const struct entry *e, int status);
