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
#include "master/process.h"

struct beat {
	struct loop_timer timer;
	struct processes *all;
	void (*on_beat)(struct beat *b);
	uint64_t every_usec;
	uint64_t due_usec;		/* of the next one */
};

/* Begins to beat; each time all have shown progress, or are being replaced, on_each follows. */
void beat_start(struct beat *b, struct processes *all, void (*on_each)(struct beat *b));

/* How long a process may owe us a sign of life. */
uint64_t beat_limit(enum role_kind kind, bool is_serving);

/*
 * The time that all others are excused when a beat comes late: the master itself has
 * been stopped, or was not let run, for so long.
 */
uint64_t beat_excuse(uint64_t due_usec, uint64_t now_usec);
