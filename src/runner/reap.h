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

#define RUNNER_MAX_STRAYS 256	/* more of them at once are killed outright */

struct stray {
	pid_t pid;
	struct program *owner;	/* NULL: of nobody */
	enum kill_phase phase;	/* of nobody's; else its owner's counts */
	uint64_t due_usec;	/* of nobody's: the next signal; 0: none */
};

struct strays {
	int children_fd;	/* children_open() */
	uint64_t scanned_usec;	/* the loop's turn of the last scan */
	struct loop_timer timer;	/* the first that is due */
	size_t n;
	struct stray list[RUNNER_MAX_STRAYS];
};

/* After programs_init(), which they are strays of. */
void strays_init(struct runner *r);

/* SIGKILL to every stray. */
void strays_cut(struct runner *r);

/* After SIGCHLD: reaps what has ended, looks for strays, settles what lingers. */
void reap_children(struct runner *r);

/* SIGKILL to all children, again and again until none is left or the time is up. */
void reap_everything(struct runner *r, int sigchld_fd, uint64_t deadline_usec);
