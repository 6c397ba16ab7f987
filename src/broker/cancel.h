/* SPDX-License-Identifier: ISC */
/*
 * cancel: CANCEL of a request by its owner, through any worker.
 *
 * The broker itself decides about a command. Only a worker knows the call of a
 * handler it has, so the broker asks that worker. A worker has at most one such
 * question open, so nothing else has to be kept.
 */
#pragma once

#include <stdint.h>

#include "base/loop.h"
#include "ipc/frame.h"

struct link;

enum cancel_state {
	CANCEL_NONE,
	CANCEL_UNSENT,		/* to be sent to the other worker */
	CANCEL_SENT,
	CANCEL_DECIDED,		/* ask.cancel.found has the answer */
};

/* The question of one worker. */
struct cancel {
	enum cancel_state state;
	uint16_t to;		/* slot of the worker that is asked */
	struct frame ask;
	struct loop_timer timer;	/* end of the wait for the other worker's answer */
};

void cancel_init(struct link *l);


/* Takes CANCEL_OWNED from a worker. Returns what is wrong with the frame, or NULL. */
const char *cancel_ask(struct link *l, const struct frame *f);

/* Takes CANCELLED from a worker that was asked. Returns as cancel_ask(). */
const char *cancel_answer(struct link *l, const struct frame *f);

/* Sends what waits, as the link takes frames again. */
void cancel_flush(struct link *l);

/* Drops the questions of and to a link that is closed. */
void cancel_abandon(struct link *l);
