/* SPDX-License-Identifier: ISC */
/*
 * beat: signs of life. At each beat, every process that serves is asked for a
 * sign of life. A process that owes the answer for too long is described in the
 * log, killed and replaced, about ten seconds after it got stuck.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "master/process.h"

struct beat {
	struct loop_timer timer;
	struct processes *all;
	void (*on_beat)(struct beat *b);
	uint64_t every_usec;
	uint64_t due_usec;		/* of the next beat */
};

/*
 * Begins the beats; on_each follows whenever all processes have shown progress,
 * or are being replaced.
 */
void beat_start(struct beat *b, struct processes *all, void (*on_each)(struct beat *b));

/* The time that a process may owe the master a sign of life. */
uint64_t beat_limit(enum role_kind kind, bool is_serving);

/*
 * The time by which the limits of all processes are extended when a beat comes
 * late: for so long the master itself was stopped, or was not let run.
 */
uint64_t beat_excuse(uint64_t due_usec, uint64_t now_usec);
