/* SPDX-License-Identifier: ISC */
/*
 * oomscore: the order in which the kernel ends the processes of reqd when
 * memory runs out. A program ends before the worker that it answers to, a
 * worker before the log process, the log process before the runner (with which
 * every program dies), the runner before the master. A score is added to that
 * of the master, in thousandths of all memory.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"

enum {
	OOMSCORE_RUNNER = 10,
	OOMSCORE_LOG = 50,
	OOMSCORE_WORKER = 100,
	OOMSCORE_PROGRAM = 200,
};

struct oomscore {
	char text[8];
	size_t len;		/* 0: no score, which leaves the process as it is */
};

/*
 * Makes a score that is higher than the caller's own by more. Makes no score
 * unless the caller is root: a process that cannot be dumped may not change its
 * score, so the order would be wrong.
 */
void oomscore_above_own(struct oomscore *s, int more);

/*
 * Gives the score to the calling process. On failure the process keeps its
 * score.
 */
CHILD_CODE void oomscore_take(const struct oomscore *s);
