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

#include "base/loop.h"
#include "ipc/frame.h"

struct call_link_ops;
struct leases;
struct worker;

struct runnerlink_message;
struct runnerlink_cancel;

struct runnerlink {
	struct loop_io io;	/* fd -1: no runner */
	TAILQ_HEAD(runnerlink_messages, runnerlink_message) unsent;
	TAILQ_HEAD(runnerlink_cancels, runnerlink_cancel) cancels;	/* wait for CANCELLED */
};

void runnerlink_init(struct runnerlink *l);

/* Closes it and forgets what waits; calls are not told. */
void runnerlink_done(struct worker *w);

/* A (new) runner; takes fd. What the old one held is lost. */
void runnerlink_attach(struct worker *w, int fd);

/* What calls and leases want of the runner. */
extern const struct call_link_ops runnerlink_ops;
int runnerlink_post_lease(struct leases *ls, const struct frame *f);
