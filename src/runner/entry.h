/* SPDX-License-Identifier: ISC */
/*
 * entry: the life of one request in the runner, from acceptance to the last
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
#include "runner/table.h"

struct spawn_order;

/*
 * A RUN frame, checked: start, queue, attach or refuse it. Takes from fds
 * what it keeps (leaving -1 there). The service is one of conf's.
 */
void entry_accept(struct entry *e, struct link *l, const struct frame *f,
    struct conf *conf, int *fds, size_t n_fds);

/*
 * Starts what the order says, in a cgroup when we can: the pid or -errno.
 * Then the entry runs it.
 */
pid_t entry_spawn(struct entry *e, struct spawn_order *order);
void entry_begin(struct entry *e, pid_t pid);

/* Takes over what its child has said of a failed start, when it has ended. */
void entry_note_start(struct entry *e);

/* Its turn has come: the ticket runs. */
void entry_start(struct entry *e);

/*
 * Ends it before its time, wherever it stands: TERM, then KILL to all of it.
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

/* Its child is a zombie: takes the group down, reaps and reports. */
void entry_reap(struct entry *e);

/* LINGERING: gives everything back if nothing is left. false: not yet. */
bool entry_settle(struct entry *e);

/* Owes its worker this frame (enum unsent), and sends it as soon as it can. */
void entry_deliver(struct entry *e, unsigned what);

/* All it had to say is sent. */
void entry_delivered(struct entry *e);

/* The worker behind this link is gone, and what it had started goes. */
void entries_abandon(struct runner *r, struct link *l);
