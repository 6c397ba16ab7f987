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
	char name[16];			/* "worker 3" */
	enum role_kind kind;
	const struct role_rules *rules;	/* of its role */
	unsigned slot;			/* 0 where there is only one of a role */
	enum process_state state;
	pid_t pid;			/* 0: none */
	uint64_t serial;		/* of this start, never the same twice */
	bool is_killed;			/* its death is to be heard of */
	bool is_linked;			/* others have been given a channel to it */
	int log_read;			/* its records, for the log; -1: none */
	int stats_fd;			/* kept over restarts; -1: none (yet) */
	struct stats *stats;		/* read here; written while nobody owns it; or NULL */
	uint32_t generation;		/* of the configuration it has committed */
	uint32_t offered;		/* of the one it was given while PREPARING */
	bool in_reload;			/* takes part in the one in progress */
	bool answered;			/* its part of it is done */
	bool is_held;			/* prepared, to serve when those that it awaits do */
	unsigned restarts;
	uint64_t owing_usec;		/* owes a sign of life since; 0: none */
	struct backoff backoff;
	struct loop_io io;		/* its channel; fd -1: none */
	struct loop_timer timer;	/* back-off, or force after a stop */
};

/* Events of a process. */
struct process_ops {
	void (*started)(struct process *p);
	void (*frame)(struct process *p, const struct frame *f);
	void (*died)(struct process *p);
	/* The process cannot start, for a reason that stays. */
	void (*unable)(struct process *p);
	/* The process is dead, or will be at once: others may hold its descriptors. */
	void (*lost)(struct process *p);
};

/* All there are or could be, whether they run or not. */
struct processes {
	struct process list[ROLE_MAX_PROCESSES];	/* by their numbers */
	struct loop *loop;
	const struct process_ops *ops;
	const struct edition *edition;	/* in force */
	int log_read;			/* the master's own records, for the log */
	uint64_t n_starts;
	bool is_stopping;
	uint32_t sealed;		/* listeners that a stop has ended, by number */
};

#define FOR_EACH_PROCESS(p, all)                                             \
	for ((p) = (all)->list; (p) < (all)->list + ROLE_MAX_PROCESSES; (p)++)

/* Puts all of them into their first state, where they are not running. */
void processes_init(struct processes *all, struct loop *l, const struct process_ops *ops,
    const struct edition *e);

/* Starts those that are wanted, of each role in the order of the table. */
void processes_start(struct processes *all);

/*
 * So many workers were wanted before: starts what is missing. One that is too many
 * has been given no listeners and ends with its last connection.
 */
void processes_scale(struct processes *all, size_t before);

/* The one with this pid; NULL: none of ours. */
struct process *processes_find(struct processes *all, pid_t pid);

/* Starts it now. A failure is logged and tried again after a back-off. */
void process_start(struct process *p);

/* 0, or -errno when it is down or does not read. */
int process_send(struct process *p, const struct frame *f, const int *fds, size_t n_fds);

/* Its wait status has been read. */
void process_died(struct process *p, int wait_status);

/* The same; one that is wanted and does not take it is killed. */
void process_tell(struct process *p, const struct frame *f, const int *fds, size_t n_fds);

/* Tells it to end by itself; at the deadline (monotonic) it is killed. */
void process_stop(struct process *p, uint64_t deadline_usec);

/* Closes its channel, which tells it that nothing is wanted any more. */
void process_release(struct process *p);

/* Kills it at once; its death is handled as any other. */
void process_kill(struct process *p, const char *why);

/* The number of the process, as frames have it. */
static inline uint16_t
process_number(const struct process *p)
{
	return (uint16_t)ROLE_PROCESS(p->kind, p->slot);
}

/* Drops a start or a kill that the process waits for. */
void process_disarm(struct process *p);

static inline struct process *
process_at(struct processes *all, enum role_kind kind, size_t slot)
{
	return &all->list[ROLE_PROCESS(kind, slot)];
}

/* True if the configuration in force asks for this process; else it may end at any time. */
static inline bool
process_is_wanted(const struct process *p)
{
	return p->slot == 0 || p->slot < p->all->edition->n_workers;
}

static inline bool
process_is_up(const struct process *p)
{
	return p->pid > 0;
}
