/* SPDX-License-Identifier: ISC */
/*
 * children: the children of this process, including those that were left to it
 * as the subreaper.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

typedef void child_fn(pid_t pid, void *arg);

/*
 * Opens the kernel's list of the children of this thread. -errno where the
 * kernel has no such list; children_each() then searches /proc.
 */
int children_open(void);

/*
 * Calls fn for each child, zombies included. fd comes from children_open() and
 * may be negative. fn may send signals, but must not reap.
 */
void children_each(int fd, child_fn *fn, void *arg);

/* Bytes that a child has in memory; 0: not to be known, or there is no such process. */
uint64_t child_memory(pid_t pid);
