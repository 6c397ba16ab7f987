/* SPDX-License-Identifier: ISC */
/*
 * reap: the end of every process that is a child of the runner: programs it
 * started, and strays, which left their program behind (a double fork) and
 * came to the runner as the subreaper.
 *
 * A stray belongs to the program whose session, mark (spawn.h) or control
 * group it has, and lives as long as that. A stray of nobody is killed. What a
 * process has in its memory is not looked at: to read /proc/PID/environ takes
 * a lock that a process holds while it waits for a file system.
 *
 * Why numbers are enough here and no pidfd is needed (R6): only a child that
 * we have not yet waited for is ever signalled, and the kernel gives its
 * number to nobody else before we have.
 */
#pragma once

#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include <sys/types.h>

#include "base/loop.h"
#include "runner/programs.h"

#define RUNNER_MAX_STRAYS 256	/* more of them at once are killed outright */

struct stray {
	struct runner *runner;
	pid_t pid;
	struct program *owner;	/* NULL: of nobody */
	enum kill_phase phase;	/* of nobody's; else its owner's counts */
	struct loop_timer timer;
	RB_ENTRY(stray) by_pid;
	TAILQ_ENTRY(stray) next;	/* free */
};

RB_HEAD(stray_pids, stray);
TAILQ_HEAD(stray_list, stray);

struct strays {
	int children_fd;	/* children_open() */
	uint64_t scanned_usec;	/* the loop's turn of the last scan */
	size_t n_touched, n_used;
	struct stray_pids pids;
	struct stray_list free;
	struct stray slots[RUNNER_MAX_STRAYS];
};

void strays_init(struct strays *s);

/*
 * Finds new strays among our children and deals with them, unless it was done
 * in this turn of the loop already.
 */
void strays_look(struct runner *r);

/* Signals all known strays of a program. */
void strays_signal(struct runner *r, const struct program *p, int sig);

/* SIGKILL to every stray. */
void strays_cut(struct runner *r);

/* After SIGCHLD: reaps what has ended, looks for strays, settles what lingers. */
void reap_children(struct runner *r);

/* SIGKILL to all children, again and again until none is left or the time is up. */
void reap_everything(struct runner *r, int sigchld_fd, uint64_t deadline_usec);
