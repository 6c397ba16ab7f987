/* SPDX-License-Identifier: ISC */
/*
 * pool: the warm processes of one service, and which worker gets them.
 *
 * Workers say how many they want (wants). The pool starts 1, 2, 4 ... processes
 * while a worker waits, up to max, and replaces worn ones (poolsize). The pool
 * gives the process used last to the worker whose turn it is, and asks for one
 * back when another worker has fewer (lending).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/backoff.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/death.h"
#include "broker/members.h"
#include "broker/table.h"
#include "broker/wants.h"

struct pool_stats;
struct broker;

/* Time until a pool that failed in something, or does not settle, is looked at again. */
#define POOL_SOON_USEC (10 * USEC_PER_MSEC)
/* After so many processes in a row that never answered, the service is out of order. */
#define POOL_FAILURES 3

enum pool_state {
	POOL_FREE,
	POOL_RISING,	/* of a configuration that is prepared, not in force */
	POOL_SERVING,
	POOL_RETIRED,	/* the processes are leaving */
};

TAILQ_HEAD(pool_list, pool);

/* The processes there are being replaced, because somebody has asked for it. */
struct renewal {
	bool is_on;
	bool has_failed;		/* a new one has not come up */
	bool is_owed;			/* RESTARTED is still to be sent */
	uint64_t id;			/* of who has asked */
	uint32_t n;			/* so many there were, and are to stay */
};

struct pool {
	struct broker *broker;
	enum pool_state state;
	struct conf *conf;		/* holds service */
	const struct service *service;
	struct members members;
	struct wants wants;
	uint16_t probe_turn;		/* slot of the worker that probed last */

	struct backoff backoff;
	uint64_t retry_usec;		/* no start before then; 0: no start failed */
	uint32_t failures;		/* starts in a row of which no process answered */
	uint64_t failing_usec;		/* time of the first of these failures */
	struct death last;		/* of the last one that died unasked, or did not start */
	struct death_words words;	/* of the same process */
	uint64_t last_id;		/* id of that process */
	uint64_t last_usec;		/* time of that death */
	struct renewal renewal;
	uint32_t growth;		/* number of processes that the next step starts */
	uint64_t grown_usec;		/* when the last step was made */
	uint64_t weighed_usec;		/* when memory was looked at */
	uint64_t logged_usec;		/* time of the last log line on a death */
	uint64_t started, died, recycled;
	bool is_starved;		/* the next start waits for a kit */

	struct loop_timer timer;
	bool is_touched;
	struct pool_list *touched;	/* list of the touched pools */
	TAILQ_ENTRY(pool) next_touched;
	TAILQ_ENTRY(pool) next;		/* in the list of all, or of free pools */
};

/* ------------------------------------------------------------ for pools.c --- */

/* Opens a new pool, empty and touched. NULL: there are too many. */
struct pool *pool_open(struct broker *b, struct conf *conf, const struct service *s,
    enum pool_state state);

/* Does all that follows from the last changes. */
void pool_advance(struct pool *p);

/* True if as many processes are ready as the configuration keeps. */
bool pool_has_risen(const struct pool *p);

/* Workers that wait for the old pool wait for the heir, which also goes on with its counters. */
void pool_inherit(struct pool *heir, struct pool *old);

/* Goes on with the counters of a broker that is gone, as they stand on its page. */
void pool_resume(struct pool *p, const struct pool_stats *before);

/* Writes the counters of a pool that serves to the statistics page. */
void pool_publish(const struct pool *p);

/* Lets the processes of the pool leave; the pool goes with the last of them. */
void pool_retire(struct pool *p);

/* Events of handlers; see struct handler_events. */
void pool_start_failed(struct pool *p, int error);
void pool_proven(struct pool *p);
void pool_bereaved(struct pool *p, const struct entry *e, int status);
void pool_learn(struct pool *p, const struct entry *e, int status);
void pool_describe(struct pool *p, uint64_t id, const struct death_words *words);
void pool_describe_late(struct pool *p, const struct death_words *words);

/* True if more may become known of the death that keeps a new pool from rising. */
bool pool_is_to_learn(const struct pool *p, uint64_t now);

/* ---------------------------------------------- for all who work on one --- */

/* True if its service is out of order. */
static inline bool
pool_is_failing(const struct pool *p)
{
	return p->failures >= POOL_FAILURES;
}

/* Notes a change: pool_advance() follows in this turn. */
static inline void
pool_touch(struct pool *p)
{
	if (p->is_touched)
		return;
	p->is_touched = true;
	TAILQ_INSERT_TAIL(p->touched, p, next_touched);
}
