/* SPDX-License-Identifier: ISC */
/*
 * hookroom: the room for bodies of deliveries whose signatures are not checked yet. Anybody may
 * send such a body, so all of a worker share the room, and the oldest gives way.
 */
#pragma once

#include <stdint.h>
#include <sys/queue.h>

#define HOOKROOM_MAX (16u << 20)

struct hookroom_guest {
	TAILQ_ENTRY(hookroom_guest) link;
	uint64_t bytes;		/* 0: not there */
	/* The body has to go. Must not leave by itself at once, but later. */
	void (*displace)(struct hookroom_guest *g);
};

TAILQ_HEAD(hookroom_guests, hookroom_guest);

struct hookroom {
	struct hookroom_guests guests;	/* the oldest first */
	uint64_t bytes;
};

void hookroom_init(struct hookroom *r);

/* A body has so many bytes now. Others may be displaced; the body itself where it is alone. */
void hookroom_count(struct hookroom *r, struct hookroom_guest *g, uint64_t bytes);

/* The body is checked, or gone. */
void hookroom_leave(struct hookroom *r, struct hookroom_guest *g);
