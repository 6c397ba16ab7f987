/* SPDX-License-Identifier: ISC */
/*
 * cancel: CANCEL of a request by whoever owns it, through any worker.
 *
 * Of a command the broker decides itself. The call of a handler is known only
 * to the worker that has it, which is asked; the one that wants to know has
 * at most one such question open, so that nothing is kept but that.
 */
#pragma once

#include <stdint.h>

#include "ipc/frame.h"

struct link;

enum cancel_state {
	CANCEL_NONE,
	CANCEL_UNSENT,		/* to be sent to the other worker */
	CANCEL_SENT,
	CANCEL_DECIDED,		/* ask.cancel.found says how */
};

/* The question of one worker. */
struct cancel {
	enum cancel_state state;
	uint16_t to;		/* whom it is passed on to */
	struct frame ask;
};

/* CANCEL_OWNED from a worker. What is wrong with it, or NULL. */
const char *cancel_ask(struct link *l, const struct frame *f);

/* CANCELLED from a worker that was asked. */
const char *cancel_answer(struct link *l, const struct frame *f);

/* The link takes frames again. */
void cancel_flush(struct link *l);

/* It is closed. */
void cancel_abandon(struct link *l);
