/* SPDX-License-Identifier: ISC */
/*
 * entry: what a request and a handler have in common: a program with the runner,
 * and frames that a worker is to get.
 *
 *	... --> RUNNING --> LINGERING --> OVER --> freed
 *
 * Its worker hears of the end at once, when the program ends; its place is given
 * back when nothing that the program left behind runs any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/outcome.h"
#include "broker/table.h"

/* Owes its worker this frame (enum unsent), and sends it as soon as it can. */
void entry_deliver(struct entry *e, unsigned what);

/* Frees an entry that is OVER, when all it had to say is sent. */
void entry_delivered(struct entry *e);

/* The entry will not be started: its kit goes. */
void entry_drop_kit(struct entry *e);

/* Has the runner start it with its kit. */
void entry_start(struct entry *e, bool want_begun);

/*
 * Ends what the runner has of it, once; else nothing happens. verdict is what its
 * worker is told, reason an enum cancel_reason.
 */
void entry_terminate(struct entry *e, enum outcome_kind verdict, uint8_t reason);

/* SIGKILL to what runs of it, whatever grace it has. */
void entry_cut(struct entry *e);

/* Its program has ended so: it is LINGERING, and e->ended says how. */
void entry_exited(struct entry *e, const struct frame_exited *x);

/* Nothing is left of its program. */
void entry_gone(struct entry *e);

/* Nothing of it runs or waits here any more: it is OVER. */
void entry_finish(struct entry *e);

/* It ends without having run here; nobody else waits for its result. */
void entry_over(struct entry *e, enum outcome_kind outcome, uint8_t reason);

/* How many of its service may run and wait now. */
struct lane_limits entry_limits(const struct entry *e);

/* The worker behind this link is gone, and what it had started goes. */
void entries_abandon(struct broker *b, struct link *l);
