/* SPDX-License-Identifier: ISC */
/*
 * quota: the limits that roles set for a caller: on calls begun in a span, on calls and
 * connections at a time. Each caller is counted by each role, over all workers.
 *
 * A caller is a login or an account; of whom only the address is known, it is a party
 * (net/party), as a caller may choose among many addresses.
 */
#pragma once

#include <stdint.h>

#include "base/share.h"
#include "conf/access.h"

struct net_desk;
struct peer_identity;

/* Room for the words of a refusal. */
#define QUOTA_TEXT 200

/* The calls and connections of one caller by one role. */
struct holder {
	struct share share;	/* a hold for each call and connection */
	struct net_desk *net;
	uint64_t key;		/* in the tally */
	uint32_t n_conns, n_calls;
};

/*
 * Counts a call of this service, which is about to begin. 0 with what is to be given back
 * when the call ends (NULL: nothing); -EBUSY with the reason for the caller, or -ENOMEM.
 * The roles of who are those of the rules in force.
 */
int quota_begin_call(struct net_desk *net, const struct peer_identity *who,
    const struct service *s, struct holder **ret, char why[static QUOTA_TEXT]);

/* A call has ended. Accepts NULL. Returns NULL. */
struct holder *quota_end_call(struct holder *h);

/*
 * Counts a connection of the caller by this role; more than the role allows is refused if
 * there is a why: -EBUSY. 0 or -ENOMEM as well.
 */
int quota_join(struct net_desk *net, const struct peer_identity *who, const struct role *role,
    struct holder **ret, char *why);

/* A connection has ended, or is another caller's. Accepts NULL. Returns NULL. */
struct holder *quota_leave(struct holder *h);

/* True if the holder is this caller by this role. */
bool quota_is_of(const struct holder *h, const struct peer_identity *who,
    const struct role *role);
