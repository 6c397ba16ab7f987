/* SPDX-License-Identifier: ISC */
/*
 * reap: the end of every process that is a child of the runner: programs it
 * started, and strays, which left their program behind (a double fork) and
 * came to the runner as the subreaper.
 *
 * A stray belongs to the program whose session, mark (base/mark.h) or control
 * group it has, and lives as long as that. A stray of nobody is killed. What a
 * process has in its memory is not looked at: to read /proc/PID/environ takes
 * a lock that a process holds while it waits for a file system.
 *
 * Why numbers are enough here and no pidfd is needed: only a child that
 * the runner has not yet waited for is ever signalled, or a group that such a child
 * is in; and the kernel gives the number of either to nobody else before that.
 *
 * What a program leaves behind is a child of the runner, or descends from one, as
 * soon as the program has ended. So when there is no such child there is nobody to
 * be signalled.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "runner/programs.h"

#define RUNNER_MAX_STRAYS 256	/* more strays than this are killed outright */

struct stray {
	pid_t pid;
	struct program *owner;	/* NULL: no program */
	enum kill_phase phase;	/* of a stray without owner; else the owner's counts */
	uint64_t due_usec;	/* time of the next signal, without owner; 0: none */
};

struct strays {
	int children_fd;	/* children_open() */
	uint64_t scanned_usec;	/* turn of the loop of the last scan */
	struct loop_timer timer;	/* for the first stray that is due */
	size_t n;
	struct stray list[RUNNER_MAX_STRAYS];
};

/* Prepares the table; called after programs_init(). */
void strays_init(struct runner *r);

/* Sends SIGKILL to every stray. */
void strays_cut(struct runner *r);

/* Called after SIGCHLD: reaps ended children, looks for strays, settles programs that linger. */
void reap_children(struct runner *r);

/* Sends SIGKILL to all children, until none is left or the time is up. */
void reap_everything(struct runner *r, int sigchld_fd, uint64_t deadline_usec);
