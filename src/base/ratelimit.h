/* SPDX-License-Identifier: ISC */
/*
 * ratelimit: some events in a second pass, others are only counted. For lines of
 * a log that strangers can cause.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct ratelimit {
	uint64_t since_usec;	/* the beginning of this second */
	uint32_t n_passed;	/* events of this second that passed */
	uint64_t n_omitted;	/* events that did not pass since the last that did */
};

/*
 * True if the event at now_usec may pass. Where it does, *ret_omitted is the number of
 * events that did not pass before it.
 */
static inline bool
ratelimit_passes(struct ratelimit *r, uint64_t now_usec, uint32_t per_second,
    uint64_t *ret_omitted)
{
	if (now_usec - r->since_usec >= USEC_PER_SEC) {
		r->since_usec = now_usec;
		r->n_passed = 0;
	}
	if (r->n_passed == per_second) {
		r->n_omitted++;
		return false;
	}
	r->n_passed++;
	*ret_omitted = r->n_omitted;
	r->n_omitted = 0;
	return true;
}
