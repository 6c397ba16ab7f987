/* SPDX-License-Identifier: ISC */
/*
 * oomscore: whom the kernel ends first when memory runs out. A program before
 * the worker it answers to, a worker before the log, all before the runner,
 * with which every program dies, and that one before the master. Above what
 * the master was given, in thousandths of the memory there is.
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
	size_t len;		/* 0: none, leave it as it is */
};

/*
 * The caller's own and so much more. None unless it is root: processes that
 * cannot be dumped may not change theirs, so the order would be a wrong one.
 */
void oomscore_above_own(struct oomscore *s, int more);

/* Gives it to the calling process. What fails is as it was. */
CHILD_CODE void oomscore_take(const struct oomscore *s);
