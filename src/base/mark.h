/* SPDX-License-Identifier: ISC */
/*
 * mark: a number by which a process and all that descends from it are known.
 *
 * It is kept in the hard limits of two resources, one of which counts up what the
 * other counts down: who may only lower limits can lose its mark but never take
 * another one's, whatever it knows, and whatever it does to its environment. Neither
 * limits anything: the kernel counts file locks no more, and no realtime program runs
 * for so long.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * The mark of a process; 0: it has none. Waits for nobody, as what it reads is not the
 * memory of that process.
 */
uint64_t mark_of(pid_t pid);

/* This process has the mark from now on, where it may set such limits. Not 0. */
void mark_take(uint64_t mark);
