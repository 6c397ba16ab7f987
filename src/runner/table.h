/* SPDX-License-Identifier: ISC */
/*
 * table: every request the runner has in hand, in memory set aside at start.
 *
 * A slot is used again as soon as it is free, the last freed first: fork
 * copies what was ever touched, so the table stays as small as the traffic.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "ipc/frame.h"
#include "runner/admission.h"

struct link;
struct pool;
struct runner;
struct token;

enum entry_state {
	ENTRY_FREE,
	ENTRY_QUEUED,		/* waits for room or a lock; holds its descriptors */
	ENTRY_ATTACHED,		/* waits for the result of its twin */
	ENTRY_RUNNING,		/* its program is our child, not reaped */
	ENTRY_LINGERING,	/* reported, but what it left behind still runs */
	ENTRY_OVER,		/* only its last frames are still to be sent */
};

/* How far the killing of a request has come. */
enum kill_phase { KILL_NONE, KILL_TERM, KILL_KILL, KILL_SURVIVED };

/* What a handler is doing, while it is its pool's. */
enum handler_state {
	HANDLER_NEW,		/* to be asked whether it answers, by the next worker there is */
	HANDLER_PROBED,		/* being asked */
	HANDLER_IDLE,
	HANDLER_LEASED,
	HANDLER_GONE,		/* no pool's any more: it is being ended */
};

/* Frames that the worker has still to get, in the order of sending. */
enum unsent {
	UNSENT_STARTED = 1 << 0,
	UNSENT_ATTACHED = 1 << 1,
	UNSENT_ENDED = 1 << 2,
	UNSENT_RESULT = 1 << 3,
	UNSENT_LEASE = 1 << 4,
	UNSENT_RECALL = 1 << 5,
	UNSENT_WORDS = 1 << 6,
};

enum entry_fd { ENTRY_JOB, ENTRY_OUT, ENTRY_ERR, ENTRY_IN, ENTRY_N_FDS };

struct handler {
	bool is_handler;		/* else the entry is a request, and the rest is 0 */
	struct pool *pool;		/* NULL: GONE */
	enum handler_state state;
	uint64_t since_usec;		/* in this state */
	uint32_t left;			/* requests it may still serve, when the pool counts them */
	bool is_proven;			/* it has answered */
	bool is_worn;			/* another is to take its place */
	bool is_recalled;
	uint64_t recalled_usec;
	bool is_faulty;			/* a worker has found it broken */
	TAILQ_ENTRY(entry) next;	/* of its pool */
};

/* One program that runs or waits to: a request's, or a handler. */
struct entry {
	struct runner *runner;
	enum entry_state state;
	uint64_t id;
	pid_t pid;			/* RUNNING: not reaped, so the number is ours */
	pid_t session;			/* what it was, also when LINGERING */

	struct link *link;		/* NULL: that worker is gone */
	struct conf *conf;		/* holds service */
	const struct service *service;
	struct digest owner;
	uint32_t flags;			/* enum run_flags */
	/*
	 * QUEUED: all; RUNNING: OUT and ERR; RESULT in [0] while unsent; else -1.
	 * A handler: our ends of OUT, ERR and IN.
	 */
	int fds[ENTRY_N_FDS];
	struct ticket ticket;
	struct token *token;		/* what it runs, or waits for */

	uint64_t accepted_usec, started_usec, deadline_usec, queue_due_usec;
	struct loop_timer timer;

	enum kill_phase phase;
	bool is_reported;		/* ENDED is made */
	uint8_t verdict;		/* enum outcome_kind, once it is being killed */
	uint8_t reason;			/* enum cancel_reason */
	uint32_t n_strays;

	unsigned unsent;		/* enum unsent */
	bool is_late;			/* in its link's list */
	struct frame_ended ended;
	struct handler handler;

	RB_ENTRY(entry) by_id;
	RB_ENTRY(entry) by_pid;
	TAILQ_ENTRY(entry) next_late;	/* of its link */
	TAILQ_ENTRY(entry) next;	/* free; LINGERING; ATTACHED: of its token */
};

RB_HEAD(entry_ids, entry);
RB_HEAD(entry_pids, entry);
TAILQ_HEAD(entry_list, entry);

struct table {
	struct entry *slots;
	size_t n_slots, n_touched, n_used;
	struct entry_list free;
	struct entry_ids ids;
	struct entry_pids pids;
};

/* slots is zeroed memory for n entries, borrowed. */
void table_init(struct table *t, struct entry *slots, size_t n);

/* A slot for this id, which is in no other; NULL when all are taken. */
struct entry *table_take(struct table *t, uint64_t id);
void table_release(struct table *t, struct entry *e);

static inline size_t
table_slot(const struct table *t, const struct entry *e)
{
	return (size_t)(e - t->slots);
}

struct entry *table_find(struct table *t, uint64_t id);
struct entry *table_find_pid(struct table *t, pid_t pid);

/* Its child; 0: none any more. */
void table_set_pid(struct table *t, struct entry *e, pid_t pid);

/* All in use; e NULL: the first. The one at hand may be released meanwhile. */
struct entry *table_next(struct table *t, struct entry *e);
