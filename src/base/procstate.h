/* SPDX-License-Identifier: ISC */
/*
 * procstate: describes the state of a process, as far as the kernel tells.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"

/*
 * Appends "sleeps (futex_wait), 0.3 s of CPU". The process is a child that has not
 * been reaped, so the number is its own.
 */
void procstate_describe(pid_t pid, struct buf *b);
