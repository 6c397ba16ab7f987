/* SPDX-License-Identifier: ISC */
/*
 * clock: time in microseconds. All waits and measurements use the monotonic
 * clock; the wall clock is for records only.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_NEVER UINT64_MAX

static inline uint64_t
clock_read_usec(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);	/* cannot fail for these clocks */
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* Reads CLOCK_MONOTONIC, which is the same in every process of the machine. */
static inline uint64_t
clock_usec(void)
{
	return clock_read_usec(CLOCK_MONOTONIC);
}

/* Reads CLOCK_REALTIME, microseconds since 1970. */
static inline uint64_t
clock_wall_usec(void)
{
	return clock_read_usec(CLOCK_REALTIME);
}
