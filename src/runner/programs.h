/* SPDX-License-Identifier: ISC */
/*
 * programs: what the runner has running: one table, made at the start.
 *
 *	START --> RUNNING --> LINGERING --> free
 *
 * The broker names a program by a small number that it chooses (ref), and
 * hears EXITED when the program has ended and GONE when nothing it left
 * behind runs any more. When a broker dies its programs lose their refs, so
 * that the next one starts with all of them, and are ended.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/tree.h>
#include <sys/types.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/frame.h"

struct runner;

/* A broker's, and what an earlier one has left. */
#define PROGRAMS_MAX (2 * FRAME_MAX_REFS)
#define PROGRAM_NO_REF UINT16_MAX
/* After SIGKILL only the kernel can keep a process; that is logged after so long. */
#define SURVIVAL_USEC USEC_PER_SEC

enum program_state {
	PROGRAM_FREE,
	PROGRAM_RUNNING,	/* our child, not reaped */
	PROGRAM_LINGERING,	/* reaped, but what it left behind still runs */
};

/* How far the killing of it has come. */
enum kill_phase { KILL_NONE, KILL_TERM, KILL_KILL, KILL_SURVIVED };

struct program {
	struct runner *runner;
	enum program_state state;
	uint16_t ref;			/* PROGRAM_NO_REF: its broker is gone */
	pid_t pid;			/* RUNNING: not reaped, so the number is ours */
	pid_t session;			/* what it was, also when LINGERING */
	uint64_t id;			/* of the request, for the log */
	uint64_t mark;			/* of all that descends from it; see base/mark.h */
	struct conf *conf;		/* holds service */
	const struct service *service;
	int out, err;			/* its ends, until it has ended; -1: none */
	struct loop_io begun;		/* the other end is closed when the program runs; fd -1: none */

	enum kill_phase phase;
	uint32_t n_strays;
	bool is_group_told;		/* since it was reaped, that it is to end */
	bool has_cgroup_left;		/* ... something was in its control group */
	struct loop_timer timer;
	bool is_told;			/* EXITED is sent */
	struct frame_exited exited;

	RB_ENTRY(program) by_pid;
	TAILQ_ENTRY(program) next;	/* free; LINGERING */
};

RB_HEAD(program_pids, program);
TAILQ_HEAD(program_list, program);

/* Whoever knows what programs leave behind. */
struct programs_strays {
	/* Finds what is new of that. */
	void (*look)(struct runner *r);
	/* Signals all that is known to be of this program. */
	void (*signal)(const struct program *p, int sig);
};

struct programs {
	const struct programs_strays *strays;	/* set before the first start */
	struct program *slots;		/* for PROGRAMS_MAX */
	struct program **by_ref;	/* for FRAME_MAX_REFS */
	size_t n_touched, n_used;
	struct program_list free, lingering;
	struct program_pids pids;
	uint64_t last_mark;
};

/* Zeroed memory, borrowed. */
void programs_init(struct programs *all, struct program *slots, struct program **by_ref);

/* Its child, or NULL. */
struct program *programs_find_pid(struct programs *all, pid_t pid);

/* All in use; p NULL: the first. The one at hand may end meanwhile. */
struct program *programs_next(struct programs *all, struct program *p);

static inline size_t
program_slot(const struct programs *all, const struct program *p)
{
	return (size_t)(p - all->slots);
}

/* START from the broker. What is wrong with it, or NULL. */
const char *program_start(struct runner *r, const struct frame *f);

/* TERMINATE, unless that has been said before: TERM, after the grace KILL to all of it. */
void program_terminate(struct program *p, uint64_t grace_usec);

/* SIGNAL to all of it. KILL makes sure of it. */
void program_signal(struct program *p, int sig);

/* Its child has ended and is reaped: what is left of it is asked to end, too. */
void program_reaped(struct program *p, int status, const struct rusage *ru);

/*
 * LINGERING: tells what there is to tell, and gives the slot back if nothing
 * is left. False: not yet.
 */
bool program_settle(struct program *p);

/* The broker is gone: nobody names them any more, and they are ended. */
void programs_disown(struct runner *r);

/* Time is over: KILL to all. */
void programs_cut(struct runner *r);
