/* SPDX-License-Identifier: ISC */
/*
 * recovery: looks again at services that were out of order at the start. When what a
 * service needs is there, an internal reload puts the service into force.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"

struct master;

struct recovery {
	struct loop_timer timer;
	uint64_t wait_usec;	/* time before the next look; 0: no look is needed */
	pid_t looker;		/* the child that looks; 0: none */
};

/* Plans the next look, if something in force is out of order and no look is planned. */
void recovery_plan(struct master *m);

/* True if the child that has ended is the one that looks. A reload begins when it saw a change. */
bool recovery_reaped(struct master *m, pid_t pid, int status);

/* Ends the child, as reqd stops. */
void recovery_cancel(struct master *m);
