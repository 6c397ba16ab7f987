/* SPDX-License-Identifier: ISC */
/*
 * runner: the role that starts programs, and ends them, on behalf of the
 * workers. Runs as root and therefore reads nothing but fixed-size frames,
 * allocates nothing but a new configuration, waits for nobody.
 *
 * What the master must know: COMMIT goes to the runner before it goes to a
 * worker, so that no RUN names a generation the runner will not have heard
 * of. Former ones are accepted as far back as RUNNER_PAST.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/stats.h"
#include "runner/admission.h"
#include "runner/cgroup.h"
#include "runner/link.h"
#include "runner/pools.h"
#include "runner/reap.h"
#include "runner/spawn.h"
#include "runner/table.h"
#include "runner/token.h"

#define RUNNER_MAX_REQUESTS 4096	/* running and waiting */
#define RUNNER_MAX_TOKENS (RUNNER_MAX_REQUESTS + TOKENS_MAX_DONE)
#define RUNNER_MAX_LINKS (CONF_MAX_WORKERS + 1)

/* So many reloads may go by while a worker's frame waits to be read. */
#define RUNNER_PAST 8

struct runner {
	struct loop loop;
	uint64_t resumed_usec;	/* we have last been stopped until then */
	struct stats *stats;
	struct link master;
	struct link links[RUNNER_MAX_LINKS];	/* by worker slot */
	struct loop_io sigchld;

	struct conf *current, *prepared;
	bool is_preparing;		/* PREPARED waits for new handlers */
	/* Former ones, newest first, for frames that reloads have overtaken. */
	struct conf *past[RUNNER_PAST];

	struct table table;
	struct entry_list lingering;
	struct admission admission;
	struct tokens tokens;
	struct strays strays;
	struct spawner *spawner;	/* apart, as children do without all this */
	struct cgroups cgroups;
	struct pools pools;

	struct loop_timer token_timer;
	struct loop_timer reap_timer;
	struct loop_timer stop_timer;
	int fd_limit;			/* descriptors from here on are a reserve */
	uint64_t complain_usec;		/* when a failed fork is logged again */
	bool is_draining, is_ending, is_drained, is_over;
};

/* A request's id names the worker that made it. */
static inline uint16_t
request_slot(uint64_t id)
{
	return (id >> 32) & 0xff;
}

/* Does all that the master has said so far. */
void runner_read_master(struct runner *r);

/* The role: serves until the master is gone. Returns the exit status. */
int runner_main(void);
