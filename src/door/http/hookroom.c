/* SPDX-License-Identifier: ISC */
/* hookroom: counts unverified bodies. */
#include "config.h"

#include "door/http/hookroom.h"

#include <stddef.h>

void
hookroom_init(struct hookroom *r)
{
	TAILQ_INIT(&r->guests);
	r->bytes = 0;
}

void
hookroom_leave(struct hookroom *r, struct hookroom_guest *g)
{
	if (g->bytes == 0)
		return;
	TAILQ_REMOVE(&r->guests, g, link);
	r->bytes -= g->bytes;
	g->bytes = 0;
}

void
hookroom_count(struct hookroom *r, struct hookroom_guest *g, uint64_t bytes)
{
	struct hookroom_guest *oldest;

	if (bytes == 0) {
		hookroom_leave(r, g);
		return;
	}
	if (g->bytes == 0)
		TAILQ_INSERT_TAIL(&r->guests, g, link);
	r->bytes += bytes - g->bytes;
	g->bytes = bytes;
	while (r->bytes > HOOKROOM_MAX && (oldest = TAILQ_FIRST(&r->guests)) != NULL) {
		hookroom_leave(r, oldest);
		oldest->displace(oldest);
	}
}
