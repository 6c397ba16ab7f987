/* SPDX-License-Identifier: ISC */
/*
 * wants: the wishes for a process of a pool: how many each worker has, which
 * worker is next, and which has still to hear that there is none.
 *
 * Counts by worker: no clock, no descriptor, no process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"

#define WANTS_MAX_WORKERS (CONF_MAX_WORKERS + 1)

struct wants {
	uint32_t of[WANTS_MAX_WORKERS];	/* by worker: requests that wait there */
	uint32_t all;
	uint16_t turn;			/* the worker served last */
	bool is_refused[WANTS_MAX_WORKERS];	/* by worker: not told yet */
	uint32_t n_refused;
};

/* Adds a wish of this worker; false: it cannot have so many requests. */
bool wants_add(struct wants *w, uint16_t worker);

/*
 * Takes a wish off for a process that is there: returns the worker that gets
 * it, each in turn. At least one wish must be open.
 */
uint16_t wants_serve(struct wants *w);

/* Marks all wishes as not to be fulfilled. */
void wants_refuse(struct wants *w);

/* Marks the wishes of one worker so. */
void wants_refuse_one(struct wants *w, uint16_t worker);

/* Notes that this worker has been told so. */
void wants_told(struct wants *w, uint16_t worker);

/* Drops the wishes of a worker that is gone. */
void wants_forget(struct wants *w, uint16_t worker);

/* Moves the wishes for the old pool to its heir. */
void wants_inherit(struct wants *heir, struct wants *old);
