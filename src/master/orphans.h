/* SPDX-License-Identifier: ISC */
/*
 * orphans: what a dead runner has left behind. The master is the subreaper,
 * so commands of a runner that was killed become its children, and it is
 * the one to end them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "master/process.h"

struct orphans {
	struct processes *all;
	void (*on_looked)(struct orphans *s);	/* each time they have been looked for */
	struct loop_timer timer;		/* armed: some are being killed */
	uint64_t since_usec;
};

/* The runner has died: kills every child that is no process of ours until there is none. */
void orphans_begin(struct orphans *s);

/* True also if they are given up: those that cannot be killed are not waited for without end. */
bool orphans_are_gone(const struct orphans *s);
