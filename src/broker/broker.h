/* SPDX-License-Identifier: ISC */
/*
 * broker: the role that decides what runs, on behalf of the workers: which
 * requests are admitted, wait or are refused, which requests are the same,
 * which worker gets which warm process, and which caller may cancel what. The
 * broker holds no privilege: the runner does what the broker decides. The
 * broker reads nothing but fixed-size frames, allocates nothing but a new
 * configuration, and waits for nobody.
 *
 * The master sends COMMIT to the runner first, then to the broker, then to the
 * workers, so that no RUN names a generation that the broker does not know yet.
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
#define BROKER_MAX_TOKENS (2 * BROKER_MAX_REQUESTS + TOKENS_MAX_DONE)
#define BROKER_MAX_LINKS CONF_MAX_WORKERS

struct broker {
	struct loop loop;
	uint64_t resumed_usec;	/* when this process last went on after a stop */
	struct stats *stats;
	struct member member;
	bool is_preparing;		/* PREPARED waits for new handlers */

	struct mail runner;
	uint64_t runner_serial;		/* number of that link, as the master counts links */
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

/* Runs the role until the master is gone. Returns the exit status. */
int broker_main(void);
