/* SPDX-License-Identifier: ISC */
/*
 * process: one role process as the master sees it, from start to death.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/backoff.h"
#include "base/loop.h"
#include "ipc/frame.h"
#include "ipc/roster.h"
#include "master/edition.h"
#include "master/roletable.h"

struct processes;

struct process {
	struct processes *all;
	char name[ROLE_TEXT];		/* "worker 3" */
	enum role_kind kind;
	const struct role_rules *rules;	/* rules of its role */
	unsigned slot;			/* 0 for a role with one process */
	enum process_state state;
	pid_t pid;			/* 0: none */
	uint64_t serial;		/* of this start, never the same twice */
	bool is_killed;			/* killed; the death is still to be handled */
	bool is_linked;			/* other processes have a channel to it */
	int log_read;			/* reading end of its records, for the log; -1: none */
	int stats_fd;			/* page, kept over restarts; -1: none (yet) */
	struct stats *stats;		/* mapped page, written only while no process runs */
	uint32_t generation;		/* of the configuration it serves with */
	uint32_t offered;		/* of the configuration given to it while PREPARING */
	bool in_reload;			/* takes part in the reload in progress */
	bool answered;			/* has answered in that reload */
	bool is_held;			/* prepared, and held until those it awaits serve */
	unsigned restarts;
	uint64_t owing_usec;		/* since when it owes a sign of life; 0: it does not */
	struct backoff backoff;
	struct loop_io io;		/* channel; fd -1: none */
	struct loop_timer timer;	/* for a delayed start, or the kill after a stop */
};

/* Events of a process. */
struct process_ops {
	void (*started)(struct process *p);
	void (*frame)(struct process *p, const struct frame *f);
	void (*died)(struct process *p);
	/* The process cannot start, for a reason that will not go away. */
	void (*unable)(struct process *p);
	/* The process is dead, or will be at once: others may hold its descriptors. */
	void (*lost)(struct process *p);
};

/* All processes, whether they run or not. */
struct processes {
	struct process list[ROLE_MAX_PROCESSES];	/* by number */
	struct loop *loop;
	const struct process_ops *ops;
	const struct edition *edition;	/* in force */
	int log_read;			/* the master's own records, for the log */
	uint64_t n_starts;
	bool is_leaving;	/* a stop follows, and the listeners are still open */
	bool is_stopping;
	uint32_t sealed;		/* listeners closed by a stop, by number */
	uint64_t tally_secret[2];	/* of the tallies of all workers */
};

#define FOR_EACH_PROCESS(p, all)                                             \
	for ((p) = (all)->list; (p) < (all)->list + ROLE_MAX_PROCESSES; (p)++)

/* Sets up the table of processes, none of them running. */
void processes_init(struct processes *all, struct loop *l, const struct process_ops *ops,
    const struct edition *e);

/* Starts all wanted processes, role by role in the order of the role table. */
void processes_start(struct processes *all);

/*
 * Adapts the processes to a new configuration; before is the former edition.
 * Missing processes are started. A surplus worker gets no listeners and ends
 * with its last connection.
 */
void processes_scale(struct processes *all, const struct edition *before);

/* The process with this pid; NULL: none of them. */
struct process *processes_find(struct processes *all, pid_t pid);

/* Starts a process now. A failure is logged, and the next attempt follows after a delay. */
void process_start(struct process *p);

/* Sends a frame. 0, or -errno when the process is down or does not read. */
int process_send(struct process *p, const struct frame *f, const int *fds, size_t n_fds);

/* Handles the death of a process, whose wait status was read. */
void process_died(struct process *p, int wait_status);

/* Sends a frame; a wanted process that does not take it is killed. */
void process_tell(struct process *p, const struct frame *f, const int *fds, size_t n_fds);

/* Tells a process to end by itself; at the deadline (monotonic) it is killed. */
void process_stop(struct process *p, uint64_t deadline_usec);

/* Closes the channel of a process, which tells it to end. */
void process_release(struct process *p);

/* Kills a process at once; its death is handled like any other. */
void process_kill(struct process *p, const char *why);

/* The number of the process, as frames have it. */
static inline uint16_t
process_number(const struct process *p)
{
	return (uint16_t)ROLE_PROCESS(p->kind, p->slot);
}

/* Cancels a start or a kill that a timer would do. */
void process_disarm(struct process *p);

static inline struct process *
process_at(struct processes *all, enum role_kind kind, size_t slot)
{
	return &all->list[ROLE_PROCESS(kind, slot)];
}

/* True if the configuration in force asks for this process; otherwise it may end at any time. */
static inline bool
process_is_wanted(const struct process *p)
{
	if (p->kind == ROLE_WORKER)
		return edition_wants_worker(p->all->edition, p->slot);
	return role_is_wanted(p->kind, p->all->edition->conf);
}

static inline bool
process_is_up(const struct process *p)
{
	return p->pid > 0;
}
