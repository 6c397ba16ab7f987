/* SPDX-License-Identifier: ISC */
/*
 * members: the processes of a pool, in the order of their use, and counts by
 * state.
 *
 * The counts stay right because only these functions change what is counted:
 * the state of a handler, whether it is worn, whether it is proven.
 */
#pragma once

#include <stdint.h>

#include "broker/table.h"

struct members {
	struct entry_list list;	/* the one used last comes first */
	uint32_t all;
	uint32_t coming;	/* STARTING, NEW or PROBED */
	uint32_t idle;
	uint32_t leased;
	uint32_t worn;		/* of the idle and the leased */
	uint32_t unproven;	/* processes that may still turn out useless */
};

void members_init(struct members *m);

/* Adds a new process, to be used after all others. */
void members_add(struct members *m, struct entry *e);

/* Takes a process out: it is GONE from now on. */
void members_remove(struct members *m, struct entry *e);

void members_set_state(struct members *m, struct entry *e, enum handler_state state);
void members_set_worn(struct members *m, struct entry *e, bool is_worn);
void members_set_proven(struct members *m, struct entry *e);

/*
 * Moves a process to the front. The one used last is used next, so that the
 * others may rest and leave.
 */
void members_put_first(struct members *m, struct entry *e);

/* A process that is NEW, or NULL. */
struct entry *members_find_new(const struct members *m);

/* An idle process, preferably one that is not worn; or NULL. */
struct entry *members_find_idle(const struct members *m);

/* The number of processes that have come up: they are lent, or could be. */
static inline uint32_t
members_up(const struct members *m)
{
	return m->idle + m->leased;
}
