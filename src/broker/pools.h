/* SPDX-License-Identifier: ISC */
/*
 * pools: all pools of warm processes: which one serves a service, and how the
 * pools of the next configuration replace those in force.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "broker/pool.h"

/* Pools that serve, and pools that replace them or leave. */
#define BROKER_MAX_POOLS (2 * CONF_MAX_SERVICES)

struct handler_events;

struct pools {
	const struct handler_events *events;
	struct pool *slots;
	size_t n_slots, n_touched;
	struct pool_list free, all, touched;
	struct pool *serving[CONF_MAX_SERVICES];	/* by number in the current conf */
	uint32_t last_id;
};

/* slots is zeroed memory for n pools, borrowed. */
void pools_init(struct pools *all, struct pool *slots, size_t n);

/*
 * Starts what is new or changed in the next configuration, to see whether it
 * comes up. 0 or -ENOMEM.
 */
int pools_prepare(struct broker *b, struct conf *next);

enum rising { RISING_DONE, RISING_WAIT, RISING_FAILED };

/* The progress of the prepared pools; why says which service failed, and how. */
enum rising pools_rising(struct broker *b, char *why, size_t why_len);

/* Tells pools that could not start a process that there are kits again. */
void pools_feed(struct broker *b);

/* Puts the prepared pools in force, those of b->member.current; or gives them up. */
void pools_commit(struct broker *b);
void pools_abort(struct broker *b);

/* Lets the processes of all pools leave. */
void pools_retire(struct broker *b);

/* Takes RESTART: the processes of a service are to be replaced. The answer is RESTARTED. */
void pools_restart(struct broker *b, const struct frame *f);

/* Notes that a worker wants one more process of this service. */
void pools_want(struct link *l, const char *service);

/* A worker has come, or gone. */
void pools_link_opened(struct broker *b);
void pools_link_closed(struct broker *b, uint16_t slot);

/* Does all that follows from changes to pools. Called once per turn of the loop. */
void pools_advance(struct broker *b);
