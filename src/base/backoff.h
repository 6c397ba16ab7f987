/* SPDX-License-Identifier: ISC */
/*
 * backoff: the delay before a process that died may be started again. Pure: the
 * caller gives the time and the random number.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct backoff {
	uint64_t deaths[3];	/* times of the last three deaths, newest first */
	uint64_t delay_usec;	/* the last delay; 0: none */
};

/*
 * Notes a death. served: the process had been ready. Returns the delay before
 * the next start: 0 for an accident; 0.1 s, doubling up to 60 s, for a process
 * that died before it was ready or for the third time in 10 s. random spreads
 * the delay by up to a quarter.
 */
uint64_t backoff_after_death(struct backoff *b, bool served, uint64_t now_usec, uint32_t random);
