/* SPDX-License-Identifier: ISC */
/*
 * lanes: the queue of passwords that wait to be checked. A login that has succeeded from
 * its source before goes before all others, and takes the place of one of them in a full
 * queue: a flood of guesses does not keep out those who know their password.
 *
 * Policy only: no clock, no descriptors. The owner keeps what waits, by place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

#define LANES_QUEUE 32
#define LANES_PER_SOURCE 2

/* Pairs of login and source that are remembered: sets of so many; the oldest one goes. */
#define LANES_SETS 512
#define LANES_WAYS 8

struct lanes {
	struct {
		struct digest source, pair;
		uint64_t order;		/* 0: the place is free */
		bool is_known;
	} places[LANES_QUEUE];
	size_t n;
	uint64_t n_put;
	uint64_t next_usec;		/* no check begins before */
	struct {
		struct digest pair;
		uint64_t used;		/* n_put of its last success; 0: free */
	} known[LANES_SETS * LANES_WAYS];
};

enum lanes_verdict {
	LANES_TAKEN,
	LANES_OUSTS,	/* taken, and what waited in this place before gets a no */
	LANES_FULL,	/* not taken: the queue is full, or has enough of this source */
};

/* Puts one more into the queue. *ret_place is set unless the verdict is LANES_FULL. */
enum lanes_verdict lanes_put(struct lanes *l, const struct digest *source,
    const struct digest *pair, size_t *ret_place);

/*
 * Takes the next one out of the queue. Returns its place, or -1: there is none, or its
 * time (next_usec) has not come. Checks begin no closer than interval_usec.
 */
int lanes_take(struct lanes *l, uint64_t now_usec, uint64_t interval_usec);

/* The login in this place waits no more. */
void lanes_drop(struct lanes *l, size_t place);

/* A login of this pair has succeeded. */
void lanes_remember(struct lanes *l, const struct digest *pair);

/* The seconds until the queue is empty, at least 1: the advice for those not taken. */
uint32_t lanes_seconds(const struct lanes *l, uint64_t interval_usec);
