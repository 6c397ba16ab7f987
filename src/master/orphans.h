/* SPDX-License-Identifier: ISC */
/*
 * orphans: programs that a dead runner has left behind. The master is the
 * subreaper, so they become its children, and the master ends them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "master/process.h"

struct orphans {
	struct processes *all;
	void (*on_looked)(struct orphans *s);	/* called after each look for orphans */
	struct loop_timer timer;		/* armed while orphans are being killed */
	uint64_t since_usec;
};

/*
 * Called when the runner has died: kills every child that is no role process
 * until there is none.
 */
void orphans_begin(struct orphans *s);

/* True if no orphan is left, or if the rest cannot be killed and is given up. */
bool orphans_are_gone(const struct orphans *s);
