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

/* Starts one for the pool. 0; -EAGAIN: there is no kit for it yet, or no slot; or -errno. */
int handler_start(struct pool *p);

/* The runner says that it has begun. */
void handler_begun(struct entry *e, const struct frame_begun *begun);

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

/* PROVEN, likewise. */
const char *handler_proven(struct link *l, const struct frame *f);

/* Nobody needs it any more: its input ends, then TERM, then KILL. */
void handler_end(struct entry *e);

/* Its process has ended, or could not be started. */
void handler_on_death(struct entry *e, const struct frame_exited *exited);

/* The runner has died, and it with that. */
void handler_lost(struct entry *e);

/* The worker that had it is gone. */
void handler_abandon(struct entry *e);

/*
 * The worker of this slot, which may have its pipes, is gone or found out: no
 * other one may get it any more.
 */
void handler_taint(struct entry *e, uint16_t slot);

/* Fills LEASE or WORDS for it, and the descriptors that go with it. */
size_t handler_frame(const struct entry *e, struct frame *ret, int fds[static 3]);
