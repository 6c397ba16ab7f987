/* SPDX-License-Identifier: ISC */
/*
 * penalty: sources whose logins have failed have to wait. The third failure in ten
 * minutes costs five seconds; each further one doubles that, up to ten minutes. Ten
 * minutes without a failure, and all is forgotten. There is no penalty for a login:
 * anybody could lock its owner out.
 *
 * Policy only: no clock, no descriptors.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/digest.h"

#define PENALTY_FAILURES 3
#define PENALTY_FIRST_USEC (5 * USEC_PER_SEC)
#define PENALTY_LAST_USEC (600 * USEC_PER_SEC)
/* Failures further apart do not count together. */
#define PENALTY_MEMORY_USEC (600 * USEC_PER_SEC)

/* A source has its place in one of so many sets; in a full set the oldest one goes. */
#define PENALTY_SETS 8192
#define PENALTY_WAYS 8

struct penalty {
	struct penalty_source {
		struct digest source;
		uint64_t failed_usec[PENALTY_FAILURES - 1];	/* the last ones, newest first */
		uint64_t until_usec;	/* the end of the last penalty; 0: there was none */
		uint64_t span_usec;	/* length of that penalty */
	} *sources;	/* NULL: nothing has failed yet */
};

void penalty_init(struct penalty *p);
void penalty_done(struct penalty *p);

/* The time that the source still has to wait; 0: none. */
uint64_t penalty_left(const struct penalty *p, const struct digest *source, uint64_t now_usec);

/* A login from the source has failed. Without memory nothing is noted. */
void penalty_fail(struct penalty *p, const struct digest *source, uint64_t now_usec);
