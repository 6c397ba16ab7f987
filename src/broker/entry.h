/* SPDX-License-Identifier: ISC */
/*
 * entry: the life of one request in the broker, from acceptance to the last
 * frame its worker gets.
 *
 *	          +--> ATTACHED ----------------------------+
 *	accept ---+--> QUEUED --+                           +--> OVER --> freed
 *	          +-------------+--> RUNNING --> LINGERING -+
 *
 * The worker hears of the end at once, when the program ends; the place in
 * its lane is given back when nothing it left behind runs any more.
 */
#pragma once

#include <stdint.h>

#include "proto/outcome.h"
#include "broker/table.h"

/*
 * A RUN frame, checked: start, queue, attach or refuse it. The service is one
 * of conf's, the kit the worker's.
 */
void entry_accept(struct entry *e, struct link *l, const struct frame *f, struct conf *conf);

/* How many of its service may run and wait now. */
struct lane_limits entry_limits(const struct entry *e);

/* It will not be started: its kit goes. */
void entry_drop_kit(struct entry *e);

/* Its turn has come: the ticket runs. */
void entry_start(struct entry *e);

/*
 * Ends it before its time, wherever it stands.
 * verdict is what its worker is told; reason an enum cancel_reason.
 */
void entry_kill(struct entry *e, enum outcome_kind verdict, uint8_t reason);

/* SIGKILL to what runs of it, whatever grace it has. */
void entry_cut(struct entry *e);

/* What a CANCEL for this reason makes of it. */
void entry_cancel(struct entry *e, uint8_t reason);

/* It ends without having run here. */
void entry_over(struct entry *e, enum outcome_kind outcome, uint8_t reason);

/* ATTACHED: the twin's result is here. Borrows fd; -1: it is lost. */
void entry_result(struct entry *e, int fd);

/* What the runner says of it: it has begun; has ended; nothing is left of it. */
void entry_begun(struct entry *e, const struct frame_begun *begun);
void entry_exited(struct entry *e, const struct frame_exited *exited);
void entry_gone(struct entry *e);

/* The runner has died, and with it all that it ran. */
void entry_lost(struct entry *e);

/* Owes its worker this frame (enum unsent), and sends it as soon as it can. */
void entry_deliver(struct entry *e, unsigned what);

/* All it had to say is sent. */
void entry_delivered(struct entry *e);

/* The worker behind this link is gone, and what it had started goes. */
void entries_abandon(struct broker *b, struct link *l);
