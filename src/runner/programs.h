/* SPDX-License-Identifier: ISC */
/*
 * programs: the table of running programs, allocated at the start.
 *
 *	START --> RUNNING --> LINGERING --> free
 *
 * The broker chooses a small number (ref) that names a program. The broker
 * receives EXITED when the program has ended, and GONE when nothing it left
 * behind runs any more. When a broker dies, its programs lose their refs and
 * are ended, so that the next broker has all refs.
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

/* Programs of the broker, and those that an earlier broker has left. */
#define PROGRAMS_MAX (2 * FRAME_MAX_REFS)
#define PROGRAM_NO_REF UINT16_MAX
/* After SIGKILL only the kernel can keep a process alive; that is logged after this time. */
#define SURVIVAL_USEC USEC_PER_SEC

enum program_state {
	PROGRAM_FREE,
	PROGRAM_RUNNING,	/* a child of the runner, not reaped */
	PROGRAM_LINGERING,	/* reaped, but something it left behind still runs, or is removed */
};

/* Progress in killing a program. */
enum kill_phase { KILL_NONE, KILL_TERM, KILL_KILL, KILL_SURVIVED };

struct program {
	struct runner *runner;
	enum program_state state;
	uint16_t ref;			/* PROGRAM_NO_REF: its broker is gone */
	pid_t pid;			/* a child that is not reaped, so the number is its own */
	pid_t session;			/* the session's number, also when LINGERING */
	uint64_t id;			/* of the request, for the log */
	uint64_t mark;			/* of all that descends from it; see base/mark.h */
	struct conf *conf;		/* holds service */
	const struct service *service;
	int out, err;			/* output ends, until the program has ended; -1: none */
	struct loop_io begun;		/* the other end is closed when the program runs; fd -1: none */

	enum kill_phase phase;
	uint32_t n_strays;
	bool is_group_told;		/* since it was reaped, the group was told to end */
	bool has_cgroup_left;		/* ... something was in the control group */
	struct loop_timer timer;
	uint64_t directory;		/* number of its own one, until it is removed; 0: none */
	bool is_told;			/* EXITED is sent */
	struct frame_exited exited;

	RB_ENTRY(program) by_pid;
	TAILQ_ENTRY(program) next;	/* free; LINGERING */
};

RB_HEAD(program_pids, program);
TAILQ_HEAD(program_list, program);

/* Functions about processes that programs leave behind. */
struct programs_strays {
	/* Looks for new ones. */
	void (*look)(struct runner *r);
	/* Signals all processes known to descend from this program. */
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

/* Returns the program whose process has this id, or NULL. */
struct program *programs_find_pid(struct programs *all, pid_t pid);

/* The next program; p NULL: the first. The program at hand may end meanwhile. */
struct program *programs_next(struct programs *all, struct program *p);

static inline size_t
program_slot(const struct programs *all, const struct program *p)
{
	return (size_t)(p - all->slots);
}

/* Obeys START. Returns what is wrong with the frame, or NULL. */
const char *program_start(struct runner *r, const struct frame *f);

/*
 * Obeys TERMINATE, unless it was given before: TERM, after the grace KILL, to
 * all processes of the program.
 */
void program_terminate(struct program *p, uint64_t grace_usec);

/* Sends a signal to all processes of the program. KILL makes sure that they end. */
void program_signal(struct program *p, int sig);

/* The program's child has ended and is reaped: the processes it left are asked to end, too. */
void program_reaped(struct program *p, int status, const struct rusage *ru);

/* Reports on a LINGERING program, and frees the slot if nothing is left of it. False: not yet. */
bool program_settle(struct program *p);

/* The broker is gone: its programs lose their refs and are ended. */
void programs_disown(struct runner *r);

/* The time is over: sends KILL to all programs. */
void programs_cut(struct runner *r);
