/* SPDX-License-Identifier: ISC */
/*
 * share: the division of things that many parties use, and a count of what each
 * party has.
 *
 * A party may take more while it has less than three times what is free. So a
 * party alone gets three quarters, parties that all want everything get equal
 * parts, and a party that has nothing always finds something free.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/digest.h"

#define SHARE_WEIGHT 3
#define SHARE_BUCKETS 1024

/* True if a party that has own may take more, when there are free. */
static inline bool
share_allows(uint64_t own, uint64_t free, uint64_t more)
{
	return more <= free && own / SHARE_WEIGHT < free;
}

/* The most that a party alone can get of all. */
static inline uint64_t
share_most(uint64_t all)
{
	return all - all / (SHARE_WEIGHT + 1);
}

/* One party. A larger struct may begin with it. */
struct share {
	LIST_ENTRY(share) next;		/* in its bucket, or free */
	struct digest party;
	uint64_t of;			/* the thing that is shared, where there are several */
	uint32_t n;			/* the number of holds: 0: free */
};

LIST_HEAD(share_list, share);

struct shares {
	char *slots;			/* NULL: each share is allocated */
	size_t n_slots, n_touched, size;
	struct share_list free;
	struct share_list buckets[SHARE_BUCKETS];
	uint64_t seed[2];
};

/*
 * Starts with none. slots is zeroed memory for n structs of this size, borrowed,
 * and nothing is allocated; NULL: each struct is allocated and freed.
 */
void shares_init(struct shares *t, void *slots, size_t n, size_t size);

/* The share of a party; NULL: it holds nothing. */
struct share *shares_find(struct shares *t, const struct digest *party, uint64_t of);

/* The number of holds of a party. */
static inline uint32_t
shares_count(struct shares *t, const struct digest *party, uint64_t of)
{
	const struct share *s = shares_find(t, party, of);

	return s == NULL ? 0 : s->n;
}

/*
 * Returns the share of this party with a new reference, for shares_put(). NULL: no memory.
 * What follows a new share is zero.
 */
struct share *shares_get(struct shares *t, const struct digest *party, uint64_t of);

/* Drops a reference; the last one frees the share. Accepts NULL. Returns NULL. */
struct share *shares_put(struct shares *t, struct share *s);
