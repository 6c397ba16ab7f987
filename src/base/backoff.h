/* SPDX-License-Identifier: ISC */
/*
 * backoff: when may a process that died be started again? Pure (R13).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct backoff {
	uint64_t deaths[3];	/* times of the last ones, newest first */
	uint64_t delay_usec;	/* last delay; 0: none */
};

/*
 * A process died. served: it had been ready. Returns how long to wait before
 * the next start: nothing for an accident; 0.1 s, doubling up to 60 s, for
 * one that died before being ready or for the third time in 10 s. random
 * spreads the delay by up to a quarter.
 */
uint64_t backoff_after_death(struct backoff *b, bool served, uint64_t now_usec, uint32_t random);
