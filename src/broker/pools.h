/* SPDX-License-Identifier: ISC */
/*
 * pools: all pools of warm processes: which one serves a service, and how
 * those of the next configuration take the place of those in force.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "broker/pool.h"

/* Serving ones, and those that take their place or leave. */
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
 * Starts what the next configuration has new or changed, to see whether it
 * comes up. 0 or -ENOMEM.
 */
int pools_prepare(struct broker *b, struct conf *next);

enum rising { RISING_DONE, RISING_WAIT, RISING_FAILED };

/* How far that has come; why says which service failed, and how. */
enum rising pools_rising(struct broker *b, char *why, size_t why_len);

/* There are kits again for those that could not start a process. */
void pools_feed(struct broker *b);

/* They take over, b->member.current being what they are of. */
void pools_commit(struct broker *b);
void pools_abort(struct broker *b);

/* All of them leave. */
void pools_retire(struct broker *b);

/* RESTART: the processes of a service are to be replaced; answered by RESTARTED. */
void pools_restart(struct broker *b, const struct frame *f);

/* A worker wants one more of this service. */
void pools_want(struct link *l, const char *service);

/* A worker has come, or gone. */
void pools_link_opened(struct broker *b);
void pools_link_closed(struct broker *b, uint16_t slot);

/* Does all that follows from what was touched. Once per turn of the loop. */
void pools_advance(struct broker *b);
