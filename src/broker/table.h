/* SPDX-License-Identifier: ISC */
/*
 * table: every request and handler of the broker, in memory set aside at start.
 *
 * A slot is used again as soon as it is free, the last freed first. Memory
 * costs something only once it is touched, so the table stays as small as the
 * traffic. The number of a slot is the ref by which the runner knows its
 * program.
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
#include "ipc/mail.h"
#include "broker/admission.h"

struct link;
struct pool;
struct broker;
struct token;

enum entry_state {
	ENTRY_FREE,
	ENTRY_QUEUED,		/* waits for room or a lock; holds its kit */
	ENTRY_ATTACHED,		/* waits for the result of its twin */
	ENTRY_RUNNING,		/* with the runner, which has not reported an end */
	ENTRY_LINGERING,	/* reported, but something it left behind still runs */
	ENTRY_OVER,		/* only the last frames are still to be sent */
};

/* State of a handler while it belongs to a pool. */
enum handler_state {
	HANDLER_STARTING,	/* the runner has not reported its begin yet */
	HANDLER_NEW,		/* the next worker there is asks whether it answers */
	HANDLER_PROBED,		/* being asked */
	HANDLER_IDLE,
	HANDLER_LEASED,
	HANDLER_GONE,		/* of no pool any more: it is being ended */
};

/* Frames that the worker has still to get, in the order of sending. */
enum unsent {
	UNSENT_PAPER = 1 << 0,
	UNSENT_WAITING = 1 << 1,
	UNSENT_STARTED = 1 << 2,
	UNSENT_ATTACHED = 1 << 3,
	UNSENT_ENDED = 1 << 4,
	UNSENT_RESULT = 1 << 5,
	UNSENT_LEASE = 1 << 6,
	UNSENT_RECALL = 1 << 7,
	UNSENT_WORDS = 1 << 8,
};

enum entry_fd { ENTRY_OUT, ENTRY_ERR, ENTRY_IN, ENTRY_N_FDS };

struct handler {
	bool is_handler;		/* else the entry is a request, and the rest is 0 */
	struct pool *pool;		/* NULL: GONE */
	enum handler_state state;
	uint64_t since_usec;		/* in this state */
	uint32_t left;			/* requests left to serve, when the pool counts them */
	bool is_proven;			/* an answer has come */
	bool is_worn;			/* due for replacement */
	bool is_old;			/* ... because that was asked for */
	bool is_recalled;
	uint64_t recalled_usec;
	bool is_faulty;			/* found broken by a worker */
	uint8_t fault;			/* the reason, minus one of DEATH_*; 0: not told */
	/* Workers that have its pipes, or may have: a bit each, by slot. */
	uint64_t had_by[CONF_MAX_WORKERS / 64];
	bool is_tainted;		/* a worker with its pipes is gone: no other gets it */
	struct mail_ask weigh;		/* open question: how much memory does it have? */
	TAILQ_ENTRY(entry) next;	/* of its pool */
};

/* Functions that differ between a request (run.h) and a handler (handler.h). */
struct entry_ops {
	/*
	 * Fills a frame that the worker has still to get, and the descriptors
	 * that go with it. False: there is nothing to say any more.
	 */
	bool (*fill)(const struct entry *e, struct frame *f, int fds[static 3], size_t *ret_n_fds);
	/* Reports of the runner: the program has begun; has ended; nothing is left of it. */
	void (*begun)(struct entry *e, const struct frame_begun *begun);
	void (*exited)(struct entry *e, const struct frame_exited *exited);
	void (*gone)(struct entry *e);
	/* The runner has died, and with it all that it ran. */
	void (*lost)(struct entry *e);
	/* The entry's worker is gone. */
	void (*abandoned)(struct entry *e);
	/* The worker has got all frames that were unsent. */
	void (*delivered)(struct entry *e);
};

/* One program that runs or waits: of a request, or a handler. */
struct entry {
	struct broker *broker;
	const struct entry_ops *ops;
	enum entry_state state;
	uint64_t id;
	pid_t pid;			/* of a handler, from the runner; 0: not yet, or dead */
	pid_t session;			/* pid while it lived */

	struct link *link;		/* NULL: its worker is gone */
	struct conf *conf;		/* holds service */
	const struct service *service;
	struct digest owner;
	uint64_t credential;		/* by which the caller has logged in; 0: none */
	uint32_t flags;			/* enum run_flags */
	uint32_t kit;			/* until it is started; 0: none */
	uint32_t job;			/* index of its job, see struct jobs */
	/* A handler: our ends of OUT, ERR and IN. RESULT in [0] while unsent; else -1. */
	int fds[ENTRY_N_FDS];
	struct ticket ticket;
	struct token *token;		/* token that it runs, or for whose result it waits */

	uint64_t accepted_usec, started_usec, deadline_usec, queue_due_usec;
	struct loop_timer timer;

	bool is_killed;			/* the runner has been told to end it */
	uint8_t verdict;		/* enum outcome_kind, once it is being killed */
	uint8_t reason;			/* enum cancel_reason */
	uint8_t waits_for;		/* enum waiting, as its worker has been told */

	unsigned unsent;		/* enum unsent */
	bool is_late;			/* in its link's list */
	struct frame_ended ended;
	struct handler handler;

	RB_ENTRY(entry) by_id;
	TAILQ_ENTRY(entry) next_late;	/* of its link */
	TAILQ_ENTRY(entry) next;	/* free; ATTACHED: of its token */
};

RB_HEAD(entry_ids, entry);
TAILQ_HEAD(entry_list, entry);

struct table {
	struct entry *slots;
	size_t n_slots, n_touched, n_used;
	struct entry_list free;
	struct entry_ids ids;
};

/* slots is zeroed memory for n entries, borrowed. */
void table_init(struct table *t, struct entry *slots, size_t n);

/* Takes a slot for this id; NULL when all are taken, or the id is in use. */
struct entry *table_take(struct table *t, uint64_t id);
void table_release(struct table *t, struct entry *e);

static inline size_t
table_slot(const struct table *t, const struct entry *e)
{
	return (size_t)(e - t->slots);
}

/* The entry in this slot, if it is in use; or NULL. */
struct entry *table_at(struct table *t, size_t slot);

struct entry *table_find(struct table *t, uint64_t id);

/*
 * The next entry in use; e NULL: the first. The caller may release the returned
 * entry and go on from it.
 */
struct entry *table_next(struct table *t, struct entry *e);
