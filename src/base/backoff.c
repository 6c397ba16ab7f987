/* SPDX-License-Identifier: ISC */
/* backoff: counts deaths and doubles the delay. */
#include "config.h"

#include "base/backoff.h"

#include "base/clock.h"

#define WINDOW_USEC (10 * USEC_PER_SEC)
#define FIRST_USEC (100 * USEC_PER_MSEC)
#define LAST_USEC (60 * USEC_PER_SEC)

uint64_t
backoff_after_death(struct backoff *b, bool served, uint64_t now_usec, uint32_t random)
{
	bool third = b->deaths[1] != 0 && now_usec - b->deaths[1] < WINDOW_USEC;
	bool quiet = b->deaths[0] == 0 || now_usec - b->deaths[0] > WINDOW_USEC + b->delay_usec;

	b->deaths[2] = b->deaths[1];
	b->deaths[1] = b->deaths[0];
	b->deaths[0] = now_usec;
	if (quiet)
		b->delay_usec = 0;
	if (served && !third)
		return 0;

	b->delay_usec = b->delay_usec == 0 ? FIRST_USEC : b->delay_usec * 2;
	if (b->delay_usec > LAST_USEC)
		b->delay_usec = LAST_USEC;
	return b->delay_usec + b->delay_usec / 4 * (random % 1024) / 1024;
}
