/* SPDX-License-Identifier: ISC */
/*
 * runner: the role that starts and ends programs on behalf of the broker. Runs
 * as root and therefore knows no queue, no pool, no deadline and no client:
 * only START, TERMINATE and SIGNAL, and the state of processes. The runner
 * takes fixed-size frames and no descriptors, allocates nothing but a new
 * configuration, and waits for nobody.
 *
 * The master sends PREPARE and COMMIT to the runner before it sends them to the
 * broker, so that no START names a generation that the runner does not know
 * yet.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cgroup.h"
#include "base/loop.h"
#include "base/temporary.h"
#include "conf/conf.h"
#include "ipc/ends.h"
#include "ipc/mail.h"
#include "ipc/member.h"
#include "ipc/stats.h"
#include "runner/programs.h"
#include "runner/reap.h"
#include "runner/spawn.h"

/* Limit of unsent reports to the broker: three for each program, one for each kit. */
#define RUNNER_MAX_LETTERS (3 * FRAME_MAX_REFS + FRAME_MAX_KITS)

struct runner {
	struct loop loop;
	struct stats *stats;
	struct member member;
	struct loop_io sigchld;

	struct mail broker;
	uint16_t broker_slot;		/* link in use, as the master numbers it */
	uint64_t broker_serial;

	struct programs programs;
	struct strays strays;
	struct spawner *spawner;	/* allocated alone, as children do without the rest */
	struct cgroups cgroups;
	struct temporary temporary;
	struct ends ends;

	struct loop_timer reap_timer;
	struct loop_timer stop_timer;
	bool is_draining, is_ending, is_drained;
};

/* Runs the role until the master is gone. Returns the exit status. */
int runner_main(void);
