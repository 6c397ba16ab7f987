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

/* What a handler tells its pool. */
struct handler_events {
	/* A process could not be started, for this errno. */
	void (*start_failed)(struct pool *p, int error);
	/* One has answered for the first time. */
	void (*proven)(struct pool *p);
	/* A process has ended unasked, as wait(2) says; DEATH_*: a worker found it so. */
	void (*bereaved)(struct pool *p, const struct entry *e, int status);
	/* Brings what a worker knows of a process whose end is told next; p NULL: was told. */
	void (*described)(struct broker *b, struct pool *p, uint64_t id,
	    const struct death_words *words);
	/* One that a worker had found broken, and no pool has any more, has ended so. */
	void (*learned)(struct broker *b, const struct entry *e, int status);
	/* One that has died meanwhile had answered a request of this service. */
	void (*vouched)(struct broker *b, const char *service);
	/* A lease has not got to its worker, which wants another. */
	void (*wanted)(struct link *l, const char *service);
};

/* Starts one for the pool. 0; -EAGAIN: there is no kit for it yet, or no slot; or -errno. */
int handler_start(struct pool *p);

/* Asks the runner how much memory it has: if too much, it is worn. */
void handler_weigh(struct entry *e);

/* The worker gets it; is_probe: to ask whether it answers. */
void handler_lease(struct entry *e, struct link *l, bool is_probe);

/* Asks the worker that has it to give it back. */
void handler_recall(struct entry *e);

/*
 * When a worker has kept it for longer than any request may take, and so must
 * be hanging. 0: there is no such time.
 */
uint64_t handler_expiry(const struct entry *e);

/* RETURN from a worker that is said to have it. What is wrong, or NULL. */
const char *handler_return(struct link *l, const struct frame *f);

/* BROKE, likewise; the process may be dead already. */
const char *handler_broke(struct link *l, const struct frame *f);

/* Makes a NEW process IDLE, of a service whose processes are not asked. */
void handler_settle(struct entry *e);

/* Gives up a process that was forked and does not come to run its program in time. */
void handler_give_up(struct entry *e);

/* PROVEN, likewise. */
const char *handler_proven(struct link *l, const struct frame *f);

/* Nobody needs it any more: its input ends, then TERM, then KILL. */
void handler_end(struct entry *e);

/*
 * The worker of this slot, which may have its pipes, is gone or found out: no
 * other one may get it any more.
 */
void handler_taint(struct entry *e, uint16_t slot);
