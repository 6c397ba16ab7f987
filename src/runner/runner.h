/* SPDX-License-Identifier: ISC */
/*
 * runner: the role that starts programs, and ends them, on behalf of the
 * broker. Runs as root and therefore knows no queue, no pool, no deadline and
 * no client: START, TERMINATE and SIGNAL, and what becomes of processes. It
 * takes fixed-size frames and no descriptors, allocates nothing but a new
 * configuration, waits for nobody.
 *
 * What the master must know: PREPARE and COMMIT go to the runner before they
 * go to the broker, so that no START names a generation the runner will not
 * have heard of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cgroup.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/ends.h"
#include "ipc/mail.h"
#include "ipc/member.h"
#include "ipc/stats.h"
#include "runner/programs.h"
#include "runner/reap.h"
#include "runner/spawn.h"

/* What may be unsent to the broker: of each program three, of each kit one. */
#define RUNNER_MAX_LETTERS (3 * FRAME_MAX_REFS + FRAME_MAX_KITS)

struct runner {
	struct loop loop;
	struct stats *stats;
	struct member member;
	struct loop_io sigchld;

	struct mail broker;
	uint16_t broker_slot;		/* the link in use, as the master has named it */
	uint64_t broker_serial;

	struct programs programs;
	struct strays strays;
	struct spawner *spawner;	/* apart, as children do without all this */
	struct cgroups cgroups;
	struct ends ends;

	struct loop_timer reap_timer;
	struct loop_timer stop_timer;
	bool is_draining, is_ending, is_drained;
};

/* The role: serves until the master is gone. Returns the exit status. */
int runner_main(void);
