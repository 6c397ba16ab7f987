/* SPDX-License-Identifier: ISC */
/*
 * run: the life of one request in the broker, from RUN to the last frame its worker
 * gets.
 *
 *	          +--> ATTACHED ----------------------------+
 *	accept ---+--> QUEUED --+                           +--> OVER --> freed
 *	          +-------------+--> RUNNING --> LINGERING -+
 */
#pragma once

#include <stdint.h>

#include "broker/entry.h"

/*
 * Takes a RUN frame that was checked: starts, queues, attaches or refuses it.
 * The service is one of conf's, the kit one of the worker's.
 */
void run_accept(struct entry *e, struct link *l, const struct frame *f, struct conf *conf);

/* Starts a request whose turn has come: its ticket counts as running. */
void run_start(struct entry *e);

/* Ends a request that has not run here. */
void run_over(struct entry *e, enum outcome_kind outcome, uint8_t reason);

/*
 * Ends a request or a handler before its time, whatever its state. verdict is
 * what the worker is told, reason an enum cancel_reason.
 */
void run_kill(struct entry *e, enum outcome_kind verdict, uint8_t reason);

/* Ends a request that waits, if the login of its caller is not in force any more. */
void run_judge_anew(struct entry *e);

/* Ends a request as a CANCEL for this reason does. */
void run_cancel(struct entry *e, uint8_t reason);
