/* SPDX-License-Identifier: ISC */
/*
 * entry: the common part of a request and a handler: a program with the runner,
 * and frames that a worker has still to get.
 *
 *	... --> RUNNING --> LINGERING --> OVER --> freed
 *
 * The worker hears of the end as soon as the program ends. The entry's place in
 * the service is given back only when nothing that the program left behind runs
 * any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/outcome.h"
#include "broker/table.h"

/* Sends the worker this frame (enum unsent) as soon as it can be sent. */
void entry_deliver(struct entry *e, unsigned what);

/* Frees an entry that is OVER, when all its frames are sent. */
void entry_delivered(struct entry *e);

/* Gives up the kit of an entry that will not be started. */
void entry_drop_kit(struct entry *e);

/* Makes the runner start the entry's program with its kit. */
void entry_start(struct entry *e, bool want_begun);

/*
 * Makes the runner end the entry's program; a second call does nothing. verdict
 * is what the worker is told, reason an enum cancel_reason.
 */
void entry_terminate(struct entry *e, enum outcome_kind verdict, uint8_t reason);

/* Sends SIGKILL to all that runs of the entry, whatever its grace is. */
void entry_cut(struct entry *e);

/* The entry's program has ended: the entry is LINGERING, and e->ended says how it ended. */
void entry_exited(struct entry *e, const struct frame_exited *x);

/* Nothing is left of the entry's program. */
void entry_gone(struct entry *e);

/* Nothing of the entry runs or waits here any more: it becomes OVER. */
void entry_finish(struct entry *e);

/* Ends an entry that has not run here and for whose result no other request waits. */
void entry_over(struct entry *e, enum outcome_kind outcome, uint8_t reason);

/* Ends an entry that admission has refused. */
void entry_refuse(struct entry *e, enum admission_verdict verdict);

/* The limits of running and waiting requests of the entry's service. */
struct lane_limits entry_limits(const struct entry *e);

/* Writes how much of the entry's service runs and waits onto the page; of all services. */
void entry_publish(const struct entry *e);
void entries_publish(struct broker *b);

/* The worker behind this link is gone, so everything it started is ended. */
void entries_abandon(struct broker *b, struct link *l);
