/* SPDX-License-Identifier: ISC */
/*
 * runnerlink: the worker's channel to the runner.
 *
 * What cannot be sent now (the runner is behind, or a new one is being
 * started) waits here in order, so that the death of the runner costs only
 * what it held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/digest.h"
#include "base/loop.h"
#include "base/slice.h"
#include "ipc/frame.h"

struct call;
struct worker;

struct runnerlink_message;
struct runnerlink_cancel;

struct runnerlink {
	struct loop_io io;	/* fd -1: no runner */
	TAILQ_HEAD(runnerlink_messages, runnerlink_message) unsent;
	TAILQ_HEAD(runnerlink_cancels, runnerlink_cancel) cancels;	/* waiting for CANCELLED */
};

void runnerlink_init(struct runnerlink *l);

/* Closes it and forgets what waits; calls are not told. */
void runnerlink_done(struct worker *w);

/* A (new) runner; takes fd. What the old one held is lost. */
void runnerlink_attach(struct worker *w, int fd);

/*
 * Hands a call over; takes the descriptors in every case. 0 or -ENOMEM.
 */
int runnerlink_run(struct worker *w, struct call *call, int fds[], size_t n_fds);

/* A frame without descriptors. 0 or -ENOMEM. */
int runnerlink_post(struct worker *w, const struct frame *f);

/* Takes a call back that is still waiting to be sent. */
void runnerlink_withdraw(struct worker *w, struct call *call);

/* Ends a call of ours. */
void runnerlink_cancel(struct worker *w, uint64_t id, enum cancel_reason reason);

/* Whether there was such a call, which is cancelled then. */
typedef void runnerlink_cancelled_fn(void *who, bool found);

/*
 * CANCEL of any worker's call by its owner: who is told by fn, later. 0, or
 * -ENOMEM without having done anything.
 */
int runnerlink_cancel_owned(struct worker *w, uint64_t id, const struct digest *token,
    const struct digest *owner, runnerlink_cancelled_fn *fn, void *who);

/* Nobody there wants an answer any more. */
void runnerlink_forget(struct runnerlink *l, const void *who);

/* The result of a call with --id; takes fd. */
void runnerlink_deposit(struct worker *w, uint64_t id, int fd);
