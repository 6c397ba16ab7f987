/* SPDX-License-Identifier: ISC */
/*
 * handler: one process of a pool, from its start to its end.
 *
 *	                      +--> NEW --> PROBED --+
 *	start --> STARTING ---+---------------------+--> IDLE <--> LEASED
 *
 * and from each of them to GONE, when it dies or is ended; then it is an
 * entry like any other whose program is being taken down.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/table.h"

/* Events that a handler reports to its pool. */
struct handler_events {
	/* A process could not be started; error is the errno. */
	void (*start_failed)(struct pool *p, int error);
	/* A process has answered for the first time. */
	void (*proven)(struct pool *p);
	/*
	 * A process has ended unasked; status as of wait(2), or one of DEATH_*: a
	 * worker found it so.
	 */
	void (*bereaved)(struct pool *p, const struct entry *e, int status);
	/*
	 * A worker has said how it found a process; the end of that process is reported
	 * next. p is NULL if the end was reported before.
	 */
	void (*described)(struct broker *b, struct pool *p, uint64_t id,
	    const struct death_words *words);
	/*
	 * A process that a worker had found broken, and that left its pool, has
	 * ended with this status.
	 */
	void (*learned)(struct broker *b, const struct entry *e, int status);
	/* A process that has died meanwhile had answered a request of this service. */
	void (*vouched)(struct broker *b, const char *service);
	/* A lease did not arrive at its worker, so the worker wants another. */
	void (*wanted)(struct link *l, const char *service);
};

/* Starts a handler for the pool. 0; -EAGAIN: there is no kit for it yet, or no slot; or -errno. */
int handler_start(struct pool *p);

/* Asks the runner how much memory the handler has: with too much it is worn. */
void handler_weigh(struct entry *e);

/* Gives the handler to a worker; is_probe: to ask whether the handler answers. */
void handler_lease(struct entry *e, struct link *l, bool is_probe);

/* Asks the worker that has the handler to give it back. */
void handler_recall(struct entry *e);

/*
 * The time at which a worker has kept the handler for longer than any request
 * may take, and so must be hanging. 0: there is no such time.
 */
uint64_t handler_expiry(const struct entry *e);

/* Takes RETURN from a worker that names this handler. Returns what is wrong, or NULL. */
const char *handler_return(struct link *l, const struct frame *f);

/* Takes BROKE from a worker. The process may be dead. Returns what is wrong, or NULL. */
const char *handler_broke(struct link *l, const struct frame *f);

/* Makes a NEW process IDLE, of a service whose processes are not asked. */
void handler_settle(struct entry *e);

/* Gives up a process that was forked and does not come to run its program in time. */
void handler_give_up(struct entry *e);

/* Takes PROVEN from a worker. Returns what is wrong, or NULL. */
const char *handler_proven(struct link *l, const struct frame *f);

/* Ends a handler that is not needed any more: its input ends, then TERM, then KILL. */
void handler_end(struct entry *e);

/*
 * The worker of this slot, which may have the handler's pipes, is gone or was
 * caught misbehaving: no other worker gets the handler any more.
 */
void handler_taint(struct entry *e, uint16_t slot);
