/* SPDX-License-Identifier: ISC */
/*
 * birth: how a process of a role begins, from fork to exec: with the descriptors
 * that roles.h promises, its limits and its account.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "ipc/roles.h"

struct birth {
	enum role_kind kind;
	unsigned slot;
	pid_t master;			/* who forks */
	int channel, log, stats;	/* all above the fixed numbers; -1: none */
	int oomscore;			/* above the master's own */
	const struct identity *account;	/* for good, where the master is root; NULL: the master's */
	bool dies_with_master;		/* at once, by the kernel */
	bool has_file_limits;		/* as those of a worker */
};

/* In the child, with all signals blocked. What fails is said on standard error. */
_Noreturn void birth(const struct birth *b);
