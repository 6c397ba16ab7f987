/* SPDX-License-Identifier: ISC */
/*
 * birth: starts a process of a role, from fork to exec: with the descriptors
 * that roles.h promises, its limits and its account.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "ipc/roles.h"

struct birth {
	enum role_kind kind;
	unsigned slot;
	pid_t master;			/* the process that forks */
	int channel, log, stats;	/* all above the fixed numbers; -1: none */
	int oomscore;			/* above the master's own */
	const struct identity *account;	/* for good, where the master is root; NULL: the master's */
	bool dies_with_master;		/* the kernel ends it together with the master */
	bool has_file_limits;		/* the limits on files of a worker */
};

/* Runs in the child, with all signals blocked. A failure is reported on standard error. */
_Noreturn void birth(const struct birth *b);
