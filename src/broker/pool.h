/* SPDX-License-Identifier: ISC */
/*
 * pool: the warm processes of one service, and who gets them.
 *
 * Workers say how many they want (wants). The pool starts 1, 2, 4 ... while
 * somebody waits, up to max, and replaces what is worn (poolsize); gives the
 * one used last to the worker whose turn it is, and asks for one back when
 * another worker has fewer (lending).
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

/* What could not be done now, or never settles, is looked at again after so long. */
#define POOL_SOON_USEC (10 * USEC_PER_MSEC)
/* So many in a row that did not answer once, and the service is out of order. */
#define POOL_FAILURES 3

enum pool_state {
	POOL_FREE,
	POOL_RISING,	/* of a configuration that is prepared, not in force */
	POOL_SERVING,
	POOL_RETIRED,	/* its processes are leaving */
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
	uint16_t probe_turn;		/* the worker asked last to ask */

	struct backoff backoff;
	uint64_t retry_usec;		/* no start before; 0: none failed */
	uint32_t failures;		/* without an answer from any, in a row */
	uint64_t failing_usec;		/* when the first of them was */
	struct death last;		/* of the last that died unasked, or did not start */
	struct death_words words;	/* of the same */
	uint64_t last_id;		/* ... and its id */
	uint64_t last_usec;		/* when that was */
	struct renewal renewal;
	uint32_t growth;		/* how many the next step starts */
	uint64_t grown_usec;		/* when the last step was made */
	uint64_t weighed_usec;		/* when memory was looked at */
	uint64_t logged_usec;		/* when a death was last told of */
	uint64_t started, died, recycled;
	bool is_starved;		/* the next start waits for a kit */

	struct loop_timer timer;
	bool is_touched;
	struct pool_list *touched;	/* those that are */
	TAILQ_ENTRY(pool) next_touched;
	TAILQ_ENTRY(pool) next;		/* all, or free */
};

/* ------------------------------------------------------------ for pools.c --- */

/* A new one, empty and touched. NULL: there are too many. */
struct pool *pool_open(struct broker *b, struct conf *conf, const struct service *s,
    enum pool_state state);

/* Does all that follows from what has changed. */
void pool_advance(struct pool *p);

/* Are as many processes ready as are to be kept so? */
bool pool_has_risen(const struct pool *p);

/* Who waits for the old one waits for the new one, and its numbers go on. */
void pool_inherit(struct pool *heir, struct pool *old);

/* The same of a broker that is gone, as its page tells. */
void pool_resume(struct pool *p, const struct pool_stats *before);

/* Its numbers, if it serves, to the statistics page. */
void pool_publish(const struct pool *p);

/* Its processes leave, and then it. */
void pool_retire(struct pool *p);

/* What handlers tell; see struct handler_events. */
void pool_start_failed(struct pool *p, int error);
void pool_proven(struct pool *p);
void pool_bereaved(struct pool *p, const struct entry *e, int status);
void pool_learn(struct pool *p, const struct entry *e, int status);
void pool_describe(struct pool *p, uint64_t id, const struct death_words *words);
void pool_describe_late(struct pool *p, const struct death_words *words);

/* May more become known of the death that keeps a new pool from rising? */
bool pool_is_to_learn(const struct pool *p, uint64_t now);

/* ---------------------------------------------- for all who work on one --- */

/* True if its service is out of order. */
static inline bool
pool_is_failing(const struct pool *p)
{
	return p->failures >= POOL_FAILURES;
}

/* Something about it has changed: pool_advance() follows in this turn. */
static inline void
pool_touch(struct pool *p)
{
	if (p->is_touched)
		return;
	p->is_touched = true;
	TAILQ_INSERT_TAIL(p->touched, p, next_touched);
}
