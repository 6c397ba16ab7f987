/* SPDX-License-Identifier: ISC */
/*
 * children: which processes are children of this one, those included that
 * were left to it as the subreaper.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

typedef void child_fn(pid_t pid, void *arg);

/*
 * Opens the kernel's list of this thread's children. -errno where the kernel
 * has none; children_each() then searches /proc.
 */
int children_open(void);

/*
 * Calls fn for each child, zombies included. fd from children_open(), or
 * negative. fn may signal, but not reap.
 */
void children_each(int fd, child_fn *fn, void *arg);

/* Bytes that a child has in memory; 0: not to be known, or there is no such process. */
uint64_t child_memory(pid_t pid);
