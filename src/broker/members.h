/* SPDX-License-Identifier: ISC */
/*
 * members: the processes of a pool, in the order of their use, and how many
 * of them are what.
 *
 * The counts are right because nothing else changes what is counted: the
 * state of a handler, whether it is worn, whether it is proven.
 */
#pragma once

#include <stdint.h>

#include "broker/table.h"

struct members {
	struct entry_list list;	/* the one used last first */
	uint32_t all;
	uint32_t coming;	/* STARTING, NEW or PROBED */
	uint32_t idle;
	uint32_t leased;
	uint32_t worn;		/* of the idle and the leased */
	uint32_t unproven;	/* may still turn out to be of no use */
};

void members_init(struct members *m);

/* A new one, to be used after all others. */
void members_add(struct members *m, struct entry *e);

/* It is GONE from now on. */
void members_remove(struct members *m, struct entry *e);

void members_set_state(struct members *m, struct entry *e, enum handler_state state);
void members_set_worn(struct members *m, struct entry *e, bool is_worn);
void members_set_proven(struct members *m, struct entry *e);

/* The one used last is used next, so that the others may rest and leave. */
void members_put_first(struct members *m, struct entry *e);

/* One that is NEW, or NULL. */
struct entry *members_find_new(const struct members *m);

/* An idle one, one that is not worn if possible; or NULL. */
struct entry *members_find_idle(const struct members *m);

/* How many have come up: they are lent, or could be. */
static inline uint32_t
members_up(const struct members *m)
{
	return m->idle + m->leased;
}
