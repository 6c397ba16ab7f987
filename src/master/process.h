/* SPDX-License-Identifier: ISC */
/*
 * process: one role process as the master sees it, from start to death.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/frame.h"
#include "base/backoff.h"
#include "base/loop.h"
#include "master/roletable.h"

struct master;

enum process_state {
	PROCESS_DOWN,		/* not running; perhaps waiting for its back-off */
	PROCESS_STARTING,	/* started, has not said READY */
	PROCESS_PREPARING,	/* is given its configuration */
	PROCESS_SERVING,
	PROCESS_STOPPING,	/* told to end */
};

struct process {
	struct master *master;
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

/* Puts a process into its first state, where it is not running. */
void process_init(struct process *p, struct master *m, enum role_kind kind, unsigned slot);

/* Starts it now. A failure is logged and tried again after a back-off. */
void process_start(struct process *p);

/* 0, or -errno when it is down or does not read. */
int process_send(struct process *p, const struct frame *f, const int *fds, size_t n_fds);

/* Its wait status has been read. */
void process_died(struct process *p, int wait_status);

/* Tells it to end by itself; at the deadline (monotonic) it is killed. */
void process_stop(struct process *p, uint64_t deadline_usec);

/* Closes its channel, which tells it that nothing is wanted any more. */
void process_release(struct process *p);

/* Kills it at once; its death is handled as any other. */
void process_kill(struct process *p, const char *why);

/* "worker 3" */
void process_name(const struct process *p, char *ret, size_t len);

/* What frames call it. */
static inline uint16_t
process_number(const struct process *p)
{
	return (uint16_t)ROLE_PROCESS(p->kind, p->slot);
}

/* It does not wait any more to be started, or killed. */
void process_disarm(struct process *p);

static inline bool
process_is_up(const struct process *p)
{
	return p->pid > 0;
}
