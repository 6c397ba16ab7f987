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
 * A RUN frame, checked: starts, queues, attaches or refuses it. The service is one
 * of conf's, the kit the worker's.
 */
void run_accept(struct entry *e, struct link *l, const struct frame *f, struct conf *conf);

/* Its turn has come: the ticket runs. */
void run_start(struct entry *e);

/* It ends without having run here. */
void run_over(struct entry *e, enum outcome_kind outcome, uint8_t reason);

/*
 * Ends it before its time, wherever it stands: a handler, too. verdict is what its
 * worker is told, reason an enum cancel_reason.
 */
void run_kill(struct entry *e, enum outcome_kind verdict, uint8_t reason);

/* What a CANCEL for this reason makes of it. */
void run_cancel(struct entry *e, uint8_t reason);
