/* SPDX-License-Identifier: ISC */
/*
 * wants: who waits for a process of a pool: how many each worker wants, whose
 * turn it is, and who is still to hear that there are none to be had.
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
	bool is_refused[WANTS_MAX_WORKERS];	/* by worker: it has not been told yet */
	uint32_t n_refused;
};

/* This worker wants one more; false: it cannot have so many requests. */
bool wants_add(struct wants *w, uint16_t worker);

/* One is there: the worker that gets it, each in turn. Somebody must want one. */
uint16_t wants_serve(struct wants *w);

/* Nobody who waits will get one. */
void wants_refuse(struct wants *w);

/* This worker has been told so. */
void wants_told(struct wants *w, uint16_t worker);

/* This worker is gone. */
void wants_forget(struct wants *w, uint16_t worker);

/* Who waits with the old ones waits with the heir from now on. */
void wants_inherit(struct wants *heir, struct wants *old);
