/* SPDX-License-Identifier: ISC */
/*
 * pace: a limit for each source on beginning something that costs us more than it costs the
 * source, as a TLS handshake: so many a second, and those of five seconds at once.
 *
 * A source that has been slow enough is not remembered, which changes nothing for it. So
 * the memory is fixed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

#define PACE_SLOTS 4096
#define PACE_BURST_USEC 5000000u

struct pace {
	/* The source could begin at this time if it had to keep an even pace. */
	struct pace_slot {
		struct digest source;
		uint64_t next_usec;
	} *slots;		/* NULL: none has begun yet */
	uint64_t seed[2];
};

void pace_init(struct pace *p);
void pace_done(struct pace *p);

/*
 * True if the source may begin now, once in each interval in the long run; it is counted
 * then. True without memory.
 */
bool pace_allows(struct pace *p, const struct digest *source, uint64_t interval_usec,
    uint64_t now_usec);
