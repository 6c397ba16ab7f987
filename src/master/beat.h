/* SPDX-License-Identifier: ISC */
/*
 * beat: signs of life. Every process that serves is asked for one at each
 * beat; one that owes it for too long is described in the log, killed and
 * replaced, about ten seconds after it got stuck.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "ipc/roles.h"

struct master;

struct beat {
	struct loop_timer timer;
	uint64_t every_usec;
	uint64_t due_usec;		/* of the next one */
};

/* Begins to beat. */
void beat_start(struct master *m);

/* How long a process may owe us a sign of life. */
uint64_t beat_limit(enum role_kind kind, bool is_serving);

/*
 * What is excused to all others when a beat comes late: the time in which we
 * have been stopped, or were not let run, ourselves (R52).
 */
uint64_t beat_excuse(uint64_t due_usec, uint64_t now_usec);
