/* SPDX-License-Identifier: ISC */
/*
 * party: callers that count as one where something is shared, and what they have of
 * this worker: connections, bytes that are kept for them, room for arguments.
 *
 * A party is an account, an IPv4 address, the whole of loopback, or an IPv6 network of
 * 64 bits: a caller that can choose among many addresses is no richer for that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/share.h"

struct caller;

/* Bytes of one connection or call that may be kept in any case. */
#define PARTY_FREE 4096u

struct parties {
	struct shares shares;
	struct shares seats;		/* a hold for each connection, by party and listener */
	uint64_t bytes, max_bytes;	/* kept for all; 0: no limit */
	bool has_freed;			/* bytes have become fewer since the owner looked */
};

struct party {
	struct share share;		/* a hold for each connection and identity */
	struct parties *all;
	uint32_t n_conns;
	uint32_t n_places;		/* of jobs */
	uint64_t bytes;
};

/* The name of the party of a caller. */
void caller_party(const struct caller *who, struct digest *ret);

void parties_init(struct parties *all);

/* Returns the party of that name with a new reference. NULL without memory. */
struct party *party_get(struct parties *all, const struct digest *name);

/* Adds a reference and returns the party; drops one and returns NULL. Both accept NULL. */
struct party *party_ref(struct party *p);
struct party *party_unref(struct party *p);

/* True if more bytes may be kept for this party. Without a party there is no limit. */
static inline bool
party_may_keep(const struct party *p, uint64_t more)
{
	const struct parties *all;

	if (p == NULL || p->all->max_bytes == 0)
		return true;
	all = p->all;
	return all->bytes < all->max_bytes &&
	    share_allows(p->bytes, all->max_bytes - all->bytes, more);
}

/* Counts the bytes that one thing keeps: *kept so far, now from here on. */
void party_keep(struct party *p, uint64_t *kept, uint64_t now);
