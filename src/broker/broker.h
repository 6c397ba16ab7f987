/* SPDX-License-Identifier: ISC */
/*
 * broker: the role that decides what runs, on behalf of the workers: who is
 * admitted, waits or is refused, which requests are the same, who gets which
 * warm process, who may cancel what. It holds no privilege: what it decides the
 * runner does. It reads nothing but fixed-size frames, allocates nothing but
 * a new configuration, waits for nobody.
 *
 * What the master must know: COMMIT goes to the broker before it goes to a
 * worker, so that no RUN names a generation the broker will not have heard
 * of, and after the runner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "broker/admission.h"
#include "broker/stock.h"
#include "broker/link.h"
#include "broker/pools.h"
#include "broker/table.h"
#include "broker/token.h"
#include "conf/conf.h"
#include "ipc/mail.h"
#include "ipc/member.h"
#include "ipc/stats.h"

#define BROKER_MAX_REQUESTS FRAME_MAX_REFS	/* running and waiting */
#define BROKER_MAX_TOKENS (BROKER_MAX_REQUESTS + TOKENS_MAX_DONE)
#define BROKER_MAX_LINKS CONF_MAX_WORKERS

struct broker {
	struct loop loop;
	uint64_t resumed_usec;	/* we have last been stopped until then */
	struct stats *stats;
	struct member member;
	bool is_preparing;		/* PREPARED waits for new handlers */

	struct mail runner;
	uint64_t runner_serial;		/* of that link, as the master counts them */
	struct link links[BROKER_MAX_LINKS];	/* by worker slot */

	struct table table;
	struct admission admission;
	struct tokens tokens;
	struct stock stock;
	struct pools pools;

	struct loop_timer token_timer;
	struct loop_timer stop_timer;
	struct loop_timer look_timer;
	bool is_draining, is_ending, is_drained;
};

/* A request's id names the worker that made it. */
static inline uint16_t
request_slot(uint64_t id)
{
	return (id >> 32) & 0xff;
}

/* The role: serves until the master is gone. Returns the exit status. */
int broker_main(void);
